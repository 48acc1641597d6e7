"""MQTT.js over TCP, TLS, WebSocket and WebSocket over TLS, with MQTT 3.1.1 and 5."""
import unittest

from fleet import PASSWORD, Fleet, need_node_module, node
from peers import Client

V311, V5 = 4, 5


def setUpModule():
    need_node_module("mqtt")


class MqttJs(Fleet):
    def password(self):
        return {"username": "alice", "password": PASSWORD}

    def certificate(self):
        return {"ca": str(self.alice / "ca.crt"), "cert": str(self.alice / "device.crt"), "key": str(self.alice / "device.key")}

    def tour(self, url, **credentials):
        for version in (V311, V5):
            with self.subTest(version=version):
                base = f"js/{version}"
                got = node("mqttjs.mjs", url=url, version=version, clientId=f"js-{version}", base=base, will=True, **credentials)
                self.assertEqual(got["granted"], [2, 0])
                live = [(f"{base}/live/{qos}", f"at {qos}", qos, False) for qos in (0, 1, 2)]
                self.assertEqual([(m["topic"], m["payload"], m["qos"], m["retain"]) for m in got["live"]],
                                 [*live, (f"{base}/low", "lowered", 0, False)])
                self.assertEqual(got["bigBytes"], 100_000)
                self.assertEqual((got["retained"]["payload"], got["retained"]["retain"]), ("on", True))
                self.assertEqual((got["will"]["topic"], got["will"]["payload"]), (f"{base}/live/will", "gone"))
                for qos in (0, 1, 2):  # Order is promised per QoS.
                    numbers = [m["n"] for m in got["order"] if m["qos"] == qos]
                    self.assertEqual(numbers, list(range(qos, 200, 3)))
                if version == V5:
                    for message in got["live"][:3]:
                        self.assertEqual(message["properties"], {
                            "contentType": "text/plain", "responseTopic": f"{base}/answers", "correlationData": "7",
                            "userProperties": {"unit": "K", "place": ["north", "roof"]}})

    def test_tcp(self):
        self.tour(f"mqtt://127.0.0.1:{self.plain}", **self.password())

    def test_tls_with_a_client_certificate(self):
        self.tour(f"mqtts://localhost:{self.front}", **self.certificate())

    def test_tls_with_a_password(self):
        self.tour(f"mqtts://localhost:{self.front}", ca=str(self.alice / "ca.crt"), **self.password())

    def test_websocket(self):
        self.tour(f"ws://127.0.0.1:{self.plain}/mqtt", **self.password())

    def test_websocket_over_tls_with_a_client_certificate(self):
        self.tour(f"wss://localhost:{self.front}/mqtt", **self.certificate())

    def test_websocket_over_tls_with_a_password(self):
        self.tour(f"wss://localhost:{self.front}/mqtt", ca=str(self.alice / "ca.crt"), **self.password())

    def test_what_javascript_says_reaches_others(self):
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("js/#", 2)
            node("mqttjs.mjs", url=f"ws://127.0.0.1:{self.plain}/mqtt", version=V5, clientId="js", base="js/x", **self.password())
            got = []
            while not any(m.topic == "js/x/low" for m in got):
                got.append(watch.receive())
            # paho hands a QoS 2 message out at its PUBREL: a later one of QoS 1 may come before it.
            got = [m for m in got if m.topic != "js/x/live/big"]
            self.assertEqual([(m.topic, m.qos) for m in got],
                             [("js/x/live/0", 0), ("js/x/live/1", 1), ("js/x/live/2", 2), ("js/x/low", 2)])
            self.assertEqual(got[1].properties.UserProperty, [("unit", "K"), ("place", "north"), ("place", "roof")])

    def test_a_wrong_password_is_refused_with_the_right_code(self):
        for url in (f"mqtt://127.0.0.1:{self.plain}", f"ws://127.0.0.1:{self.plain}/mqtt"):
            for version, code in ((V311, 4), (V5, 0x86)):
                with self.subTest(url=url, version=version), self.assertRaisesRegex(AssertionError, rf"code: {code}\b"):
                    node("mqttjs.mjs", url=url, version=version, clientId="js", base="js", username="alice", password="wrong horse battery")


if __name__ == "__main__":
    unittest.main()
