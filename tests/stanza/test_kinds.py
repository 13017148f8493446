"""What a message is good for, row by row: promises#durable, XEP-0334, XEP-0280 6.1, XEP-0313 5.1.1."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.kinds import is_archivable, is_copied, is_durable, kind_of
from xmppd.stanza.stanza import Stanza

BODY = "<body>hi</body>"
STATE = "<active xmlns='http://jabber.org/protocol/chatstates'/>"
RECEIPT = "<received xmlns='urn:xmpp:receipts' id='1'/>"
MARKER = "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>"
RETRACTION = "<retract xmlns='urn:xmpp:message-retract:1' id='1'/>"
DIRECT_INVITE = "<x xmlns='jabber:x:conference' jid='room@muc'/>"
INVITE = "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>"
IN_ROOM = "<x xmlns='http://jabber.org/protocol/muc#user'/>"
OMEMO = "<encrypted xmlns='eu.siacs.conversations.axolotl'/>"
STORE = "<store xmlns='urn:xmpp:hints'/>"
NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>"
NO_PERMANENT = "<no-permanent-store xmlns='urn:xmpp:hints'/>"
NO_COPY = "<no-copy xmlns='urn:xmpp:hints'/>"
PRIVATE = "<private xmlns='urn:xmpp:carbons:2'/>"
OTHER = "<x xmlns='urn:example'/>"

TABLE = [  # type, content, durable, archivable, copied
    ("chat", BODY, True, True, True),
    (None, BODY, True, True, True),
    ("normal", BODY, True, True, True),
    ("strange", BODY, True, True, True),
    ("normal", "<subject>s</subject>", True, True, False),
    ("headline", BODY, False, False, False),
    ("groupchat", BODY, False, False, False),
    ("error", BODY, False, False, False),
    ("headline", STORE, False, False, False),
    ("chat", STATE, False, False, True),
    ("normal", STATE, False, False, True),
    ("chat", RECEIPT, True, True, True),
    ("normal", RECEIPT, True, True, True),
    ("chat", MARKER, True, True, True),
    ("chat", RETRACTION, True, True, True),
    ("normal", DIRECT_INVITE, True, True, True),
    ("normal", INVITE, True, True, True),
    ("normal", IN_ROOM, False, False, False),
    ("chat", BODY + IN_ROOM, True, True, False),
    ("chat", OMEMO, True, True, True),
    ("chat", OTHER, False, False, True),
    ("normal", OTHER, False, False, False),
    ("normal", OTHER + STORE, True, True, False),
    ("chat", BODY + NO_STORE, False, False, True),
    ("chat", BODY + STORE + NO_STORE, False, False, True),
    ("chat", BODY + NO_PERMANENT, True, False, True),
    ("chat", BODY + NO_COPY, True, True, False),
    ("chat", BODY + PRIVATE, True, True, False),
    ("chat", BODY + PRIVATE + NO_COPY, True, True, False),
]


class MessageKindTests(SynchronousTestCase):
    """`kind_of` and its three questions."""

    def test_table(self) -> None:
        """Type and children decide what becomes of a message."""
        for type_, content, *expected in TABLE:
            stanza = Stanza.make("message", content.encode(), type=type_)
            got = [is_durable(stanza), is_archivable(stanza), is_copied(stanza)]
            self.assertEqual(got, expected, (type_, content))

    def test_a_private_message_to_a_room_is_copied_to_its_senders_clients(self) -> None:
        """XEP-0280 6.1: a private message from a local user to a participant is copied; one received is not."""
        kind = kind_of(Stanza.make("message", (BODY + IN_ROOM).encode(), type="chat"))
        self.assertTrue(kind.is_copied_sent)
        self.assertFalse(kind.is_copied_received)

    def test_what_could_have_been_kept_is_missed(self) -> None:
        """A message that must not be stored is told of to its sender, a chat state is not."""
        for content, expected in ((BODY + NO_STORE, True), (STATE, False), (STATE + NO_STORE, False)):
            kind = kind_of(Stanza.make("message", content.encode(), type="chat"))
            self.assertEqual(kind.is_missed, expected, content)
