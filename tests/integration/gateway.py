"""A real gateway in a temporary directory, for tests that drive it as its users do: files, command line, clients.

The program under test is named by the environment variable WEIR. Every listener binds port 0 on loopback; the ports are
read from the log. Nothing here sleeps: whatever is waited for is a line, a file or an answer, with a deadline.
"""
import contextlib
import http.client
import json
import os
import pathlib
import queue
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

WEIR = os.environ.get("WEIR", "weir")
DEADLINE_S = float(os.environ.get("WEIR_TEST_DEADLINE", "30"))

POLICIES = {
    "sensor.yaml": """policy: sensor
allow:
  - connect: "{thing}"
  - publish: ["data/{thing}/#"]
    retain: true
  - subscribe: ["cmd/{thing}/#", "data/{thing}/#"]
""",
    "open.yaml": """policy: open
allow:
  - connect: "*"
  - publish: ["#"]
    retain: true
    shared: true
  - subscribe: ["#"]
""",
}

RULES = {
    "hot.sql": """---
description: Alarm when a probe is hot
to:
  - stream: alarms
---
SELECT topic(2) AS device, temp
FROM 'data/+/temp'
WHERE temp > 80 AND quality <> 'bad'
""",
}

CONFIG = """version: 1
listeners:
  - name: front
    bind: 127.0.0.1
    port: 0
    protocols: any
    tls: {cert: certs/weir.crt, key: {file: certs/weir.key}, client_ca: certs/ca.crt, client_auth: optional}
    auth: {methods: [x509, password, token]}
  - name: plain
    bind: 127.0.0.1
    port: 0
    protocols: any
    auth: {methods: [password, token]}
storage: {path: data}
admin: {socket: admin.sock}
metrics: {listen: "127.0.0.1:0"}
runtime: {shards: %(shards)s}
include: [policies.d, rules.d, sinks.d, streams.d, pricing.d]
"""


def wait_for(what, probe, deadline_s=None):
    """The first true value that probe() gives; an AssertionError that names `what` after the deadline."""
    ends = time.monotonic() + (deadline_s or DEADLINE_S)
    pause = threading.Event()
    while True:
        value = probe()
        if value:
            return value
        assert time.monotonic() < ends, f"waited in vain for {what}"
        pause.wait(0.02)


class Gateway:
    """with Gateway() as gw: ...   Options: config text, extra files {path: text}, shards, environment."""

    def __init__(self, config=None, files=None, shards=None, start=True, keep=None):
        self._temporary = None
        if keep is None:
            self._temporary = tempfile.TemporaryDirectory(prefix="weir-test-")
            keep = self._temporary.name
        self.home = pathlib.Path(keep)
        self.shards = shards or os.environ.get("WEIR_TEST_SHARDS", "2")
        self.config = config or CONFIG
        self.files = files or {}
        self.process = None
        self.wrap = []  # What the serving process is started through.
        self.lines = []
        self.ports = {}
        self._start = start

    def __enter__(self):
        self.prepare()
        if self._start:
            self.start()
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            if self._temporary:
                self._temporary.cleanup()

    def prepare(self):
        for folder in ("policies.d", "rules.d", "sinks.d", "streams.d", "pricing.d", "certs"):
            (self.home / folder).mkdir(parents=True, exist_ok=True)
        if not (self.home / "certs/ca.crt").exists():
            self.cli("cert", "ca", "--out", str(self.home / "certs"))
            self.cli("cert", "issue", "--ca", str(self.home / "certs"), "--server", "--name", "weir",
                     "--dns", "localhost", "--ip", "127.0.0.1", "--out", str(self.home / "certs"))
        texts = {"weir.yaml": self.config % {"shards": self.shards},
                 "streams.d/alarms.yaml": "stream: alarms\n"}
        texts.update({f"policies.d/{name}": text for name, text in POLICIES.items()})
        texts.update({f"rules.d/{name}": text for name, text in RULES.items()})
        texts.update(self.files)
        for path, text in texts.items():
            if text is None:
                (self.home / path).unlink(missing_ok=True)
            else:
                (self.home / path).write_text(text)

    def write(self, path, text):
        (self.home / path).write_text(text)

    def start(self):
        self.lines = []
        self.ports = {}
        self.process = subprocess.Popen(
            [*self.wrap, WEIR, "-c", str(self.home), "serve", "--log", "json"],
            stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, args=(self.process, self.lines, self.ports), daemon=True)
        self._reader.start()
        wait_for("the gateway to be ready", lambda: self.event("ready") or self.process.poll() is not None)
        assert self.process.poll() is None, "weir did not start:\n" + "\n".join(self.lines)

    @staticmethod
    def _read(process, lines, ports):
        for line in process.stderr:
            line = line.rstrip("\n")
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("event") == "listening":
                    ports[event["listener"]] = event["port"]
            lines.append(line)

    def event(self, name):
        """The last log event of that name."""
        for line in reversed(self.lines):
            with contextlib.suppress(ValueError):
                event = json.loads(line)
                if event.get("event") == name:
                    return event
        return None

    def stop(self, deadline_s=DEADLINE_S):
        """Every test ends here, or by kill(): its books are asserted, whether it asks for that or not."""
        if self.process and self.process.poll() is None:
            try:
                self.check_books()
            finally:
                self.process.send_signal(signal.SIGTERM)
                try:
                    self.process.wait(deadline_s)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
                    raise AssertionError("weir did not stop in time:\n" + "\n".join(self.lines[-20:]))
        return self.process.returncode if self.process else None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def cli(self, *words, check=True, stdin=None):
        """Runs weir against this gateway's directory. Returns the finished process, with text output."""
        done = subprocess.run([WEIR, "-c", str(self.home), *words], capture_output=True, text=True,
                              input=stdin, timeout=DEADLINE_S)
        if check:
            assert done.returncode == 0, f"weir {' '.join(words)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def json(self, *words):
        return json.loads(self.cli(*words, "-o", "json").stdout)

    def run_beside(self, test, *words):
        """Starts weir against this gateway's directory; `test` ends it. Returns the process and a queue of its lines."""
        running = subprocess.Popen([WEIR, "-c", str(self.home), *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        test.addCleanup(running.stderr.close)
        test.addCleanup(running.stdout.close)
        test.addCleanup(running.wait)
        test.addCleanup(running.kill)
        lines = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in running.stdout], daemon=True).start()
        return running, lines

    def ask(self, method, path, **members):
        """Status and body that the admin socket answers."""
        connection = http.client.HTTPConnection("localhost", timeout=DEADLINE_S)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.home / "admin.sock"))
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(members) if members else None, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()

    def api(self, path):
        """What the admin socket tells."""
        status, body = self.ask("GET", path)
        assert status == 200, f"{path}: {status} {body[:200]}"
        return json.loads(body)

    def wait_offline(self, client_id):
        """Returns when the gateway knows that the connection is gone: what is published from now on waits in the queue."""
        wait_for(f"the end of the connection of {client_id}", lambda: not any(
            session["client_id"] == client_id and session["online"] for session in self.api("/v1/sessions?limit=1000")["sessions"]))

    def wait_event(self, name):
        """The last log event of that name, which may still be on its way here."""
        return wait_for(f"the log event {name}", lambda: self.event(name))

    def check_books(self):
        """Nothing vanished: what went into a session that lasts, a rule, a sink or a stream came out, is counted as lost, or waits."""
        after = ""
        while after is not None:
            page = self.api(f"/v1/sessions?limit=1000&after={urllib.parse.quote(after, safe='')}")
            for session in page["sessions"]:
                if "in" in session:
                    assert session["in"] == session["out"] + session["lost"] + session["queued"]["now"], session
            after = page["next"]
        for sink in self.api("/v1/sinks")["sinks"]:
            assert sink["in"] == sink["delivered"] + sink.get("dead", 0) + sink["lost"] + sink.get("replaced", 0) + sink["pending"], sink
        for stream in self.api("/v1/streams")["streams"]:
            assert stream["in"] == stream["records"] + stream["removed"], stream

        def rules_balance():
            # Shards count while this reads: of a message under way one of two counters may lack.
            return all(rule["matched"] == sum(rule[name] for name in ("passed", "turned_down", "undefined", "duplicates", "broken"))
                       for rule in self.api("/v1/rules")["rules"])
        wait_for("the books of rules to balance", rules_balance, 5)

    def device(self, name, policy="sensor", password=None):
        """Creates a device with a certificate; returns the folder with its key, certificate and root certificate."""
        out = self.home / "devices" / name
        words = ["devices", "create", name, "--policy", policy, "--out", str(out)]
        if password is not None:
            self.cli(*words, "--password-stdin", stdin=password)
        else:
            self.cli(*words)
        return out

    def metric(self, name):
        """Sum of all samples of a metric whose name and labels match the regular expression."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.ports['metrics']}/metrics", timeout=DEADLINE_S).read().decode()
        samples = [line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#")]
        return sum(float(value) for key, value in samples if re.fullmatch(name, key))

    def stream(self, name):
        """All records of a stream."""
        return self.json("streams", "read", name, "--from", "1")
