"""MQTT as clients see it, through paho: what a broker is expected to do."""
import queue
import time
import unittest

from paho.mqtt.packettypes import PacketTypes

from gateway import DEADLINE_S, Gateway, wait_for
from peers import V5, V311, Client, properties


class Mqtt(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway().__enter__()
        for name in ("alice", "bob", "carol"):
            cls.gateway.device(name, policy="open", password="secret-1")

    @classmethod
    def tearDownClass(cls):
        cls.gateway.__exit__()

    def client(self, user, client_id=None, version=V5, connect=True, keepalive=60, **options):
        made = Client(client_id or user, version=version, user=user, password="secret-1", **options)
        self.addCleanup(made.close)
        if connect:
            flags, code, _ = made.connect(self.gateway.ports["plain"], keepalive)
            self.assertEqual(getattr(code, "value", code), 0)
            made.session_present = flags["session present"]
        return made

    # [MQTT3-3.3.4-1] [MQTT5-3.3.4-1]
    def test_messages_reach_subscribers_at_every_qos(self):
        for version in (V311, V5):
            with self.subTest(version=version):
                publisher = self.client("alice", version=version)
                subscriber = self.client("bob", version=version)
                self.assertEqual(subscriber.subscribe("q/+/x", 2), [2])
                for qos in (0, 1, 2):
                    publisher.publish(f"q/{qos}/x", f"m{qos}", qos=qos)
                    message = subscriber.receive()
                    self.assertEqual((message.topic, message.payload, message.qos), (f"q/{qos}/x", f"m{qos}".encode(), qos))
                publisher.close()
                subscriber.close()

    # [MQTT5-3.8.4-8]
    def test_the_lower_qos_of_publish_and_subscription_holds(self):
        publisher, subscriber = self.client("alice"), self.client("bob")
        subscriber.subscribe("low", 0)
        publisher.publish("low", b"1", qos=2)
        self.assertEqual(subscriber.receive().qos, 0)

    def test_wildcards(self):
        publisher, subscriber = self.client("alice"), self.client("bob")
        subscriber.subscribe("w/#")
        subscriber.subscribe("v/+/end")
        for topic in ("w", "w/1", "w/1/2", "v/x/end", "v/x/y/end", "u"):
            publisher.publish(topic, topic)
        got = [subscriber.receive().topic for _ in range(4)]
        self.assertEqual(got, ["w", "w/1", "w/1/2", "v/x/end"])
        subscriber.nothing_before("mark")

    def test_retained_messages_are_handed_to_new_subscribers_and_removed_by_an_empty_one(self):
        publisher, subscriber = self.client("alice"), self.client("bob")
        publisher.publish("state/1", b"on", qos=1, retain=True)
        publisher.publish("state/2", b"off", qos=1, retain=True)
        subscriber.subscribe("state/+", 1)
        got = sorted((m.topic, m.payload, bool(m.retain)) for m in (subscriber.receive(), subscriber.receive()))
        self.assertEqual(got, [("state/1", b"on", True), ("state/2", b"off", True)])
        publisher.publish("state/1", b"live", qos=1, retain=True)
        message = subscriber.receive()
        self.assertEqual((message.payload, bool(message.retain)), (b"live", False))
        for topic in ("state/1", "state/2"):
            publisher.publish(topic, b"", qos=1, retain=True)
            subscriber.receive()
        late = self.client("carol")
        late.subscribe("state/+", 1)
        late.nothing_before("mark")

    # [MQTT5-3.1.2-8] [MQTT5-3.14.4-3]
    def test_a_will_is_published_when_the_connection_breaks_but_not_after_disconnect(self):
        watcher = self.client("bob")
        watcher.subscribe("wills/#", 1)
        doomed = self.client("alice", will=("wills/alice", b"gone", 1, False))
        doomed.drop()
        message = watcher.receive()
        self.assertEqual((message.topic, message.payload), ("wills/alice", b"gone"))
        polite = self.client("alice", will=("wills/alice", b"gone", 1, False))
        polite.close()
        watcher.nothing_before("mark")

    # [MQTT5-3.1.2-22]
    def test_a_silent_client_is_ended_after_one_and_a_half_keep_alives(self):
        watcher = self.client("bob")
        watcher.subscribe("wills/#", 1)
        began = time.monotonic()
        silent = self.client("alice", keepalive=1, will=("wills/silent", b"gone", 1, False))
        silent.paho.loop_stop()
        self.assertEqual(watcher.receive().topic, "wills/silent")
        self.assertGreater(time.monotonic() - began, 1.4)

    # [MQTT5-3.1.4-3]
    def test_a_second_connection_takes_the_session_over(self):
        first = self.client("alice")
        second = self.client("alice")
        code, _ = first.disconnects.get(timeout=DEADLINE_S)
        self.assertNotEqual(code, 0)
        second.nothing_before("mark")

    def test_another_identity_cannot_take_a_client_id(self):
        owner = self.client("alice", client_id="shared-name")
        thief = self.client("bob", client_id="shared-name", connect=False)
        _, code, _ = thief.connect(self.gateway.ports["plain"])
        self.assertEqual(code.value, 0x87)
        owner.nothing_before("mark")

    # [MQTT3-3.1.2-5] [MQTT5-4.5.0-1]
    def test_a_persistent_session_keeps_subscriptions_and_messages(self):
        for version, options in ((V311, {"clean": False}), (V5, {"clean": False, "expiry": 600})):
            with self.subTest(version=version):
                publisher = self.client("alice", version=version)
                client_id = f"keeper-{version}"
                keeper = self.client("bob", client_id=client_id, version=version, **options)
                self.assertFalse(keeper.session_present)
                keeper.subscribe("kept/#", 1)
                keeper.drop()
                self.gateway.wait_offline(client_id)
                for n in range(20):
                    publisher.publish(f"kept/{n}", str(n), qos=1)
                publisher.publish("kept/zero", b"QoS 0 is not kept", qos=0)
                back = self.client("bob", client_id=client_id, version=version, **options)
                self.assertTrue(back.session_present)
                self.assertEqual([back.receive().payload for _ in range(20)], [str(n).encode() for n in range(20)])
                back.nothing_before("mark")
                back.close()
                clean = self.client("bob", client_id=client_id, version=version)
                self.assertFalse(clean.session_present)
                publisher.close()

    # [MQTT5-3.3.2-5] [MQTT5-3.3.2-6]
    def test_messages_expire_in_the_queue(self):
        publisher = self.client("alice")
        keeper = self.client("bob", client_id="expirer", clean=False, expiry=600)
        keeper.subscribe("ttl/#", 1)
        keeper.drop()
        self.gateway.wait_offline("expirer")
        publisher.publish("ttl/short", b"1", qos=1, props=properties(PacketTypes.PUBLISH, MessageExpiryInterval=1))
        publisher.publish("ttl/long", b"2", qos=1, props=properties(PacketTypes.PUBLISH, MessageExpiryInterval=100))
        wait_for("a second to pass", lambda: time.monotonic() > self._until(1.1))
        back = self.client("bob", client_id="expirer", clean=False, expiry=600)
        message = back.receive()
        self.assertEqual(message.topic, "ttl/long")
        self.assertLessEqual(message.properties.MessageExpiryInterval, 99)

    def _until(self, seconds):
        if not hasattr(self, "_deadline"):
            self._deadline = time.monotonic() + seconds
        return self._deadline

    def test_mqtt5_properties_travel_end_to_end(self):
        publisher, subscriber = self.client("alice"), self.client("bob")
        subscriber.subscribe("props", 1)
        sent = properties(PacketTypes.PUBLISH, ContentType="text/plain", ResponseTopic="answers/1", CorrelationData=b"\x01\x02",
                          PayloadFormatIndicator=1)
        sent.UserProperty = [("a", "1"), ("b", "2"), ("a", "3")]
        publisher.publish("props", "hello", qos=1, props=sent)
        got = subscriber.receive().properties
        self.assertEqual(got.ContentType, "text/plain")
        self.assertEqual(got.ResponseTopic, "answers/1")
        self.assertEqual(got.CorrelationData, b"\x01\x02")
        self.assertEqual(got.PayloadFormatIndicator, 1)
        self.assertEqual(got.UserProperty, [("a", "1"), ("b", "2"), ("a", "3")])

    def test_no_local_and_retain_as_published(self):
        client = self.client("alice")
        client.subscribe("own", 1, noLocal=True)
        client.subscribe("asis", 1, retainAsPublished=True)
        client.publish("own", b"1", qos=1)
        client.publish("asis", b"2", qos=1, retain=True)
        message = client.receive()
        self.assertEqual((message.topic, bool(message.retain)), ("asis", True))
        client.publish("asis", b"", qos=1, retain=True)

    # [MQTT5-3.10.4-2]
    def test_unsubscribe_stops_messages(self):
        client = self.client("alice")
        client.subscribe("on/#", 1)
        client.paho.unsubscribe("on/#")
        client.unsubacks.get(timeout=DEADLINE_S)
        client.publish("on/1", b"1", qos=1)
        client.nothing_before("mark")

    # [MQTT5-3.3.4-2]
    def test_overlapping_subscriptions_give_one_copy_at_the_highest_qos(self):
        client = self.client("alice")
        client.subscribe("o/#", 0)
        client.subscribe("o/1", 1)
        client.publish("o/1", b"1", qos=1)
        self.assertEqual(client.receive().qos, 1)
        client.nothing_before("mark")

    # [MQTT5-4.6.0-5] [MQTT5-4.6.0-6]
    def test_order_is_kept_under_load(self):
        publisher, subscriber = self.client("alice"), self.client("bob")
        subscriber.subscribe("order/#", 2)
        for qos in (0, 1, 2):
            for n in range(300):
                publisher.publish("order/x", str(n), qos=0) if qos == 0 else publisher.paho.publish("order/x", str(n), qos)
            got = [int(subscriber.receive().payload) for _ in range(300)]
            self.assertEqual(got, list(range(300)), f"QoS {qos}")
        with self.assertRaises(queue.Empty):
            subscriber.messages.get_nowait()


if __name__ == "__main__":
    unittest.main()
