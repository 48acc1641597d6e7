"""A disk that fills up under a running gateway and is freed again: no acknowledgement without a record, and no restart.

The data directory is on a small file system of the gateway's own mount namespace, which takes root or user namespaces.
"""
import contextlib
import pathlib
import queue
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
from gateway import DEADLINE_S, Gateway, wait_for  # noqa: E402
from peers import V311, V5, Client  # noqa: E402

IN_NAMESPACE = ["unshare", "--mount", "--map-root-user", "sh", "-c"]
RULE = "---\nto: [{stream: all}]\n---\nSELECT n FROM 'data/+/n'\n"
DISK_MIB = 160
FILL_MIB = 110  # Less than the 64 MiB that the storage wants are left.


def can_mount():
    with contextlib.suppress(OSError):
        return subprocess.run([*IN_NAMESPACE, "mount -t tmpfs tmpfs /mnt"], capture_output=True).returncode == 0
    return False


@unittest.skipUnless(can_mount(), "no mount namespaces here")
class DiskFull(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway(files={"rules.d/all.sql": RULE, "streams.d/all.yaml": "stream: all\n"}, start=False)
        self.gateway.__enter__()
        self.addCleanup(self.gateway.__exit__)
        self.probe_folder = self.gateway.device("probe-1")
        self.other_folder = self.gateway.device("probe-2", policy="open")
        data = self.gateway.home / "data"
        data.rename(f"{data}.kept")
        data.mkdir()
        self.start()

    def start(self, ballast_mib=0):
        data = self.gateway.home / "data"
        self.gateway.wrap = [*IN_NAMESPACE, f'mount -t tmpfs -o size={DISK_MIB}m tmpfs "{data}" && cp -a "{data}.kept/." "{data}" && '
                                            f'head -c {ballast_mib}M /dev/zero > "{data}/ballast" && exec "$@"', "sh"]
        self.gateway.start()
        self.ballast = pathlib.Path(f"/proc/{self.gateway.process.pid}/root{data}/ballast")

    def fill(self):
        self.ballast.write_bytes(bytes(FILL_MIB << 20))

    def ready(self):
        with contextlib.suppress(urllib.error.HTTPError):
            return urllib.request.urlopen(f"http://127.0.0.1:{self.gateway.ports['metrics']}/readyz", timeout=DEADLINE_S).status == 200
        return False

    def health(self):
        return self.gateway.json("status")["storage"]["state"]

    def test_publishers_hear_no_until_there_is_room_and_nothing_acknowledged_is_missing(self):
        acknowledged, refused = [], []
        with Client("probe-1", version=V5, folder=self.probe_folder) as probe, \
                Client("probe-2", version=V311, folder=self.other_folder) as other:
            probe.connect(self.gateway.ports["front"])
            other.connect(self.gateway.ports["front"])
            other.subscribe("free/#")
            codes = queue.Queue()
            # paho 1.6 does not hand out the reason code of a PUBACK; it is read where paho parses the packet.
            handle = probe.paho._handle_pubackcomp

            def handle_puback(command):
                body = bytes(probe.paho._in_packet["packet"])
                codes.put((int.from_bytes(body[:2], "big"), body[2] if len(body) > 2 else 0))
                return handle(command)
            probe.paho._handle_pubackcomp = handle_puback

            def publish(n):
                info = probe.paho.publish("data/probe-1/n", f'{{"n":{n}}}', 1)
                mid, code = codes.get(timeout=DEADLINE_S)
                self.assertEqual(mid, info.mid)
                (acknowledged if code < 0x80 else refused).append(n)
                return code < 0x80

            self.assertTrue(all(publish(n) for n in range(50)))
            self.assertTrue(self.ready())

            self.fill()
            wait_for("the storage to notice", lambda: self.health() == "disk_full")
            self.assertFalse(publish(50), "acknowledged without room")
            self.assertFalse(self.ready())
            self.assertEqual(self.gateway.wait_event("storage_disk_full")["level"], "error")
            self.assertRegex(self.gateway.cli("status").stdout, r"disk +\S+ \S+ free, full, full in 0m 0s at this rate")
            page = urllib.request.urlopen(f"http://127.0.0.1:{self.gateway.ports['metrics']}/metrics", timeout=DEADLINE_S).read().decode()
            self.assertIn("\nweir_storage_full_in_seconds 0\n", page)
            # What needs no disk goes on, and what is stored can be read.
            other.publish("free/1", b"live")
            self.assertEqual(other.receive().payload, b"live")
            other.publish("free/2", b"acknowledged", qos=1)
            self.assertEqual(other.receive().payload, b"acknowledged")
            self.assertEqual(len(self.gateway.stream("all")), 50)

            self.ballast.unlink()
            wait_for("the storage to go on", lambda: self.health() == "ok")
            self.assertTrue(self.ready())
            self.assertTrue(all(publish(n) for n in range(51, 101)))
            stored = [record["payload"]["n"] for record in self.gateway.stream("all")]
        self.assertEqual(stored, acknowledged)
        self.assertEqual(refused, [50])
        self.assertEqual(self.gateway.metric(r"weir_lost_total\{.*storage_failed.*\}"), 1)

    def test_a_start_on_a_full_disk_serves_what_needs_no_disk_and_stores_again_when_there_is_room(self):
        self.gateway.stop()
        self.start(FILL_MIB)
        self.assertEqual(self.gateway.wait_event("metering_waits")["level"], "error")
        self.assertEqual(self.health(), "disk_full")
        self.assertFalse(self.ready())
        with Client("probe-2", version=V311, folder=self.other_folder) as other:
            other.connect(self.gateway.ports["front"])
            other.subscribe("free/#")
            other.publish("free/1", b"live", qos=1)
            self.assertEqual(other.receive().payload, b"live")
            self.assertEqual(self.gateway.stream("all"), [])

            self.ballast.unlink()
            wait_for("the storage to go on", lambda: self.health() == "ok")
            with Client("probe-1", version=V5, folder=self.probe_folder) as probe:
                probe.connect(self.gateway.ports["front"])
                probe.publish("data/probe-1/n", b'{"n":1}', qos=1)
        self.assertEqual([record["payload"]["n"] for record in self.gateway.stream("all")], [1])
        wait_for("usage to be stored", lambda: "probe-2" in self.gateway.cli("usage").stdout)

    def test_an_old_client_is_disconnected_and_its_message_arrives_later(self):
        with Client("probe-1", version=V311, folder=self.probe_folder, clean=False, reconnect=True) as probe:
            probe.connect(self.gateway.ports["front"])
            self.fill()
            wait_for("the storage to notice", lambda: self.health() == "disk_full")
            info = probe.paho.publish("data/probe-1/n", '{"n":1}', 1)
            probe.disconnects.get(timeout=DEADLINE_S)
            self.assertFalse(info.is_published())
            self.ballast.unlink()
            info.wait_for_publish(DEADLINE_S)  # paho connects again and repeats it.
            self.assertTrue(info.is_published())
        self.assertIn(1, [record["payload"]["n"] for record in self.gateway.stream("all")])


if __name__ == "__main__":
    unittest.main()
