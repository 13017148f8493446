"""What is important: every row of the tables of `xmppd.stanza.importance`."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.stanza.importance import Weight, is_worth_waking, merge_key, weight_of
from xmppd.stanza.stanza import Stanza

ME = "romeo@localhost/phone"
STATE = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"
MUC_USER = "http://jabber.org/protocol/muc#user"
NOW, LATER, NEVER = Weight.NOW, Weight.LATER, Weight.NEVER


def carbon(direction: str, attrs: str, inner: str) -> str:
    """A carbon of a message."""
    return (
        f"<message from='romeo@localhost' type='chat'><{direction} xmlns='urn:xmpp:carbons:2'>"
        f"<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' {attrs}>{inner}</message>"
        f"</forwarded></{direction}></message>"
    )


def event(node: str, content: str) -> str:
    """A notification of an account's node (XEP-0163)."""
    return (
        "<message from='juliet@localhost' type='headline'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
        f"<items node='{node}'>{content}</items></event></message>"
    )


WEIGHTS = (
    (NOW, "<iq type='get' id='1'><query xmlns='urn:x'/></iq>"),
    (NOW, "<iq type='result' id='1'/>"),
    (NOW, "<iq type='result' id='1'><fin xmlns='urn:xmpp:mam:2'/></iq>"),
    (LATER, "<presence from='juliet@localhost/x'/>"),
    (LATER, "<presence from='juliet@localhost/x' type='unavailable'/>"),
    (NOW, f"<presence from='{ME}'/>"),
    (NOW, "<presence from='juliet@localhost' type='subscribe'/>"),
    (NOW, "<presence from='juliet@localhost' type='unsubscribed'/>"),
    (NOW, "<presence from='juliet@localhost' type='error'/>"),
    (LATER, f"<presence from='r@muc/n'><x xmlns='{MUC_USER}'><item nick='110'/></x></presence>"),
    (NOW, f"<presence from='r@muc/n'><x xmlns='{MUC_USER}'><status code='110'/></x></presence>"),
    (
        NOW,
        f"<presence from='r@muc/n' type='unavailable'><x xmlns='{MUC_USER}'><status code='307'/>"
        "<status code='110'/></x></presence>",
    ),
    (NOW, "<message type='chat'><body>hi</body></message>"),
    (NOW, f"<message type='chat'><body>hi</body>{STATE}</message>"),
    (NOW, "<message type='groupchat'><body>hi</body></message>"),
    (NOW, "<message type='groupchat'><subject>hi</subject></message>"),
    (NOW, "<message type='headline'><body>hi</body></message>"),
    (NOW, f"<message type='error'>{STATE}<error type='cancel'/></message>"),
    (NOW, "<message type='chat'><encrypted xmlns='urn:xmpp:omemo:2'/></message>"),
    (NOW, "<message type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>"),
    (NOW, "<message type='chat'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>"),
    (LATER, "<message type='groupchat'><displayed xmlns='urn:xmpp:chat-markers:0' id='1'/></message>"),
    (NOW, "<message><propose xmlns='urn:xmpp:jingle-message:0' id='1'/></message>"),
    (NOW, "<message><invite xmlns='urn:xmpp:call-invites:0' id='1'/></message>"),
    (NOW, f"<message><x xmlns='{MUC_USER}'><invite from='juliet@localhost'/></x></message>"),
    (NOW, "<message><x xmlns='jabber:x:conference' jid='r@muc'/></message>"),
    (NOW, "<message><result xmlns='urn:xmpp:mam:2' id='1'/></message>"),
    (NOW, f"<message type='groupchat'><x xmlns='{MUC_USER}'><status code='104'/></x></message>"),
    (NOW, "<message><x xmlns='urn:unknown'/></message>"),
    (NEVER, f"<message type='chat'>{STATE}</message>"),
    (
        NEVER,
        f"<message type='groupchat'>{STATE}<stanza-id xmlns='urn:xmpp:sid:0' id='1' by='r@muc'/></message>",
    ),
    (NEVER, f"<message type='chat'>{STATE}<no-store xmlns='urn:xmpp:hints'/><thread>1</thread></message>"),
    (NOW, f"<message type='chat'>{STATE}<store xmlns='urn:xmpp:hints'/></message>"),
    (NOW, f"<message type='chat'>{STATE}<x xmlns='urn:unknown'/></message>"),
    (LATER, event("mood", "<item id='current'/>")),
    (LATER, "<message type='headline'/>"),
    (NOW, "<message type='headline'><x xmlns='urn:unknown'/></message>"),
    (NOW, carbon("sent", "type='chat'", "<body>hi</body>")),
    (NOW, carbon("received", "type='chat'", "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>")),
    (NEVER, carbon("received", "type='chat'", STATE)),
    (NEVER, carbon("sent", "type='chat'", STATE)),
    (NOW, "<message><received xmlns='urn:xmpp:carbons:2'/></message>"),
)
WAKES = (
    (True, "<message type='chat'><body>hi</body></message>"),
    (True, "<message type='chat'><encrypted xmlns='eu.siacs.conversations.axolotl'/></message>"),
    (True, "<message type='groupchat'><body>hi</body></message>"),
    (True, "<message><propose xmlns='urn:xmpp:jingle-message:0' id='1'/></message>"),
    (True, f"<message><x xmlns='{MUC_USER}'><invite from='juliet@localhost'/></x></message>"),
    (True, carbon("received", "type='chat'", "<body>hi</body>")),
    (True, "<iq type='set' id='1'><jingle xmlns='urn:xmpp:jingle:1' action='session-initiate'/></iq>"),
    (False, "<iq type='set' id='1'><jingle xmlns='urn:xmpp:jingle:1' action='transport-info'/></iq>"),
    (False, "<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>"),
    (False, carbon("sent", "type='chat'", "<body>hi</body>")),
    (False, "<message type='error'><body>hi</body></message>"),
    (False, f"<message type='chat'>{STATE}</message>"),
    (False, f"<message type='chat'>{STATE}<x xmlns='{MUC_USER}'/></message>"),
    (False, "<message type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>"),
    (False, event("mood", "<item id='current'/>")),
    (False, "<presence/>"),
)


class ImportanceTests(SynchronousTestCase):
    """Stanzas as they come, one for each rule."""

    def test_weights(self) -> None:
        """XEP-0352 3.2: what is important goes at once, what is out of date never, the rest later."""
        for weight, text in WEIGHTS:
            self.assertIs(weight_of(Stanza.parse(text.encode()), ME), weight, text)

    def test_wakes(self) -> None:
        """XEP-0357 7: a push is for something to read, an invitation or a call."""
        for is_waking, text in WAKES:
            self.assertIs(is_worth_waking(Stanza.parse(text.encode())), is_waking, text)

    def test_presence_is_merged_by_full_jid(self) -> None:
        """The last of each resource is kept, whether it is available or not."""
        one = Stanza.parse(b"<presence from='juliet@localhost/x'/>")
        two = Stanza.parse(b"<presence from='juliet@localhost/x' type='unavailable'/>")
        other = Stanza.parse(b"<presence from='juliet@localhost/y'/>")
        self.assertEqual(merge_key(one), merge_key(two))
        self.assertNotEqual(merge_key(one), merge_key(other))

    def test_events_are_merged_by_item(self) -> None:
        """A later notification of the same item replaces an earlier one; another item of the node does not."""
        key = merge_key(Stanza.parse(event("mood", "<item id='1'/>").encode()))
        self.assertEqual(key, merge_key(Stanza.parse(event("mood", "<retract id='1'/>").encode())))
        self.assertNotEqual(key, merge_key(Stanza.parse(event("mood", "<item id='2'/>").encode())))
        self.assertNotEqual(key, merge_key(Stanza.parse(event("tune", "<item id='1'/>").encode())))

    def test_what_is_not_merged(self) -> None:
        """Several items, one without an id, a purged node, and what is no event: each stands for itself."""
        purge = event("mood", "").replace("<items node='mood'></items>", "<purge node='mood'/>")
        for text in (
            event("mood", "<item id='1'/><item id='2'/>"),
            event("mood", "<item/>"),
            purge,
            "<message type='headline'/>",
        ):
            self.assertIsNone(merge_key(Stanza.parse(text.encode())), text)
