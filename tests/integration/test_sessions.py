"""weir sessions: who is there, what a device subscribes to, what waits for it, which limits it has reached; ending connections."""
import unittest

from gateway import CONFIG, DEADLINE_S, Gateway
from peers import V311, V5, Client


class Sessions(unittest.TestCase):
    def test_filters_queue_and_limits_of_a_device_are_shown(self):
        config = CONFIG + "limits: {subscriptions: 2, queue_messages: 3}\n"
        with Gateway(config=config) as gateway:
            gateway.device("admin", policy="open", password="secret-1")
            folder = gateway.device("probe-1")
            self.assertIn("no session", gateway.cli("sessions", "show", "probe-1").stdout)
            probe = Client("probe-1", folder=folder, clean=False, expiry=3600)
            self.addCleanup(probe.close)
            probe.connect(gateway.ports["front"])
            probe.subscribe("cmd/probe-1/#", 1)
            probe.subscribe("data/probe-1/+", 0)
            (session,) = gateway.json("sessions", "show", "probe-1")["sessions"]
            self.assertEqual((session["client_id"], session["device"], session["online"]), ("probe-1", "probe-1", True))
            self.assertEqual((session["protocol"], session["listener"], session["address"], session["tls"]),
                             ("mqtt 5", "front", "127.0.0.1", True))
            self.assertEqual(session["filters"], [{"filter": "cmd/probe-1/#", "qos": 1}, {"filter": "data/probe-1/+", "qos": 0}])
            self.assertEqual(session["subscriptions"], {"now": 2, "limit": 2})
            self.assertEqual(session["limits_reached"], ["subscriptions"])
            probe.close()
            gateway.wait_offline("probe-1")
            publisher = Client("admin", user="admin", password="secret-1")
            self.addCleanup(publisher.close)
            publisher.connect(gateway.ports["plain"])
            for number in range(3):
                publisher.publish(f"cmd/probe-1/{number}", b"x", qos=1)
            (session,) = gateway.json("sessions", "show", "probe-1")["sessions"]
            self.assertEqual((session["online"], session["queued"]), (False, {"now": 3, "limit": 3}))
            self.assertEqual(session["limits_reached"], ["subscriptions", "queue_messages"])
            self.assertEqual((session["lost"], session["lost_by_limit"]), (0, {}))
            publisher.publish("cmd/probe-1/3", b"x", qos=1)
            (session,) = gateway.json("sessions", "show", "probe-1")["sessions"]
            self.assertEqual((session["lost"], session["last_loss"]), (1, "queue_dropped_oldest"))
            self.assertEqual(list(session["lost_by_limit"]), ["queue_messages"])
            self.assertEqual(session["lost_by_limit"]["queue_messages"]["lost"], 1)
            self.assertEqual(gateway.json("status")["lost_by_limit"], {"queue_messages": 1, "queue_bytes": 0, "queue_age": 0, "storage.budgets.queues": 0})
            self.assertEqual(gateway.metric(r'weir_lost_by_limit_total\{limit="queue_messages"\}'), 1)
            self.assertIn("lost by limits of queues: 1 queue_messages", gateway.cli("status").stdout)
            text = gateway.cli("sessions", "show", "probe-1").stdout
            self.assertRegex(text, r"lost +1 by queue_messages, last 20")
            for line in ("probe-1, offline", "3 of 3", "subscriptions, queue_messages", "QoS 1  cmd/probe-1/#"):
                self.assertIn(line, text)

    def test_sessions_are_listed_and_their_connections_ended(self):
        with Gateway() as gateway:
            gateway.device("app", policy="open", password="secret-1")
            ports, clients = gateway.ports, {}
            for client_id, version in (("app-1", V5), ("app/2", V311)):
                client = clients[client_id] = Client(client_id, version=version, user="app", password="secret-1", clean=False, expiry=3600)
                self.addCleanup(client.close)
                client.connect(ports["plain"])
                client.subscribe("x")
            rows = {row["client_id"]: row for row in gateway.json("sessions", "list")}
            self.assertEqual(list(rows), ["app-1", "app/2"])
            self.assertEqual([row["protocol"] for row in rows.values()], ["mqtt 5", "mqtt 3.1.1"])
            self.assertEqual({row["device"] for row in rows.values()}, {"app"})
            csv = gateway.cli("sessions", "list", "--device", "app", "--online", "-o", "csv").stdout.splitlines()
            self.assertEqual(csv[0], "client_id,device,online,protocol,listener,address,queued,in_flight,subscriptions")
            self.assertEqual(csv[1], "app-1,app,yes,mqtt 5,plain,127.0.0.1,0,0,1")
            page = gateway.api("/v1/sessions?limit=1")
            self.assertEqual(page["next"], "app-1")
            self.assertEqual([row["client_id"] for row in gateway.api("/v1/sessions?limit=1&after=app-1")["sessions"]], ["app/2"])

            self.assertIn("ended the connection of app-1", gateway.cli("sessions", "kick", "app-1").stdout)
            clients["app-1"].disconnects.get(timeout=DEADLINE_S)  # paho reads no code where nothing follows it.
            self.assertIn("administrative", gateway.cli("why", "app").stdout)
            (session,) = gateway.json("sessions", "show", "app-1")["sessions"]
            self.assertEqual((session["online"], session["address"], len(session["filters"])), (False, None, 1))
            again = gateway.cli("sessions", "kick", "app-1", check=False)
            self.assertEqual(again.returncode, 1)
            self.assertIn("'app-1' is offline", again.stderr)
            self.assertEqual([row["client_id"] for row in gateway.json("sessions", "list", "--online")], ["app/2"])
            nobody = gateway.cli("sessions", "kick", "nobody", check=False)
            self.assertEqual(nobody.returncode, 1)
            self.assertIn("no session has the client id 'nobody'", nobody.stderr)
            reasons = [entry["reason"] for entry in gateway.json("why", "app")["decisions"]]
            self.assertIn("administrative", reasons)

    def test_a_name_of_which_nothing_is_known_is_no_answer(self):
        with Gateway() as gateway:
            gateway.device("probe-1")
            gateway.device("app", policy="open", password="secret-1")
            with Client("app-1", user="app", password="secret-1") as client:
                client.connect(gateway.ports["plain"])
                for words in (("why",), ("usage", "--device"), ("sessions", "show"), ("sessions", "list", "--device")):
                    done = gateway.cli(*words, "nosuch", check=False)
                    self.assertEqual((done.returncode, done.stdout), (1, ""), words)
                    self.assertIn("nothing is known of 'nosuch'", done.stderr)
                    self.assertEqual(gateway.cli(*words, "probe-1").returncode, 0, words)
                done = gateway.cli("why", "app-1", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("a client id of the device 'app'", done.stderr)


if __name__ == "__main__":
    unittest.main()
