"""What a room remembers of what it has passed on (XEP-0045 7.5, 7.8.2): a bounded part, and each error once."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.events import Traffic
from xmppd.modules.muc.passed_on import PassedOn
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza

SENDER, ADDRESS, TO = (
    JID.parse(each) for each in ("hag@localhost/pda", "coven@rooms.localhost/one", "crone@localhost/1")
)
OCCUPANT = JID.parse("coven@rooms.localhost/two")


class FakeRouter:
    """Keeps what is forwarded."""

    def __init__(self) -> None:
        self.forwarded: list[Stanza] = []

    def forward(self, traffic: Traffic, stanza: Stanza, target: JID) -> None:
        """Keep it."""
        self.forwarded.append(stanza)


class PassedOnTests(SynchronousTestCase):
    """Without rooms."""

    def setUp(self) -> None:
        """Remember two."""
        self.router = FakeRouter()
        router: Any = self.router
        self.passed_on = PassedOn(router, 2)

    def pass_on(self, id: str) -> None:
        """Let somebody send a private message."""
        stanza = Stanza.make("message", b"", from_=OCCUPANT.full, to=TO.full, id=id)
        self.passed_on.note(Traffic(stanza, SENDER, ADDRESS, None), stanza)

    def come_back(self, id: str) -> list[Stanza]:
        """Let an error come; give what is told of it."""
        error = Stanza.make(
            "message", b"<error/><body/>", from_=TO.full, to=OCCUPANT.full, id=id, type="error"
        )
        self.passed_on.came_back(Traffic(error, TO, OCCUPANT, None))
        told, self.router.forwarded = self.router.forwarded, []
        return told

    def test_once(self) -> None:
        """The error alone goes back, from where the message was sent to; a second one answers nothing."""
        self.pass_on("a")
        (told,) = self.come_back("a")
        self.assertEqual(
            (told.from_, told.to, told.id, told.inner), (ADDRESS.full, SENDER.full, "a", b"<error/>")
        )
        self.assertEqual(self.come_back("a"), [])

    def test_bound(self) -> None:
        """promises#bounded: the oldest are forgotten."""
        for id in "abc":
            self.pass_on(id)
        self.assertEqual([len(self.come_back(id)) for id in "abc"], [0, 1, 1])
