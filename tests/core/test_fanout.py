"""One stanza to many: the copies differ in ``to`` alone."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.fanout import Fanout
from xmppd.core.filters import FilterStage
from xmppd.core.registry import SessionRegistry
from xmppd.stanza.stanza import Stanza
from xmppd.testing.sessions import bound_session, written

PRESENCE = Stanza.make("presence", b"<show>away</show>", from_="a@localhost/x", to="old@localhost", id="p'1")


class FanoutTests(SynchronousTestCase):
    """`Fanout`."""

    def setUp(self) -> None:
        """Give each test a session to send to."""
        self.session = bound_session(SessionRegistry(), "bob@localhost/desk")

    def test_copies_are_the_stanza_with_another_to(self) -> None:
        """What is written is byte for byte what the stanza with that ``to`` is, awkward addresses included."""
        for to in ("bob@localhost", "b&b@localhost/'\"<", "søren@localhost", 'b@localhost/"'):
            self.assertTrue(Fanout(PRESENCE).send(self.session, to))
            self.assertEqual(written(self.session), PRESENCE.replace(to=to).to_bytes())
            self.assertEqual(Fanout(PRESENCE).copy(to), PRESENCE.replace(to=to))

    def test_a_session_with_filters_gets_a_stanza(self) -> None:
        """XEP-0198 and others see each copy as a stanza."""
        seen: list[object] = []
        self.session.add_filter(FilterStage.COUNT, lambda session, x: seen.append(x))
        Fanout(PRESENCE).send(self.session, "bob@localhost")
        self.assertEqual(seen, [PRESENCE.replace(to="bob@localhost")])
