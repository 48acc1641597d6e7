"""What survives a restart and a kill: sessions, subscriptions, queues, retained messages, wills."""
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from gateway import CONFIG, Gateway, wait_for  # noqa: E402
from peers import V5, V311, Client, PacketTypes, properties  # noqa: E402


class Durable(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway()) if hasattr(self, "enterContext") else Gateway().__enter__()
        if not hasattr(self, "enterContext"):
            self.addCleanup(self.gateway.__exit__)
        self.folders = {name: self.gateway.device(name, policy="open") for name in ("a", "b")}

    def client(self, name, connect=True, **options):
        made = Client(name, folder=self.folders[name], **options)
        self.addCleanup(made.close)
        flags, code, props = made.connect(self.gateway.ports["front"])
        self.assertEqual(getattr(code, "value", code), 0)
        return made, flags["session present"]

    def restart(self, kill):
        self.gateway.kill() if kill else self.gateway.stop()
        self.gateway.start()

    def test_session_queue_and_order(self):
        for kill in (False, True):
            with self.subTest(kill=kill):
                sub, _ = self.client("a", version=V311, clean=False)
                sub.subscribe("t/#", 2)
                sub.close()
                self.gateway.wait_offline("a")
                pub, _ = self.client("b", version=V311)
                for n in range(300):
                    pub.publish("t/x", f"{kill}{n}", 1 + n % 2)
                pub.close()
                self.restart(kill)
                self.assertEqual(self.gateway.metric("weir_queued"), 300)
                sub, present = self.client("a", version=V311, clean=False)
                self.assertEqual(present, 1)
                got = [sub.receive() for _ in range(300)]
                for qos in (1, 2):
                    self.assertEqual([m.payload.decode() for m in got if m.qos == qos],
                                     [f"{kill}{n}" for n in range(300) if 1 + n % 2 == qos])
                wait_for("an empty queue", lambda: self.gateway.metric("weir_queued") == 0)
                sub.close()

    def test_retained_messages(self):
        pub, _ = self.client("b")
        pub.publish("r/1", b"kept", 1, retain=True)
        pub.publish("r/2", b"cleared", 1, retain=True)
        pub.publish("r/2", b"", 1, retain=True)
        pub.publish("r/3", b"short", 1, retain=True, props=properties(PacketTypes.PUBLISH, MessageExpiryInterval=1))
        pub.close()
        self.restart(kill=True)
        wait_for("the expiry", lambda: self.gateway.metric("weir_retained") == 1)
        sub, _ = self.client("a")
        sub.subscribe("r/#", 1)
        message = sub.receive()
        self.assertEqual((message.topic, message.payload, message.retain), ("r/1", b"kept", True))
        sub.nothing_before("end/a")

    def test_will_of_a_connection_that_the_kill_ended(self):
        watcher, _ = self.client("b", version=V311, clean=False)
        watcher.subscribe("gone", 1)
        watcher.close()
        doomed, _ = self.client("a", version=V5, clean=True, expiry=600, will=("gone", b"a", 1, False))
        self.gateway.kill()
        doomed.drop()
        self.gateway.start()
        watcher, _ = self.client("b", version=V311, clean=False)
        self.assertEqual(watcher.receive().payload, b"a")

    def test_clean_start_and_expiry(self):
        for name in ("a", "b"):
            made, _ = self.client(name, version=V5, expiry=600 if name == "a" else 1)
            made.subscribe("t", 1)
            made.close()
        made, present = self.client("a", version=V5, clean=True, expiry=0)
        self.assertEqual(present, 0)
        made.close()
        wait_for("the end of the sessions", lambda: self.gateway.metric("weir_sessions") == 0)
        self.restart(kill=True)
        for name in ("a", "b"):
            made, present = self.client(name, version=V5, clean=False, expiry=600)
            self.assertEqual(present, 0, name)


class Start(unittest.TestCase):
    def test_one_that_fails_is_no_run_that_did_not_end(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            for free, busy in (("port: 0", f"port: {port}"), ("127.0.0.1:0", f"127.0.0.1:{port}")):
                with self.subTest(busy=busy), Gateway(config=CONFIG.replace(free, busy, 1), start=False) as gateway:
                    failed = gateway.cli("serve", "--log", "json", check=False)
                    self.assertEqual(failed.returncode, 1)
                    self.assertIn(f"port {port}", failed.stderr)
                    self.assertIn("next: ", failed.stderr)
                    gateway.write("weir.yaml", CONFIG % {"shards": 1})
                    gateway.start()
                    self.assertIsNone(gateway.event("metering_gap"))
                    gateway.kill()
                    gateway.start()
                    self.assertIsNotNone(gateway.event("metering_gap"), "a run that was killed is one")


if __name__ == "__main__":
    unittest.main()
