"""HTTP sinks through a gateway: what a request carries, order and keys across kill -9, the breaker, what `weir sinks` tells."""
import base64
import collections
import contextlib
import gzip
import hashlib
import hmac
import json
import pathlib
import queue
import socket
import ssl
import tempfile
import threading
import unittest

from gateway import Gateway, wait_for
from peers import V311, Client, Receiver

ALL = "---\nto: [{http: {sink: pager}}]\n---\nSELECT * FROM 'data/#'\n"


def sink(url, more=""):
    return f"sink: pager\ntype: http\nurl: {url}\nretry: {{min: 20ms, max: 100ms}}\n{more}"


def status(gateway, name="pager"):
    return next(row for row in gateway.json("sinks", "list") if row["name"] == name)


def signature(request, secret, region, service):
    """AWS Signature Version 4 of what arrived, for a path without anything to encode."""
    headers = {name.lower(): value for name, value in request["headers"].items()}
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    canonical = "\n".join([
        "POST", request["path"], "", *(f"{name}:{headers[name]}" for name in names.split(";")), "", names,
        hashlib.sha256(request["body"]).hexdigest()])
    scope = f"{headers['x-amz-date'][:8]}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class Sinks(unittest.TestCase):
    def test_a_message_decides_path_and_headers_but_not_the_server(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(
                receiver.url + "/${topic(2)}?v=${v}",
                'headers: {X-Site: north, X-Device: "${clientid()} ${v}"}\n'),
            "rules.d/all.sql": ALL,
        }) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/t", {"v": "a/b?c&d\r\nHost: evil"}, qos=1)
                request = receiver.next()
                self.assertEqual(request["path"], "/hook/probe-1?v=a%2Fb%3Fc%26d%0D%0AHost%3A%20evil")
                self.assertEqual(request["headers"]["X-Site"], "north")
                self.assertEqual(request["headers"]["X-Device"], "probe-1 a/b?c&d%0D%0AHost: evil")
                probe.publish("data/probe-1/t", {"other": 1}, qos=1)
            why = wait_for("the failure", lambda: [
                entry for entry in gateway.json("why", "probe-1")["decisions"] if entry["reason"] == "rule_failed"])
            self.assertEqual(len(why), 1, "an expression without a value fails the action")
            self.assertRegex(why[0]["detail"], r"^http .*\$\{v\}")

    def test_events_in_compressed_batches(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(
                receiver.url, "body: cloudevents\ncompression: gzip\nbatch: {messages: 5, wait: 10s}\n"),
            "rules.d/all.sql": ALL,
        }) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                for n in range(5):
                    probe.publish("data/probe-1/n", {"n": n}, qos=1)
            request = receiver.next()
            self.assertEqual(request["headers"]["Content-Encoding"], "gzip")
            self.assertEqual(request["headers"]["Content-Type"], "application/cloudevents-batch+json")
            events = json.loads(gzip.decompress(request["body"]))
            self.assertEqual([event["data"]["n"] for event in events], list(range(5)))
            self.assertEqual({event["specversion"] for event in events}, {"1.0"})
            self.assertEqual(events[0]["source"], "/weir/rules/all")
            self.assertEqual(events[0]["subject"], "data/probe-1/n")
            self.assertEqual(len({event["id"] for event in events}), 5)

    def test_requests_are_signed_and_secrets_stay_secret(self):
        with Receiver() as receiver, Gateway(files={
            "secret": "s3cret-key-of-the-sink\n",
            "sinks.d/pager.yaml": sink(
                receiver.url,
                "auth: {sigv4: {access_key_id: AKIDEXAMPLE, secret_access_key: {file: ../secret}, "
                "region: eu-central-1, service: execute-api}}\n"),
            "rules.d/all.sql": ALL,
        }) as gateway:
            self.assertEqual(gateway.cli("sinks", "test", "pager").returncode, 0)
            request = receiver.next()
            signed = request["headers"]["Authorization"]
            self.assertEqual(signed.rsplit("=", 1)[1], signature(request, "s3cret-key-of-the-sink", "eu-central-1", "execute-api"))
            self.assertRegex(
                signed, r"^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/\d{8}/eu-central-1/execute-api/aws4_request, "
                        r"SignedHeaders=content-type;host;idempotency-key;x-amz-date, Signature=[0-9a-f]{64}$")
            shown = "\n".join(gateway.lines) + gateway.cli("sinks", "list", "-o", "json").stdout
            self.assertNotIn("s3cret-key", shown)

    def test_devices_keep_their_order_and_batches_their_keys_across_kill_9(self):
        """Requests are held and answered 503 at random; the gateway dies in between."""
        devices, count = ["probe-1", "probe-2", "probe-3"], 60
        seen = queue.Queue()

        with tempfile.TemporaryDirectory(prefix="weir-sinks-") as home, Receiver() as receiver:
            receiver.mood = lambda number: 503 if number % 4 == 0 else 200
            gateway = Gateway(keep=home, files={
                "sinks.d/pager.yaml": sink(
                    receiver.url, "in_flight: 4\nbatch: {messages: 7, wait: 20ms}\nbreaker: {failures: 0}\n"),
                "rules.d/all.sql": "---\nto: [{http: {sink: pager}}]\n---\n"
                                   "SELECT topic(2) AS device, n FROM 'data/+/n'\n",
            })
            gateway.prepare()
            folders = {name: gateway.device(name) for name in devices}
            try:
                for part in range(3):
                    gateway.start()
                    clients = []
                    for name in devices:
                        client = Client(name, version=V311, folder=folders[name])
                        client.connect(gateway.ports["front"])
                        clients.append(client)
                    for n in range(part * count // 3, (part + 1) * count // 3):
                        for name, client in zip(devices, clients):
                            client.publish(f"data/{name}/n", {"n": n}, qos=1)
                    gateway.kill()
                    for client in clients:
                        client.drop()
                receiver.mood = None
                gateway.start()
                wait_for("an empty outbox", lambda: status(gateway)["pending"] == 0)
                row = status(gateway)
            finally:
                gateway.stop()
            while not receiver.requests.empty():
                seen.put(receiver.requests.get())
        bodies, taken = {}, collections.defaultdict(list)
        while not seen.empty():
            request = seen.get()
            key = request["headers"]["Idempotency-Key"]
            self.assertEqual(bodies.setdefault(key, request["body"]), request["body"], "one key, one body")
            if request["status"] == 200 and key not in taken:
                records = json.loads(request["body"])
                taken[key] = records if isinstance(records, list) else [records]
        per_device = collections.defaultdict(list)
        for records in taken.values():
            for record in records:
                per_device[record["device"]].append(record["n"])
        for name in devices:
            self.assertEqual(per_device[name], list(range(count)), f"{name}: all, once, in order")
        self.assertEqual(row["dead"], 0)
        self.assertEqual(row["delivered"], count * len(devices))

    def test_the_breaker_leaves_a_failing_server_alone(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url, "breaker: {failures: 3, pause: 500ms}\n"),
            "rules.d/all.sql": ALL,
        }) as gateway:
            receiver.mood = lambda _: 503
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
                wait_for("the breaker", lambda: status(gateway)["breaker"] == "open")
                self.assertEqual(gateway.metric(r'weir_sink_breaker_open\{sink="pager"\}'), 1)
                waiting = gateway.json("sinks", "outbox", "pager")
                self.assertEqual([entry["payload"] for entry in waiting], [{"n": 1}])
                receiver.mood = None
                wait_for("delivery", lambda: status(gateway)["delivered"] == 1)
            row = status(gateway)
            self.assertEqual(row["breaker"], "closed")
            self.assertEqual(row["attempts"], row["failures"] + 1)
            self.assertEqual(gateway.metric(r'weir_sink_latency_seconds_count\{.*\}'), row["attempts"])
            self.assertEqual(gateway.metric(r'weir_sink_failures_total\{.*\}'), row["failures"])

    def test_a_removed_sink_is_told_until_it_is_back_or_dropped(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url),
            "rules.d/all.sql": ALL,
        }) as gateway:
            receiver.mood = lambda _: 503
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                for n in range(3):
                    probe.publish("data/probe-1/n", {"n": n}, qos=1)
            self.assertIn("is configured", gateway.cli("sinks", "drop", "pager", check=False).stderr)
            file = gateway.home / "sinks.d/pager.yaml"
            text = file.read_text()
            file.unlink()
            (gateway.home / "rules.d/all.sql").unlink()
            told = gateway.cli("reload").stdout
            self.assertIn("sink pager is gone with 3 undelivered records", told)
            gateway.wait_event("sink_removed")
            self.assertEqual((status(gateway)["activity"], status(gateway)["pending"]), ("removed", 3))
            self.assertEqual(gateway.metric(r'weir_sink_pending\{sink="pager"\}'), 3)
            self.assertIn("put its file back", gateway.cli("sinks", "retry", "pager", check=False).stderr)
            gateway.stop()
            gateway.start()
            self.assertEqual(gateway.event("sink_removed")["pending"], 3, "a start tells it, too")
            gateway.check_books()
            self.assertIn("3 undelivered records and 0 dead letters dropped", gateway.cli("sinks", "drop", "pager").stdout)
            self.assertEqual(gateway.json("sinks", "list"), [])
            file.write_text(text)
            gateway.cli("reload")
            wait_for("the books", lambda: status(gateway)["lost"] == 3)
            self.assertEqual((status(gateway)["pending"], status(gateway)["in"]), (0, 3))

    def test_dead_letters_can_be_dropped(self):
        with Receiver() as receiver, Gateway(files={"sinks.d/pager.yaml": sink(receiver.url), "rules.d/all.sql": ALL}) as gateway:
            receiver.mood = lambda _: 400
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
            wait_for("the dead letter", lambda: status(gateway)["dead_letters"] == 1)
            self.assertEqual(gateway.cli("sinks", "dead", "pager", "--drop").stdout, "1 dead letter dropped\n")
            self.assertEqual(gateway.json("sinks", "dead", "pager"), [])
            self.assertEqual(status(gateway)["dead"], 1)


    def test_the_error_stream_of_a_rule_hears_of_dead_letters(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url),
            "rules.d/all.sql": "---\nto: [{http: {sink: pager}}, {alert: {sink: pager, text: hot}}]\non_error: {stream: errors}\n---\n"
                               "SELECT n FROM 'data/#'\n",
            "rules.d/own.sql": "---\nto: [{alert: {sink: pager, text: own}}]\non_error: {stream: errors}\n---\nSELECT n FROM 'data/#'\n",
            "rules.d/untold.sql": "---\nto: [{http: {sink: pager}}]\non_error: {log: {level: warn}}\n---\nSELECT n FROM 'data/#'\n",
            "streams.d/errors.yaml": "stream: errors\n",
        }) as gateway:
            receiver.mood = lambda _: 422
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
            wait_for("the dead letters", lambda: status(gateway)["dead"] == 4)
            told = {}
            for record in gateway.stream("errors"):
                report = record["payload"]
                self.assertEqual((record["topic"], record["device"]), ("data/probe-1/n", "probe-1"))
                told.setdefault(report["ruleName"], []).append(report)
            self.assertEqual({rule: len(reports) for rule, reports in told.items()}, {"all": 2, "own": 1})
            letters = {letter["offset"]: letter for letter in gateway.json("sinks", "dead", "pager")}
            for report in told["all"] + told["own"]:
                letter = letters[report["deadLetter"]]
                self.assertEqual((letter["rule"], letter["payload"]),
                                 (report["ruleName"], json.loads(base64.b64decode(report["base64Output"]))))
                self.assertEqual(report["failures"], [{
                    "failedAction": "http" if report["ruleName"] == "all" else "alert", "failedResource": "pager",
                    "errorMessage": letter["reason"]}])

    def test_the_error_sink_of_a_rule_hears_of_dead_letters_but_of_none_of_its_own(self):
        with Receiver() as pager, Receiver() as errors, Gateway(files={
            "sinks.d/pager.yaml": sink(pager.url),
            "sinks.d/errors.yaml": sink(errors.url).replace("pager", "errors"),
            "rules.d/all.sql": "---\nto: [{http: {sink: pager}}, {http: {sink: errors}}]\non_error: {http: {sink: errors}}\n---\nSELECT n FROM 'data/#'\n",
        }) as gateway:
            pager.mood = errors.mood = lambda _: 422
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
            got = [json.loads(errors.next()["body"]) for _ in range(2)]
            self.assertIn({"n": 1}, got)
            report, = [body for body in got if body != {"n": 1}]
            letter, = gateway.json("sinks", "dead", "pager")
            self.assertEqual((report["ruleName"], report["topic"], report["device"], report["deadLetter"]),
                             ("all", "data/probe-1/n", "probe-1", letter["offset"]))
            self.assertEqual(json.loads(base64.b64decode(report["base64Output"])), letter["payload"])
            self.assertEqual(report["failures"],
                             [{"failedAction": "http", "failedResource": "pager", "errorMessage": letter["reason"]}])
            wait_for("the error sink's dead letters", lambda: status(gateway, "errors")["dead"] == 2)
            self.assertEqual((status(gateway, "errors")["in"], status(gateway)["in"]), (2, 1), "no report of a report")

    def test_an_operator_sees_what_waits_and_sends_dead_letters_again(self):
        rule = "---\nto: [{http: {sink: pager}}]\n---\nSELECT n FROM 'data/#' WHERE n < 10\n"
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url, "breaker: {failures: 0}\n"), "rules.d/all.sql": rule,
        }) as gateway:
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                receiver.mood = lambda _: 422
                for n in range(3):
                    probe.publish("data/probe-1/n", {"n": n}, qos=1)
                wait_for("the dead letters", lambda: status(gateway)["dead"] == 3)
                receiver.mood = lambda _: 503
                for payload in ({"n": 3}, {"n": 11}, {"m": 1}):
                    probe.publish("data/probe-1/n", payload, qos=1)
            refused = {json.loads(request["body"])["n"]: request["headers"]["Idempotency-Key"]
                       for request in (receiver.next() for _ in range(3))}
            wait_for("two attempts", lambda: status(gateway)["failures"] >= 5)
            waiting, = gateway.json("sinks", "outbox", "pager")
            self.assertEqual((waiting["offset"], waiting["rule"], waiting["topic"], waiting["device"], waiting["payload"]),
                             (4, "all", "data/probe-1/n", "probe-1", {"n": 3}))
            letters = gateway.json("sinks", "dead", "pager")
            self.assertEqual([(letter["offset"], letter["payload"]["n"], letter["attempts"], letter["reason"]) for letter in letters],
                             [(n + 1, n, 1, "sink_rejected: status 422") for n in range(3)])
            row = status(gateway)
            self.assertEqual((row["in"], row["pending"], row["dead"], row["delivered"], row["dead_letters"]), (4, 1, 3, 0, 3))
            self.assertIn("503", row["last_error"])
            for name, low in (("attempts_total", 5), ("failures_total", 5), ("lag_seconds", 0), ("latency_seconds_count", 5)):
                self.assertGreaterEqual(gateway.metric(r'weir_sink_%s\{.*sink="pager".*\}' % name), low, name)
            for name, value in (("in_total", 4), ("dead_total", 3), ("pending", 1), ("dead_letters", 3), ("delivered_total", 0)):
                self.assertEqual(gateway.metric(r'weir_sink_%s\{sink="pager"\}' % name), value, name)
            stats, = [row for row in gateway.json("rules", "stats") if row["name"] == "all"]
            self.assertEqual((stats["matched"], stats["passed"], stats["undefined"], stats["failed"]), (6, 4, 1, 0))
            for name, value in (("matched", 6), ("passed", 4), ("undefined", 1), ("failed", 0)):
                self.assertEqual(gateway.metric(r'weir_rule_%s_total\{rule="all"\}' % name), value, name)

            receiver.mood = None
            wait_for("the delivery", lambda: status(gateway)["delivered"] == 1)
            while not receiver.requests.empty():
                receiver.next()
            self.assertEqual(gateway.cli("sinks", "retry", "pager", "--from", "2", "--to", "2").stdout, "1 dead letter put back into the outbox\n")
            again = receiver.next()
            self.assertEqual(json.loads(again["body"]), {"n": 1})
            self.assertNotEqual(again["headers"]["Idempotency-Key"], refused[1], "it was refused for good under that one")
            self.assertEqual([letter["offset"] for letter in gateway.json("sinks", "dead", "pager")], [1, 3])
            self.assertEqual(gateway.cli("sinks", "retry", "pager").stdout, "2 dead letters put back into the outbox\n")
            self.assertEqual([json.loads(receiver.next()["body"])["n"] for _ in range(2)], [0, 2], "in their order")
            wait_for("the books", lambda: status(gateway)["delivered"] == 4)
            self.assertEqual((status(gateway)["in"], status(gateway)["dead"], gateway.json("sinks", "dead", "pager")), (7, 3, []))
            for words in (("retry", "nobody"), ("outbox", "nobody"), ("dead", "nobody"), ("drop", "pager")):
                refusal = gateway.cli("sinks", *words, check=False)
                self.assertEqual((refusal.returncode, refusal.stdout), (1, ""), words)

    def test_error_actions_of_every_kind_hear_of_dead_letters(self):
        actions = {
            "alerted": 'alert: {sink: tickets, text: "${topic(2)} of ${clientid()} at ${site}"}',
            "templated": "http: {sink: cases}",
            "republished": "republish: {topic: 'failed/${site}', qos: 1, content_type: application/json}",
            "logged": 'log: {level: error, message: "no place for ${n} of ${site}"}',
            "told": "log: {level: error}",
            "itself": "alert: {sink: pager, text: hot}",
            "unfilled": "republish: {topic: 'failed/${missing}'}",
        }
        rule = "---\nto: [{http: {sink: pager}}]\non_error: {%s}\n---\nSELECT n FROM 'data/#'\n"
        with Receiver() as pager, Receiver() as tickets, Receiver() as cases, Gateway(files={
            "sinks.d/pager.yaml": sink(pager.url),
            "sinks.d/tickets.yaml": sink(tickets.url).replace("pager", "tickets"),
            "sinks.d/cases.yaml": sink(cases.url + "/${topic(2)}/${site}").replace("pager", "cases"),
            "streams.d/failed.yaml": "stream: failed\n",
            "rules.d/failed.sql": "---\nto: [{stream: failed}]\n---\nSELECT * FROM 'failed/#'\n",
            **{f"rules.d/{name}.sql": rule % action for name, action in actions.items()},
        }) as gateway:
            pager.mood = lambda _: 422
            said = {"n": 1, "site": "north"}
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", said, qos=1)
            letters = {letter["rule"]: letter for letter in wait_for(
                "the dead letters", lambda: (lambda found: len(found) == len(actions) and found)(gateway.json("sinks", "dead", "pager")))}

            def check(report, rule):
                self.assertEqual({key: report[key] for key in ("ruleName", "topic", "clientId", "device", "deadLetter", "failures")}, {
                    "ruleName": rule, "topic": "data/probe-1/n", "clientId": "probe-1", "device": "probe-1",
                    "deadLetter": letters[rule]["offset"],
                    "failures": [{"failedAction": "http", "failedResource": "pager", "errorMessage": letters[rule]["reason"]}]})
                self.assertEqual(json.loads(base64.b64decode(report["base64OriginalPayload"])), said)
                self.assertEqual(json.loads(base64.b64decode(report["base64Output"])), {"n": 1})

            alert = json.loads(tickets.next()["body"])
            self.assertEqual((alert["text"], alert["rule"]), ("probe-1 of probe-1 at north", "alerted"))
            check(alert["report"], "alerted")
            case = cases.next()
            self.assertEqual(case["path"], "/hook/probe-1/north")
            check(json.loads(case["body"]), "templated")
            wait_for("the republished report", lambda: len(gateway.stream("failed")) == 1)
            record, = gateway.stream("failed")
            self.assertEqual((record["topic"], record["device"]), ("failed/north", "probe-1"))
            check(record["payload"], "republished")

            def lines():
                return {entry["rule"]: entry["message"] for entry in map(json.loads, filter(
                    lambda line: '"rule_log"' in line, list(gateway.lines)))}
            wait_for("the lines", lambda: len(lines()) == 2)
            self.assertEqual(lines()["logged"], "no place for 1 of north")
            self.assertIn('"deadLetter":%d' % letters["told"]["offset"], lines()["told"])
            # One that fails in turn is counted, and not reported; the sink itself is not told.
            stats = wait_for("the failure", lambda: (lambda row: row["failed"] and row)(gateway.json("rules", "stats", "unfilled")[0]))
            self.assertEqual(stats["failed"], 1)
            self.assertEqual(status(gateway)["in"], len(actions))
            self.assertEqual(gateway.metric(r"weir_sink_reports_lost_total.*"), 0)

    def test_reports_that_become_dead_letters_do_not_go_round_for_ever(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url),
            "rules.d/round.sql": "---\nto: [{http: {sink: pager}}]\non_error: {republish: {topic: data/again}}\n---\nSELECT 1 AS n FROM 'data/#'\n",
        }) as gateway:
            receiver.mood = lambda _: 422
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
                wait_for("the end", lambda: gateway.metric(r'weir_lost_total\{reason="republish_loop"\}') == 1)
                self.assertEqual(status(gateway)["dead"], 9, "once, and limits.hops times more")
                probe.publish("data/probe-1/n", {"n": 2}, qos=1)
                wait_for("the end", lambda: gateway.metric(r'weir_lost_total\{reason="republish_loop"\}') == 2)
                self.assertEqual(status(gateway)["dead"], 18)

    def test_what_a_receiver_says_breaks_no_list(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url), "rules.d/all.sql": ALL,
        }) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                receiver.mood = lambda _: 422
                for n, says in enumerate([("x" + "é" * 600).encode(), b"\xff\x1b[2J\"\\"], 1):
                    receiver.says = says
                    probe.publish("data/probe-1/n", {"n": n}, qos=1)
                    wait_for("the dead letter", lambda: status(gateway)["dead"] == n)
            self.assertEqual(status(gateway)["last_error"], 'status 422: \ufffd\ufffd[2J"\\')
            letters = [letter["reason"] for letter in gateway.json("sinks", "dead", "pager")]
            self.assertEqual(letters, [
                "sink_rejected: status 422: x" + "é" * 127 + "...", 'sink_rejected: status 422: \ufffd\ufffd[2J"\\'])
            logged = gateway.wait_event("sink_rejected")
            self.assertEqual(logged["error"], "status 422: x" + "é" * 127 + "...", "one a minute")

    def test_tables_show_the_start_of_long_payloads(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": sink(receiver.url), "rules.d/all.sql": ALL,
        }) as gateway:
            folder = gateway.device("probe-1")
            note = "x" * 500
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                receiver.mood, receiver.says = lambda _: 422, b"no such field\n"
                probe.publish("data/probe-1/n", {"n": 1, "note": note}, qos=1)
                wait_for("the dead letter", lambda: status(gateway)["dead"] == 1)
                receiver.mood = lambda _: 503
                probe.publish("data/probe-1/n", {"n": 2, "note": note}, qos=1)
            for listed in ("dead", "outbox"):
                lines = gateway.cli("sinks", listed, "pager").stdout.splitlines()
                self.assertEqual(len(lines), 2)
                self.assertTrue(lines[1].endswith("x..."), lines[1])
                self.assertLess(len(lines[1]), 200)
                self.assertEqual(gateway.json("sinks", listed, "pager")[0]["payload"]["note"], note)
                self.assertIn(note, gateway.cli("sinks", listed, "pager", "-o", "csv").stdout)
            self.assertEqual(gateway.json("sinks", "dead", "pager")[0]["reason"], "sink_rejected: status 422: no such field")

    def test_a_receiver_that_speaks_no_http_is_tried_again(self):
        with socket.create_server(("127.0.0.1", 0)) as server, Gateway(files={
            "sinks.d/pager.yaml": sink(f"http://127.0.0.1:{server.getsockname()[1]}/"), "rules.d/all.sql": ALL,
        }) as gateway:
            def serve():
                with contextlib.suppress(OSError):
                    while True:
                        with server.accept()[0] as peer:
                            peer.recv(65536)
                            peer.sendall(b"hello world")
                            peer.shutdown(socket.SHUT_WR)
                            while peer.recv(65536):  # Closing what is not read would throw the answer away.
                                pass
            threading.Thread(target=serve, daemon=True).start()
            with Client("probe-1", folder=gateway.device("probe-1")) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
            row = wait_for("two attempts", lambda: (lambda row: row["failures"] > 1 and row)(status(gateway)))
            self.assertEqual((row["dead"], row["pending"], row["last_error"]), (0, 1, "the answer is not HTTP"))
            advice = gateway.cli("sinks", "test", "pager", check=False).stdout
            self.assertIn("does not speak HTTP", advice)
            self.assertIn("tried again", advice)
            server.shutdown(socket.SHUT_RDWR)


class SinkTest(unittest.TestCase):
    """weir sinks test"""

    def test_tells_what_came_of_it_and_what_to_change(self):
        with Receiver() as receiver, Gateway(files={"sinks.d/pager.yaml": sink(receiver.url + "/${topic(2)}/${temp}")}) as gateway:
            message = ["--topic", "data/p1/t", "--payload", '{"temp": 91}']
            done = gateway.cli("sinks", "test", "pager", *message)
            self.assertIn("HTTP/1.1 200", done.stdout)
            self.assertRegex(done.stdout, r"(?m)^  total +\d+\.\d ms")
            self.assertIn("the receiver took the record", done.stdout)
            request = receiver.next()
            self.assertEqual((request["path"], request["body"]), ("/hook/p1/91", b'{"temp": 91}'))
            self.assertRegex(request["headers"]["Idempotency-Key"], "^pager/test-[0-9a-f]{16}$")
            receiver.answer(401)
            refused = gateway.cli("sinks", "test", "pager", *message, check=False)
            self.assertEqual(refused.returncode, 1)
            self.assertIn("status 401", refused.stdout)
            self.assertIn("fix: the server does not accept the credentials", refused.stdout)
            hole = gateway.cli("sinks", "test", "pager", check=False)
            self.assertNotEqual(hole.returncode, 0)
            self.assertIn("has no value", hole.stdout + hole.stderr)
            unknown = gateway.cli("sinks", "test", "pager", "--rule", "nobody", *message, check=False)
            self.assertEqual((unknown.returncode, unknown.stderr), (1, "weir: there is no rule 'nobody'\n"))
            self.assertEqual(status(gateway)["in"], 0, "nothing of it went through the outbox")

    def test_needs_no_running_receiver(self):
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))  # Nobody else gets the port, and it does not listen.
            url = f"http://127.0.0.1:{nobody.getsockname()[1]}/"
            with Gateway(files={"sinks.d/pager.yaml": sink(url)}) as gateway:
                answer = gateway.cli("sinks", "test", "pager", "-o", "json", check=False)
                self.assertEqual(answer.returncode, 1)
                answer = json.loads(answer.stdout)
                self.assertEqual((answer["delivered"], answer["meaning"], answer["status"]), (False, "again", None))
                self.assertIn("nothing listens", answer["hint"])

    def test_mutual_tls_with_an_own_ca(self):
        with tempfile.TemporaryDirectory(prefix="weir-sinks-") as home:
            gateway = Gateway(keep=home, files={})
            gateway.prepare()
            certs = pathlib.Path(home) / "certs"
            mine = gateway.device("weir-as-client")
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certs / "weir.crt", certs / "weir.key")
            context.load_verify_locations(certs / "ca.crt")
            with Receiver(tls=context) as receiver:
                gateway.write("sinks.d/pager.yaml", sink(receiver.url))
                gateway.start()
                try:
                    unknown = gateway.cli("sinks", "test", "pager", check=False)
                    self.assertIn("name it with ca", unknown.stdout)
                    context.verify_mode = ssl.CERT_REQUIRED
                    gateway.write("sinks.d/pager.yaml", sink(
                        receiver.url,
                        f"ca: ../certs/ca.crt\nauth: {{client_cert: {{cert: {mine}/device.crt, key: {{file: {mine}/device.key}}}}}}\n"))
                    gateway.cli("reload")
                    taken = gateway.cli("sinks", "test", "pager", "-o", "json")
                    self.assertEqual(json.loads(taken.stdout)["status"], 200)
                    self.assertGreater(json.loads(taken.stdout)["tls_ms"], 0)
                finally:
                    gateway.stop()


if __name__ == "__main__":
    unittest.main()
