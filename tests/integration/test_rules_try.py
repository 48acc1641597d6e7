"""weir rules try: what a rule that is not in force would make of what a stream has, and of what comes."""
import json
import signal
import subprocess
import unittest

from gateway import DEADLINE_S, WEIR, Gateway
from peers import Client

FILES = {
    "rules.d/hot.sql": None,
    "rules.d/all.sql": "---\nto: [{stream: raw}]\n---\nSELECT * FROM 'data/#'\n",
    "streams.d/raw.yaml": "stream: raw\n",
    "draft.sql": "---\nto: [{http: {sink: nowhere}}]\n---\nSELECT topic(2) AS device, temp FROM 'data/+/temp' WHERE temp > 80\n",
}


class Try(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(files=FILES))
        self.probe = self.enterContext(Client("probe-1", folder=self.gateway.device("probe-1")))
        self.probe.connect(self.gateway.ports["front"])

    def publish(self, *temps):
        for temp in temps:
            self.probe.publish("data/probe-1/temp", {"temp": temp}, qos=1)

    def draft(self, *words):
        """Runs it; returns the process and a queue of its lines."""
        return self.gateway.run_beside(self, "rules", "try", str(self.gateway.home / "draft.sql"), "--stream", "raw", *words)

    def test_follows_the_stream_until_a_signal(self):
        self.publish(91, 20)
        running, lines = self.draft("--follow", "-o", "json")
        first = json.loads(lines.get(timeout=DEADLINE_S))
        self.assertEqual((first["offset"], first["to"], json.loads(first["payload"])),
                         (1, "http/nowhere", {"device": "probe-1", "temp": 91}))
        self.publish(30, 95)
        self.assertEqual(json.loads(lines.get(timeout=DEADLINE_S))["offset"], 4)
        running.send_signal(signal.SIGINT)
        totals = json.loads(lines.get(timeout=DEADLINE_S))
        self.assertEqual(running.wait(DEADLINE_S), 0)
        self.assertEqual(totals, {"messages": 4, "on_topic": 4, "matched": 2, "failed": 0, "where_undefined": 0})

    def test_ends_when_nobody_reads_on(self):
        self.publish(91)
        running = subprocess.Popen(
            [WEIR, "-c", str(self.gateway.home), "rules", "try", str(self.gateway.home / "draft.sql"), "--stream", "raw", "--follow"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(running.wait)
        self.addCleanup(running.kill)
        self.assertIn("http/nowhere", running.stdout.readline())
        running.stdout.close()
        self.assertEqual(running.wait(DEADLINE_S), 0)

    def test_reads_the_last_so_many(self):
        self.publish(91, 92, 20, 93)
        running, lines = self.draft("--last", "3")
        self.assertEqual(running.wait(DEADLINE_S), 0)
        text = "".join(lines.get(timeout=DEADLINE_S) for _ in range(3))
        self.assertIn('2  data/probe-1/temp  ->  http/nowhere  {"device":"probe-1","temp":92}', text)
        self.assertIn("matched 2 of 3 messages, 3 of them on the topic", text)


if __name__ == "__main__":
    unittest.main()
