"""The main job: device -> policy -> rule -> stream and HTTP sink -> metered, and what `weir why` tells of it."""
import json
import unittest

from gateway import CONFIG, Gateway, wait_for
from peers import Client, Receiver, V311, V5

PLAN = """plan: "2016"
currency: USD
prices: [{meter: aws-2016-512, per: 1, price: PRICE}]
"""


class EndToEnd(unittest.TestCase):
    def test_a_hot_probe_reaches_stream_and_sink_and_is_metered(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": f"sink: pager\ntype: http\nurl: {receiver.url}\n",
            "rules.d/hot.sql": "---\nto:\n  - stream: alarms\n  - http: {sink: pager}\n---\n"
                               "SELECT topic(2) AS device, temp FROM 'data/+/temp' WHERE temp > 80\n",
        }) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                _, code, _ = probe.connect(gateway.ports["front"])
                self.assertEqual(code.value, 0)
                probe.publish("data/probe-1/temp", {"temp": 20}, qos=1)
                probe.publish("data/probe-1/temp", {"temp": 91.5}, qos=1)
                records = gateway.stream("alarms")
                self.assertEqual([record["payload"] for record in records], [{"device": "probe-1", "temp": 91.5}])
                request = receiver.next()
                self.assertEqual(json.loads(request["body"]), {"device": "probe-1", "temp": 91.5})
                self.assertTrue(request["headers"].get("Idempotency-Key"))
                probe.publish("data/other/temp", {"temp": 99}, qos=1)
            why = gateway.json("why", "probe-1")
            denied = [entry for entry in why["decisions"] if entry["reason"] == "publish_denied"]
            self.assertEqual(denied[0]["topic"], "data/other/temp")
            self.assertIn("sensor.yaml", denied[0]["source"])
            self.assertEqual(len(gateway.stream("alarms")), 1, "what is denied reaches no rule")

            def used():
                rows = gateway.json("usage", "--device", "probe-1", "--scheme", "aws-2016-512")
                return rows and rows[0]["units"]
            self.assertEqual(wait_for("usage", used), 2)

    def test_the_status_counts_messages_and_tells_how_fast_they_come(self):
        with Gateway() as gateway:
            gateway.device("app", policy="open", password="secret-1")
            with Client("app-1", user="app", password="secret-1") as app:
                app.connect(gateway.ports["plain"])
                app.subscribe("a/+", 1)
                for number in range(6):
                    app.publish(f"{'ab'[number % 2]}/1", b"x", qos=1)
                for _ in range(3):
                    app.receive()
                messages = gateway.json("status")["messages"]
                for way, total in (("in", 6), ("out", 3)):
                    self.assertEqual(messages[way]["total"], total)
                    self.assertGreater(messages[way]["per_s"], 0)
                    self.assertLessEqual(messages[way]["per_s"], total, "no span is shorter than a second")
            self.assertRegex(gateway.cli("status").stdout, r"messages 6 in \(\d+\.\d/s\), 3 out \(\d+\.\d/s\)\n")

    def test_a_month_has_its_price(self):
        with Gateway(files={"pricing.d/plan.yaml": PLAN.replace("PRICE", "5")}) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/temp", "x" * 513, qos=1)
            self.assertEqual(self.costs(gateway), [("2016", "aws-2016-512", 2, "10.00"), ("2016", "total", None, "10.00")])
            gateway.write("pricing.d/plan.yaml", PLAN.replace("PRICE", "0.0000025"))
            gateway.cli("reload")
            self.assertEqual(self.costs(gateway)[1][3], "0.000005")
            self.assertEqual(gateway.json("usage", "cost", "--month", "1999-12")[0]["cost"], "0.00")

    def test_usage_is_shown_in_the_schemes_of_the_configuration(self):
        with Gateway(config=CONFIG + "metering: {schemes: [azure-4k, aws-5k]}\n") as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/temp", "x" * 4097, qos=1)

            def schemes(*options):
                rows = gateway.json("usage", "--device", "probe-1", *options)
                return [(row["scheme"], row["units_in"]) for row in rows]
            self.assertEqual(schemes(), [("azure-4k", 2), ("aws-5k", 1)])
            self.assertEqual(schemes("--scheme", "pubsub-64k"), [("pubsub-64k", 1)], "the others are counted too")
            gateway.write("weir.yaml", CONFIG % {"shards": gateway.shards} + "metering: {schemes: [aws-5k, azure-4k, aws-5k]}\n")
            gateway.cli("reload")
            self.assertEqual(schemes(), [("aws-5k", 1), ("azure-4k", 2)], "each once")

    def costs(self, gateway):
        return [(row["plan"], row["meter"], row["units"], row["cost"]) for row in gateway.json("usage", "cost")]

    def test_a_connect_as_somebody_else_is_refused(self):
        with Gateway() as gateway:
            folder = gateway.device("probe-1")
            for version, refused in ((V5, 0x87), (V311, 5)):
                with Client("probe-2", version=version, folder=folder) as probe:
                    _, code, _ = probe.connect(gateway.ports["front"])
                    self.assertEqual(getattr(code, "value", code), refused)
            reasons = [entry["reason"] for entry in gateway.json("why", "probe-1")["decisions"]]
            self.assertIn("connect_denied", reasons)

    def test_nobody_gets_in_without_credentials(self):
        with Gateway() as gateway:
            with Client("probe-1", version=V311) as probe:
                _, code, _ = probe.connect(gateway.ports["plain"])
                self.assertEqual(code, 5)

    def test_a_password_works_where_a_certificate_is_not_to_be_had(self):
        with Gateway() as gateway:
            gateway.device("probe-1", password="correct horse")
            with Client("probe-1", user="probe-1", password="correct horse") as probe:
                _, code, _ = probe.connect(gateway.ports["plain"])
                self.assertEqual(code.value, 0)
            with Client("probe-1", user="probe-1", password="wrong") as probe:
                _, code, _ = probe.connect(gateway.ports["plain"])
                self.assertEqual(code.value, 0x86)

    def test_a_sink_that_is_down_delays_nobody_else(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": f"sink: pager\ntype: http\nurl: {receiver.url}\n",
            "sinks.d/dead.yaml": "sink: dead\ntype: http\nurl: http://127.0.0.1:1/\n",
            "rules.d/both.sql": "---\nto:\n  - http: {sink: dead}\n  - http: {sink: pager}\n---\nSELECT * FROM 'data/#'\n",
        }) as gateway:
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                for n in range(5):
                    probe.publish("data/probe-1/n", {"n": n}, qos=1)
            got = []
            while len(got) < 5:
                body = json.loads(receiver.next()["body"])
                got += body if isinstance(body, list) else [body]
            self.assertEqual([each["n"] for each in got], list(range(5)))

    def test_a_failing_sink_is_retried_with_the_same_key_and_a_refusing_one_ends_in_dead_letters(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/pager.yaml": f"sink: pager\ntype: http\nurl: {receiver.url}\n",
            "rules.d/all.sql": "---\nto:\n  - http: {sink: pager}\n---\nSELECT * FROM 'data/#'\n",
        }) as gateway:
            receiver.answer(503)
            folder = gateway.device("probe-1")
            with Client("probe-1", folder=folder) as probe:
                probe.connect(gateway.ports["front"])
                probe.publish("data/probe-1/n", {"n": 1}, qos=1)
                first, second = receiver.next(), receiver.next()
                self.assertEqual(first["headers"]["Idempotency-Key"], second["headers"]["Idempotency-Key"])
                self.assertEqual(first["body"], second["body"])
                receiver.answer(400)
                probe.publish("data/probe-1/n", {"n": 2}, qos=1)
                receiver.next()
            dead = wait_for("a dead letter", lambda: gateway.json("sinks", "dead", "pager"))
            self.assertEqual(len(dead), 1)


if __name__ == "__main__":
    unittest.main()
