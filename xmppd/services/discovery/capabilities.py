"""What clients can do (XEP-0115): asked once for each description, verified by its hash, shared by all who bear it.

Rules that live here: how a verification string is made (5.1) and checked (5.4); a description whose hash is wrong or
of an unknown kind holds for the session alone that gave it; each description is asked for once at a time, and each
session is asked one thing at a time; whatever a client can make grow is bounded.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import new as new_hash
from typing import NamedTuple

from xmppd.core.attachment import Attachment
from xmppd.core.bounded import BoundedBySize
from xmppd.core.hooks import Hook
from xmppd.core.host import Hosts, Identity
from xmppd.core.router import Router
from xmppd.core.session import Session
from xmppd.core.waiting import spawn
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stanza import Stanza

NS_INFO = "http://jabber.org/protocol/disco#info"
NS_FORM = "jabber:x:data"
ALGORITHMS = {"sha-1": "sha1", "sha-256": "sha256", "sha-384": "sha384", "sha-512": "sha512"}
"""Hash functions by their names in XEP-0300, with Python's."""
ID_BYTES = 12
DESCRIPTION_CHARS = 16_384
"""The features of one client; more are not kept."""
ALL_CHARS = 8_388_608
"""Those of all descriptions that are remembered together."""

NS_CAPS = "http://jabber.org/protocol/caps"
TEXT_CHARS = 1_023
"""The longest node and ver that are looked at."""

CAPABILITIES_KNOWN = Hook[Session](
    "capabilities-known", "Notified when it is known what a client can do, and when that has changed."
)


class Caps(NamedTuple):
    """What a client says of itself in its presence (XEP-0115 4); no hash in the legacy format."""

    hash: str | None
    node: str
    ver: str


class ClientInfo(NamedTuple):
    """What a client says of itself when it is asked."""

    identities: tuple[Identity, ...]
    features: tuple[str, ...]
    forms: tuple[Element, ...]


class _Of(NamedTuple):
    """What is attached to a session: its capabilities, and its features once they are known."""

    caps: Caps
    features: frozenset[str] | None
    is_in_turn: bool
    """Whether it is being asked, or waits for others who are asked the same."""

    @property
    def key(self) -> tuple[str | None, str]:
        """What descriptions are remembered by."""
        return self.caps.hash, self.caps.ver


KNOWN = Attachment[_Of]("capabilities")


class Capabilities:
    """The capabilities of the clients of this server."""

    def __init__(
        self,
        hosts: Hosts,
        router: Router,
        random_text: Callable[[int], str],
        max_known: Callable[[], int],
        timeout_s: Callable[[], float],
    ):
        """*max_known()* descriptions are remembered; a client has *timeout_s()* seconds to answer."""
        self._hosts = hosts
        self._router = router
        self._random_text = random_text
        self._max_known = max_known
        self._timeout_s = timeout_s
        self._known: BoundedBySize[tuple[str | None, str], frozenset[str]] = BoundedBySize(ALL_CHARS)
        self._waiting: dict[tuple[str | None, str], list[Session]] = {}

    def __len__(self) -> int:
        return len(self._known)

    def features_of(self, session: Session) -> frozenset[str] | None:
        """Give the features of a session's client; None while they are not known."""
        known: _Of | None = session.attached(KNOWN)
        return None if known is None else known.features

    def those_with(self, feature: str, sessions: Iterable[Session]) -> list[str]:
        """Give the full JIDs of those of *sessions* that are available and whose clients have *feature*."""
        found = []
        for session in sessions:
            if session.presence is None:
                continue
            known = session.attached(KNOWN)
            if known is not None and known[1] is not None and feature in known[1] and session.full_jid:
                found.append(session.full_jid)
        return found

    async def of_other(self, caps: Caps, to: str, asker: str) -> frozenset[str] | None:
        """Give the features of an entity on another server, asked in the name of *asker* where nobody knows them.

        None where it does not say. Waits for the answer.
        """
        key = (caps.hash, caps.ver)
        known = self._known.use(key)
        if known is not None:
            return known
        info = await self._query(caps, to, asker)
        if info is None:
            return None
        features = frozenset(info.features)
        if caps.hash in ALGORITHMS and verification_string(info, caps.hash) == caps.ver:
            self._remember(key, features)
        return features

    async def domain_has(self, feature: str, domain: str, asker: str) -> bool:
        """Whether a domain that is asked now says that it has *feature* (XEP-0030 3.1); no answer is no. Waits."""
        query = Element("query", NS_INFO)
        try:
            answer = await self._router.request(self._asking(query, domain, asker), self._timeout_s())
        except StanzaError:
            return False
        said = answer.child("query", NS_INFO) or query
        return any(
            (each.ns, each.name, each.get("var")) == (NS_INFO, "feature", feature) for each in said.elements()
        )

    def seen(self, session: Session, caps: Caps) -> None:
        """A session has announced *caps*: learn what they mean, by asking it where nobody has been asked yet."""
        before: _Of | None = session.attached(KNOWN)
        if before is not None and before.caps == caps:
            return
        key = (caps.hash, caps.ver)
        features = self._known.use(key)
        if features is not None:
            self._learned(session, caps, features)
            return
        session.attach(KNOWN, _Of(caps, None, before is not None and before.is_in_turn))
        if before is None or not before.is_in_turn:
            self._take_turn(session, caps)

    def _take_turn(self, session: Session, caps: Caps) -> None:
        """Ask a session, or put it behind those that are asked the same: once at a time, whatever it announces."""
        session.attach(KNOWN, _Of(caps, None, True))
        key = (caps.hash, caps.ver)
        if caps.hash not in ALGORITHMS:
            spawn("capabilities of a client", self._ask_alone(session, caps))
        elif key in self._waiting:
            self._waiting[key].append(session)
        else:
            self._waiting[key] = [session]
            spawn("capabilities of clients", self._ask_in_turn(key))

    def _turn_over(self, session: Session, asked: Caps | None) -> None:
        """Its turn is over; where it has announced something else than it was *asked* about, the next begins."""
        of: _Of | None = session.attached(KNOWN)
        if of is None:
            return
        session.attach(KNOWN, of._replace(is_in_turn=False))
        if of.features is None and of.caps != asked:
            self._take_turn(session, of.caps)

    async def _ask_alone(self, session: Session, caps: Caps) -> None:
        await self._ask(session, caps)
        self._turn_over(session, caps)

    async def _ask_in_turn(self, key: tuple[str | None, str]) -> None:
        """Ask those who announce the same, one after the other, until an answer has the right hash."""
        waiting = self._waiting[key]
        features = None
        try:
            while waiting and features is None:
                session = waiting.pop(0)
                of: _Of | None = session.attached(KNOWN)
                asked = None
                if of is not None and of.key == key:
                    asked = of.caps
                    if await self._ask(session, asked):
                        features = self._known.get(key)
                self._turn_over(session, asked)
        finally:
            del self._waiting[key]
        for session in waiting:
            of = session.attached(KNOWN)
            if of is not None and of.key == key and features is not None:
                self._learned(session, of.caps, features)
            self._turn_over(session, None)

    async def _ask(self, session: Session, caps: Caps) -> bool:
        """Ask a session for its description; say whether it has the right hash and is remembered for all."""
        info = await self._query(caps, session.full_jid or "", session.host or "")
        if info is None:
            return False
        of: _Of | None = session.attached(KNOWN)
        if of is None or of.caps != caps:
            return False
        features = frozenset(info.features)
        is_right = caps.hash in ALGORITHMS and verification_string(info, caps.hash) == caps.ver
        if is_right:
            self._remember((caps.hash, caps.ver), features)
        self._learned(session, caps, features)
        return is_right

    async def _query(self, caps: Caps, to: str, asker: str) -> ClientInfo | None:
        """Ask for a description; None where there is none that makes sense, or it is too long."""
        query = Element("query", NS_INFO, {"node": f"{caps.node}#{caps.ver}"})
        try:
            answer = await self._router.request(self._asking(query, to, asker), self._timeout_s())
            info = read_info(answer.child("query", NS_INFO) or Element("query", NS_INFO))
        except (StanzaError, ValueError):
            return None
        return None if sum(map(len, info.features)) > DESCRIPTION_CHARS else info

    def _asking(self, query: Element, to: str, asker: str) -> Stanza:
        return Stanza.make("iq", query, to=to, from_=asker, id=self._random_text(ID_BYTES), type="get")

    def _remember(self, key: tuple[str | None, str], features: frozenset[str]) -> None:
        self._known.keep(key, features, sum(map(len, features)))
        while len(self._known) > max(1, self._max_known()):
            self._known.drop_oldest()

    def _learned(self, session: Session, caps: Caps, features: frozenset[str]) -> None:
        before: _Of | None = session.attached(KNOWN)
        session.attach(KNOWN, _Of(caps, features, before is not None and before.is_in_turn))
        host = self._hosts.get(session.host)
        if host is not None:
            host.hooks.notify(CAPABILITIES_KNOWN, session)


def announced(stanza: Stanza) -> Caps | None:
    """Read what presence announces (XEP-0115 4); None where that is nothing, or too long."""
    element = stanza.child("c", NS_CAPS)
    if element is None:
        return None
    algorithm, node, ver = (element.get(name) for name in ("hash", "node", "ver"))
    if node and ver and max(len(node), len(ver), len(algorithm or "")) <= TEXT_CHARS:
        return Caps(algorithm, node, ver)
    return None


def read_info(query: Element) -> ClientInfo:
    """Read an answer to disco#info; ValueError where it is ill-formed (XEP-0115 5.4, 3.3 to 3.6)."""
    identities: list[Identity] = []
    features: list[str] = []
    forms: dict[str, Element] = {}
    for child in query.elements():
        if (child.ns, child.name) == (NS_INFO, "identity"):
            identities.append(
                Identity(*(child.get(name, "") or "" for name in ("category", "type", "name", "xml:lang")))
            )
        elif (child.ns, child.name) == (NS_INFO, "feature"):
            features.append(child.get("var") or "")
        elif (child.ns, child.name) == (NS_FORM, "x"):
            types = _form_types(child)
            if not types:
                continue
            if len(set(types)) > 1 or types[0] in forms:
                raise ValueError("a form has no type of its own")
            forms[types[0]] = child
    if len(set(identities)) != len(identities) or len(set(features)) != len(features):
        raise ValueError("something is said twice")
    return ClientInfo(tuple(identities), tuple(features), tuple(forms.values()))


def verification_string(info: ClientInfo, algorithm: str | None = "sha-1") -> str:
    """Give the hash of XEP-0115 5.1 over identities, features and forms; KeyError for an unknown *algorithm*."""
    identities = sorted(info.identities, key=lambda each: (each.category, each.type, each.lang, each.name))
    parts = [f"{each.category}/{each.type}/{each.lang}/{each.name}" for each in identities]
    parts += sorted(info.features)
    for form in sorted(info.forms, key=lambda form: _form_types(form)[0]):
        parts.append(_form_types(form)[0])
        fields = [field for field in _named(form.elements(), "field") if field.get("var") != "FORM_TYPE"]
        for field in sorted(fields, key=lambda field: field.get("var") or ""):
            parts.append(field.get("var") or "")
            parts += sorted(value.text for value in _named(field.elements(), "value"))
    text = "".join([part.replace("<", "&lt;") + "<" for part in parts])
    digest = new_hash(ALGORITHMS[algorithm or ""], text.encode(), usedforsecurity=False).digest()
    return b64encode(digest).decode()


def _form_types(form: Element) -> list[str]:
    """Give the values of a form's hidden FORM_TYPE; none where it has no such field."""
    for field in _named(form.elements(), "field"):
        if field.get("var") == "FORM_TYPE" and field.get("type") == "hidden":
            return [value.text for value in _named(field.elements(), "value")]
    return []


def _named(elements: Iterable[Element], name: str) -> list[Element]:
    return [element for element in elements if element.name == name]
