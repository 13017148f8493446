"""What the contract takes for certain of what a client has acknowledged before its server was killed."""

from typing import Any, cast
from xml.etree.ElementTree import fromstring

from twisted.trial.unittest import SynchronousTestCase

from tests.faults.contract import PULSES, Contract
from tests.faults.device import NS, Device
from tests.faults.parties import Changer
from tests.temporary import temporary_folder
from xmppd.services.inbox.store import PULSE_S


class Nowhere:
    """A connection that takes what is written."""

    is_cut = False

    def send(self, data: bytes) -> None:
        """Write it."""


class DeviceTests(SynchronousTestCase):
    """A device that comes afresh each time, and has sent presence with a request."""

    def setUp(self) -> None:
        """It is connected."""
        self.device = Device("juliet@localhost", "balcony")
        self.device.comes_afresh = self.device.is_connected = True
        self.device._client = cast("Any", Nowhere())
        self.get(f"<enabled xmlns='{NS}' id='sm'/>")
        self.device.send(b"<presence/>")
        self.device.request()

    def get(self, text: str) -> None:
        """An element comes."""
        self.device._on_element(fromstring(text))

    def get_messages(self, *ids: str) -> None:
        """Messages come."""
        for id in ids:
            self.get(f"<message xmlns='jabber:client' id='{id}'><body>{id}</body></message>")

    def test_what_was_read(self) -> None:
        """What was said before a request that is answered was read; what came behind it may come again."""
        self.get(f"<a xmlns='{NS}' h='1'/>")
        self.get_messages("one", "two")
        self.device.answer()
        self.get_messages("three")
        self.get(f"<a xmlns='{NS}' h='1'/>")
        self.device.settle_account(lambda at: True)
        self.assertEqual(self.device.may_come_again, {"three"})

    def test_what_was_read_and_not_stored(self) -> None:
        """It may come again until it is certain that it is on the disk."""
        self.get(f"<a xmlns='{NS}' h='1'/>")
        self.get_messages("one")
        self.device.answer()
        self.get(f"<a xmlns='{NS}' h='1'/>")
        self.device.settle_account(lambda at: False)
        self.assertEqual(self.device.may_come_again, {"one"})
        self.device.settle_account(lambda at: True)
        self.assertEqual(self.device.may_come_again, set())

    def test_late_answers(self) -> None:
        """An answer that came in time, without its commit, says nothing of what was said after its request."""
        self.get_messages("one")
        self.device.answer()
        for h in (0, 1):
            self.get(f"<a xmlns='{NS}' h='{h}'/>")
        self.device.settle_account(lambda at: True)
        self.assertEqual(self.device.may_come_again, {"one"})


class ProofTests(SynchronousTestCase):
    """What follows from changes that were answered."""

    def test_the_second_change_proves(self) -> None:
        """One that was under way proves nothing, the next may be read before the timers, the one behind it proves."""
        changer = Changer(0, "vcard")
        changer._answered = [(1.0, 1.5), (2.0, 2.5), (3.0, 3.5)]
        self.assertEqual([changer.proves(at) for at in (0.9, 1.1, 2.1)], [2.5, 3.5, float("inf")])

    def test_pulses(self) -> None:
        """All pulses that may be needed are over, one behind the other."""
        contract = Contract(temporary_folder(self))
        changer = contract.changers[0]
        changer._answered = [
            (at, at + 0.01) for at in (PULSE_S, PULSE_S + 0.02, 2 * PULSE_S, 2 * PULSE_S + 0.04)
        ]
        self.assertFalse(contract._is_stored(0.0))
        changer._answered += [(2 * PULSE_S + 0.05, 2 * PULSE_S + 0.06)]
        self.assertTrue(contract._is_stored(0.0))
        self.assertEqual(PULSES, 2)
