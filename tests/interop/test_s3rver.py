"""Objects into s3rver (npm), which checks signatures of version 4, and read back from it."""
import gzip
import json
import pathlib
import socket
import subprocess
import tempfile
import unittest

from fleet import need_node_module
from gateway import Gateway, wait_for
from peers import Client

HERE = pathlib.Path(__file__).parent
KEY = "S3RVER"  # Both halves of the key that s3rver knows.


def setUpModule():
    need_node_module("s3rver")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class S3rver(unittest.TestCase):
    def archive(self, key):
        """What the sink says at last, and the objects that s3rver keeps as files."""
        with tempfile.TemporaryDirectory(prefix="weir-s3-") as folder:
            port = free_port()
            server = subprocess.Popen(
                ["node_modules/.bin/s3rver", "-d", folder, "-a", "127.0.0.1", "-p", str(port), "--configure-bucket", "cold", "-s"],
                cwd=HERE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_for("s3rver", lambda: answers(port))
                with Gateway(files={
                    "rules.d/hot.sql": None, "streams.d/all.yaml": "stream: all\n",
                    "rules.d/all.sql": "---\nto: [{stream: all}]\n---\nSELECT n FROM 'data/+/n'\n",
                    "sinks.d/key": key,
                    "sinks.d/cold.yaml": f"sink: cold\ntype: s3\nstream: all\nendpoint: http://127.0.0.1:{port}\nbucket: cold\n"
                                         "auth: {access_key: {file: id}, secret_key: {file: key}}\nbatch: {records: 5}\n",
                    "sinks.d/id": KEY,
                }) as gateway:
                    with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                        probe.connect(gateway.ports["front"])
                        for n in range(10):
                            probe.publish("data/probe-1/n", {"n": n}, qos=1)
                    row = wait_for("an outcome", lambda: outcome(gateway))
                return row, [path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*_object"))]
            finally:
                server.terminate()
                server.wait()

    def test_it_takes_our_objects(self):
        row, objects = self.archive(KEY)
        self.assertEqual((row["objects"], row["failures"]), (2, 0), row["last_error"])
        lines = [json.loads(line) for each in objects for line in gzip.decompress(each).splitlines()]
        self.assertEqual([line["payload"]["n"] for line in lines], list(range(10)))


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


def outcome(gateway):
    row = next(each for each in gateway.json("sinks", "list") if each["name"] == "cold")
    return row if row["delivered"] == 10 or row["last_error"] else None


if __name__ == "__main__":
    unittest.main()
