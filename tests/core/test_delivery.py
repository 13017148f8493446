"""RFC 6121 8.5, cell by cell: type of message, form of address, resources of the account."""

from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.delivery import Otherwise, recipients, rule_of
from xmppd.core.registry import SessionRegistry
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.testing.sessions import bound_session

BARE, FULL = JID.parse("bob@localhost"), JID.parse("bob@localhost/absent")
RESOURCES: dict[str, dict[str, int | None]] = {
    "none": {},
    "one not available": {"mute": None},
    "one negative": {"bot": -1},
    "one": {"desk": 0},
    "two priorities": {"desk": 5, "phone": 1},
    "two equal": {"desk": 1, "phone": 1},
    "one and a negative": {"desk": 0, "bot": -5},
}
NOBODY: list[str] = []
TABLE: dict[tuple[str, JID], tuple[dict[str, list[str]], Otherwise]] = {
    ("chat", BARE): (
        {
            "one": ["desk"],
            "two priorities": ["desk"],
            "two equal": ["desk", "phone"],
            "one and a negative": ["desk"],
        },
        Otherwise.KEEP,
    ),
    ("headline", BARE): (
        {
            "one": ["desk"],
            "two priorities": ["desk", "phone"],
            "two equal": ["desk", "phone"],
            "one and a negative": ["desk"],
        },
        Otherwise.DROP,
    ),
    ("groupchat", BARE): ({}, Otherwise.REFUSE),
    ("error", BARE): ({}, Otherwise.DROP),
    ("normal", FULL): ({}, Otherwise.REFUSE),
    ("headline", FULL): ({}, Otherwise.DROP),
    ("groupchat", FULL): ({}, Otherwise.REFUSE),
    ("error", FULL): ({}, Otherwise.DROP),
}
"""Who takes it (nobody where a row is missing), and what otherwise; by the sections of RFC 6121 8.5.2 and 8.5.3.2."""
TABLE["normal", BARE] = TABLE["chat", BARE]
TABLE["chat", FULL] = TABLE["chat", BARE]


def cells() -> Iterator[tuple[str, JID, str]]:
    """Give every cell: type, target, name of the set of resources."""
    for kind, target in TABLE:
        for resources in RESOURCES:
            yield kind, target, resources


class MessageRulesTests(SynchronousTestCase):
    """One test for each cell is added below; these are the rest."""

    def test_unknown_and_missing_types_are_normal(self) -> None:
        """RFC 6121 5.2.2: a type that is missing or not understood means normal."""
        for kind in (None, "poem", ""):
            stanza = Stanza.make("message", type=kind)
            self.assertIs(rule_of(stanza, BARE), rule_of(Stanza.make("message", type="normal"), BARE))

    def test_table_is_whole(self) -> None:
        """Every type has a row for both forms of address."""
        self.assertEqual(len(TABLE), 10)


def _cell_test(kind: str, target: JID, resources: str) -> Any:
    def test(self: MessageRulesTests) -> None:
        registry = SessionRegistry()
        for resource, priority in RESOURCES[resources].items():
            bound_session(registry, f"bob@localhost/{resource}", priority)
        stanza = Stanza.make("message", type=kind)
        takers, otherwise = TABLE[kind, target]
        taken = [session.resource for session in recipients(registry, stanza, target)]
        self.assertEqual(taken, takers.get(resources, NOBODY))
        self.assertIs(rule_of(stanza, target).otherwise, otherwise)

    test.__doc__ = f"RFC 6121 8.5: {kind} to {target}, resources: {resources}."
    return test


for _kind, _target, _resources in cells():
    _form = "bare" if _target.is_bare else "full"
    setattr(
        MessageRulesTests,
        f"test_{_kind}_to_{_form}_with_{_resources.replace(' ', '_')}",
        _cell_test(_kind, _target, _resources),
    )
