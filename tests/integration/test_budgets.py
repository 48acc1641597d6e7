"""Budgets of the storage: what each area holds, what gives way when it is full, and how an operator sees it."""
import unittest

from gateway import CONFIG, Gateway, wait_for
from peers import V311, Client, Receiver

KIB = 1024
BUDGETS = "{streams: 256KiB, queues: 128KiB, outbox: 128KiB, retained: 64KiB}"
PAYLOAD = b"x" * (8 * KIB)


def configured(budgets):
    return CONFIG.replace("storage: {path: data}", f"storage: {{path: data, budgets: {budgets}}}")


class Budgets(unittest.TestCase):
    def setUp(self):
        self.receiver = Receiver().__enter__()
        self.addCleanup(self.receiver.__exit__, None, None, None)
        self.receiver.mood = lambda _: 503
        self.gateway = Gateway(config=configured(BUDGETS), files={
            "sinks.d/pager.yaml": f"sink: pager\ntype: http\nurl: {self.receiver.url}\noutbox: {{on_full: dead_letter}}\n",
            "streams.d/raw.yaml": "stream: raw\n",
            "rules.d/page.sql": "---\nto: [{http: {sink: pager}}]\n---\nSELECT * FROM 'page/#'\n",
            "rules.d/keep.sql": "---\nto: [{stream: raw}]\n---\nSELECT * FROM 'raw/#'\n",
        }).__enter__()
        self.addCleanup(self.gateway.__exit__)
        self.gateway.device("b", policy="open", password="secret-b")
        self.publisher = self.client("b")

    def client(self, name, **options):
        made = Client(name, version=V311, user="b", password="secret-b", **options)
        self.addCleanup(made.close)
        made.connect(self.gateway.ports["plain"])
        return made

    def area(self, name):
        areas = self.gateway.json("status")["storage"]["areas"]
        return next(row for row in areas if row["area"] == name)

    def trimmed(self, name):
        """The area, once its budget has cost something and is kept; else None."""
        area = self.area(name)
        return area if area["lost"] > 0 and area["bytes"] <= area["budget"] else None

    def why(self, reason):
        return [entry for entry in self.gateway.json("why", "b")["decisions"] if entry["reason"] == reason]

    def test_retained_messages_beyond_their_budget_are_delivered_and_not_kept(self):
        count, topic = 12, "retained/%02d"
        kept = 64 * KIB // (len(PAYLOAD) + len(topic % 0))
        subscriber = self.client("sub")
        subscriber.subscribe("retained/#", 1)
        for number in range(count):
            self.publisher.publish(topic % number, PAYLOAD, qos=1, retain=True)
        for number in range(count):
            self.assertEqual(subscriber.receive().topic, topic % number)
        self.assertEqual(self.gateway.metric("weir_retained"), kept)
        area = self.area("retained")
        self.assertEqual((area["bytes"], area["budget"], area["lost"]),
                         (kept * (len(PAYLOAD) + len(topic % 0)), 64 * KIB, count - kept))
        self.assertEqual(self.gateway.metric(r'weir_lost_total\{reason="quota_exceeded"\}'), count - kept)
        self.assertEqual(self.why("quota_exceeded")[-1]["detail"], "storage.budgets.retained is used up")
        event = wait_for("the warning", lambda: self.gateway.event("storage_area_full"))
        self.assertEqual((event["area"], event["budget"]), ("retained", 64 * KIB))
        self.assertIn("(full)", self.gateway.cli("status").stdout)

        self.gateway.write("weir.yaml", configured("{retained: 1MiB}") % {"shards": self.gateway.shards})
        self.gateway.cli("reload")
        self.publisher.publish(topic % count, PAYLOAD, qos=1, retain=True)
        self.assertEqual(self.gateway.metric("weir_retained"), kept + 1)
        self.assertEqual(self.area("retained")["budget"], 1024 * KIB)
        self.assertIsNone(self.area("queues")["budget"])
        self.assertEqual(self.gateway.json("status")["needs_restart"], [])

    def test_a_queue_does_not_grow_beyond_the_budget_of_all(self):
        subscriber = self.client("sub", clean=False)
        subscriber.subscribe("t/#", 1)
        subscriber.close()
        for number in range(40):
            self.publisher.publish("t/x", b"%02d" % number + PAYLOAD, qos=1)
        area = wait_for("room", lambda: self.trimmed("queues"))
        lost = self.gateway.json("status")["lost_by_limit"]
        self.assertEqual(lost["storage.budgets.queues"], area["lost"])
        self.assertEqual(self.gateway.metric(r'weir_storage_area_lost_total\{area="queues"\}'), area["lost"])
        self.assertIn("storage.budgets.queues is used up", {
            entry["detail"] for reason in ("queue_dropped_oldest", "queue_full") for entry in self.why(reason)})

    def test_outboxes_are_full_when_their_budget_is(self):
        for _ in range(40):
            self.publisher.publish("page/x", {"v": PAYLOAD.decode()}, qos=1)
        area = self.area("outbox")
        self.assertLessEqual(area["bytes"], 128 * KIB)
        self.assertGreater(area["lost"], 0)
        self.assertEqual(self.gateway.metric(r'weir_lost_total\{reason="sink_full"\}'), area["lost"])
        self.assertEqual(self.why("sink_full")[-1]["detail"], "storage.budgets.outbox is used up")

    def test_streams_give_up_their_oldest_records(self):
        for number in range(60):
            self.publisher.publish("raw/x", {"n": number, "v": PAYLOAD.decode()}, qos=1)
        area = wait_for("the cut", lambda: self.trimmed("streams"))
        numbers = [record["payload"]["n"] for record in self.gateway.stream("raw")]
        self.assertEqual(numbers, list(range(area["lost"], 60)))
        self.assertIn("streams", self.gateway.cli("storage", "stat").stdout)


if __name__ == "__main__":
    unittest.main()
