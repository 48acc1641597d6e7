"""The life of what proves a device: renewing a certificate, revoking it, certificates of another CA, tokens and passwords."""
import contextlib
import http.client
import json
import unittest

from gateway import DEADLINE_S, Gateway, wait_for
from peers import Client


class Credentials(unittest.TestCase):
    def connect(self, gateway, name, folder, keep=False):
        """The code of CONNACK."""
        client = Client(name, folder=folder)
        self.addCleanup(client.close)
        _, code, _ = client.connect(gateway.ports["front"])
        if not keep:
            client.close()
        return client, code.value

    def ended(self, client):
        """The code of the DISCONNECT that the gateway sent."""
        code, _ = client.disconnects.get(timeout=DEADLINE_S)
        return getattr(code, "value", code)

    def test_a_certificate_is_renewed_and_the_old_one_revoked(self):
        with Gateway() as gateway:
            old = gateway.device("probe-1")
            other, code = self.connect(gateway, "probe-2", gateway.device("probe-2"), keep=True)
            self.assertEqual(code, 0)
            new = gateway.home / "devices" / "new"
            before = gateway.json("devices", "show", "probe-1")["certificates"]
            gateway.cli("devices", "certificate", "probe-1", "--issue", "--out", str(new))
            after = gateway.json("devices", "show", "probe-1")["certificates"]
            self.assertEqual([each["subject"] for each in after], ["CN=probe-1"] * 2)
            self.assertEqual(self.connect(gateway, "probe-1", old)[1], 0, "valid until it is removed")
            self.assertEqual(self.connect(gateway, "probe-1", new)[1], 0)
            live, _ = self.connect(gateway, "probe-1", old, keep=True)
            gateway.cli("devices", "certificate", "probe-1", "--remove", before[0]["sha256"][:8])
            self.assertEqual(self.ended(live), 0x87)
            live.close()
            self.assertEqual(self.connect(gateway, "probe-1", old)[1], 0x86)
            self.assertEqual(self.connect(gateway, "probe-1", new)[1], 0)
            reasons = [entry["reason"] for entry in gateway.json("why", "probe-1")["decisions"]]
            self.assertIn("credential_removed", reasons)
            other.nothing_before("data/probe-2/mark")

    def test_certificates_of_another_ca_need_no_key_of_it(self):
        with Gateway(start=False) as gateway:
            own = gateway.home / "own"
            own.mkdir()
            (gateway.home / "certs/ca.key").rename(own / "ca.key")
            (own / "ca.crt").write_bytes((gateway.home / "certs/ca.crt").read_bytes())
            gateway.start()
            folders = []
            for name in ("first", "second"):
                folders.append(gateway.home / name)
                gateway.cli("cert", "issue", "--ca", str(own), "--name", "probe-1", "--out", str(folders[-1]))
                (folders[-1] / "ca.crt").write_bytes((own / "ca.crt").read_bytes())
            gateway.cli("devices", "create", "probe-1", "--policy", "sensor", "--certificate", str(folders[0] / "device.crt"))
            self.assertEqual([self.connect(gateway, "probe-1", folder)[1] for folder in folders], [0, 0x86])
            gateway.cli("devices", "certificate", "probe-1", "--add", str(folders[1] / "device.crt"))
            self.assertEqual(self.connect(gateway, "probe-1", folders[1])[1], 0)

    def test_a_removed_user_is_disconnected(self):
        with Gateway() as gateway:
            gateway.device("probe-1", password="correct horse")
            with Client("probe-1", user="probe-1", password="correct horse") as probe:
                _, code, _ = probe.connect(gateway.ports["plain"])
                self.assertEqual(code.value, 0)
                gateway.cli("devices", "password", "probe-1", "--remove")
                self.assertEqual(self.ended(probe), 0x87)

    def post(self, gateway, token, device="probe-1"):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.ports["plain"], timeout=DEADLINE_S)
        with contextlib.closing(connection):
            connection.request("POST", f"/topics/data/{device}/t", b"{}", {
                "Authorization": f"Bearer {token}", "Content-Type": "application/json"})
            return connection.getresponse().status

    def test_a_removed_token_is_refused(self):
        with Gateway() as gateway:
            gateway.device("probe-1")
            first, second, third = (gateway.json("devices", "token", "probe-1") for _ in range(3))
            self.assertEqual(self.post(gateway, first["token"]), 200)
            gateway.cli("devices", "token", "probe-1", "--remove", first["id"])
            self.assertEqual([self.post(gateway, made["token"]) for made in (first, second)], [401, 200])
            gateway.cli("devices", "token", "probe-1", "--remove", "all")
            self.assertEqual([self.post(gateway, made["token"]) for made in (second, third)], [401, 401])

    def test_a_token_ends_when_it_was_said_to(self):
        with Gateway() as gateway:
            gateway.device("probe-1")
            long = gateway.json("devices", "token", "probe-1", "--expires", "30d")
            short = gateway.json("devices", "token", "probe-1", "--expires", "1s")
            self.assertLess(short["not_after"], long["not_after"])
            wait_for("the token to end", lambda: self.post(gateway, short["token"]) == 401)
            self.assertEqual(self.post(gateway, long["token"]), 200)
            self.assertIn(f"{short['id']}  added", gateway.cli("devices", "show", "probe-1").stdout)
            self.assertIn(f"until {long['not_after']}", gateway.cli("devices", "show", "probe-1").stdout)
            self.assertIn(f"ended {short['not_after']}", gateway.cli("devices", "show", "probe-1").stdout)
            (decision,) = gateway.json("why", "probe-1")["decisions"]
            self.assertEqual((decision["reason"], decision["detail"], decision["authenticated"]),
                             ("bad_credentials", f"token {short['id']} has ended", False))
            wrong = gateway.cli("devices", "token", "probe-1", "--expires", "soon", check=False)
            self.assertEqual(wrong.returncode, 2)
            self.assertIn("'soon' is not a duration such as 30d", wrong.stderr)

    def test_a_table_of_devices_is_imported_line_by_line(self):
        with Gateway() as gateway:
            gateway.device("probe-1")
            table = gateway.home / "fleet.csv"
            table.write_text("name,type,policy,group,attr.site,password,token\r\n"
                             "app,,open,,,correct horse,\r\n"
                             "probe-1,,,,,,\r\n"
                             "p2,probe,sensor; extra ; ,north; roof,\"Halle 7, \"\"Süd\"\"\",,generate\r\n"
                             "\r\n"
                             "p3,,,,,short,\r\n"
                             "p4,probe\r\n")
            done = gateway.cli("devices", "import", str(table), "-o", "json", check=False)
            self.assertEqual(done.returncode, 1, done.stderr)
            report = json.loads(done.stdout)
            self.assertEqual(report["created"], 2)
            self.assertEqual([(row["line"], row["name"]) for row in report["refused"]], [(3, "probe-1"), (6, "p3"), (7, "p4")])
            self.assertEqual([row["error"] for row in report["refused"]],
                             ["there is a device of that name", "passwords have 8 to 1024 bytes", "2 cells, and the first line has 7"])
            self.assertIn("there is no policy 'extra'", done.stderr)
            (made,) = report["tokens"]
            self.assertEqual(made["name"], "p2")
            self.assertEqual(self.post(gateway, made["token"], "p2"), 200)
            shown = gateway.json("devices", "show", "p2")
            self.assertEqual((shown["type"], shown["policies"], shown["groups"], shown["attributes"]),
                             ("probe", ["extra", "sensor"], ["north", "roof"], {"site": 'Halle 7, "Süd"'}))
            with Client("app", user="app", password="correct horse") as app:
                self.assertEqual(app.connect(gateway.ports["plain"])[1].value, 0)
            again = gateway.cli("devices", "import", str(table), check=False)
            self.assertIn(f"{table}:2: app: there is a device of that name\n", again.stderr)
            self.assertEqual(again.stdout, "created 0 devices, refused 5 lines\n")

    def test_thousands_of_devices_are_imported_with_a_few_requests(self):
        with Gateway() as gateway:
            names = [f"n{number:04}" for number in range(3000)]
            done = gateway.cli("devices", "import", "-", "--policy", "sensor", stdin="name\n" + "\n".join(names))
            self.assertEqual(done.stdout, "created 3000 devices, refused 0 lines\n")
            self.assertEqual([row["name"] for row in gateway.json("devices", "list")], names)
            self.assertEqual(gateway.json("policies", "show", "sensor")["devices"], 3000)
            for text, error in (("", "is empty"), ("name,colour\n", "'colour' is none"), ("type\n", "'name' is missing"),
                                ('name\n"a', "line 2: a quote is not closed")):
                wrong = gateway.cli("devices", "import", "-", stdin=text, check=False)
                self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
                self.assertIn(error, wrong.stderr)
            wrong = gateway.cli("devices", "import", str(gateway.home), check=False)
            self.assertEqual((wrong.returncode, wrong.stderr), (1, f"weir: cannot read '{gateway.home}'\n"))
            absent = gateway.home / "absent.csv"
            wrong = gateway.cli("devices", "import", str(absent), check=False)
            self.assertEqual((wrong.returncode, wrong.stderr), (1, f"weir: cannot read '{absent}'\n"))


if __name__ == "__main__":
    unittest.main()
