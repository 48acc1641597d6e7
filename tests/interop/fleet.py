"""What tests with foreign clients share: a gateway with a few devices, and skipping where a client is missing."""
import importlib.util
import json
import pathlib
import shutil
import subprocess
import unittest

from gateway import DEADLINE_S, Gateway

HERE = pathlib.Path(__file__).parent
PASSWORD = "correct horse battery"

FILES = {
    "rules.d/kept.sql": "---\nto:\n  - stream: alarms\n---\nSELECT * FROM 'kept/#'\n",
}


def need_programs(*names):
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise unittest.SkipTest(f"not installed: {', '.join(missing)}")


def need_python_module(name):
    if importlib.util.find_spec(name) is None:
        raise unittest.SkipTest(f"no python module {name}")


def need_node_module(name):
    need_programs("node")
    if not (HERE / "node_modules" / name).is_dir():
        raise unittest.SkipTest(f"no node module {name}: run `npm ci` in tests/interop")


def node(script, **job):
    """Runs a script of this folder with `job` as its only argument; returns the JSON that it prints."""
    done = subprocess.run(["node", HERE / script, json.dumps(job)], capture_output=True, text=True, timeout=DEADLINE_S)
    assert done.returncode == 0, f"{script}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


class Fleet(unittest.TestCase):
    """One gateway for all tests of a class. `alice` may do everything, `probe` what the policy `sensor` allows."""

    FILES = FILES  # Of its configuration, beside those of the harness.

    @classmethod
    def setUpClass(cls):
        cls.gateway = Gateway(files=cls.FILES)
        cls.addClassCleanup(cls.gateway.__exit__, None, None, None)
        cls.gateway.__enter__()
        cls.alice = cls.device("alice", policy="open")
        cls.probe = cls.device("probe", policy="sensor")

    @classmethod
    def device(cls, name, policy):
        """A device with a certificate and PASSWORD; returns the folder of the certificate."""
        folder = cls.gateway.device(name, policy=policy)
        cls.gateway.cli("devices", "password", name, stdin=PASSWORD)
        return folder

    @property
    def front(self):
        """Port with TLS."""
        return self.gateway.ports["front"]

    @property
    def plain(self):
        """Port in clear text."""
        return self.gateway.ports["plain"]
