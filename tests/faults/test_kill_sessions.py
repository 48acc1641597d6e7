"""kill -9 under load, with persistent subscribers online and away: what was acknowledged arrives, at QoS 2 once, in order. So it does, but
for the order, where members of a shared group leave what they hold to others while it happens.

WEIR_KILL_ROUNDS sets how often (default 3), WEIR_KILL_SEED which moments (default 2026).
"""
import os
import pathlib
import random
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "integration"))
from gateway import Gateway, wait_for  # noqa: E402
from peers import V311, Client  # noqa: E402

ROUNDS = int(os.environ.get("WEIR_KILL_ROUNDS", "3"))
SEED = int(os.environ.get("WEIR_KILL_SEED", "2026"))
PUBLISHERS = 2
LIMITS = "limits: {queue_messages: 1000000, queue_bytes: 1GiB}\n"


class Publisher:
    """Numbers its messages per QoS and keeps publishing; what is not acknowledged is sent again after a reconnect."""

    def __init__(self, gateway, name):
        self.name = name
        self.client = Client(name, version=V311, folder=gateway.device(name, policy="open"), clean=False)
        self.client.paho.max_inflight_messages_set(20)
        self.next = {1: 0, 2: 0}
        self.sent = {}
        self.acknowledged = {1: set(), 2: set()}
        self.lock = threading.Lock()
        self.client.paho.on_publish = self.on_publish

    def on_publish(self, _client, _user, mid):
        with self.lock:
            qos, number = self.sent.pop(mid)
            self.acknowledged[qos].add(number)

    def publish(self, qos):
        with self.lock:  # on_publish may come before publish() returns.
            mid = self.client.paho._last_mid % 65535 + 1
            number = self.next[qos]
            self.next[qos] += 1
            self.sent[mid] = (qos, number)
        info = self.client.paho.publish(f"data/{self.name}/q{qos}", str(number), qos)
        assert info.mid == mid

    def count(self):
        return sum(len(numbers) for numbers in self.acknowledged.values())


class Subscriber:
    """Writes down what it gets, by topic."""

    def __init__(self, gateway, name):
        self.name = name
        self.client = Client(name, version=V311, folder=gateway.device(name, policy="open"), clean=False)
        self.got = {}
        self.client.paho.on_message = lambda c, u, m: self.got.setdefault(m.topic, []).append(int(m.payload))

    def first_time(self, topic):
        """Without repetitions, in the order of arrival."""
        return list(dict.fromkeys(self.got.get(topic, [])))


class Member:
    """Of a shared group: keeps what it is given while it is away, and leaves it to the others when its time is over."""
    EXPIRY_S = 5

    def __init__(self, gateway, name):
        self.name = name
        self.folder = gateway.device(name, policy="open")

    def join(self, port):
        client = Client(self.name, folder=self.folder, clean=False, expiry=self.EXPIRY_S)
        flags, code, _ = client.connect(port)
        assert (flags["session present"], code) == (0, 0), self.name
        assert client.subscribe("$share/g/data/#", 2) == [2]
        client.close()


def members_in(gateway):
    return sum(s["client_id"].startswith("member-") for s in gateway.api("/v1/sessions?limit=1000")["sessions"])


def publish_some(chance, publishers):
    target = sum(p.count() for p in publishers) + chance.randrange(50, 400)
    while sum(p.count() for p in publishers) < target:
        for publisher in publishers:
            if len(publisher.sent) < 40:
                publisher.publish(chance.choice((1, 2)))
        wait_for("room", lambda: any(len(p.sent) < 40 for p in publishers))


class KillSessions(unittest.TestCase):
    def test_nothing_acknowledged_is_lost_doubled_or_reordered(self):
        chance = random.Random(SEED)
        with Gateway(start=False) as gateway:
            gateway.write("weir.yaml", (gateway.home / "weir.yaml").read_text() + LIMITS)
            gateway.start()
            publishers = [Publisher(gateway, f"pub-{n}") for n in range(PUBLISHERS)]
            online = Subscriber(gateway, "online")
            away = Subscriber(gateway, "away")
            for subscriber in (online, away):
                subscriber.client.connect(gateway.ports["front"])
                for publisher in publishers:
                    for qos in (1, 2):
                        self.assertEqual(subscriber.client.subscribe(f"data/{publisher.name}/q{qos}", qos), [qos])
            away.client.paho.disconnect()
            away.client.paho.loop_stop()
            for each in publishers:
                each.client.connect(gateway.ports["front"])
            for number in range(ROUNDS):
                publish_some(chance, publishers)
                gateway.kill()
                for each in (*publishers, online):
                    each.client.drop()
                gateway.start()
                for each in (*publishers, online):
                    flags, code, _ = each.client.connect(gateway.ports["front"])
                    self.assertEqual((flags["session present"], code), (1, 0), each.name)
            wait_for("the last acknowledgements", lambda: not any(p.sent for p in publishers))
            self.assertEqual(away.client.connect(gateway.ports["front"])[0]["session present"], 1)

            def complete():
                return all(len(s.first_time(f"data/{p.name}/q{qos}")) >= p.next[qos]
                           for s in (online, away) for p in publishers for qos in (1, 2))
            try:
                wait_for("all messages", complete)
            except AssertionError:
                pass  # Told below, with numbers.
            total = lost = doubled = reordered = 0
            for subscriber in (online, away):
                for publisher in publishers:
                    for qos in (1, 2):
                        topic = f"data/{publisher.name}/q{qos}"
                        got, first = subscriber.got.get(topic, []), subscriber.first_time(topic)
                        total += publisher.next[qos]
                        missing = set(range(publisher.next[qos])) - set(first)
                        lost += len(missing)
                        doubled += len(got) - len(first) if qos == 2 else 0
                        wrong = [(a, b) for a, b in zip(first, first[1:]) if b < a]
                        reordered += len(wrong)
                        if missing or wrong or (qos == 2 and len(got) != len(first)):
                            twice = sorted({n for n in got if got.count(n) > 1}) if qos == 2 else []
                            print(subscriber.name, topic, "missing", sorted(missing)[:10], "twice", twice[:10], "order", wrong[:5])
            print(f"seed {SEED}, {ROUNDS} rounds, {total} deliveries expected: {lost} lost, {doubled} doubled, {reordered} reordered")
            for each in (*publishers, online, away):
                each.client.close()
            self.assertGreater(total, 100 * ROUNDS)
            self.assertEqual((lost, doubled, reordered), (0, 0, 0))

    def test_what_members_of_a_shared_group_leave_to_others_is_neither_lost_nor_doubled(self):
        chance = random.Random(SEED)
        with Gateway(shards=4, start=False) as gateway:
            gateway.write("weir.yaml", (gateway.home / "weir.yaml").read_text() + LIMITS)
            gateway.start()
            publishers = [Publisher(gateway, f"pub-{n}") for n in range(PUBLISHERS)]
            members = [Member(gateway, f"member-{n}") for n in range(6)]
            heir = Subscriber(gateway, "heir")
            heir.client.connect(gateway.ports["front"])
            self.assertEqual(heir.client.subscribe("$share/g/data/#", 2), [2])
            heir.client.paho.disconnect()
            heir.client.paho.loop_stop()
            gateway.wait_offline("heir")
            for _ in range(ROUNDS):
                for member in members:
                    member.join(gateway.ports["front"])
                    gateway.wait_offline(member.name)
                for publisher in publishers:
                    publisher.client.connect(gateway.ports["front"])
                publish_some(chance, publishers)
                while members_in(gateway) == len(members):
                    pass  # The first one that is gone tells that what they leave is on its way.
                gateway.kill()
                for publisher in publishers:
                    publisher.client.drop()
                gateway.start()
                wait_for("the end of all members", lambda: members_in(gateway) == 0)
            for publisher in publishers:
                publisher.client.connect(gateway.ports["front"])
            wait_for("the last acknowledgements", lambda: not any(p.sent for p in publishers))
            self.assertEqual(heir.client.connect(gateway.ports["front"])[0]["session present"], 1)
            wanted = {(f"data/{p.name}/q{qos}", qos): set(range(p.next[qos])) for p in publishers for qos in (1, 2)}
            try:
                wait_for("all messages", lambda: all(len(heir.first_time(topic)) >= len(numbers)
                                                     for (topic, _), numbers in wanted.items()))
            except AssertionError:
                pass  # Told below, with numbers.
            for (topic, qos), numbers in wanted.items():
                got = heir.got.get(topic, [])
                self.assertEqual(sorted(numbers - set(got)), [], f"lost: {topic}")
                if qos == 2:
                    self.assertEqual(len(got), len(set(got)), f"doubled: {topic}")
            for each in (*publishers, heir):
                each.client.close()


if __name__ == "__main__":
    unittest.main()
