"""weir rules try --live and weir messages watch: what is published now, seen as rules see it, bounded, and over when its reader goes."""
import json
import signal
import unittest

from gateway import DEADLINE_S, Gateway, wait_for
from peers import Client, PacketTypes, properties

SELECT = ("SELECT topic(2) AS probe, temp, clientid() AS client, principal() AS who, thing() AS thing, timestamp() AS at, "
          "qos() AS qos, sourceip() AS ip, get_user_properties() AS user FROM 'data/+/temp' WHERE temp > 80\n")
FILES = {
    "rules.d/hot.sql": "---\nto: [{stream: alarms}]\n---\n" + SELECT,
    "rules.d/copy.sql": "---\nto: [{republish: {topic: 'copy/${topic(2)}'}}]\n---\nSELECT VALUE temp FROM 'data/+/temp'\n",
    "draft.sql": "---\nto: [{http: {sink: nowhere}}]\n---\n" + SELECT,
}


class LiveMessages(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(files=FILES))
        self.probe = self.enterContext(Client("client-1", user="probe-1", password="secret-1"))
        self.gateway.device("probe-1", policy="open", password="secret-1")
        self.probe.connect(self.gateway.ports["plain"])

    def run_weir(self, *words):
        """Runs it until its tap is open; returns the process and a queue of its lines."""
        running, lines = self.gateway.run_beside(self, *words)
        self.gateway.wait_event("tap_opened")
        return running, lines

    def post(self, path, **members):
        """Status and answer of the admin socket."""
        status, body = self.gateway.ask("POST", path, **members)
        return status, json.loads(body)

    def test_a_rule_that_is_tried_sees_what_one_in_force_sees(self):
        trying, lines = self.run_weir("rules", "try", str(self.gateway.home / "draft.sql"), "--live", "-o", "json")
        self.probe.publish("other/1", {"temp": 99}, qos=1)
        self.probe.publish("data/p7/temp", {"temp": 20}, qos=1)
        self.probe.publish("data/p7/temp", '{"temp": 91.50}', qos=1,
                           props=properties(PacketTypes.PUBLISH, UserProperty=[("unit", "C")]))
        seen = json.loads(lines.get(timeout=DEADLINE_S))
        self.assertEqual((seen["topic"], seen["to"]), ("data/p7/temp", "http/nowhere"))
        stored, = self.gateway.stream("alarms")
        made = json.loads(seen["payload"])
        self.assertEqual(made, stored["payload"])
        self.assertEqual((made["client"], made["thing"], made["qos"], made["user"]),
                         ("client-1", "probe-1", 1, [{"unit": "C"}]))
        trying.send_signal(signal.SIGINT)
        totals = json.loads(lines.get(timeout=DEADLINE_S))
        self.assertEqual(trying.wait(DEADLINE_S), 0)
        self.assertEqual(totals, {"messages": 2, "on_topic": 2, "matched": 1, "failed": 0, "where_undefined": 0})
        self.assertEqual(self.gateway.metric(r"weir_messages_delivered_total.*"), 0)

    def test_trying_ends_after_so_many_messages(self):
        trying, lines = self.run_weir("rules", "try", str(self.gateway.home / "draft.sql"), "--live", "--messages", "2")
        for temp in (91, 20, 92):
            self.probe.publish("data/p7/temp", {"temp": temp}, qos=1)
        self.assertEqual(trying.wait(DEADLINE_S), 0)
        self.assertIn('"temp":91', lines.get(timeout=DEADLINE_S))
        self.assertIn("matched 1 of 2 messages, 2 of them on the topic", lines.get(timeout=DEADLINE_S))

    def test_watching_shows_each_message_and_what_rules_republish_of_it(self):
        watching, lines = self.run_weir("messages", "watch", "--messages", "3", "--payload", "6")
        self.probe.publish("a/1", b"\x00\xff and more", qos=1, retain=True)
        self.probe.publish("data/p7/temp", b'{"temp": 20}', qos=0)
        self.assertEqual(watching.wait(DEADLINE_S), 0)
        shown = [lines.get(timeout=DEADLINE_S).rstrip("\n").split("  ")[1:] for _ in range(3)]
        self.assertEqual(shown, [
            ["a/1", "probe-1", "qos 1 retain", "11 B", "\ufffd\ufffd and..."],
            ["data/p7/temp", "probe-1", "qos 0", "12 B", '{"temp...'],
            ["copy/p7", "probe-1", "qos 0", "2 B", "20"],
        ])
        self.assertEqual(self.gateway.event("tap_opened")["filters"], "#")

    def test_properties_are_shown_by_their_names(self):
        watching, lines = self.run_weir("messages", "watch", "--messages", "2", "-o", "json")
        self.probe.publish("a/1", "x", qos=1)
        self.probe.publish("a/2", "x", qos=1, props=properties(
            PacketTypes.PUBLISH, PayloadFormatIndicator=1, ContentType="text/plain", ResponseTopic="r/1",
            CorrelationData=b"\x00\xff", UserProperty=[("unit", "C"), ("unit", "F")]))
        shown = [json.loads(lines.get(timeout=DEADLINE_S))["properties"] for _ in range(2)]
        self.assertEqual(shown, [{}, {
            "payload_format_indicator": 1, "content_type": "text/plain", "response_topic": "r/1", "correlation_data": "AP8=",
            "user_properties": [["unit", "C"], ["unit", "F"]],
        }])
        self.assertEqual(watching.wait(DEADLINE_S), 0)

    def test_more_than_the_rate_is_left_out_and_told(self):
        watching, lines = self.run_weir("messages", "watch", "data/#", "--rate", "1", "-o", "json")
        published = 50
        for number in range(published):
            self.probe.publish("data/p7/n", {"number": number}, qos=1)
        self.assertEqual(json.loads(json.loads(lines.get(timeout=DEADLINE_S))["payload"]), {"number": 0})
        watching.send_signal(signal.SIGINT)
        told = watching.stderr.read()
        self.assertEqual(watching.wait(DEADLINE_S), 0)
        count, *rest = told.removeprefix("left out: ").split(" ", 1)
        self.assertEqual(rest, ["messages beyond 1 a second\n"])
        for _ in range(published - 1 - int(count)):
            json.loads(lines.get(timeout=DEADLINE_S))
        self.assertGreater(int(count), 0)

    def test_a_tap_that_nobody_reads_makes_room_for_others(self):
        ids = []
        for _ in range(4):
            status, answer = self.post("/v1/taps", filters=["#"], valid_s=600)
            self.assertEqual((status, answer["valid_ms"]), (200, 600_000))
            ids.append(answer["id"])
        status, answer = self.post("/v1/taps", filters=["#"])
        self.assertEqual((status, answer["code"]), (409, "too_many_taps"))
        wait_for("a tap to end", lambda: self.post("/v1/taps", filters=["#"])[0] == 200)
        self.assertEqual(self.post(f"/v1/taps/{ids[0]}/read")[0], 404)

    def test_says_what_is_wrong(self):
        wrong = self.gateway.cli("messages", "watch", "a/#/b", check=False)
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("'a/#/b' is no topic filter", wrong.stderr)
        for option, value in (("--messages", "0"), ("--messages", "-1"), ("--rate", "0"), ("--payload", "-1")):
            wrong = self.gateway.cli("messages", "watch", option, value, check=False)
            self.assertEqual(wrong.returncode, 2, option)
            self.assertRegex(wrong.stderr, rf"{option}: Value {value} not in range [01] to \d+\n")
        draft = str(self.gateway.home / "draft.sql")
        for words in ([draft], [draft, "--live", "--stream", "alarms"], [draft, "--stream", "alarms", "--for", "5s"],
                      [draft, "--live", "--for", "11m"]):
            self.assertEqual(self.gateway.cli("rules", "try", *words, check=False).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
