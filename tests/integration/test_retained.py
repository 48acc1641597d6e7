"""weir retained: what topics keep and who published it, on all shards; clearing it, for good and for every later subscriber."""
import unittest

from gateway import Gateway, wait_for
from peers import Client, PacketTypes, properties


class Retained(unittest.TestCase):
    def publisher(self, gateway):
        gateway.device("app", policy="open", password="secret-1")
        client = Client("app-1", user="app", password="secret-1")
        self.addCleanup(client.close)
        client.connect(gateway.ports["plain"])
        return client

    def test_messages_are_listed_with_publisher_size_and_end(self):
        with Gateway() as gateway:
            app = self.publisher(gateway)
            app.publish("b/2", b"four", qos=1, retain=True)
            app.publish("a/1", b"x", qos=1, retain=True,
                        props=properties(PacketTypes.PUBLISH, MessageExpiryInterval=3600))
            app.publish("a/0", b"gone", qos=1, retain=True)
            app.publish("a/0", b"", qos=1, retain=True)
            app.publish("a/2", b"live", qos=1)
            first, second = gateway.json("retained", "list")
            self.assertEqual((first["topic"], first["bytes"], first["qos"], first["publisher"], first["client_id"]),
                             ("a/1", 1, 1, "app", "app-1"))
            self.assertEqual((second["topic"], second["bytes"], second["expires"]), ("b/2", 4, None))
            self.assertGreater(first["expires"], first["time"])
            self.assertGreaterEqual(first["age_ms"], 0)
            self.assertEqual([row["topic"] for row in gateway.json("retained", "list", "b/+")], ["b/2"])
            self.assertEqual(gateway.json("retained", "list", "nobody/#"), [])
            lines = gateway.cli("retained", "list", "-o", "csv").stdout.splitlines()
            self.assertEqual(lines[0], "topic,bytes,qos,publisher,client_id,time,age_ms,expires")
            self.assertTrue(lines[1].startswith("a/1,1,1,app,app-1,20"), lines)
            wrong = gateway.cli("retained", "list", "a/#/b", check=False)
            self.assertEqual(wrong.returncode, 1)
            self.assertIn("'a/#/b' is no topic filter", wrong.stderr)

    def test_pages_go_over_all_shards_in_the_order_of_levels(self):
        with Gateway() as gateway:
            app = self.publisher(gateway)
            topics = [f"fleet/{number:02}/{leaf}" for number in range(20) for leaf in ("a", "b")]
            for topic in ["fleet!", *reversed(topics)]:
                app.publish(topic, b"x", qos=1, retain=True)
            found, after = [], ""
            while after is not None:
                page = gateway.api(f"/v1/retained?limit=7&after={after}")
                self.assertLessEqual(len(page["retained"]), 7)
                found += [row["topic"] for row in page["retained"]]
                after = page["next"]
            self.assertEqual(found, [*topics, "fleet!"], "a '/' comes before all else")
            found = [row["topic"] for row in gateway.api("/v1/retained?filter=fleet/%2B/b&limit=20")["retained"]]
            self.assertEqual(found, topics[1::2])

    def test_what_is_cleared_is_gone_for_later_subscribers_and_after_a_restart(self):
        with Gateway() as gateway:
            app = self.publisher(gateway)
            for topic in ("a/1", "a/2", "a/3", "b/1", "c"):
                app.publish(topic, topic.encode(), qos=1, retain=True)
            app.subscribe("a/1")
            self.assertEqual(app.receive().topic, "a/1")
            self.assertEqual(gateway.cli("retained", "clear", "a/1").stdout, "1 retained message cleared\n")
            app.nothing_before("mark")
            self.assertEqual(gateway.json("retained", "clear", "a/#"), {"cleared": 2})
            self.assertEqual(gateway.json("retained", "clear", "a/#"), {"cleared": 0})
            told = wait_for("the log", lambda: (event := gateway.event("retained_cleared")) and event["filter"] == "a/#" and event)
            self.assertEqual(told["messages"], 2)
            self.assertEqual(gateway.metric("weir_retained"), 2)
            self.assertEqual(gateway.cli("retained", "clear", check=False).returncode, 2, "not all of them by mistake")
            app.close()
            gateway.stop()
            gateway.start()
            self.assertEqual([row["topic"] for row in gateway.json("retained", "list")], ["b/1", "c"])
            with Client("app-2", user="app", password="secret-1") as other:
                other.connect(gateway.ports["plain"])
                other.subscribe("#")
                self.assertEqual(sorted(other.receive().topic for _ in range(2)), ["b/1", "c"])


if __name__ == "__main__":
    unittest.main()
