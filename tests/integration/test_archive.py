"""Streams to objects: files and S3, cut into batches, and whole after kill -9."""
import csv
import gzip
import io
import json
import pathlib
import random
import re
import subprocess
import tempfile
import threading
import unittest

from gateway import DEADLINE_S, Gateway, wait_for
from peers import V311, Client
from s3_server import ACCESS_KEY, REGION, SECRET_KEY, S3

ALL = {
    "rules.d/all.sql": "---\nto: [{stream: all}]\n---\nSELECT n FROM 'data/+/n'\n",
    "rules.d/hot.sql": None,
    "streams.d/all.yaml": "stream: all\n",
}


def file_sink(home, **more):
    lines = [f"path: {home}"] + [f"{key}: {value}" for key, value in more.items()]
    return "sink: cold\ntype: file\nstream: all\n" + "\n".join(lines) + "\n"


def s3_sink(s3, host=None, **more):
    lines = [f"endpoint: http://{host or '127.0.0.1'}:{s3.port}", f"region: {REGION}", "bucket: cold",
             "auth: {access_key: {file: access}, secret_key: {file: secret}}"]
    lines += [f"{key}: {value}" for key, value in more.items()]
    return "sink: cold\ntype: s3\nstream: all\n" + "\n".join(lines) + "\n"


SECRETS = {"sinks.d/access": ACCESS_KEY + "\n", "sinks.d/secret": SECRET_KEY + "\n"}


def publish(gateway, folder, numbers):
    with Client("probe-1", version=V311, folder=folder) as probe:
        probe.connect(gateway.ports["front"])
        infos = [probe.paho.publish("data/probe-1/n", json.dumps({"n": n}), 1) for n in numbers]
        for info in infos:
            info.wait_for_publish(DEADLINE_S)
            assert info.is_published()


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*")) if path.is_file()}


def sink(gateway, name="cold"):
    return next(each for each in gateway.json("sinks", "list") if each["name"] == name)


def written(gateway, count):
    """The sink's row once so many records are in objects."""
    return wait_for(f"{count} records in objects", lambda: (lambda row: row["delivered"] >= count and row)(sink(gateway)))


def records(objects):
    """All records of objects of JSON lines, in the order of their names."""
    lines = []
    for name, data in sorted(objects.items()):
        text = gzip.decompress(data) if name.endswith(".gz") else data
        lines += [json.loads(line) for line in text.decode().splitlines()]
    return lines


class Whole:
    """What holds of objects, whatever happened to the process that wrote them."""

    def check_whole(self, objects, numbers, stream):
        at = 1
        for name in sorted(objects):
            first, last = map(int, re.search(r"(\d{12})-(\d{12})\.jsonl", name).groups())
            self.assertEqual(first, at, f"{name}: a gap, or an offset in two objects")
            at = last + 1
        self.assertEqual([each["offset"] for each in records(objects)], list(range(1, at)))
        self.assertEqual([each["payload"]["n"] for each in records(objects)], [each["payload"]["n"] for each in stream])
        self.assertLessEqual(set(numbers), {each["payload"]["n"] for each in records(objects)}, "acknowledged, and in no object")


class Files(unittest.TestCase, Whole):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weir-archive-")
        self.addCleanup(self.folder.cleanup)
        self.home = self.folder.name

    def test_batches_become_files(self):
        with Gateway(files=ALL | {"sinks.d/cold.yaml": file_sink(self.home, batch="{records: 10, age: 1s}")}) as gateway:
            folder = gateway.device("probe-1")
            publish(gateway, folder, range(25))
            row = written(gateway, 25)
            self.check_whole(files(self.home), range(25), gateway.stream("all"))
            self.assertEqual((row["type"], row["lost"], row["pending"], row["failures"]), ("file", 0, 0, 0))
            self.assertEqual(row["objects"], len(files(self.home)))
            self.assertEqual(gateway.metric(r'weir_sink_objects_total\{sink="cold"\}'), row["objects"])
            self.assertIn("cold", gateway.cli("sinks", "list").stdout)
            names = list(files(self.home))
            self.assertRegex(names[0], r"^all/\d{4}-\d\d-\d\d/000000000001-0000000000(0\d|10)\.jsonl\.gz$")

    def test_csv_and_zstd(self):
        options = {"format": "csv", "columns": "[offset, device, payload.n, payload.text]", "compression": "zstd",
                   "object": '"{sink}/{first}"', "batch": "{records: 3}"}
        rule = "---\nto: [{stream: all}]\n---\nSELECT n, 'say \"a, b\"' AS text FROM 'data/+/n'\n"
        with Gateway(files=ALL | {"sinks.d/cold.yaml": file_sink(self.home, **options), "rules.d/all.sql": rule}) as gateway:
            publish(gateway, gateway.device("probe-1"), range(3))
            written(gateway, 3)
        text = subprocess.run(["zstd", "-dc", f"{self.home}/cold/000000000001.csv.zst"], capture_output=True, check=True).stdout
        rows = list(csv.reader(io.StringIO(text.decode(), newline="")))
        self.assertEqual(rows, [["offset", "device", "n", "text"]] + [[str(n + 1), "probe-1", str(n), 'say "a, b"'] for n in range(3)])

    def test_a_folder_that_is_not_there_costs_nothing_but_time(self):
        home = pathlib.Path(self.home) / "mount"
        with Gateway(files=ALL | {"sinks.d/cold.yaml": file_sink(home, batch="{records: 2}")}) as gateway:
            publish(gateway, gateway.device("probe-1"), range(4))
            row = wait_for("a failure", lambda: (lambda row: row["failures"] and row)(sink(gateway)))
            self.assertIn("mount", row["last_error"])
            self.assertFalse(home.exists())
            home.mkdir()
            written(gateway, 4)
            self.check_whole(files(home), range(4), gateway.stream("all"))

    def test_it_can_be_tried(self):
        home = pathlib.Path(self.home) / "mount"
        with Gateway(files=ALL | {"sinks.d/cold.yaml": file_sink(home)}) as gateway:
            absent = gateway.cli("sinks", "test", "cold", check=False)
            self.assertEqual(absent.returncode, 1)
            self.assertIn(f"failed: cannot open the folder {home}: No such file", absent.stdout)
            self.assertIn("fix: make the folder, mount its disk", absent.stdout)
            home.mkdir()
            self.assertIn("written, and taken away again", gateway.cli("sinks", "test", "cold").stdout)
            self.assertEqual(files(home), {})
            self.assertEqual(sink(gateway)["attempts"], 0)

    def test_kill_9_while_files_are_written(self):
        chance = random.Random(2026)
        options = {"batch": "{records: 7, age: 1s}", "compression": "none"}
        with tempfile.TemporaryDirectory(prefix="weir-kill-") as home:
            gateway = Gateway(keep=home, files=ALL | {"sinks.d/cold.yaml": file_sink(self.home, **options)})
            gateway.prepare()
            folder = gateway.device("probe-1")
            acknowledged = []
            for number in range(4):
                gateway.start()
                kill_amid(gateway, folder, acknowledged, chance.randrange(50, 300), number)
            self.assertGreater(len(files(self.home)), 4, "it was killed before it wrote anything")
            gateway.start()
            stream = everything(gateway, "all")
            written(gateway, len(stream))
            gateway.stop()
            self.check_whole(files(self.home), acknowledged, stream)
            print(f"{len(acknowledged)} acknowledged, {len(stream)} in the stream and in {len(files(self.home))} files")

    def test_what_is_wrong_is_told_before_it_runs(self):
        with Gateway(start=False, files=ALL | {
            "sinks.d/cold.yaml": file_sink(self.home, object='"../{first}"', format="csv").replace("stream: all", "stream: al"),
            "sinks.d/twin.yaml": "sink: twin\ntype: file\nstream: all\npath: /x\ncolour: red\n",
            "rules.d/http.sql": "---\nto: [{http: {sink: twin}}]\n---\nSELECT * FROM 'x'\n",
        }) as gateway:
            text = gateway.cli("check", check=False).stderr + gateway.cli("check", check=False).stdout
            for part in ("a segment begins with a point", "csv needs columns", "did you mean 'all'", "colour",
                         "the sink 'twin' takes its records from a stream"):
                self.assertIn(part, text)


def everything(gateway, name):
    records, at = [], 1
    while True:
        page = gateway.json("streams", "read", name, "--from", str(at), "--limit", "1000")
        if not page:
            return records
        records += page
        at = page[-1]["offset"] + 1


def kill_amid(gateway, folder, acknowledged, count, number):
    """Publishes, and kills the gateway once `count` more are acknowledged."""
    with Client("probe-1", version=V311, folder=folder) as probe:
        probe.connect(gateway.ports["front"])
        enough, sent = threading.Event(), {}
        target = len(acknowledged) + count

        def on_publish(_client, _user, mid):
            acknowledged.append(sent[mid])
            if len(acknowledged) >= target:
                enough.set()
        probe.paho.on_publish = on_publish
        probe.paho.max_inflight_messages_set(20)
        for n in range(400):
            mid = probe.paho._last_mid % 65535 + 1  # The callback may come before publish() returns.
            sent[mid] = number * 1000 + n
            probe.paho.publish("data/probe-1/n", json.dumps({"n": number * 1000 + n}), 1)
            if enough.is_set():
                break
        wait_for("enough acknowledgements", enough.is_set)
        gateway.kill()
        probe.drop()


class Buckets(unittest.TestCase, Whole):
    def test_batches_become_objects_signed_and_whole(self):
        for host, options in ((None, {}), ("localhost", {"addressing": "virtual_host"})):
            with self.subTest(host=host), S3(virtual_host=bool(host)) as s3, Gateway(files=ALL | SECRETS | {
                "sinks.d/cold.yaml": s3_sink(s3, host=host, batch="{records: 10, age: 1s}",
                                             object='"a=b/{stream}+{date}/{first}-{last}"', **options),
            }) as gateway:
                publish(gateway, gateway.device("probe-1"), range(25))
                row = written(gateway, 25)
                self.assertEqual(row["type"], "s3")
                self.assertEqual(s3.refused, [])
                self.check_whole(s3.objects, range(25), gateway.stream("all"))
                self.assertEqual(set(s3.puts.values()), {1})
                self.assertTrue(min(s3.objects).startswith("a=b/all+20"))

    def test_refusals_are_told_and_tried_again(self):
        with S3() as s3, Gateway(files=ALL | SECRETS | {"sinks.d/cold.yaml": s3_sink(s3, batch="{records: 5}")}) as gateway:
            s3.fail(503, "SlowDown", "Please reduce your request rate.")
            folder = gateway.device("probe-1")
            publish(gateway, folder, range(5))
            row = written(gateway, 5)
            self.assertIn("SlowDown: Please reduce", gateway.wait_event("archive_failing")["error"])
            self.assertEqual((row["failures"], row["last_error"]), (1, ""))
            # A wrong key: nothing is lost until the operator mends it, and a reload tries at once.
            gateway.write("sinks.d/secret", "wrong")
            gateway.cli("reload")
            publish(gateway, folder, range(5, 10))
            wait_for("the refusal", lambda: "SignatureDoesNotMatch" in sink(gateway)["last_error"])
            gateway.write("sinks.d/secret", SECRET_KEY)
            gateway.cli("reload")
            written(gateway, 10)
            self.check_whole(s3.objects, range(10), gateway.stream("all"))

    def test_it_can_be_tried(self):
        with S3() as s3, Gateway(files=ALL | SECRETS | {"sinks.d/cold.yaml": s3_sink(s3)}) as gateway:
            done = gateway.cli("sinks", "test", "cold")
            self.assertIn("written, and taken away again", done.stdout)
            self.assertEqual(s3.objects, {})
            (name, content), = s3.removed.items()
            self.assertRegex(name, r"^all/\d{4}-\d\d-\d\d/0{12}-0{12}\.weir-test-[0-9a-f]{8}$")
            self.assertEqual(content, b"weir\n")
            s3.keeps = (403, "AccessDenied", "no right to delete")
            told = gateway.cli("sinks", "test", "cold")
            self.assertIn("is still there: 403 AccessDenied: no right to delete", told.stdout)
            s3.fail(404, "NoSuchBucket", "there is no bucket")
            answer = gateway.cli("sinks", "test", "cold", "-o", "json", check=False)
            self.assertEqual(answer.returncode, 1)
            answer = json.loads(answer.stdout)
            self.assertEqual((answer["delivered"], answer["error"]), (False, "404 NoSuchBucket: there is no bucket"))
            row = sink(gateway)
            self.assertEqual((row["attempts"], row["failures"], row["last_error"]), (0, 0, ""), "no part of the sink's own work")
            needless = gateway.cli("sinks", "test", "cold", "--topic", "a", check=False)
            self.assertEqual(
                (needless.returncode, needless.stderr),
                (1, "weir: sink 'cold' writes what its stream has: a test takes no topic\n")
            )
            unknown = gateway.cli("sinks", "test", "warm", check=False)
            self.assertEqual((unknown.returncode, unknown.stderr), (1, "weir: there is no sink 'warm'\n"))
            self.assertIn(", 1 sink, ", gateway.cli("check").stdout)

    def test_kill_9_between_the_object_and_its_settlement(self):
        with S3() as s3, tempfile.TemporaryDirectory(prefix="weir-kill-") as home:
            gateway = Gateway(keep=home, files=ALL | SECRETS | {"sinks.d/cold.yaml": s3_sink(s3, batch="{records: 10, age: 1s}")})
            gateway.prepare()
            folder = gateway.device("probe-1")
            numbers = range(40)
            gateway.start()
            taken, killed = threading.Event(), threading.Event()

            def kill_first():
                if not killed.is_set():
                    taken.set()
                    killed.wait(DEADLINE_S)
            s3.before_answer = kill_first  # The object is there; the gateway does not know it yet.
            publish(gateway, folder, numbers)
            self.assertTrue(taken.wait(DEADLINE_S))
            gateway.kill()
            killed.set()
            gateway.start()
            written(gateway, 40)
            stream = everything(gateway, "all")
            gateway.stop()
            self.check_whole(s3.objects, numbers, stream)
            self.assertEqual(s3.changed, [], "an object was written again with other bytes")
            self.assertEqual(max(s3.puts.values()), 2, "the object under way is written again")
            self.assertEqual(sum(s3.puts.values()), len(s3.objects) + 1)

    def test_kill_9_in_the_middle_of_an_upload(self):
        with S3() as s3, tempfile.TemporaryDirectory(prefix="weir-kill-") as home:
            gateway = Gateway(keep=home, files=ALL | SECRETS | {
                "rules.d/all.sql": "---\nto: [{stream: all}]\n---\nSELECT * FROM 'data/+/n'\n",
                "sinks.d/cold.yaml": s3_sink(s3, batch="{records: 60, age: 1h}", compression="none")})
            gateway.prepare()
            folder = gateway.device("probe-1")
            gateway.start()
            half, killed = threading.Event(), threading.Event()

            def kill_first():
                if not killed.is_set():
                    half.set()
                    killed.wait(DEADLINE_S)
            s3.amid_body = kill_first
            numbers = range(60)
            with Client("probe-1", version=V311, folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                for n in numbers:  # 6 MB: more than sockets hold.
                    probe.publish("data/probe-1/n", {"n": n, "filler": "x" * 100_000}, qos=1)
            self.assertTrue(half.wait(DEADLINE_S))
            gateway.kill()
            killed.set()
            wait_for("the torn upload", lambda: s3.torn == 1)
            self.assertEqual(s3.objects, {}, "half an object is none")
            gateway.start()
            written(gateway, len(numbers))
            stream = everything(gateway, "all")
            gateway.stop()
            self.check_whole(s3.objects, numbers, stream)
            self.assertEqual(len(stream), len(numbers))
            self.assertEqual(list(s3.puts.values()), [1], "one object, once")


if __name__ == "__main__":
    unittest.main()
