"""promises#one-second: what a stanza costs at the limits, counted in memory; ``benchmarks.hostile`` takes the time."""

from twisted.trial.unittest import SynchronousTestCase

from tests.counting import calls
from xmppd.stanza.jid import forget_prepared
from xmppd.testing.server import MemoryServer

MOST_BYTES = 250_000
MOST_CALLS = 400_000
"""Of functions, for one stanza; less than a quarter of a second."""
BYTE_CALLS = 30
"""For each byte of an address: a stanza has room for 250,000, which is less than a second."""
ADDRESSES = 20
CONTENT = {
    "one long text": b"<body>" + b"x" * MOST_BYTES + b"</body>",
    "many words": b"<body>" + b"".join(b"w%d " % number for number in range(34_000)) + b"</body>",
    "many references": b"<body>" + b"&lt;" * (MOST_BYTES // 4) + b"</body>",
    "many letters of four bytes": b"<body>" + "\U0001f980".encode() * (MOST_BYTES // 4) + b"</body>",
    "many elements": b"<a/>" * 9_900,
    "many levels": b"<a>" * 250 + b"</a>" * 250,
    "many attributes": b"<a " + b" ".join(b"a%d=''" % number for number in range(6_000)) + b"/>",
    "many namespaces": b"<a " + b" ".join(b"xmlns:a%d='b'" % number for number in range(3_500)) + b"/>",
    "one namespace after another": b"".join(b"<a xmlns='urn:%d'/>" % number for number in range(9_000)),
    "one long tag": b"<a b='" + b"&#10;" * 12_000 + b"'/>",
    "CDATA": b"<body>" + b"<![CDATA[x]]>" * 18_000 + b"</body>",
    "prefixes that are ours": b"<body>" + b"stream: " * 30_000 + b"</body>",
    "a forwarded message": b"<forwarded xmlns='urn:xmpp:forward:0'>" * 200 + b"</forwarded>" * 200,
    "a data form": b"<x xmlns='jabber:x:data' type='submit'>" + b"<field var='a'/>" * 9_000 + b"</x>",
}
KINDS = {
    "message": b"<message to='alice@localhost' type='chat'>%s</message>",
    "presence": b"<presence>%s</presence>",
    "iq to a session": b"<iq type='get' id='1' to='alice@localhost/cost'>%s</iq>",
    "private": b"<iq type='set' id='1'><query xmlns='jabber:iq:private'><x xmlns='x'>%s</x></query></iq>",
    "vcard": b"<iq type='set' id='1'><vCard xmlns='vcard-temp'>%s</vCard></iq>",
}
HARD_ADDRESSES = (
    "\u0628" + "\u0660" * 499 + "@b",
    "a@" + "\u05d0." * 300 + "b",
    "\u05d0@b/" + "\u05d0" * 490,
    "a@" + ".".join("\u0628" + "\u0660" * 46 + chr(0x628 + each) for each in range(5)),
    "a@" + ".".join(f"{chr(0x5D0 + each % 22)}{chr(0x5D0 + each // 22)}" for each in range(84)),
    "a@"
    + ".".join(
        f"xn--{label.encode('punycode').decode()}" for label in ("\u0628" + "\u0660" * 40 + "\u0628",) * 4
    ),
)


def list_of(address: str, number: int) -> bytes:
    """Give a stanza with so many addresses."""
    items = "".join(f"<item jid='{address}/{each}'/>" for each in range(number))
    return f"<iq type='set' id='1'><block xmlns='urn:xmpp:blocking'>{items}</block></iq>".encode()


class ExpensiveStanzasTests(SynchronousTestCase):
    """The connection goes on, or ends by a stream error; neither is dear."""

    def cost(self, stanza: bytes) -> int:
        """Give the calls that *stanza* takes, sent by an available resource."""
        server = MemoryServer()
        client = server.logged_in("alice@localhost/cost")
        client.send("<presence/>")

        def send() -> None:
            client.send_bytes(stanza)
            server.pass_time(1)

        return calls(send)

    def test_stanzas_at_the_limits(self) -> None:
        """Messages, presence and IQs with each of these."""
        for content, inner in CONTENT.items():
            for kind, stanza in KINDS.items():
                cost = self.cost(stanza % inner)
                self.assertLess(cost, MOST_CALLS, f"{kind} with {content}")

    def test_addresses_that_are_hard_to_prepare(self) -> None:
        """Each costs no more than this, when it is met for the first time."""
        for address in HARD_ADDRESSES:
            forget_prepared()
            cost = self.cost(list_of(address, ADDRESSES))
            self.assertLess(cost, len(list_of(address, ADDRESSES)) * BYTE_CALLS, address[:4])
