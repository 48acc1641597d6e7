"""HTTP ingest with curl: who gets in, what is answered, and that 200 means stored."""
import json
import subprocess
import unittest

from fleet import Fleet, need_programs
from gateway import DEADLINE_S
from peers import Client


def setUpModule():
    need_programs("curl")


class Curl(Fleet):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token = {name: cls.gateway.cli("devices", "token", name).stdout.strip() for name in ("alice", "probe")}

    def curl(self, path, *words, body='{"n": 1}', folder=None, token=None, port=None):
        """Posts `body`; returns the status and the body of the answer."""
        command = ["curl", "-sS", "--path-as-is", "-w", "\n%{http_code}", "--cacert", str(self.alice / "ca.crt"),
                   "--data-binary", "@-", "--max-time", str(int(DEADLINE_S))]
        if folder:
            command += ["--cert", str(folder / "device.crt"), "--key", str(folder / "device.key")]
        if token:
            command += ["-H", f"Authorization: Bearer {token}"]
        base = f"http://127.0.0.1:{port}" if port else f"https://localhost:{self.front}"
        done = subprocess.run([*command, *words, base + path], input=body, capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        answer, _, status = done.stdout.rpartition("\n")
        return int(status), answer

    def refused(self, status, *arguments, **options):
        """The problem document of an answer that has to have this status."""
        got, answer = self.curl(*arguments, **options)
        self.assertEqual(got, status, answer)
        return json.loads(answer)

    def test_a_certificate_or_a_token_is_enough(self):
        self.assertEqual(self.curl("/topics/data/probe/t", folder=self.probe)[0], 200)
        self.assertEqual(self.curl("/topics/data/probe/t", token=self.token["probe"])[0], 200)
        self.assertEqual(self.curl("/topics/data/probe/t", token=self.token["probe"], port=self.plain)[0], 200)

    def test_200_means_that_the_stream_has_the_record(self):
        for n in range(5):
            before = len(self.gateway.stream("alarms"))
            self.assertEqual(self.curl(f"/topics/kept/{n}", body=json.dumps({"n": n}), folder=self.alice)[0], 200)
            records = self.gateway.stream("alarms")[before:]
            self.assertEqual([record["payload"] for record in records], [{"n": n}])

    def test_202_promises_nothing_more_than_qos_0(self):
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("web/#", 1)
            self.assertEqual(self.curl("/topics/web/1?qos=0", folder=self.alice)[0], 202)
            self.assertEqual(watch.receive().qos, 0)

    def test_mqtt_clients_get_topic_body_and_content_type(self):
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("web/#", 1)
            self.curl("/topics/web/1", "-H", "Content-Type: application/json", body='{"on": true}', folder=self.alice)
            message = watch.receive()
            self.assertEqual((message.topic, message.payload, message.qos), ("web/1", b'{"on": true}', 1))
            self.assertEqual(message.properties.ContentType, "application/json")
            longest = "text/plain; " + "x" * 244
            self.curl("/topics/web/1", "-H", "Content-Type: " + longest, folder=self.alice)
            self.assertEqual(watch.receive().properties.ContentType, longest)

    def test_400_for_a_content_type_that_cannot_go_on(self):
        for value in ("x" * 257, "text/\udcff"):
            with self.subTest(value):
                problem = self.refused(400, "/topics/web/1", "-H", "Content-Type: " + value, folder=self.alice)
                self.assertIn("Content-Type", problem["detail"])

    def test_a_topic_may_be_percent_encoded(self):
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("web/#", 1)
            for path, topic in (("web/a%20b", "web/a b"), ("web/gr%C3%BCn", "web/gr\u00fcn"), ("web/1%2F2", "web/1/2"),
                                ("web/a//b", "web/a//b"), ("web/100%25", "web/100%")):
                self.assertEqual(self.curl(f"/topics/{path}", folder=self.alice)[0], 200)
                self.assertEqual(watch.receive().topic, topic)

    def test_a_retained_message_waits_for_subscribers(self):
        self.assertEqual(self.curl("/topics/held/1?retain=true", body="on", folder=self.alice)[0], 200)
        with Client("late", folder=self.alice) as late:
            late.connect(self.front)
            late.subscribe("held/#", 1)
            message = late.receive()
            self.assertEqual((message.payload, bool(message.retain)), (b"on", True))

    def test_401_without_good_credentials(self):
        self.refused(401, "/topics/data/probe/t")
        self.refused(401, "/topics/data/probe/t", token="made-up")
        self.refused(401, "/topics/data/probe/t", "-u", "probe:" + "wrong horse battery")
        status, headers = self.curl("/topics/data/probe/t", "-D", "-")
        self.assertEqual(status, 401)
        self.assertRegex(headers, "(?im)^WWW-Authenticate: Bearer")

    def test_403_for_a_topic_that_the_policy_does_not_allow(self):
        self.assertEqual(self.refused(403, "/topics/data/other/t", folder=self.probe)["code"], "publish_denied")
        self.refused(403, "/topics/kept/1", token=self.token["probe"])
        entries = self.gateway.json("why", "probe")["decisions"]
        self.assertIn(("publish_denied", "kept/1"), [(entry["reason"], entry.get("topic")) for entry in entries])

    def test_404_405_and_400_for_what_is_no_publication(self):
        self.refused(404, "/elsewhere", folder=self.alice)
        self.refused(405, "/topics/web/1", "-X", "PUT", folder=self.alice)
        for path in ("/topics/web/%2B", "/topics/web/%23", "/topics/web/%00", "/topics/web/%FF", "/topics/web/%zz", "/topics/web/1?qos=2", "/topics/web/1?retain=1"):
            with self.subTest(path):
                self.refused(400, path, folder=self.alice)

    def test_413_for_a_body_over_the_limit(self):
        self.refused(413, "/topics/web/1", body="x" * (32 << 20), folder=self.alice)
        self.refused(413, "/topics/web/1", "-H", "Transfer-Encoding: chunked", body="x" * (32 << 20), folder=self.alice)

    def test_a_large_body_within_the_limit_arrives_whole(self):
        body = "0123456789" * 6_000
        with Client("watch", folder=self.alice) as watch:
            watch.connect(self.front)
            watch.subscribe("web/#", 1)
            for words in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")):
                self.assertEqual(self.curl("/topics/web/big", *words, body=body, folder=self.alice)[0], 200)
                self.assertEqual(watch.receive().payload.decode(), body)

    def test_one_connection_serves_many_requests(self):
        more = ["--next", "-sS", "-w", "\n%{http_code} %{num_connects}", "--cacert", str(self.alice / "ca.crt"), "-d", "{}",
                "-H", f"Authorization: Bearer {self.token['alice']}", f"https://localhost:{self.front}/topics/web/2"]
        done = subprocess.run(["curl", *more[1:-1], f"https://localhost:{self.front}/topics/web/1", *more],
                              capture_output=True, text=True, timeout=DEADLINE_S)
        self.assertEqual(done.stdout.split(), ["200", "1", "200", "0"])


if __name__ == "__main__":
    unittest.main()
