"""docs/examples.md is true: each example's files are a configuration, and its messages lead to what it says.

A fenced block is `language role argument`: a file (its path), `publish TOPIC`, `receives` (an HTTP sink), `stream NAME`, `object BUCKET/NAME`,
`file NAME`, `subscriber TOPIC`. "*" in a value stands for any, in a name for what is no slash.
"""
import fnmatch
import gzip
import json
import pathlib
import re
import tempfile
import unittest

from gateway import Gateway, wait_for
from peers import Client, Receiver
from s3_server import ACCESS_KEY, SECRET_KEY, S3

EXAMPLES = pathlib.Path(__file__).parent.parent.parent / "docs/examples.md"


def sections():
    """(title, [(role, argument, text)])"""
    for section in EXAMPLES.read_text().split("\n## ")[1:]:
        blocks = []
        for info, text in re.findall(r"^```(.*)\n((?:.*\n)*?)```$", section, re.M):
            words = info.split(None, 2)[1:]
            if len(words) == 1 and "/" in words[0]:
                blocks.append(("path", words[0], text))
            else:
                blocks.append((words[0], words[1] if len(words) > 1 else "", text))
        yield section.splitlines()[0], blocks


def matches(expected, got):
    if expected == "*":
        return True
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(matches(expected[key], got[key]) for key in expected)
    return expected == got


class Examples(unittest.TestCase):
    def same(self, text, got):
        expected = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(len(expected), len(got), got)
        for want, have in zip(expected, got):
            self.assertTrue(matches(want, have), f"{have} is not {want}")

    def run_example(self, blocks):
        with Receiver() as receiver, S3(bucket="lake") as s3, tempfile.TemporaryDirectory(prefix="weir-example-") as archive:
            files = {path: text.replace("https://chat.example", f"http://127.0.0.1:{receiver.port}")
                               .replace("https://s3.example", f"http://127.0.0.1:{s3.port}").replace("/srv/archive", archive)
                     for role, path, text in blocks if role == "path"}
            files |= {"rules.d/hot.sql": None, "sinks.d/lake.key-id": ACCESS_KEY, "sinks.d/lake.key": SECRET_KEY}
            with Gateway(files=files) as gateway:
                places = [line for line in gateway.cli("check").stderr.splitlines() if line.lstrip().startswith("-->")]
                self.assertEqual([place for place in places if "policies.d/open.yaml" not in place], [], "warnings of the example")
                for role, argument, text in blocks:
                    with self.subTest(role=role, argument=argument):
                        if role != "path":
                            getattr(self, "check_" + role)(gateway, argument, text, receiver=receiver, s3=s3, archive=archive)

    def check_publish(self, gateway, topic, text, **_):
        name = topic.split("/")[-1]
        policy = "rollout" if name == "rollout" else "fleet"
        with Client(name, folder=gateway.device(name, policy=policy)) as client:
            client.connect(gateway.ports["front"])
            for line in text.splitlines():
                client.publish(topic, line, qos=1)

    def check_receives(self, _gateway, _argument, text, receiver, **_):
        self.same(text, [json.loads(receiver.next()["body"]) for _ in text.splitlines()])
        self.assertTrue(receiver.requests.empty())

    def check_stream(self, gateway, name, text, **_):
        self.same(text, [record["payload"] for record in gateway.stream(name)])

    def check_object(self, _gateway, name, text, s3, **_):
        pattern = name.split("/", 1)[1]
        found = wait_for(name, lambda: fnmatch.filter(s3.objects, pattern))
        self.assertEqual(s3.refused, [])
        self.assertEqual(found, list(s3.objects))
        lines = gzip.decompress(s3.objects[found[0]]).decode()
        self.same(text, [json.loads(line) for line in lines.splitlines()])
        self.assertIn("22.00", lines, "digits are kept")

    def check_file(self, _gateway, pattern, text, archive, **_):
        found = wait_for(pattern, lambda: list(pathlib.Path(archive).glob(pattern)))
        self.assertEqual(found[0].read_bytes().decode().replace("\r\n", "\n"), text)

    def check_subscriber(self, gateway, topic, text, **_):
        environment = topic.split("/")[1]
        name = "device-of-" + environment
        out = gateway.home / "devices" / name
        gateway.cli("devices", "create", name, "--policy", "fleet", "--attribute", f"environment={environment}", "--out", str(out))
        with Client(name, folder=out) as client:
            client.connect(gateway.ports["front"])
            self.assertGreaterEqual(client.subscribe("config/other", 1)[0], 0x80, "of others")
            self.assertEqual(client.subscribe(topic, 1), [1])
            message = client.receive()
            self.assertTrue(message.retain)
            self.assertEqual(message.properties.ContentType, "application/json")
            self.same(text, [json.loads(message.payload)])


def add(number, title, blocks):
    name = "test_%d_%s" % (number, re.sub(r"\W+", "_", title.lower()))
    setattr(Examples, name, lambda self: self.run_example(blocks))


for number, (title, blocks) in enumerate(sections(), 1):
    add(number, title, blocks)


if __name__ == "__main__":
    unittest.main()
