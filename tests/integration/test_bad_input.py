"""Hostile and broken peers: each gets a clear end, and nobody else notices."""
import socket
import ssl
import struct
import time
import unittest

from gateway import CONFIG, DEADLINE_S, Gateway, wait_for
from peers import (V5, Client, closed, connect_packet, packet, raw, read_packet, string)


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway().__enter__()
        cls.folder = cls.gateway.device("probe-1", policy="open", password="secret-1")
        cls.plain = cls.gateway.ports["plain"]
        cls.front = cls.gateway.ports["front"]

    @classmethod
    def tearDownClass(cls):
        with Client("probe-1", user="probe-1", password="secret-1") as client:
            _, code, _ = client.connect(cls.plain)
            assert code.value == 0, "the gateway does not serve any more"
        assert cls.gateway.stop() == 0
        cls.gateway.__exit__()

    def connected(self, version=4):
        sock = raw(self.plain)
        self.addCleanup(sock.close)
        sock.sendall(connect_packet("probe-1", version=version, user="probe-1", password="secret-1"))
        first, body = read_packet(sock)
        self.assertEqual((first, body[1]), (0x20, 0))
        return sock

    def test_garbage_and_packets_out_of_order_end_the_connection(self):
        cases = {
            "no protocol": b"\x00\x01\x02\x03",
            "PUBLISH before CONNECT": packet(0x30, string("a") + b"x"),
            "wrong protocol name": packet(0x10, string("MQTX") + b"\x04\x02\x00\x3c" + string("probe-1")),
            "length of five bytes": b"\x10\xff\xff\xff\xff\x7f",
            "reserved flags": b"\x11" + connect_packet("probe-1")[1:],
            "TLS to a plain port": bytes.fromhex("16030100050100000100"),
        }
        for name, data in cases.items():
            with self.subTest(name):
                with raw(self.plain) as sock:
                    sock.sendall(data)
                    self.assertTrue(closed(sock))

    def test_malformed_packets_after_connect_are_told_in_mqtt5(self):
        cases = {
            "QoS 3": (packet(0x36, string("a") + b"\x00\x01\x00x"), 0x81),
            "a wildcard in a topic name": (packet(0x30, string("a/#") + b"\x00x"), (0x81, 0x90)),
            "a second CONNECT": (connect_packet("probe-1", version=5), 0x82),
            "SUBSCRIBE without filters": (packet(0x82, b"\x00\x01\x00"), (0x81, 0x82)),
            "bad UTF-8": (packet(0x30, string(b"\xff\xfe") + b"\x00x"), (0x81, 0x90)),
        }
        for name, (data, codes) in cases.items():
            with self.subTest(name):
                sock = self.connected(version=5)
                sock.sendall(data)
                first, body = read_packet(sock)
                self.assertEqual(first, 0xE0)
                self.assertIn(body[0], codes if isinstance(codes, tuple) else (codes,))
                self.assertTrue(closed(sock))

    def test_an_unserved_version_is_told_so(self):
        with raw(self.plain) as sock:
            sock.sendall(packet(0x10, string("MQTT") + b"\x06\x02\x00\x3c" + string("probe-1")))
            first, body = read_packet(sock)
            self.assertEqual(first, 0x20)
            self.assertIn(body[1], (0x01, 0x84))
            self.assertTrue(closed(sock))

    def test_a_packet_over_the_limit_is_refused_before_it_is_read(self):
        sock = self.connected(version=5)
        sock.sendall(b"\x30\xff\xff\xff\x7f")  # 256 MiB are announced.
        first, body = read_packet(sock)
        self.assertEqual((first, body[0]), (0xE0, 0x95))
        self.assertTrue(closed(sock))

    def test_one_byte_at_a_time_still_connects(self):
        with raw(self.plain) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in connect_packet("probe-1", user="probe-1", password="secret-1"):
                sock.sendall(bytes([byte]))
            self.assertEqual(read_packet(sock), (0x20, b"\x00\x00"))

    def everything_at_once(self):
        return (connect_packet("probe-1", user="probe-1", password="secret-1")
                + packet(0x82, b"\x00\x01" + string("burst/#") + b"\x01")
                + b"".join(packet(0x32, string("burst/x") + struct.pack(">H", n) + str(n).encode()) for n in range(1, 51)))

    def expect_everything(self, sock):
        got, acked = [], []
        while len(got) < 50 or len(acked) < 50:
            first, body = read_packet(sock)
            if first >> 4 == 3:
                size = struct.unpack(">H", body[:2])[0]
                got.append(int(body[2 + size + 2:]))
                sock.sendall(packet(0x40, body[2 + size:4 + size]))
            elif first >> 4 == 4:
                acked.append(struct.unpack(">H", body[:2])[0])
        self.assertEqual(got, list(range(1, 51)))
        self.assertEqual(acked, list(range(1, 51)))

    def test_connect_subscribe_and_publish_in_one_segment(self):
        with raw(self.plain) as sock:
            sock.sendall(self.everything_at_once())
            self.expect_everything(sock)

    def test_connect_subscribe_and_publish_in_one_tls_record(self):
        with raw(self.front, self.folder) as sock:
            sock.sendall(self.everything_at_once())
            self.expect_everything(sock)

    def test_disconnects_at_every_moment_of_connecting_leave_nothing_behind(self):
        data = connect_packet("probe-1", user="probe-1", password="secret-1")
        for cut in range(0, len(data) + 1, 3):
            with raw(self.plain) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                sock.sendall(data[:cut])
        wait_for("all connections to be gone", lambda: self.gateway.metric("weir_connections") == 0)

    def test_a_certificate_of_a_foreign_authority_is_refused(self):
        import pathlib
        import tempfile
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            self.gateway.cli("cert", "ca", "--out", str(folder))
            self.gateway.cli("cert", "issue", "--ca", str(folder), "--name", "probe-1", "--out", str(folder))
            context = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
            context.load_cert_chain(folder / "device.crt", folder / "device.key")
            with self.assertRaises((ssl.SSLError, ConnectionError, EOFError)):
                with socket.create_connection(("127.0.0.1", self.front), timeout=DEADLINE_S) as plain, \
                        context.wrap_socket(plain, server_hostname="localhost") as sock:
                    sock.sendall(connect_packet("probe-1"))
                    read_packet(sock)


class Deadlines(unittest.TestCase):
    def test_half_frames_and_silence_end_at_the_handshake_deadline(self):
        with Gateway(config=CONFIG + "limits: {handshake: 1s}\n") as gateway:
            plain, front = gateway.ports["plain"], gateway.ports["front"]
            for name, data, port in (
                ("nothing", b"", plain),
                ("half a CONNECT", connect_packet("probe-1")[:7], plain),
                ("silence where TLS is expected", b"", front),
                ("half a ClientHello", bytes.fromhex("1603010200010001fc0303"), front),
                ("half an HTTP request", b"GET /mqtt HTTP/1.1\r\nHost: x\r\n", plain),
                ("an AMQP header alone", b"AMQP\x00\x01\x00\x00", plain),
            ):
                with self.subTest(name), raw(port) as sock:
                    began = time.monotonic()
                    sock.sendall(data)
                    self.assertTrue(closed(sock))
                    self.assertLess(time.monotonic() - began, 9, "by the deadline that is set, not by that of 10 s")


class BrokenFiles(unittest.TestCase):
    def test_every_error_of_all_files_is_told_in_one_run(self):
        with Gateway(start=False, files={
            "policies.d/bad.yaml": "policy: bad\nallow:\n  - conect: \"{thing}\"\n",
            "rules.d/bad.sql": "---\nto: [{stream: nowhere}]\n---\nSELECT temp FORM 'a'\n",
            "streams.d/bad.yaml": "stream: bad\nretention: {age: 30 parsecs}\n",
        }) as gateway:
            done = gateway.cli("check", check=False)
            self.assertEqual(done.returncode, 78)
            text = done.stdout + done.stderr
            for part in ("policies.d/bad.yaml:3:5", "did you mean 'connect'", "rules.d/bad.sql:4:13", "streams.d/bad.yaml:2:"):
                self.assertIn(part, text)

    def test_a_gateway_with_broken_files_does_not_start(self):
        with Gateway(start=False, files={"policies.d/bad.yaml": "policy: [\n"}) as gateway:
            self.assertEqual(gateway.cli("serve", check=False).returncode, 78)

    def test_a_busy_port_is_named(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with Gateway(start=False, config=CONFIG.replace("port: 0", f"port: {port}", 1)) as gateway:
                done = gateway.cli("serve", check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(str(port), done.stderr)

    def test_a_second_server_on_the_same_data_names_the_first(self):
        with Gateway() as gateway:
            done = gateway.cli("serve", check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(str(gateway.process.pid), done.stderr)


if __name__ == "__main__":
    unittest.main()
