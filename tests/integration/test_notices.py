"""Rules that write for people, and republish with properties."""
import json
import unittest

from gateway import Gateway, wait_for
from peers import Client, Receiver


def logged(gateway, rule):
    return [event for event in map(parsed, list(gateway.lines)) if event.get("event") == "rule_log" and event["rule"] == rule]


def parsed(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def rule(to, sql="SELECT * FROM 'data/#'"):
    return f"---\nto:\n{to}---\n{sql}\n"


class Notices(unittest.TestCase):
    def probe(self, gateway, name="probe-1"):
        client = Client(name, folder=gateway.device(name, policy="open"))
        self.addCleanup(client.close)
        client.connect(gateway.ports["front"])
        return client

    def test_a_rule_writes_the_log_in_one_line_whatever_the_device_says(self):
        with Gateway(files={
            "rules.d/said.sql": rule("  - log: {level: warn, message: 'says ${said}'}\n"),
            "rules.d/whole.sql": rule("  - log: {}\n"),
        }) as gateway:
            probe = self.probe(gateway)
            probe.publish("data/x", {"said": 'a "b"\n\x1b[2J{"event":"forged"}'}, qos=1)
            probe.publish("data/x", {"said": "é" * 4000}, qos=1)
            events = wait_for("two lines", lambda: len(logged(gateway, "said")) == 2 and logged(gateway, "said"))
            self.assertEqual(events[0]["message"], 'says a "b"\n\x1b[2J{"event":"forged"}')
            self.assertEqual((events[0]["level"], events[0]["device"], events[0]["topic"]), ("warn", "probe-1", "data/x"))
            self.assertIsNone(gateway.event("forged"))
            self.assertFalse(any("\x1b" in line for line in gateway.lines))
            self.assertLess(len(events[1]["message"].encode()), 2100)
            self.assertTrue(events[1]["message"].endswith("..."))
            self.assertEqual(json.loads(logged(gateway, "whole")[0]["message"])["said"], 'a "b"\n\x1b[2J{"event":"forged"}')

    def test_a_chatty_rule_is_throttled_and_tells_how_much_it_kept_to_itself(self):
        with Gateway(files={"rules.d/n.sql": rule("  - log: {rate: 3/s}\n", "SELECT n FROM 'data/#'")}) as gateway:
            probe = self.probe(gateway)
            for n in range(200):
                probe.publish("data/n", {"n": n}, qos=1 if n == 199 else 0)

            def counted():
                held = sum(event["held_back"] for event in logged(gateway, "n"))
                return len(logged(gateway, "n")), held, gateway.metric(r'weir_rule_held_back_total\{rule="n"\}')
            lines, held, total = wait_for("the books to agree", lambda: (lambda c: c[0] + c[2] == 200 and c)(counted()))
            self.assertLess(lines, 100)
            self.assertLessEqual(held, total)

    def test_an_alert_tells_people_once_per_key_and_interval(self):
        with Receiver() as receiver, Gateway(files={
            "sinks.d/chat.yaml": f"sink: chat\ntype: http\nurl: {receiver.url}\n",
            "rules.d/hot.sql": rule(
                "  - alert: {sink: chat, text: 'Probe ${topic(2)} is hot: ${temp} °C', key: '${topic(2)}', interval: 5s}\n",
                "SELECT * FROM 'data/+' WHERE temp > 80"),
        }) as gateway:
            probe = self.probe(gateway)
            for name in ("p1", "p1", "p1", "p2"):
                probe.publish(f"data/{name}", {"temp": 91.5}, qos=1)
            first, second = json.loads(receiver.next()["body"]), json.loads(receiver.next()["body"])
            self.assertEqual(first["text"], "Probe p1 is hot: 91.5 °C")
            self.assertEqual((first["rule"], first["key"], first["held_back"], first["device"]), ("hot", "p1", 0, "probe-1"))
            self.assertEqual(second["text"], "Probe p2 is hot: 91.5 °C")
            wait_for("the count", lambda: gateway.metric(r'weir_rule_held_back_total\{rule="hot"\}') == 2)

            def again():
                probe.publish("data/p1", {"temp": 95}, qos=1)
                return not receiver.requests.empty()
            wait_for("the interval to pass", again)
            third = json.loads(receiver.next()["body"])
            self.assertGreaterEqual(third["held_back"], 2)
            self.assertTrue(third["text"].startswith("Probe p1 is hot: 95 °C ("), third["text"])

    def test_a_republished_message_has_the_properties_that_the_rule_says(self):
        to = ("  - republish:\n      topic: alarms/${topic(2)}\n      qos: 1\n      retain: true\n      payload_format: utf8\n"
              "      content_type: application/json\n      response_topic: answers/${topic(2)}\n      correlation_data: ${id}\n"
              "      message_expiry: 1h\n      user_properties: {unit: C, site: '${site}'}\n")
        with Gateway(files={"rules.d/hot.sql": rule(to, "SELECT temp FROM 'data/+'")}) as gateway:
            probe = self.probe(gateway)
            probe.subscribe("alarms/#", 1)
            probe.publish("data/p1", {"temp": 91, "id": 42, "site": "Bergen"}, qos=1)
            message = probe.receive()
            self.assertEqual((message.topic, json.loads(message.payload), message.qos), ("alarms/p1", {"temp": 91}, 1))
            said = message.properties
            self.assertEqual((said.PayloadFormatIndicator, said.ContentType, said.ResponseTopic), (1, "application/json", "answers/p1"))
            self.assertEqual(said.CorrelationData, b"42")
            self.assertEqual(said.UserProperty, [("unit", "C"), ("site", "Bergen")])
            self.assertTrue(3500 < said.MessageExpiryInterval <= 3600)
            late = self.probe(gateway, "probe-2")
            late.subscribe("alarms/#", 1)
            retained = late.receive()
            self.assertTrue(retained.retain)
            self.assertEqual(retained.properties.UserProperty, [("unit", "C"), ("site", "Bergen")])
            # A topic that comes out wrong fails the action, and `why` tells of it.
            probe.publish("data/p1", {"temp": 91, "id": 42}, qos=1)
            wait_for("the failure", lambda: gateway.metric(r'weir_rule_failed_total\{rule="hot"\}') == 1)

    def test_rules_that_feed_each_other_come_to_an_end(self):
        with Gateway(files={"rules.d/loop.sql": rule("  - republish: {topic: 'data/${topic(2)}'}\n", "SELECT n + 1 AS n FROM 'data/+'")}) as gateway:
            probe = self.probe(gateway)
            probe.subscribe("data/+")
            probe.publish("data/x", {"n": 0}, qos=1)
            probe.subscribe("end")
            probe.publish("end", b"mark", qos=1)
            seen = []
            while (message := probe.receive()).topic != "end":
                seen.append(json.loads(message.payload)["n"])
            self.assertEqual(seen, list(range(len(seen))))
            self.assertTrue(2 < len(seen) < 20, seen)
            self.assertEqual(gateway.metric(r'weir_lost_total\{reason="republish_loop"\}'), 1)


if __name__ == "__main__":
    unittest.main()
