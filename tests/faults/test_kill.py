"""kill -9 under load: what was acknowledged is there afterwards. WEIR_KILL_ROUNDS sets how often (default 3, all with one seed)."""
import os
import pathlib
import random
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
from gateway import Gateway, wait_for  # noqa: E402
from peers import V311, Client  # noqa: E402

ROUNDS = int(os.environ.get("WEIR_KILL_ROUNDS", "3"))
RULE = "---\nto: [{stream: all}]\n---\nSELECT n, round FROM 'data/+/n'\n"
CHAIN = "---\nto: [{stream: all}]\n---\nSELECT n, last(n) AS before FROM 'data/+/n'\n"


class Kill(unittest.TestCase):
    def test_no_acknowledged_record_is_missing(self):
        chance = random.Random(2026)
        with tempfile.TemporaryDirectory(prefix="weir-kill-") as home:
            gateway = self.prepared(home, {"rules.d/all.sql": RULE})
            acknowledged = []
            for number in range(ROUNDS):
                acknowledged += self.kill_under_load(gateway, number, chance.randrange(20, 400))
            gateway.start()
            stored, at = set(), 1
            while True:
                records = gateway.json("streams", "read", "all", "--from", str(at), "--limit", "1000")
                if not records:
                    break
                stored.update((r["payload"]["round"], r["payload"]["n"]) for r in records)
                at = records[-1]["offset"] + 1
            gateway.stop()
            missing = [each for each in acknowledged if each not in stored]
            print(f"{ROUNDS} rounds, {len(acknowledged)} acknowledged, {len(stored)} stored, {len(missing)} missing")
            self.assertGreater(len(acknowledged), 10 * ROUNDS)
            self.assertEqual(missing, [])

    def test_what_a_rule_remembers_is_what_it_stored(self):
        """Its memory and its output are in one batch: each record names the one before it, whatever was lost or sent twice."""
        chance = random.Random(2027)
        with tempfile.TemporaryDirectory(prefix="weir-kill-") as home:
            gateway = self.prepared(home, {"rules.d/chain.sql": CHAIN})
            for number in range(ROUNDS):
                self.kill_under_load(gateway, number, chance.randrange(20, 200))
            gateway.start()
            records = gateway.json("streams", "read", "all", "--from", "1", "--limit", "1000")
            gateway.stop()
            self.assertGreater(len(records), 10 * ROUNDS)
            self.assertNotIn("before", records[0]["payload"])
            for before, record in zip(records, records[1:]):
                self.assertEqual(record["payload"]["before"], before["payload"]["n"])

    def prepared(self, home, rules):
        gateway = Gateway(keep=home, files={**rules, "streams.d/all.yaml": "stream: all\n"})
        gateway.prepare()
        self.folder = gateway.device("probe-1")
        return gateway

    def kill_under_load(self, gateway, number, target):
        """Kills it once `target` messages of this round are acknowledged; returns (round, n) of those that were."""
        gateway.start()
        acknowledged, sent, enough = [], {}, threading.Event()

        def on_publish(_client, _user, mid):
            acknowledged.append(sent[mid])
            if len(acknowledged) >= target:
                enough.set()
        with Client("probe-1", version=V311, folder=self.folder) as probe:
            probe.connect(gateway.ports["front"])
            probe.paho.on_publish = on_publish
            probe.paho.max_inflight_messages_set(50)
            for n in range(400):
                # The callback may come before publish() returns: the id is known beforehand.
                sent[probe.paho._last_mid % 65535 + 1] = (number, number * 1000 + n)
                probe.paho.publish("data/probe-1/n", f'{{"n":{number * 1000 + n},"round":{number}}}', 1)
                if enough.is_set():
                    break
            wait_for("enough acknowledgements", enough.is_set)
            gateway.kill()
            probe.drop()
        return acknowledged


if __name__ == "__main__":
    unittest.main()
