"""What many tests begin with: a gateway, and the device probe-1 connected to it."""
import unittest

from gateway import Gateway
from peers import Client


class WithProbe(unittest.TestCase):
    def setUp(self):
        self.gateway = Gateway().__enter__()
        self.addCleanup(self.gateway.__exit__)
        self.folder = self.gateway.device("probe-1")
        self.probe = Client("probe-1", folder=self.folder)
        self.addCleanup(self.probe.close)
        self.probe.connect(self.gateway.ports["front"])
