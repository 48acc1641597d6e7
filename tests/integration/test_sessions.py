"""weir devices sessions: what a device subscribes to, what waits for it, and which limits it has reached."""
import unittest

from gateway import CONFIG, Gateway
from peers import Client


class Sessions(unittest.TestCase):
    def test_filters_queue_and_limits_of_a_device_are_shown(self):
        config = CONFIG + "limits: {subscriptions: 2, queue_messages: 3}\n"
        with Gateway(config=config) as gateway:
            gateway.device("admin", policy="open", password="secret-1")
            folder = gateway.device("probe-1")
            self.assertIn("no session", gateway.cli("devices", "sessions", "probe-1").stdout)
            probe = Client("probe-1", folder=folder, clean=False, expiry=3600)
            self.addCleanup(probe.close)
            probe.connect(gateway.ports["front"])
            probe.subscribe("cmd/probe-1/#", 1)
            probe.subscribe("data/probe-1/+", 0)
            (session,) = gateway.json("devices", "sessions", "probe-1")["sessions"]
            self.assertEqual((session["client_id"], session["device"], session["online"]), ("probe-1", "probe-1", True))
            self.assertEqual(session["filters"], [{"filter": "cmd/probe-1/#", "qos": 1}, {"filter": "data/probe-1/+", "qos": 0}])
            self.assertEqual(session["subscriptions"], {"now": 2, "limit": 2})
            self.assertEqual(session["limits_reached"], ["subscriptions"])
            probe.close()
            publisher = Client("admin", user="admin", password="secret-1")
            self.addCleanup(publisher.close)
            publisher.connect(gateway.ports["plain"])
            for number in range(3):
                publisher.publish(f"cmd/probe-1/{number}", b"x", qos=1)
            (session,) = gateway.json("devices", "sessions", "probe-1")["sessions"]
            self.assertEqual((session["online"], session["queued"]), (False, {"now": 3, "limit": 3}))
            self.assertEqual(session["limits_reached"], ["subscriptions", "queue_messages"])
            self.assertEqual((session["lost"], session["lost_by_limit"]), (0, {}))
            publisher.publish("cmd/probe-1/3", b"x", qos=1)
            (session,) = gateway.json("devices", "sessions", "probe-1")["sessions"]
            self.assertEqual((session["lost"], session["last_loss"]), (1, "queue_dropped_oldest"))
            self.assertEqual(list(session["lost_by_limit"]), ["queue_messages"])
            self.assertEqual(session["lost_by_limit"]["queue_messages"]["lost"], 1)
            self.assertEqual(gateway.json("status")["lost_by_limit"], {"queue_messages": 1, "queue_bytes": 0, "queue_age": 0})
            self.assertEqual(gateway.metric(r'weir_lost_by_limit_total\{limit="queue_messages"\}'), 1)
            self.assertIn("lost by limits of queues: 1 queue_messages", gateway.cli("status").stdout)
            text = gateway.cli("devices", "sessions", "probe-1").stdout
            self.assertRegex(text, r"lost +1 by queue_messages, last 20")
            for line in ("probe-1, offline", "3 of 3", "subscriptions, queue_messages", "QoS 1  cmd/probe-1/#"):
                self.assertIn(line, text)


if __name__ == "__main__":
    unittest.main()
