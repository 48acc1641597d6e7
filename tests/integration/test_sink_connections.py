"""HTTP sinks over real connections: HTTP/2, mutual TLS, proxies. Records go through the outbox, as those of devices do."""
import contextlib
import gzip
import json
import os
import pathlib
import queue
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

from gateway import DEADLINE_S, Gateway, wait_for
from peers import Client, Receiver

RULE = "---\nto: [{http: {sink: pager}}]\n---\nSELECT n FROM 'data/#'\n"

# Answers 200 and writes what it got, a line each. One more line first: the port.
HTTP2 = """
const http2 = require("http2"), fs = require("fs");
const [cert, key] = process.argv.slice(1);
const server = http2.createSecureServer({cert: fs.readFileSync(cert), key: fs.readFileSync(key), allowHTTP1: false});
let sessions = 0, open = 0;
server.on("session", (session) => { session.number = ++sessions; });
server.on("stream", (stream, headers) => {
  let body = "";
  const together = ++open;
  stream.on("data", (chunk) => { body += chunk; });
  stream.on("end", () => {
    console.log(JSON.stringify({session: stream.session.number, together, headers, body}));
    setImmediate(() => { --open; stream.respond({":status": 200}); stream.end("taken"); });
  });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
"""


def sink(url, more=""):
    return f"sink: pager\ntype: http\nurl: {url}\nretry: {{min: 20ms, max: 100ms}}\nbreaker: {{failures: 0}}\n{more}"


def status(gateway):
    return next(row for row in gateway.json("sinks", "list") if row["name"] == "pager")


class Connections(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="weir-sinks-")
        self.addCleanup(folder.cleanup)
        self.gateway = Gateway(keep=folder.name, files={"rules.d/all.sql": RULE})
        self.gateway.prepare()
        self.addCleanup(self.gateway.stop)
        self.certs = pathlib.Path(folder.name) / "certs"
        self.probe = self.gateway.device("probe-1")

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certs / "weir.crt", self.certs / "weir.key")
        context.load_verify_locations(self.certs / "ca.crt")
        return context

    def start(self, url, more=""):
        self.gateway.write("sinks.d/pager.yaml", sink(url, more))
        self.gateway.start()

    def reload(self, url, more=""):
        self.gateway.write("sinks.d/pager.yaml", sink(url, more))
        self.gateway.cli("reload")

    def publish(self, numbers):
        with Client("probe-1", folder=self.probe) as probe:
            probe.connect(self.gateway.ports["front"])
            for n in numbers:
                probe.publish("data/probe-1/n", {"n": n}, qos=1)

    def delivered(self, count):
        row = wait_for(f"{count} deliveries", lambda: (lambda row: row["delivered"] == count and row)(status(self.gateway)))
        self.gateway.check_books()
        return row


@unittest.skipUnless(shutil.which("node"), "node is not installed")
class Http2(Connections):
    def test_records_share_a_connection(self):
        node = subprocess.Popen(["node", "-e", HTTP2, str(self.certs / "weir.crt"), str(self.certs / "weir.key")],
                                stdout=subprocess.PIPE, text=True)
        self.addCleanup(node.stdout.close)
        self.addCleanup(node.wait)
        self.addCleanup(node.terminate)
        port, count = int(node.stdout.readline()), 40
        self.start(f"https://127.0.0.1:{port}/hook", "ca: ../certs/ca.crt\norder_by: ${n}\n")
        tried = json.loads(self.gateway.cli("sinks", "test", "pager", "--payload", '{"n": 0}', "-o", "json").stdout)
        self.assertEqual((tried["status"], tried["http_version"]), (200, "2"))
        self.publish(range(1, count + 1))
        row = self.delivered(count)
        self.assertEqual(row["failures"], 0)
        got = [json.loads(node.stdout.readline()) for _ in range(count + 1)]
        self.assertEqual({json.loads(each["body"])["n"] for each in got}, set(range(count + 1)), "all of them, each once")
        self.assertEqual({each["headers"][":method"] + each["headers"][":path"] for each in got}, {"POST/hook"})
        keys = {each["headers"]["idempotency-key"] for each in got}
        self.assertEqual(len(keys), count + 1)
        self.assertEqual({each["session"] for each in got}, {1}, "one connection, a stream for each")
        self.assertLessEqual(max(each["together"] for each in got), 8, "in_flight")


class MutualTls(Connections):
    def test_a_server_that_asks_for_a_certificate_gets_it(self):
        context = self.server_context()
        context.verify_mode = ssl.CERT_REQUIRED
        mine = self.gateway.device("weir-as-client")
        with Receiver(tls=context) as receiver:
            self.start(receiver.url, "ca: ../certs/ca.crt\n")
            self.publish([1])
            row = wait_for("a refusal", lambda: (lambda row: row["failures"] > 0 and row)(status(self.gateway)))
            self.assertEqual((row["delivered"], row["dead"], row["pending"]), (0, 0, 1), "who is not let in tries again")
            self.reload(receiver.url, f"ca: ../certs/ca.crt\nauth: {{client_cert: {{cert: {mine}/device.crt, key: {{file: {mine}/device.key}}}}}}\n")
            self.delivered(1)
            self.assertEqual(json.loads(receiver.next()["body"]), {"n": 1})
            self.assertTrue(receiver.requests.empty())

    def test_a_server_is_verified_on_every_attempt(self):
        other = self.gateway.home / "other"
        self.gateway.cli("cert", "ca", "--out", str(other))
        wrong_host = self.gateway.home / "wrong"
        self.gateway.cli("cert", "issue", "--ca", str(self.certs), "--server", "--name", "weir",
                         "--dns", "elsewhere.example", "--out", str(wrong_host))
        misnamed = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        misnamed.load_cert_chain(wrong_host / "weir.crt", wrong_host / "weir.key")
        with Receiver(tls=self.server_context()) as unknown, Receiver(tls=misnamed) as elsewhere:
            self.start(unknown.url, "ca: ../other/ca.crt\n")
            self.publish([1])
            for receiver, ca in ((unknown, "other"), (elsewhere, "certs")):
                self.reload(receiver.url, f"ca: ../{ca}/ca.crt\n")
                before = status(self.gateway)["failures"]
                wait_for("three more attempts", lambda: status(self.gateway)["failures"] >= before + 3)
                self.assertTrue(receiver.requests.empty(), "not a byte of a record, on no attempt")
            self.reload(unknown.url, "ca: ../certs/ca.crt\n")
            self.delivered(1)


class Proxy:
    """An HTTP proxy for all hosts: tunnels, and requests with whole URLs. `heads`: what it was asked."""

    def __init__(self, credentials=None):
        self.credentials = credentials
        self.heads = queue.Queue()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, client):
        with client, contextlib.suppress(OSError):
            data = b""
            while b"\r\n\r\n" not in data:
                more = client.recv(65536)
                if not more:
                    return
                data += more
            head, _, rest = data.partition(b"\r\n\r\n")
            lines = head.decode().split("\r\n")
            self.heads.put(lines)
            if self.credentials and f"Proxy-Authorization: {self.credentials}" not in lines:
                client.sendall(b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n")
                return
            method, target, _ = lines[0].split(" ")
            if method == "CONNECT":
                host, port = target.rsplit(":", 1)
                with socket.create_connection((host, int(port)), DEADLINE_S) as server:
                    client.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
                    self.copy_both(client, server)
                return
            host, path = target.removeprefix("http://").split("/", 1)
            name, port = host.rsplit(":", 1)
            passed = [f"{method} /{path} HTTP/1.1"] + [line for line in lines[1:] if not line.lower().startswith("proxy-")]
            with socket.create_connection((name, int(port)), DEADLINE_S) as server:
                server.sendall("\r\n".join(passed).encode() + b"\r\n\r\n" + rest)
                self.copy_both(client, server)

    @staticmethod
    def copy_both(one, two):
        def copy(source, sink_):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    sink_.sendall(data)
            with contextlib.suppress(OSError):
                sink_.shutdown(socket.SHUT_WR)
        back = threading.Thread(target=copy, args=(two, one), daemon=True)
        back.start()
        copy(one, two)
        back.join(DEADLINE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Proxies(Connections):
    BEARER = "auth: {bearer: {file: ../bearer}}\n"

    def setUp(self):
        super().setUp()
        self.gateway.write("bearer", "s3cret-of-the-sink\n")
        self.gateway.write("password", "open sesame\n")

    def test_https_goes_through_in_a_tunnel(self):
        with Proxy("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==") as proxy, Receiver(tls=self.server_context()) as receiver:
            own = f"ca: ../certs/ca.crt\n{self.BEARER}"
            self.start(receiver.url, own + f"proxy: {{url: {proxy.url}, user: Aladdin, password: {{file: ../password}}}}\n")
            self.publish(range(3))
            self.delivered(3)
            heads = [proxy.heads.get(timeout=DEADLINE_S)]
            while not proxy.heads.empty():
                heads.append(proxy.heads.get())
            for lines in heads:
                self.assertEqual(lines[0], f"CONNECT 127.0.0.1:{receiver.port} HTTP/1.1")
                self.assertNotIn("s3cret-of-the-sink", "\n".join(lines))
            for _ in range(3):
                request = receiver.next()
                self.assertEqual(request["headers"]["Authorization"], "Bearer s3cret-of-the-sink")
                self.assertNotIn("Proxy-Authorization", request["headers"])

    def test_http_goes_through_as_it_is(self):
        with Proxy() as proxy, Receiver() as receiver:
            self.start(receiver.url, f"proxy: {{url: {proxy.url}}}\n")
            self.publish([1])
            self.delivered(1)
            self.assertEqual(proxy.heads.get(timeout=DEADLINE_S)[0], f"POST {receiver.url} HTTP/1.1")
            self.assertEqual(json.loads(receiver.next()["body"]), {"n": 1})

    def test_a_proxy_that_refuses_costs_nothing_but_time(self):
        with Proxy("Basic none") as proxy, Receiver(tls=self.server_context()) as receiver:
            self.start(receiver.url, f"ca: ../certs/ca.crt\nproxy: {{url: {proxy.url}}}\n")
            self.publish([1])
            row = wait_for("two attempts", lambda: (lambda row: row["failures"] > 1 and row)(status(self.gateway)))
            self.assertEqual((row["dead"], row["pending"]), (0, 1))
            self.assertIn("407", row["last_error"])
            self.assertTrue(receiver.requests.empty(), "nothing goes past the proxy")
            self.reload(receiver.url, "ca: ../certs/ca.crt\n")
            self.delivered(1)

    def test_proxies_of_the_environment_are_ignored(self):
        with Proxy() as proxy, Receiver() as receiver:
            names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
            with contextlib.ExitStack() as kept:
                for name in names:
                    before = os.environ.get(name)
                    kept.callback(lambda name=name, before=before: os.environ.pop(name) if before is None
                                  else os.environ.__setitem__(name, before))
                    os.environ[name] = proxy.url
                self.start(receiver.url)
            self.publish([1])
            self.delivered(1)
            self.assertTrue(proxy.heads.empty())


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def refusal(status, *head, body=b""):
    return b"".join([b"HTTP/1.1 %d No\r\n" % status, *(line + b"\r\n" for line in head), b"Content-Length: %d\r\n\r\n" % len(body), body])


# What a server sends for each request, part by part (None: its end), and what that means for the record. "slow": what follows goes byte by
# byte, which takes longer than `timeout`; "endless": it is repeated.
AWKWARD = {
    "informed": ("delivered", [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", OK]),
    "chunked": ("delivered", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n", b"ok\r\n0\r\n\r\n"]),
    "closing": ("delivered", [b"HTTP/1.0 200 OK\r\n\r\nok", None]),
    "talkative": ("delivered", [OK + refusal(500)]),
    "huge": ("delivered", [b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", "endless", b"x" * 65536]),
    "huge-failure": ("again", [b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", "endless", b"1000\r\n" + b"x" * 4096 + b"\r\n"]),
    "bomb": ("dead", [refusal(400, b"Content-Encoding: gzip", body=gzip.compress(bytes(20_000_000)))]),
    "slow-body": ("again", ["slow", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000]),
    "slow-head": ("again", ["slow", b"HTTP/1.1 200 OK\r\nX-Long: " + b"y" * 1000]),
    "half": ("again", [b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", None]),
    "informing-for-ever": ("again", ["endless", b"HTTP/1.1 100 Continue\r\n\r\n" * 50]),
    "bad-chunk": ("again", [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n"]),
    "silent": ("again", [None]),
    "asks-a-year": ("later", [refusal(503, b"Retry-After: 31536000")]),
    "asks-a-century": ("later", [refusal(429, b"Retry-After: Fri, 31 Dec 2099 23:59:59 GMT")]),
    "asks-nonsense": ("again", [refusal(429, b"Retry-After: -5")]),
    "early": ("again", [refusal(425)]),
    "moves-in-circles": ("dead", [refusal(307, b"Location: /hook")]),
    "moved": ("dead", [refusal(301, b"Location: /hook")]),
    "sends-away": ("dead", [refusal(307, b"Location: http://127.0.0.2:1/")]),
    "sends-to-a-file": ("dead", [refusal(308, b"Location: file:///etc/passwd")]),
}


class Awkward:
    """Servers that answer as AWKWARD says."""

    def __init__(self):
        self.over = threading.Event()
        self.listeners = {name: socket.create_server(("127.0.0.1", 0)) for name in AWKWARD}
        for name, listener in self.listeners.items():
            threading.Thread(target=self.accept, args=(name, listener), daemon=True).start()

    def accept(self, name, listener):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(name, listener.accept()[0]), daemon=True).start()

    def serve(self, name, peer):
        with peer, contextlib.suppress(OSError):
            while not self.over.is_set():
                data = b""
                while b"\r\n\r\n" not in data:
                    more = peer.recv(65536)
                    if not more:
                        return
                    data += more
                self.answer(peer, AWKWARD[name][1])

    def answer(self, peer, parts):
        how = None
        for part in parts:
            if part is None:
                peer.shutdown(socket.SHUT_WR)
            elif isinstance(part, str):
                how = part
            elif how == "slow":
                for byte in part:
                    peer.sendall(bytes([byte]))
                    self.over.wait(0.02)
            else:
                peer.sendall(part)
                while how == "endless" and not self.over.is_set():
                    peer.sendall(part)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        for listener in self.listeners.values():
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


class AwkwardServers(unittest.TestCase):
    maxDiff = None

    def test_each_gets_what_it_deserves_and_none_disturbs_the_others(self):
        with Awkward() as servers, Receiver() as fine:
            urls = {name: f"http://127.0.0.1:{listener.getsockname()[1]}/hook" for name, listener in servers.listeners.items()}
            urls["fine"] = fine.url
            files = {"rules.d/hot.sql": None}
            for name, url in urls.items():
                files[f"sinks.d/{name}.yaml"] = sink(url, "timeout: 1s\nredirects: same_origin\n").replace("pager", name)
                files[f"rules.d/{name}.sql"] = RULE.replace("pager", name)
            with Gateway(files=files) as gateway:
                with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                    probe.connect(gateway.ports["front"])
                    for n in range(3):
                        probe.publish("data/probe-1/n", {"n": n}, qos=1)

                def fates():
                    return {row["name"]: self.fate(row) for row in gateway.json("sinks", "list")}
                expected = {name: fate for name, (fate, _) in AWKWARD.items()} | {"fine": "delivered"}
                with contextlib.suppress(AssertionError):  # The comparison says more.
                    wait_for("all fates", lambda: fates() == expected)
                self.assertEqual(fates(), expected)
                self.assertEqual([json.loads(fine.next()["body"])["n"] for _ in range(3)], [0, 1, 2])
                peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{gateway.process.pid}/status").read_text())[1])
                self.assertLess(peak, 1_000_000, "kB: answers are not kept")

    @staticmethod
    def fate(row):
        """Of three records of one device, which go one after the other."""
        if (row["delivered"], row["failures"]) == (3, 0):
            return "delivered"
        if (row["dead"], row["failures"], row["pending"]) == (3, 3, 0):
            return "dead"
        if (row["delivered"], row["dead"], row["pending"]) != (0, 0, 3):
            return f"unclear: {row}"
        if row["failures"] == 1 and 1_800_000 < row["next_attempt_ms"] <= 3_600_000:
            return "later"
        return "again" if row["failures"] > 1 else "none"


if __name__ == "__main__":
    unittest.main()
