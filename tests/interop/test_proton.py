"""Qpid Proton's Python client (AMQP 1.0): PLAIN and EXTERNAL, both ways with MQTT, and how refusals look."""
import unittest

from fleet import FILES, PASSWORD, Fleet, need_python_module
from gateway import DEADLINE_S
from paho.mqtt.packettypes import PacketTypes
from peers import Client, properties

try:
    from proton import ConnectionException, Delivery, Message, SSLDomain, Terminus
    from proton.handlers import MessagingHandler
    from proton.reactor import AtLeastOnce, AtMostOnce, Container, LinkOption
    from proton.utils import BlockingConnection, LinkDetached, SendException
except ImportError:  # setUpModule tells.
    LinkOption = MessagingHandler = object

STRICT = """policy: strict
allow:
  - connect: "*"
  - publish: ["data/{thing}/#"]
on_violation: nack
"""


def setUpModule():
    need_python_module("proton")


def text_of(message):
    """Texts come back as data sections: the form that every payload has in MQTT too."""
    return bytes(message.body).decode()


class Keeper(MessagingHandler):
    """Keeps what comes; gives no credit of its own."""

    def __init__(self):
        super().__init__(prefetch=0)
        self.texts = []

    def on_message(self, event):
        self.texts.append(text_of(event.message))


class Durable(LinkOption):
    """Asks for a durable subscription, which the gateway does not have."""

    def apply(self, link):
        link.source.durability = Terminus.DELIVERIES


class Proton(Fleet):
    FILES = {**FILES, "policies.d/strict.yaml": STRICT}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.strict = cls.device("strict", policy="strict")

    def connect(self, name="alice", password=PASSWORD, tls=True, certificate=False, mechanisms=None, container=None):
        folder = getattr(self, name)
        options = {"timeout": DEADLINE_S, "reconnect": False}
        if tls:
            domain = SSLDomain(SSLDomain.MODE_CLIENT)
            domain.set_trusted_ca_db(str(folder / "ca.crt"))
            domain.set_peer_authentication(SSLDomain.VERIFY_PEER_NAME)
            if certificate:
                domain.set_credentials(str(folder / "device.crt"), str(folder / "device.key"), None)
            options["ssl_domain"] = domain
        if not certificate:
            options.update(user=name, password=password, allow_insecure_mechs=not tls)
        if mechanisms:
            options["allowed_mechs"] = mechanisms
        url = f"amqps://localhost:{self.front}" if tls else f"amqp://127.0.0.1:{self.plain}"
        if container:
            options["container"] = Container()
            options["container"].container_id = container
        connection = BlockingConnection(url, **options)
        self.addCleanup(connection.close)
        return connection

    def ways(self):
        return {
            "PLAIN": {"tls": False, "mechanisms": "PLAIN"},
            "PLAIN over TLS": {"mechanisms": "PLAIN"},
            "EXTERNAL": {"certificate": True, "mechanisms": "EXTERNAL"},
            "a certificate and any mechanism": {"certificate": True},
        }

    def test_sends_and_receives_on_every_way_in(self):
        for number, (name, way) in enumerate(self.ways().items()):
            for option in (AtMostOnce(), AtLeastOnce()):
                with self.subTest(name, option=type(option).__name__):
                    connection = self.connect(**way)
                    topic = f"ways/{number}/{type(option).__name__}"
                    receiver = connection.create_receiver(topic, credit=10, options=option)
                    sender = connection.create_sender(topic, options=option)
                    for n in range(5):
                        delivery = sender.send(Message(body=f"m{n}"))
                        if isinstance(option, AtLeastOnce):
                            self.assertEqual(delivery.remote_state, Delivery.ACCEPTED)
                    for n in range(5):
                        self.assertEqual(text_of(receiver.receive(DEADLINE_S)), f"m{n}")
                        if isinstance(option, AtLeastOnce):
                            receiver.accept()
                    connection.close()

    def test_mqtt_clients_get_what_amqp_sends(self):
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("both/#", 1)
            sender = self.connect().create_sender("topic/both/1")
            for body, payload in ((b"\x00\xff", b"\x00\xff"), ("gr\u00fcn", "gr\u00fcn".encode())):
                with self.subTest(body=body):
                    sender.send(Message(body=body, inferred=isinstance(body, bytes), content_type="text/x", subject="s", ttl=60,
                                        reply_to="topic/answers", correlation_id="7", properties={"unit": "K"}))
                    got = watch.receive()
                    self.assertEqual((got.topic, got.payload, got.qos), ("both/1", payload, 1))
                    self.assertEqual(got.properties.ContentType, "text/x")
                    self.assertEqual(got.properties.ResponseTopic, "answers")
                    self.assertEqual(got.properties.CorrelationData, b"7")
                    self.assertTrue(30 <= got.properties.MessageExpiryInterval <= 60)
                    self.assertEqual(sorted(got.properties.UserProperty), [("unit", "K"), ("x-subject", "s")])

    def test_amqp_clients_get_what_mqtt_sends(self):
        receiver = self.connect().create_receiver("both/#", credit=10)
        with Client("alice-mqtt", folder=self.alice) as publisher:
            publisher.connect(self.front)
            sent = properties(PacketTypes.PUBLISH, ContentType="application/json", ResponseTopic="answers/1",
                              CorrelationData=b"9", MessageExpiryInterval=60)
            sent.UserProperty = [("unit", "K"), ("unit", "C")]
            for qos in (0, 1, 2):
                publisher.publish(f"both/{qos}", b"\x00\xff", qos=qos, props=sent)
                message = receiver.receive(DEADLINE_S)
                self.assertEqual((message.address, bytes(message.body), message.durable), (f"both/{qos}", b"\x00\xff", qos > 0))
                self.assertEqual((message.content_type, message.reply_to), ("application/json", "topic/answers/1"))
                self.assertEqual(message.correlation_id, "9")
                self.assertEqual(message.properties, {"unit": "K", "unit#2": "C"})
                self.assertTrue(30 <= message.ttl <= 60, message.ttl)
                if qos:
                    receiver.accept()

    def test_amqp_and_mqtt_clients_share_a_subscription(self):
        receiver = self.connect().create_receiver("$share/crew/work/#", credit=10)
        with Client("crew", folder=self.alice) as member:
            member.connect(self.front)
            member.subscribe("$share/crew/work/#", 1)
            for n in range(6):
                member.publish(f"work/{n}", str(n), qos=1)
            got = []
            for _ in range(3):
                got.append(text_of(receiver.receive(DEADLINE_S)))
                receiver.accept()
            got += [member.receive().payload.decode() for _ in range(3)]
            self.assertEqual(sorted(got), [str(n) for n in range(6)])

    def test_what_is_not_accepted_comes_again_unless_it_is_rejected(self):
        connection = self.connect()
        receiver = connection.create_receiver("again", credit=10)
        sender = connection.create_sender("again")
        sender.send(Message(body="first"))
        receiver.receive(DEADLINE_S)
        receiver.release(delivered=False)
        self.assertEqual(text_of(receiver.receive(DEADLINE_S)), "first")
        receiver.reject()
        sender.send(Message(body="second"))
        self.assertEqual(text_of(receiver.receive(DEADLINE_S)), "second")
        receiver.accept()

    def test_credit_holds_messages_back(self):
        connection = self.connect()
        kept = Keeper()
        receiver = connection.create_receiver("credit", credit=2, handler=kept)
        sender = connection.create_sender("credit")
        for n in range(6):
            sender.send(Message(body=str(n)))
        connection.wait(lambda: len(kept.texts) >= 2)
        self.assertEqual(kept.texts, ["0", "1"])
        receiver.link.flow(4)
        connection.wait(lambda: len(kept.texts) >= 6)
        self.assertEqual(kept.texts, ["0", "1", "2", "3", "4", "5"])

    def test_a_wrong_password_is_refused(self):
        for tls in (False, True):
            with self.subTest(tls=tls), self.assertRaisesRegex(ConnectionException, "(?i)auth"):
                self.connect(password="wrong horse battery", tls=tls)

    def test_external_without_a_certificate_is_refused(self):
        with self.assertRaisesRegex(ConnectionException, "(?i)mech"):
            self.connect(mechanisms="EXTERNAL")

    def test_a_denied_topic_refuses_the_link(self):
        connection = self.connect("probe", container="probe")
        for make, topic in ((connection.create_sender, "secrets/1"), (connection.create_receiver, "secrets/#")):
            with self.subTest(topic), self.assertRaises(LinkDetached) as caught:
                make(topic)
            self.assertEqual(caught.exception.condition, "amqp:unauthorized-access")
        connection.create_sender("data/probe/t").send(Message(body="allowed"))

    def test_a_link_without_target_is_told_of_each_message(self):
        sender = self.connect("strict").create_sender(None)
        for address, state in (("data/strict/t", Delivery.ACCEPTED), ("secrets/1", Delivery.REJECTED), ("topic/+", Delivery.REJECTED)):
            with self.subTest(address):
                try:
                    got = sender.send(Message(address=address, body="x")).remote_state
                except SendException as refused:
                    got = refused.state
                self.assertEqual(got, state)

    def test_a_container_id_that_the_policy_does_not_allow_is_refused(self):
        with self.assertRaises(ConnectionException) as caught:
            self.connect("probe", container="somebody-else")
        self.assertIn("amqp:unauthorized-access", str(caught.exception))

    def test_what_is_not_supported_is_refused_by_name(self):
        connection = self.connect()
        with self.assertRaises(LinkDetached) as caught:
            connection.create_receiver("x", options=[Durable()])
        self.assertEqual(caught.exception.condition, "amqp:not-implemented")
        with self.assertRaises(LinkDetached) as caught:
            connection.create_receiver(None, dynamic=True)
        self.assertEqual(caught.exception.condition, "amqp:not-implemented")
        with self.assertRaises(LinkDetached) as caught:
            connection.create_sender("queue/q")
        self.assertEqual(caught.exception.condition, "amqp:not-found")

    def test_accepted_means_that_the_stream_has_the_record(self):
        before = len(self.gateway.stream("alarms"))
        sender = self.connect().create_sender("kept/1")
        for n in range(5):
            sender.send(Message(body=f'{{"n": {n}}}'))
        self.assertEqual([record["payload"] for record in self.gateway.stream("alarms")[before:]], [{"n": n} for n in range(5)])


if __name__ == "__main__":
    unittest.main()
