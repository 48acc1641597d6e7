"""Streams that keep the newest record of each device: what stays, what is counted, and who reads over the gaps."""
import json
import unittest

from gateway import Gateway, wait_for
from peers import Client

CHUNK = 256  # The youngest chunk is left alone; small records fill it by their number.
FILES = {
    "rules.d/hot.sql": None,
    "rules.d/state.sql": "---\nto: [{stream: state}]\n---\nSELECT n FROM 'data/+/n'\n",
    "streams.d/state.yaml": "stream: state\nretention: {age: unlimited, compact: true}\n",
    "draft.sql": "---\nto: [{stream: state}]\n---\nSELECT * FROM 'data/#'\n",
}


class Compaction(unittest.TestCase):
    def setUp(self):
        self.gateway = self.enterContext(Gateway(files=FILES))
        self.sent = []  # Device and number, by offset.
        self.devices = {name: self.gateway.device(name) for name in ("probe-1", "probe-2", "probe-3")}

    def publish(self, device, numbers):
        with Client(device, folder=self.devices[device]) as client:
            client.connect(self.gateway.ports["front"])
            for number in numbers:
                client.publish(f"data/{device}/n", {"n": number}, qos=1)
                self.sent.append((device, number))

    def row(self):
        return next(row for row in self.gateway.json("streams", "list") if row["name"] == "state")

    def kept(self):
        """Offsets that stay once all chunks but the youngest were compacted."""
        border = (len(self.sent) - 1) // CHUNK * CHUNK
        newest = {device: at for at, (device, _) in enumerate(self.sent[:border])}
        return sorted(at + 1 for at in [*newest.values(), *range(border, len(self.sent))])

    def check(self):
        kept = self.kept()
        row = wait_for(f"{len(kept)} records", lambda: (lambda row: row["records"] == len(kept) and row)(self.row()))
        self.assertEqual((row["compact"], row["first"], row["next"]), (True, 1, len(self.sent) + 1))
        self.assertEqual(row["records"] + row["compacted"], len(self.sent))
        records = self.gateway.stream("state")
        self.assertEqual([record["offset"] for record in records], kept)
        for record in records:
            device, number = self.sent[record["offset"] - 1]
            self.assertEqual((record["device"], record["payload"]), (device, {"n": number}))
        return row

    def test_of_each_device_the_newest_record_stays(self):
        self.publish("probe-1", range(100))
        self.publish("probe-2", range(400))
        self.publish("probe-3", range(300))
        row = self.check()
        self.assertEqual(self.gateway.metric("weir_stream_compacted_total"), row["compacted"])
        self.assertRegex(self.gateway.cli("streams", "list").stdout, rf"state .* yes +{row['compacted']}\n")

        # From within a gap, and so many from the end that gaps lie between.
        page = self.gateway.json("streams", "read", "state", "--from", "2", "--limit", "1")
        self.assertEqual(page[0]["offset"], self.kept()[0])
        tried = self.gateway.cli("rules", "try", str(self.gateway.home / "draft.sql"), "--stream", "state",
                                 "--last", str(row["records"] - 1), "-o", "json").stdout.splitlines()
        self.assertEqual(json.loads(tried[0])["offset"], self.kept()[1])
        self.assertEqual(json.loads(tried[-1])["messages"], row["records"] - 1)

        self.gateway.kill()
        self.gateway.start()
        self.check()
        self.publish("probe-1", range(600))
        self.check()
        self.gateway.stop()
        self.assertEqual(self.gateway.json("verify", "--data", str(self.gateway.home / "data"))["problems"], [])


if __name__ == "__main__":
    unittest.main()
