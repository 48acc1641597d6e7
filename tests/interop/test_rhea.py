"""rhea (AMQP 1.0 in JavaScript) over TCP, TLS, WebSocket and WebSocket over TLS, alone and against MQTT clients."""
import json
import subprocess
import unittest

from fleet import HERE, PASSWORD, Fleet, need_node_module
from gateway import DEADLINE_S
from paho.mqtt.packettypes import PacketTypes
from peers import Client, properties


def setUpModule():
    need_node_module("rhea")
    need_node_module("ws")


class Peer:
    """rhea at work; `ready()` returns when its receiving link stands, `result()` when it is done."""

    def __init__(self, job):
        self._process = subprocess.Popen(["node", HERE / "rhea.mjs", json.dumps(job)],
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def ready(self):
        line = self._process.stdout.readline()
        assert line == "ready\n", line + self._process.stdout.read() + self._process.stderr.read()

    def result(self):
        output, errors = self._process.communicate(timeout=DEADLINE_S)
        assert self._process.returncode == 0, output + errors
        return json.loads(output.splitlines()[-1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()


class Rhea(Fleet):
    def ways(self):
        """How rhea gets in: name and connection options."""
        password = {"username": "alice", "password": PASSWORD}
        trust = {"ca": str(self.alice / "ca.crt")}
        certificate = {**trust, "cert": str(self.alice / "device.crt"), "key": str(self.alice / "device.key"), "external": True}
        plain = {"host": "127.0.0.1", "port": self.plain}
        tls = {"host": "localhost", "port": self.front, "transport": "tls"}
        return {
            "PLAIN over TCP": {**plain, **password},
            "PLAIN over TLS": {**tls, **trust, **password},
            "EXTERNAL over TLS": {**tls, **certificate},
            "PLAIN over WebSocket": {"url": f"ws://127.0.0.1:{self.plain}/amqp", **password},
            "PLAIN over WebSocket and TLS": {"url": f"wss://localhost:{self.front}/amqp", **trust, **password},
            "EXTERNAL over WebSocket and TLS": {"url": f"wss://localhost:{self.front}/amqp", **certificate},
        }

    def run_job(self, way="PLAIN over TCP", **job):
        with Peer({**self.ways()[way], **job}) as peer:
            return peer.result()

    def watch(self, topic):
        client = Client(f"watch-{self.id()}"[:60], folder=self.alice)
        self.addCleanup(client.close)
        client.connect(self.front)
        client.subscribe(topic, 1)
        return client

    def test_sends_and_receives_on_every_way_in(self):
        for number, way in enumerate(self.ways()):
            for settled in (False, True):
                with self.subTest(way, settled=settled):
                    topic = f"ways/{number}/{settled}"
                    got = self.run_job(way, receive={"address": topic, "count": 3, "settled": settled},
                                       send={"address": topic, "settled": settled, "messages": [{"text": f"m{n}"} for n in range(3)]})
                    self.assertEqual(got["errors"], [])
                    self.assertEqual([(m["body"], m["settled"]) for m in got["received"]], [(f"m{n}", settled) for n in range(3)])
                    self.assertEqual(got["outcomes"], [] if settled else ["accepted"] * 3)

    def test_mqtt_clients_get_what_amqp_sends(self):
        watch = self.watch("both/#")
        message = {"binary": "hello", "content_type": "text/plain", "correlation_id": "7", "reply_to": "topic/answers",
                   "application_properties": {"unit": "K", "n": 3, "on": True}}
        for settled in (False, True):
            with self.subTest(settled=settled):
                self.run_job(send={"address": "topic/both/1", "settled": settled, "messages": [message]})
                got = watch.receive()
                self.assertEqual((got.topic, got.payload, got.qos), ("both/1", b"hello", 0 if settled else 1))
                self.assertEqual(got.properties.ContentType, "text/plain")
                self.assertEqual(got.properties.CorrelationData, b"7")
                self.assertEqual(got.properties.ResponseTopic, "answers")
                self.assertEqual(sorted(got.properties.UserProperty), [("n", "3"), ("on", "true"), ("unit", "K")])

    def test_amqp_clients_get_what_mqtt_sends(self):
        job = {**self.ways()["PLAIN over TCP"], "receive": {"address": "topic/both/#", "count": 2}}
        with Peer(job) as peer, Client("alice-mqtt", folder=self.alice) as publisher:
            publisher.connect(self.front)
            peer.ready()
            sent = properties(PacketTypes.PUBLISH, ContentType="application/json", ResponseTopic="answers/1", CorrelationData=b"9")
            sent.UserProperty = [("unit", "K")]
            publisher.publish("both/live", '{"t": 20}', qos=1, props=sent)
            publisher.publish("both/zero", "quick", qos=0)
            first, second = peer.result()["received"]
        self.assertEqual((first["body"], first["to"], first["settled"], first["durable"]), ('{"t": 20}', "both/live", False, True))
        self.assertEqual((first["content_type"], first["correlation_id"], first["reply_to"]), ("application/json", "9", "topic/answers/1"))
        self.assertEqual(first["application_properties"], {"unit": "K"})
        self.assertEqual((second["body"], second["to"], second["settled"], second["durable"]), ("quick", "both/zero", True, False))

    def test_a_retained_message_comes_first_and_says_so(self):
        with Client("alice-mqtt", folder=self.alice) as publisher:
            publisher.connect(self.front)
            publisher.publish("held/1", "on", qos=1, retain=True)
        received = self.run_job(receive={"address": "held/+", "count": 1})["received"]
        self.assertEqual((received[0]["body"], received[0]["annotations"]["x-opt-retain"]), ("on", True))

    def test_a_link_without_target_takes_the_topic_from_each_message(self):
        watch = self.watch("relay/#")
        got = self.run_job(send={"address": None, "messages": [{"to": f"relay/{n}", "binary": "x"} for n in range(3)]})
        self.assertEqual(got["outcomes"], ["accepted"] * 3)
        self.assertEqual([watch.receive().topic for _ in range(3)], ["relay/0", "relay/1", "relay/2"])

    def test_hundreds_of_messages_arrive_in_order(self):
        messages = [{"text": str(n)} for n in range(500)]
        got = self.run_job(receive={"address": "many", "count": 500}, send={"address": "many", "messages": messages})
        self.assertEqual([m["body"] for m in got["received"]], [m["text"] for m in messages])
        self.assertEqual(got["outcomes"], ["accepted"] * 500)

    def test_a_message_over_several_frames_arrives_whole(self):
        message = {"text": "0123456789", "repeat": 20_000}
        got = self.run_job(receive={"address": "large", "count": 1}, send={"address": "large", "messages": [message]})
        self.assertEqual(got["received"][0]["body"], "0123456789" * 20_000)

    def test_accepted_means_that_the_stream_has_the_record(self):
        before = len(self.gateway.stream("alarms"))
        got = self.run_job(send={"address": "kept/1", "messages": [{"binary": '{"n": 1}'}]})
        self.assertEqual(got["outcomes"], ["accepted"])
        self.assertEqual([record["payload"] for record in self.gateway.stream("alarms")[before:]], [{"n": 1}])

    def test_a_wrong_password_is_refused(self):
        for way in ("PLAIN over TCP", "PLAIN over TLS", "PLAIN over WebSocket"):
            with self.subTest(way):
                got = self.run_job(way, password="wrong horse battery")
                error = got["errors"][0]
                self.assertEqual((error["kind"], error["condition"]), ("connection_error", "amqp:unauthorized-access"))

    def test_a_denied_topic_is_refused_by_name(self):
        denied = {**self.ways()["PLAIN over TCP"], "username": "probe", "container": "probe"}
        for job, kind in (({"send": {"address": "secrets/1", "messages": [{"text": "x"}]}}, "sender_error"),
                          ({"receive": {"address": "secrets/#", "count": 1}}, "receiver_error")):
            with self.subTest(kind), Peer({**denied, **job}) as peer:
                error = peer.result()["errors"][0]
                self.assertEqual((error["kind"], error["condition"]), (kind, "amqp:unauthorized-access"))

    def test_a_container_id_that_the_policy_does_not_allow_is_refused(self):
        with Peer({**self.ways()["PLAIN over TCP"], "username": "probe", "container": "somebody-else"}) as peer:
            error = peer.result()["errors"][0]
            self.assertEqual((error["kind"], error["condition"]), ("connection_error", "amqp:unauthorized-access"))


if __name__ == "__main__":
    unittest.main()
