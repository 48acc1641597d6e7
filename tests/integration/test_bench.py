"""weir bench with a certificate per client, as the README of the bench and `weir bench --help` tell it: every scenario, nothing lost or
out of order."""
import json
import subprocess
import unittest

from gateway import WEIR, Gateway

DEVICES = 12
FLEET = """policy: fleet
allow:
  - connect: "{thing}"
  - publish: ["bench/#"]
    retain: true
    shared: true
  - subscribe: ["bench/#"]
"""
SCENARIOS = [
    ["pairs", "--pairs", "6"],
    ["fan-in", "--publishers", "6"],
    ["fan-in", "--publishers", "6", "--subscribers", "4", "--share", "group"],
    ["fan-out", "--subscribers", "6"],
    ["wild", "--publishers", "2", "--subscribers", "6", "--filters", "20"],
    ["ping-pong", "--pairs", "2"],
]


class BenchWithDevices(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(files={"policies.d/fleet.yaml": FLEET})
        cls.gateway.__enter__()
        cls.addClassCleanup(cls.gateway.__exit__)
        for number in range(DEVICES):
            cls.gateway.device(f"dev-{number:02}", policy="fleet")

    def bench(self, *words):
        command = [WEIR, "bench", *words, "--tls", "--port", str(self.gateway.ports["front"]), "--devices",
                   str(self.gateway.home / "devices"), "-o", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        self.assertTrue(done.stdout, done.stderr)
        report = json.loads(done.stdout)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return report

    def test_messages_are_whole_and_in_order_in_every_scenario(self):
        for scenario in SCENARIOS:
            for qos in ("0", "1", "2"):
                for version in ("3.1.1", "5"):
                    with self.subTest(scenario=scenario, qos=qos, version=version):
                        report = self.bench(*scenario, "--qos", qos, "--mqtt", version, "--warm-up", "0.1", "--duration", "0.3")
                        messages = report["messages"]
                        self.assertGreater(messages["received"], 0)
                        self.assertEqual((messages["lost"], messages["reordered"], messages["refused"]), (0, 0, 0))

    def test_connections_come_and_stay(self):
        ended = self.bench("connects", "--connections", str(DEVICES), "--concurrency", "4")
        self.assertEqual(ended["clients"]["connected"], DEVICES)
        idle = self.bench("idle", "--connections", str(DEVICES), "--hold", "0.2")
        self.assertEqual(idle["clients"]["connected"], DEVICES)

    def test_too_few_devices_are_told_with_the_command_that_makes_more(self):
        done = subprocess.run([WEIR, "bench", "pairs", "--pairs", "100", "--tls", "--devices", str(self.gateway.home / "devices")],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"{DEVICES} devices, 200 are needed: weir devices create NAME", done.stderr)


if __name__ == "__main__":
    unittest.main()
