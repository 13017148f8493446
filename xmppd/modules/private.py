"""Private XML storage: XEP-0049. Only the owner reads or writes it; legacy bookmarks (XEP-0048 3) lie here."""

from twisted.internet.defer import Deferred

from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq
from xmppd.core.waiting import deferred
from xmppd.services.profile.private_data import PRIVATE_DATA, PrivateData, PrivateRequest, key_of
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError

NS = "jabber:iq:private"


class PrivateXML(Module):
    """Keeps XML for clients."""

    name = "private"
    summary = "Private XML Storage"
    xep = (XEP(49, "1.2"), XEP(48, "1.2", "in private XML storage"))
    features = (NS,)
    account_features = (NS,)
    uses = (PrivateData,)

    def start(self) -> None:
        """Find the service."""
        self._data = self.api.services[PrivateData]

    @iq("get", NS, "query", to="own")
    @deferred
    async def on_get(self, request: IQRequest) -> bytes:
        """XEP-0049 2.3: the element with what was kept in it, or empty as it was asked for."""
        asked = _roots(request.payload)
        if len(asked) > 1:
            raise StanzaError("bad-request", "One element can be asked for at a time")
        key = _key(asked[0])
        kept = await self._elsewhere(PrivateRequest(request.sender, (key,)))
        if not isinstance(kept, bytes):
            kept = await self._data.get(request.sender.bare, key)
        content = asked[0].to_bytes(NS) if kept is None else kept
        return b"<query xmlns='%b'>%b</query>" % (NS.encode(), content)

    @iq("set", NS, "query", to="own")
    @deferred
    async def on_set(self, request: IQRequest) -> None:
        """XEP-0049 2.2: each element takes the place of the one of its name; an empty one is forgotten."""
        pieces: dict[str, list[bytes]] = {}
        for root in _roots(request.payload):
            kept = pieces.setdefault(_key(root), [])
            if root.children or root.attrs:
                kept.append(root.to_bytes(NS))
        data = {key: b"".join(kept) or None for key, kept in pieces.items()}
        if await self._elsewhere(PrivateRequest(request.sender, tuple(data), data)) is None:
            await self._data.set(request.sender, data)

    async def _elsewhere(self, asked: PrivateRequest) -> object:
        """Ask who keeps such data elsewhere."""
        answer = self.api.host.hooks.ask(PRIVATE_DATA, asked)
        return await answer if isinstance(answer, Deferred) else answer


def _roots(query: Element) -> list[Element]:
    """Give the elements of a query; each has a namespace of its own (XEP-0049 2.1)."""
    roots = list(query.elements())
    if not roots or any(root.ns in ("", NS) for root in roots):
        raise StanzaError("not-acceptable", "An element with a namespace of its own is needed")
    return roots


def _key(root: Element) -> str:
    return key_of(root.name, root.ns)
