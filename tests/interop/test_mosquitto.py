"""mosquitto_pub and mosquitto_sub: MQTT 3.1, 3.1.1 and 5, in clear text and over TLS."""
import json
import subprocess
import unittest

from fleet import PASSWORD, Fleet, need_programs
from gateway import DEADLINE_S, wait_for
from peers import Client

VERSIONS = ("mqttv31", "mqttv311", "mqttv5")
WAIT_S = str(int(DEADLINE_S))


def setUpModule():
    need_programs("mosquitto_pub", "mosquitto_sub", "stdbuf")


class Subscriber:
    """mosquitto_sub, ready: every subscription was acknowledged before __enter__ returns."""

    def __init__(self, words):
        self._words = ["stdbuf", "-oL", "mosquitto_sub", "-d", "-W", WAIT_S, "-F", "message %j", *words]

    def __enter__(self):
        self.process = subprocess.Popen(self._words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._until(lambda line: line.startswith("Subscribed"))
        return self

    def _until(self, wanted):
        seen = []
        for line in self.process.stdout:
            if wanted(line):
                return line
            seen.append(line)
        raise AssertionError("mosquitto_sub ended:\n" + "".join(seen))

    def next(self):
        """The next message, as mosquitto_sub writes it in JSON."""
        return json.loads(self._until(lambda line: line.startswith("message ")).removeprefix("message "))

    def kill(self):
        """Without DISCONNECT."""
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        self.kill()
        self.process.stdout.close()


class Mosquitto(Fleet):
    def clear(self, name, version):
        return ["-h", "127.0.0.1", "-p", str(self.plain), "-V", version, "-i", name, "-u", "alice", "-P", PASSWORD]

    def tls(self, folder, version, name):
        return ["-h", "localhost", "-p", str(self.front), "-V", version, "-i", name, "--cafile", str(folder / "ca.crt"),
                "--cert", str(folder / "device.crt"), "--key", str(folder / "device.key")]

    def run_one(self, program, words):
        return subprocess.run([program, *words], capture_output=True, text=True, timeout=DEADLINE_S)

    def publish(self, words, topic, text, qos=1, retain=False, more=()):
        done = self.run_one("mosquitto_pub", [*words, "-t", topic, "-m", text, "-q", str(qos), *(["-r"] if retain else []), *more])
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_publishes_and_receives_at_every_qos(self):
        for version in VERSIONS:
            with self.subTest(version), Subscriber([*self.clear("sub", version), "-t", "q/#", "-q", "2"]) as subscriber:
                for qos in (0, 1, 2):
                    self.publish(self.clear("pub", version), f"q/{qos}", f"at {qos}", qos)
                    message = subscriber.next()
                    self.assertEqual((message["topic"], message["payload"], message["qos"]), (f"q/{qos}", f"at {qos}", qos))

    def test_versions_understand_each_other(self):
        for publisher in VERSIONS:
            for subscriber in VERSIONS:
                with self.subTest(f"{publisher} -> {subscriber}"):
                    with Subscriber([*self.clear("sub", subscriber), "-t", "v/+", "-q", "2"]) as receiving:
                        self.publish(self.clear("pub", publisher), "v/1", "hello", 2)
                        self.assertEqual(receiving.next()["payload"], "hello")

    def test_retained_messages_are_handed_out_until_an_empty_one_removes_them(self):
        for version in VERSIONS:
            with self.subTest(version):
                self.publish(self.clear("pub", version), "state/door", "open", retain=True)
                with Subscriber([*self.clear("sub", version), "-t", "state/#", "-q", "1"]) as subscriber:
                    message = subscriber.next()
                    self.assertEqual((message["payload"], message["retain"]), ("open", 1))
                done = self.run_one("mosquitto_pub", [*self.clear("pub", version), "-t", "state/door", "-n", "-r", "-q", "1"])
                self.assertEqual(done.returncode, 0)
                with Subscriber([*self.clear("sub", version), "-t", "state/#"]) as subscriber:
                    self.publish(self.clear("pub", version), "state/mark", "last")
                    self.assertEqual(subscriber.next()["topic"], "state/mark")

    def test_a_will_is_published_when_the_client_is_killed(self):
        for version in VERSIONS:
            with self.subTest(version), Subscriber([*self.clear("watch", version), "-t", "wills/#", "-q", "1"]) as watch:
                will = ["--will-topic", "wills/doomed", "--will-payload", "gone", "--will-qos", "1"]
                with Subscriber([*self.clear("doomed", version), "-t", "nothing", *will]) as doomed:
                    doomed.kill()
                self.assertEqual(watch.next()["payload"], "gone")

    def test_a_session_keeps_what_comes_while_the_client_is_away(self):
        for version, keep in (("mqttv311", ["-c"]), ("mqttv5", ["-c", "-x", "600"])):
            with self.subTest(version):
                session = [*self.clear(f"keeper-{version}", version), *keep, "-t", "later/#", "-q", "1"]
                self.assertEqual(self.run_one("mosquitto_sub", [*session, "-E"]).returncode, 0)
                for n in range(3):
                    self.publish(self.clear("pub", version), f"later/{n}", str(n))
                done = self.run_one("mosquitto_sub", [*session, "-C", "3", "-W", WAIT_S])
                self.assertEqual(done.stdout.split(), ["0", "1", "2"])

    def test_members_of_a_shared_subscription_take_turns(self):
        with Subscriber([*self.clear("crew-1", "mqttv5"), "-t", "$share/crew/work/+", "-q", "1"]) as one, \
                Subscriber([*self.clear("crew-2", "mqttv311"), "-t", "$share/crew/work/+", "-q", "1"]) as two, \
                Subscriber([*self.clear("alone", "mqttv5"), "-t", "work/+", "-q", "1"]) as alone:
            for n in range(6):
                self.publish(self.clear("pub", "mqttv5"), "work/1", str(n))
            parts = [[subscriber.next()["payload"] for _ in range(3)] for subscriber in (one, two)]
            self.assertEqual(sorted(parts[0] + parts[1]), [str(n) for n in range(6)])
            for part in parts:
                self.assertEqual(part, sorted(part))
            self.assertEqual([alone.next()["payload"] for _ in range(6)], [str(n) for n in range(6)])

    def test_mqtt5_properties_arrive(self):
        properties = ["-D", "publish", "content-type", "text/plain", "-D", "publish", "user-property", "unit", "K",
                      "-D", "publish", "response-topic", "answers", "-D", "publish", "correlation-data", "7"]
        with Subscriber([*self.clear("sub", "mqttv5"), "-t", "props", "-q", "1"]) as subscriber:
            self.publish(self.clear("pub", "mqttv5"), "props", "x", more=properties)
            got = subscriber.next()["properties"]
        self.assertEqual(got["content-type"], "text/plain")
        self.assertEqual(got["response-topic"], "answers")
        self.assertEqual(got["user-properties"], {"unit": "K"})

    def test_a_client_certificate_is_enough(self):
        for version in VERSIONS:
            with self.subTest(version), Client("watch", user="alice", password=PASSWORD) as watch:
                watch.connect(self.plain)
                watch.subscribe("data/probe/#", 1)
                self.publish(self.tls(self.probe, version, "probe"), "data/probe/t", "21.5")
                self.assertEqual(watch.receive().payload, b"21.5")

    def test_a_certificate_gives_no_other_name(self):
        for version in VERSIONS:
            with self.subTest(version):
                done = self.run_one("mosquitto_pub", [*self.tls(self.probe, version, "alice"), "-t", "data/probe/t", "-m", "x"])
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, "(?i)not authori[sz]ed")

    def test_a_wrong_password_is_refused(self):
        for version in VERSIONS:
            with self.subTest(version):
                words = self.clear("pub", version)
                words[words.index("-P") + 1] = "wrong horse battery"
                done = self.run_one("mosquitto_pub", [*words, "-t", "x", "-m", "x"])
                self.assertNotEqual(done.returncode, 0)
                self.assertRegex(done.stderr, "(?i)bad user ?name or password|not authori[sz]ed")

    def test_a_refused_subscription_is_told(self):
        words = self.tls(self.probe, "mqttv5", "probe")
        done = self.run_one("mosquitto_sub", [*words, "-t", "secrets/#", "-W", WAIT_S])
        self.assertRegex(done.stdout + done.stderr, "(?i)all subscription requests were denied")

    def test_many_lines_of_one_connection_arrive_in_order(self):
        lines = [str(n) for n in range(500)]
        with Subscriber([*self.clear("sub", "mqttv5"), "-t", "lines", "-q", "2"]) as subscriber:
            done = subprocess.run(["mosquitto_pub", *self.clear("pub", "mqttv5"), "-t", "lines", "-q", "2", "-l"],
                                  input="\n".join(lines) + "\n", text=True, timeout=DEADLINE_S)
            self.assertEqual(done.returncode, 0)
            self.assertEqual([str(subscriber.next()["payload"]) for _ in lines], lines)

    def test_a_message_that_a_rule_stores_is_stored_when_the_publisher_returns(self):
        before = len(self.gateway.stream("alarms"))
        self.publish(self.clear("pub", "mqttv311"), "kept/1", '{"n": 1}', 2)
        records = self.gateway.stream("alarms")
        self.assertEqual([record["payload"] for record in records[before:]], [{"n": 1}])

    def test_the_gateway_counts_no_connection_that_is_gone(self):
        def connections():
            return self.gateway.metric(r"weir_connections(\{.*\})?")

        with Subscriber([*self.clear("sub", "mqttv311"), "-t", "x"]):
            self.assertGreaterEqual(connections(), 1)
        wait_for("connections to end", lambda: connections() == 0)


if __name__ == "__main__":
    unittest.main()
