"""Reserved nicks (XEP-0045 7.10): whose a nick is does not depend on the way to get there."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.likeness import likeness
from xmppd.services.rooms.roles import Affiliation
from xmppd.services.rooms.room import Affiliated, Room
from xmppd.services.rooms.settings import RoomSettings
from xmppd.stanza.jid import JID

NICKS = ("anna", "ann\u0430", "bob", "")
JIDS = ("a@x", "b@x", "c@x")
CHANGES = st.lists(
    st.tuples(
        st.sampled_from(JIDS),
        st.none() | st.builds(Affiliated, st.just(Affiliation.MEMBER), st.sampled_from(NICKS)),
    ),
    max_size=12,
)


class ReservedTests(SynchronousTestCase):
    """`Room.reserved_for` beside a look at everybody."""

    @given(CHANGES)
    def test_as_a_look_at_all(self, changes: list[tuple[str, Affiliated | None]]) -> None:
        """Whose the very nick is, else whose one is that looks like it."""
        room = Room(JID.parse("room@rooms"), RoomSettings(), b"", 0.0)
        last: dict[str, Affiliated] = {}
        for jid, affiliated in changes:
            room.set_affiliated(jid, affiliated)
            if affiliated is None:
                last.pop(jid, None)
            else:
                last[jid] = affiliated
        self.assertEqual(room.affiliations, last)
        for nick in filter(None, NICKS):
            same = {jid for jid, each in last.items() if each.nick == nick}
            alike = {jid for jid, each in last.items() if each.nick and likeness(each.nick) == likeness(nick)}
            found = room.reserved_for(nick)
            self.assertEqual(found is None, not alike)
            self.assertIn(found, same or alike or {None})
