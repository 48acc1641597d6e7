"""What `weir why` and `weir status` tell an operator: who was refused, from where, and which certificate ends."""
import http.client
import json
import ssl
import unittest

from gateway import DEADLINE_S, Gateway
from peers import Client


class Why(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway().__enter__()
        self.addCleanup(self.gateway.__exit__)
        self.folder = self.gateway.device("probe-1")

    def decisions(self, name, *words):
        return self.gateway.json("why", name, *words)["decisions"]

    def test_a_413_is_the_devices_whose_certificate_was_shown(self):
        tls = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        tls.load_cert_chain(str(self.folder / "device.crt"), str(self.folder / "device.key"))
        connection = http.client.HTTPSConnection("localhost", self.gateway.ports["front"], context=tls, timeout=DEADLINE_S)
        connection.putrequest("POST", "/topics/data/probe-1/t")
        connection.putheader("Content-Length", str(1 << 40))
        connection.endheaders()
        answer = connection.getresponse()
        self.assertEqual(answer.status, 413)
        self.assertEqual(json.loads(answer.read())["code"], "packet_too_large")
        connection.close()
        told = self.decisions("probe-1")[-1]
        self.assertEqual((told["reason"], told["peer"], told["authenticated"]), ("packet_too_large", "127.0.0.1", True))
        self.assertEqual(self.gateway.metric(r'weir_refused_total\{reason="packet_too_large"\}'), 1)

    def test_who_only_claims_the_name_is_told_from_the_device(self):
        with Client("probe-1", folder=self.folder) as device:
            device.connect(self.gateway.ports["front"])
            device.publish("data/probe-2/t", b"1", qos=1)
        with Client("probe-1", user="probe-1", password="guessed") as guesser:
            _, code, _ = guesser.connect(self.gateway.ports["plain"])
            self.assertNotEqual(code.value, 0)
        told = {entry["reason"]: entry["authenticated"] for entry in self.decisions("probe-1")}
        self.assertEqual(told, {"publish_denied": True, "bad_credentials": False})
        table = self.gateway.cli("why", "probe-1").stdout
        self.assertIn("127.0.0.1, not authenticated", table)

    def test_since_leaves_out_what_is_older(self):
        with Client("probe-1", folder=self.folder) as device:
            device.connect(self.gateway.ports["front"])
            device.publish("data/probe-2/t", b"1", qos=1)
        self.assertEqual(len(self.decisions("probe-1", "--since", "1h")), 1)
        self.assertEqual(self.gateway.api("/v1/why/probe-1?since=9999-01-01T00:00:00Z")["decisions"], [])
        self.assertEqual(self.gateway.cli("why", "probe-1", "--since", "yesterday", check=False).returncode, 2)

    def test_a_certificate_that_ends_soon_is_told(self):
        self.assertNotIn("certificate", self.gateway.cli("status").stdout)
        certs = self.gateway.home / "certs"
        (certs / "weir.crt").unlink()
        (certs / "weir.key").unlink()
        self.gateway.cli("cert", "issue", "--ca", str(certs), "--server", "--name", "weir", "--dns", "localhost",
                         "--ip", "127.0.0.1", "--days", "3", "--out", str(certs))
        self.gateway.cli("reload")
        self.assertIn("the certificate of listener front ends", self.gateway.cli("status").stdout)
        front = {row["name"]: row for row in self.gateway.json("status")["listeners"]}["front"]
        self.assertEqual(front["certificate"], "ends_soon")
        told = self.gateway.wait_event("certificate_expires")
        self.assertEqual(told["listener"], "front")


if __name__ == "__main__":
    unittest.main()
