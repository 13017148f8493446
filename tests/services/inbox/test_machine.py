"""The rules of the inbox as its tables say them (`xmppd.services.inbox.machine`)."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.inbox import machine
from xmppd.services.inbox.machine import HAS, OWED, OWED_COPY, WAS, Claim, Record, Standing, Verdict
from xmppd.services.inbox.records import append, encode, read
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry

STANDINGS = {
    "me": Standing.LIVE,
    "here": Standing.LIVE,
    "phone": Standing.LASTING,
    "kept": Standing.RESERVED,
    "kept of mine": Standing.RESERVED,
}
GIVE, PASS, FORGET = Verdict.GIVE, Verdict.PASS, Verdict.FORGET


def standing(key: str) -> Standing:
    """What the holders of these tests are; all others are gone."""
    return STANDINGS.get(key, Standing.GONE)


def record(holders: dict[str, int] | None = None, *, done: bool = False, waits: bool = False) -> Record:
    """Give a record with these holders."""
    made = Record("owner", "id")
    made.holders = dict(holders or {})
    made.is_done, made.is_open = done, waits
    return made


class StandingTests(SynchronousTestCase):
    """Who has a message, or is to have it."""

    def test_is_elsewhere(self) -> None:
        """Somebody else than who has ended: it is there, or may come back, or has it already."""
        for holders, done, expected in (
            ({"phone": 1}, False, False),
            ({"phone": 1, "here": 2}, False, True),
            ({"phone": 1, "here": OWED}, False, True),
            ({"phone": 1, "gone": 2}, False, False),
            ({}, False, False),
            ({"phone": 1}, True, True),
        ):
            each = record(holders, done=done)
            self.assertEqual(machine.is_elsewhere(each, "phone", standing), expected, encode(each))


class VerdictTests(SynchronousTestCase):
    """What "me", in the place of "mine", is given."""

    def check(self, each: Record, taking_all: Verdict, known: Verdict) -> None:
        """Ask for one of whom nothing is known, and for one who is known to be somebody else."""
        found = [
            machine.verdict(each, claim, standing)
            for claim in (Claim("me"), Claim("me", frozenset(("mine", "kept of mine")), False))
        ]
        self.assertEqual(found, [taking_all, known], encode(each))

    def test_the_table(self) -> None:
        """Each line of it."""
        for holders, verdicts in (
            ({}, (GIVE, GIVE)),
            ({"gone": 3}, (GIVE, GIVE)),
            ({"gone": OWED}, (GIVE, GIVE)),
            ({"me": 3}, (PASS, PASS)),
            ({"me": OWED}, (GIVE, GIVE)),
            ({"me": OWED_COPY, "here": 2}, (GIVE, GIVE)),
            ({"here": 2}, (PASS, PASS)),
            ({"phone": OWED}, (PASS, PASS)),
            ({"kept": 2}, (GIVE, PASS)),
            ({"kept": 2 + WAS}, (GIVE, GIVE)),
            ({"mine": 2, "kept": 3}, (GIVE, GIVE)),
            ({"mine": 2, "here": 3}, (PASS, PASS)),
            ({"kept of mine": 2, "here": 3}, (PASS, GIVE)),
        ):
            self.check(record(holders), *verdicts)

    def test_what_is_done(self) -> None:
        """It is kept while somebody may ask for its own copy, and given to that one alone."""
        for holders, verdicts in (
            ({}, (FORGET, FORGET)),
            ({"gone": 3}, (FORGET, FORGET)),
            ({"kept": 3}, (PASS, PASS)),
            ({"kept": 3 + WAS}, (FORGET, FORGET)),
            ({"phone": 3}, (PASS, PASS)),
            ({"mine": 3}, (FORGET, GIVE)),
            ({"me": OWED}, (GIVE, GIVE)),
        ):
            self.check(record(holders, done=True), *verdicts)

    def test_what_waits_though_others_have_copies(self) -> None:
        """Carbons alone do not take a message from who takes messages, unless that has one."""
        for holders, verdicts in (
            ({"here": 2}, (GIVE, GIVE)),
            ({"me": 2}, (PASS, PASS)),
            ({"me": HAS}, (PASS, PASS)),
            ({"mine": HAS}, (GIVE, PASS)),
        ):
            self.check(record(holders, waits=True), *verdicts)


class EventTests(SynchronousTestCase):
    """What becomes of a record."""

    def test_acknowledged(self) -> None:
        """The message is done; the record is finished when nobody else may ask for its own copy."""
        for others, is_finished in (
            ({}, True),
            ({"here": 2}, True),
            ({"here": OWED}, False),
            ({"phone": 2}, False),
            ({"kept": 2}, False),
            ({"gone": 2}, True),
        ):
            each = record({"me": 1, **others})
            machine.acknowledged(each, "me")
            self.assertEqual((each.is_done, machine.is_finished(each, standing)), (True, is_finished), others)

    def test_ended(self) -> None:
        """Without anybody who is there it waits again, with the evidence of who had it."""
        self.assertTrue(machine.is_waiting(record({"gone": 7}), standing))
        self.assertFalse(machine.is_waiting(record({"gone": 7, "here": 1}), standing))
        self.assertFalse(machine.is_waiting(record({"gone": 7}, done=True), standing))

    def test_came_back(self) -> None:
        """What is up to h is acknowledged, whoever has it meanwhile; what is behind it, or was never sent, is not."""
        for number, is_handled in ((5, True), (5 + WAS, True), (6, False), (OWED, False), (HAS, False)):
            each = record({"gone": number, "here": 1})
            self.assertEqual(machine.came_back(each, "gone", lambda sent: sent <= 5), is_handled, number)
            self.assertEqual(each.is_done, is_handled)

    def test_given(self) -> None:
        """Who takes it has the places that it claims; who had ended is evidence from then on, and not without end."""
        each = record({"mine": 3, "gone": 4, "lost": OWED, "kept": 5, "me": 1})
        machine.given(each, Claim("me", frozenset(("mine",))), standing)
        self.assertEqual(each.holders, {"gone": 4 + WAS, "kept": 5, "me": 1})
        each = record({f"gone{n}": n for n in range(50)})
        machine.given(each, Claim("me"), standing)
        self.assertEqual(len(each.holders), machine.MAX_EVIDENCE)

    def test_given_to_who_takes_messages(self) -> None:
        """What others had as a carbon counts then: who has it is done with it."""
        each = record({"here": HAS, "phone": 4, "me": 1}, waits=True)
        machine.given(each, Claim("me"), standing)
        self.assertEqual((each.holders, each.is_done, each.is_open), ({"phone": 4, "me": 1}, True, False))

    def test_entitled(self) -> None:
        """Who has a carbon and takes messages now needs nothing more."""
        for number, is_done in ((4, False), (HAS, True)):
            each = record({"me": number}, waits=True)
            self.assertTrue(machine.entitled(each, Claim("me")))
            self.assertEqual((each.is_open, each.is_done), (False, is_done))
        self.assertFalse(machine.entitled(record({"me": OWED_COPY}, waits=True), Claim("me")))

    def test_fetched(self) -> None:
        """It is done; who is kept its own copy can ask for it as before."""
        each = record({"kept": 3})
        machine.fetched(each, Claim("me"))
        self.assertEqual((each.is_done, machine.is_finished(each, standing)), (True, False))


class StoredTests(SynchronousTestCase):
    """How a record is written and read back."""

    def test_whole(self) -> None:
        """All that counts comes back."""
        stanza = Stanza.make("message", b"<body/>")
        for holders in ({}, {"a-b_c": 7}, {"a": OWED, "b": OWED_COPY, "c": HAS, "d": 9 + WAS}):
            for done in (False, True):
                for waits in (False, True):
                    each = record(holders, done=done, waits=waits)
                    entry = append(each, stanza, 5.0).entry
                    back = read("owner", Entry(1, *entry))
                    self.assertEqual(
                        (back.holders, back.is_done, back.is_open, back.is_archived),
                        (holders, done, waits, False),
                    )

    def test_archived(self) -> None:
        """The content is not stored twice."""
        each = Record("owner", "id", is_archived=True)
        entry = append(each, Stanza.make("message", b"<body/>"), 5.0).entry
        self.assertEqual(entry.stanza, b"")
        self.assertTrue(read("owner", Entry(1, *entry)).is_archived)

    def test_odd(self) -> None:
        """What is not understood counts for nothing: the message waits."""
        for extra in (b"x", b":3", b"a:", b"a:x", b"a:-1", b"a:1.5", b"a:..", b" "):
            self.assertEqual(read("owner", Entry(1, "id", 1.0, "", b"", extra, "")).holders, {}, extra)
