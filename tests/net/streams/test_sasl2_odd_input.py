"""Odd input in a SASL2 login, as tables: what fails it and changes nothing, what is let pass, what ends the stream."""

from base64 import b64encode
from typing import Final

from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.client import PASSWORD
from xmppd.testing.sasl2 import BIND2, PHONE, SASL2Login, condition_of, identity_of
from xmppd.testing.server import MemoryServer

RIGHT: Final = b64encode(f"\0romeo\0{PASSWORD}".encode()).decode()
AGENT: Final = f"<user-agent id='{PHONE}'/>"
HT: Final = "HT-SHA-256-NONE"
PROOF: Final = b64encode(b"romeo\0proof").decode()
SM: Final = "xmlns='urn:xmpp:sm:3'"


def authenticate(inner: str = AGENT, mechanism: str = "PLAIN", initial: str | None = RIGHT) -> str:
    """Write a login."""
    data = "" if initial is None else f"<initial-response>{initial}</initial-response>"
    return f"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='{mechanism}'>{data}{inner}</authenticate>"


def by_token(fast: str = "", agent: str = AGENT, mechanism: str = HT, initial: str = PROOF) -> str:
    """Write a login by a token."""
    return authenticate(f"{agent}<fast xmlns='urn:xmpp:fast:0' {fast}/>", mechanism, initial)


def binding(inner: str) -> str:
    """Write a login that binds."""
    return authenticate(f"{AGENT}<bind xmlns='urn:xmpp:bind:0'>{inner}</bind>")


def wanting(attrs: str, agent: str = AGENT) -> str:
    """Write a login that asks for a token."""
    return authenticate(f"{agent}<request-token xmlns='urn:xmpp:fast:0' {attrs}/>")


REFUSED: Final = {
    "no mechanism": ("<authenticate xmlns='urn:xmpp:sasl:2'/>", "invalid-mechanism"),
    "a mechanism of 3,000 letters": (authenticate(mechanism="X" * 3_000), "invalid-mechanism"),
    "an id of 5,000 letters": (
        authenticate(f"<user-agent id='{'a' * 5_000}'/>"),
        "malformed-request",
    ),
    "no base64": (authenticate(initial="!!!"), "incorrect-encoding"),
    "RFC 6120's empty message": (authenticate(initial="="), "incorrect-encoding"),
    "an empty message": (authenticate(initial=""), "malformed-request"),
    "a token for no mechanism": (wanting(""), "malformed-request"),
    "a token for nobody": (wanting(f"mechanism='{HT}'", agent=""), "malformed-request"),
    "a password as a token": (by_token(mechanism="PLAIN", initial=RIGHT), "invalid-mechanism"),
    "a mechanism that TLS 1.3 lacks": (by_token(mechanism="HT-SHA-256-UNIQ"), "invalid-mechanism"),
    "a channel binding that is not there": (by_token(mechanism="HT-SHA-256-EXPR"), "invalid-mechanism"),
    "a mechanism in small letters": (by_token(mechanism="ht-sha-256-none"), "invalid-mechanism"),
    "a token's mechanism without <fast/>": (authenticate(mechanism=HT, initial=PROOF), "invalid-mechanism"),
    "a token of nobody": (by_token(agent=""), "malformed-request"),
    "no proof": (by_token(initial=b64encode(b"romeo").decode()), "malformed-request"),
    "a name that is no UTF-8": (by_token(initial=b64encode(b"\xff\0proof").decode()), "malformed-request"),
    "count 0": (by_token("count='0'"), "malformed-request"),
    "count -1": (by_token("count='-1'"), "malformed-request"),
    "count 1.5": (by_token("count='1.5'"), "malformed-request"),
    "a count of 5,000 digits": (by_token(f"count='{'9' * 5_000}'"), "malformed-request"),
    "a count in other digits": (by_token("count='٣'"), "malformed-request"),
    "invalidate='yes'": (by_token("invalidate='yes'"), "malformed-request"),
}
"""The login → the condition of its failure."""

LET_IN: Final = {
    "two user agents": authenticate(AGENT + AGENT),
    "text between": authenticate("junk" + AGENT),
    "an unknown child": authenticate(
        AGENT + "<megabind xmlns='urn:example:megabind'><resource>x</resource></megabind>"
    ),
    "an unknown task": authenticate(AGENT + "<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-NOPE</upgrade>"),
    "a token for an unknown mechanism": wanting("mechanism='NOPE'"),
    "a resumption of nothing": authenticate(f"{AGENT}<resume {SM} previd='x' h='1'/>"),
}
"""Logins that succeed, and bind nothing."""

BOUND: Final = {
    "an empty binding": binding(""),
    "two bindings": authenticate(AGENT + "<bind xmlns='urn:xmpp:bind:0'/><bind xmlns='urn:xmpp:bind:0'/>"),
    "text, a nested tag, two tags": binding("text<tag>a<b/></tag><tag>c</tag><enable/>"),
    "a tag of 2,000 letters": binding(f"<tag>{'ж' * 2_000}</tag>"),
    "a tag that no resource can have": binding("<tag>a\u0378</tag>"),
    "carbons enabled twice, and disabled": binding(
        "<enable xmlns='urn:xmpp:carbons:2'/>" * 2 + "<disable xmlns='urn:xmpp:carbons:2'/>"
    ),
    "active and inactive": binding("<active xmlns='urn:xmpp:csi:0'/><inactive xmlns='urn:xmpp:csi:0'/>"),
    "odd stream management": binding(f"<enable {SM} resume='maybe' max='-3'/><enable {SM}/>"),
    "stream management of before": binding("<enable xmlns='urn:xmpp:sm:2' resume='true'/>"),
    "an unknown feature": binding("<enable xmlns='urn:example:unknown'/>"),
    "a resumption without anything": authenticate(f"{AGENT}<resume {SM}/><bind xmlns='urn:xmpp:bind:0'/>"),
    "a resumption with h -1": authenticate(
        f"{AGENT}<resume {SM} previd='x' h='-1'/><bind xmlns='urn:xmpp:bind:0'/>"
    ),
    "a resumption with h 2^32": authenticate(
        f"{AGENT}<resume {SM} previd='x' h='4294967296'/><bind xmlns='urn:xmpp:bind:0'/>"
    ),
}
"""Logins that succeed, and bind a resource."""

ENDING: Final = {
    "a login behind a login": authenticate() * 2,
    "RFC 6120's login within a login": authenticate(mechanism="SCRAM-SHA-1", initial=None)
    + "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>",
    "an element that is none of SASL2's": "<auth xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>",
    "a binding alone": "<bind xmlns='urn:xmpp:bind:0'/>",
    "a resumption alone": f"<resume {SM} previd='x' h='1'/>",
}
"""What ends the stream."""


class OddInputTests(SynchronousTestCase):
    """Each row against a server of its own."""

    def test_refused(self) -> None:
        """XEP-0388 2.6.2: the specified failure, and the stream is as before: a right login succeeds on it."""
        for what, (sent, condition) in REFUSED.items():
            client = SASL2Login(MemoryServer())
            self.assertEqual(condition_of(client.send(sent)), condition, what)
            self.assertEqual(identity_of(client.send(authenticate())), "romeo@localhost", what)

    def test_let_in(self) -> None:
        """XEP-0388 2.3: what is not understood is no reason to fail."""
        for what, sent in LET_IN.items():
            came = SASL2Login(MemoryServer()).send(sent)
            self.assertEqual(identity_of(came), "romeo@localhost", what)
            self.assertIsNone(came[0].find(f"{BIND2}bound"), what)

    def test_bound(self) -> None:
        """XEP-0386 3.2: a resource is bound whatever else is asked for, and can be used."""
        for what, sent in BOUND.items():
            client = SASL2Login(MemoryServer())
            came = client.send(sent)
            self.assertTrue(identity_of(came).startswith("romeo@localhost/"), what)
            self.assertIsNotNone(came[0].find(f"{BIND2}bound"), what)
            (pong,) = client.send("<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>")
            self.assertEqual(pong.get("type"), "result", what)

    def test_ending(self) -> None:
        """XEP-0388 2.4, 4.8: what does not belong into a login ends the stream, and nobody else's."""
        for what, sent in ENDING.items():
            server = MemoryServer()
            other = server.logged_in("juliet@localhost/balcony")
            client = SASL2Login(server)
            self.assertEqual(client.send(sent)[-2].tag, "{http://etherx.jabber.org/streams}error", what)
            self.assertFalse(client.client.is_connected, what)
            self.assertEqual(server.server.registry.resources("romeo@localhost"), (), what)
            self.assertTrue(other.is_connected)
