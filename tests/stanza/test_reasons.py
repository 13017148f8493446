"""The words for a no agree with the tables: there are some exactly where the table says no."""

from itertools import combinations

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.importance import WAKING, Weight, is_worth_waking, weight_of
from xmppd.stanza.kinds import MEANING, TYPES, kind_of
from xmppd.stanza.layout import ChildName
from xmppd.stanza.reasons import (
    why_held,
    why_not_archivable,
    why_not_copied,
    why_not_kept,
    why_not_waking,
)
from xmppd.stanza.stanza import Stanza

NS_HINTS = "urn:xmpp:hints"
BODY = ("jabber:client", "body")


def message(type_: str | None, *names: ChildName) -> Stanza:
    """Make a message with empty children of these names."""
    inner = "".join(f"<{name} xmlns='{ns}'/>" for ns, name in names)
    shown = "" if type_ is None else f" type='{type_}'"
    return Stanza.parse(f"<message from='a@h/r' to='b@h'{shown}>{inner}</message>".encode())


class ReasonsTests(SynchronousTestCase):
    """`xmppd.stanza.reasons`."""

    def test_in_step_with_the_tables(self) -> None:
        """Each type with each pair of children that mean anything, and with none."""
        names = sorted(set(MEANING) | WAKING)
        for type_ in (None, "unknown", *TYPES):
            for children in ((), *((name,) for name in names), *combinations(names, 2)):
                each = message(type_, *children)
                kind = kind_of(each)
                said = (type_, children)
                self.assertEqual(why_not_kept(each) is None, kind.is_durable, said)
                self.assertEqual(why_not_archivable(each) is None, kind.is_archivable, said)
                self.assertEqual(why_not_copied(each, is_sent=True) is None, kind.is_copied_sent, said)
                self.assertEqual(why_not_copied(each, is_sent=False) is None, kind.is_copied_received, said)
                self.assertEqual(why_not_waking(each) is None, is_worth_waking(each), said)
                weight = weight_of(each, None)
                self.assertEqual(why_held(each, weight) is None, weight is Weight.NOW, said)

    def test_what_decided_it_is_named(self) -> None:
        """A hint (XEP-0334), a type, a lack, a room."""
        store = message("chat", BODY, (NS_HINTS, "no-store"))
        self.assertEqual(why_not_kept(store), "it says <no-store/>")
        for_good = message("chat", BODY, (NS_HINTS, "no-permanent-store"))
        self.assertIsNone(why_not_kept(for_good))
        self.assertEqual(why_not_archivable(for_good), "it says <no-permanent-store/>")
        self.assertEqual(why_not_kept(message("headline", BODY)), "messages of type headline are not kept")
        self.assertIn("no body", str(why_not_kept(message(None))))
        private = message("chat", BODY, ("urn:xmpp:carbons:2", "private"))
        self.assertEqual(why_not_copied(private, is_sent=True), "it says <private/>")
        in_room = message("chat", BODY, ("http://jabber.org/protocol/muc#user", "x"))
        self.assertIn("in the room", str(why_not_copied(in_room, is_sent=False)))
