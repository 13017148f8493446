"""Invitations across two servers (XEP-0379): who follows a link becomes a contact, wherever the account is."""

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.services.invitations.invitation import Kind
from xmppd.services.invitations.invitations import Invitations, Wanted
from xmppd.testing.server import now

JULIET, ROMEO = f"juliet@{CAPULET}", f"romeo@{MONTAGUE}"
ROSTER = "<iq id='r' type='get'><query xmlns='jabber:iq:roster'/></iq>"


class InvitationTests(Two):
    """Romeo invites, Juliet follows the link."""

    def setUp(self) -> None:
        """Both are there."""
        super().setUp()
        for client in (self.juliet, self.romeo):
            client.send(ROSTER + "<presence/>")
        self.settle()
        self.came(self.romeo)
        wanted = Wanted(Kind.CONTACT, 1_000.0, inviter="romeo")
        service = self.montague.server.services[Invitations]
        self.token, _ = now(service.create(MONTAGUE, wanted))

    def subscription(self, one: str, other: str) -> str:
        """The subscription of *other* in the roster of *one*."""
        server = self.capulet if one == JULIET else self.montague
        item = now(server.server.rosters.load(one)).item(other)
        return "" if item is None else item.subscription

    def follow(self, token: str, *, is_approving: bool = True) -> None:
        """Do what Juliet's client does with the link (3.4)."""
        preauth = f"<preauth xmlns='urn:xmpp:pars:0' token='{token}'/>"
        self.juliet.send(f"<presence to='{ROMEO}' type='subscribe'>{preauth}</presence>")
        if is_approving:
            self.juliet.send(f"<presence to='{ROMEO}' type='subscribed'/>")
        self.settle()

    def test_contacts(self) -> None:
        """A good token is approved at once and answered by a request, which Juliet has approved in advance (3.5)."""
        self.follow(self.token)
        self.assertEqual(
            (self.subscription(JULIET, ROMEO), self.subscription(ROMEO, JULIET)), ("both", "both")
        )
        self.assertNotIn("presence subscribe", self.came(self.romeo))

    def test_without_approval_in_advance(self) -> None:
        """Juliet's client is asked for its side (3.6)."""
        self.came(self.juliet)
        self.follow(self.token, is_approving=False)
        self.assertEqual(self.subscription(JULIET, ROMEO), "to")
        self.assertIn("presence subscribe", self.came(self.juliet))

    def test_bad_token(self) -> None:
        """It is passed over: Romeo is asked (4.1)."""
        self.follow("x")
        self.assertEqual(self.subscription(ROMEO, JULIET), "")
        self.assertIn("presence subscribe", self.came(self.romeo))
