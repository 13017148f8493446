"""Bind 2: XEP-0386 1.1.0, the binding of a resource within a SASL2 login.

The resource is the client's tag, a slash, and a text that nobody can guess: the same each time for a client that has
told its id, so that the session which it left behind, and only that, is replaced. Of the messages that wait for the
account those are forgotten which its archive holds; the others are delivered as ever, since there is no other way.
"""

from typing import Final

from xmppd.core.module import XEP, Module, on
from xmppd.core.waiting import deferred
from xmppd.services.archive.archive import Archive
from xmppd.services.inbox.inbox import Inbox
from xmppd.services.login.binding import Binding
from xmppd.services.login.client_records import client_id, hashed
from xmppd.services.login.clients import id_of
from xmppd.services.login.login import (
    BINDING,
    BINDING_INLINE,
    CHECKING,
    LOGIN_BEGINNING,
    LOGIN_SUCCEEDED,
    OFFERING,
    InlineBind,
    Login,
    Offer,
)
from xmppd.services.login.login import NS_BIND2 as NS
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import InvalidJID, prepare_resourcepart

TAG_CHARS: Final = 200


class Bind2(Module):
    """Binds a resource as part of a login."""

    name = "bind2"
    summary = "Bind 2"
    xep = XEP(386, "1.1.0")
    uses = (Binding, Inbox, Archive)

    def start(self) -> None:
        """Find the services."""
        self._binding = self.api.services[Binding]
        self._inbox = self.api.services[Inbox]
        self._archive = self.api.services[Archive]

    @on(OFFERING, BINDING)
    def on_offering(self, offer: Offer) -> None:
        """Say what a session can start with (3.1)."""
        features = [Element("feature", NS, {"var": var}) for var in sorted(offer.bind)]
        inline = [Element("inline", NS, children=[*features])] if features else []
        offer.inline.append(Element("bind", NS, children=[*inline]))

    @on(LOGIN_BEGINNING, CHECKING)
    def on_beginning(self, login: Login) -> None:
        """Take the tag where it can be part of a resource (3.2.1); one that cannot is no reason to fail."""
        request = login.request.child("bind", NS)
        if request is not None:
            login.tag = _tag(request.child_text("tag") or "")

    @on(LOGIN_SUCCEEDED, BINDING)
    def on_succeeded(self, login: Login) -> object:
        """Bind the resource that was asked for, unless an earlier session has been resumed (3.2)."""
        request = login.request.child("bind", NS)
        if request is None or login.is_resumed or login.session.is_ended:
            return None
        return self._bind(login, request)

    @deferred
    async def _bind(self, login: Login, request: Element) -> None:
        self._end_earlier(login)  # first, since it may hold the resource, or the last place
        try:
            await self._binding.bind(login.session, _resource(login), login.tag)
        except StanzaError as error:
            login.results.append(Element("failed", NS, children=[error.to_element()]))
            return
        self._end_earlier(login)  # one that was bound meanwhile
        login.stream.bound()
        if self._archive.is_kept_at(self.api.host.name):
            await self._inbox.fetched(login.bare_jid, login.session)
        if login.session.is_ended:
            return
        inline = InlineBind(login, request)
        told = self.api.host.hooks.notify(BINDING_INLINE, inline)
        if told is not None:
            await told
        login.results.append(Element("bound", NS, children=[*inline.bound]))

    def _end_earlier(self, login: Login) -> None:
        """End the sessions that the same client has left behind (3.2)."""
        id = client_id(login.agent.id)
        for session in self.api.registry.resources(login.bare_jid):
            if id and id_of(session) == id and session is not login.session:
                session.close(StreamError("conflict", "The same client has come anew"))


def _tag(text: str) -> str:
    try:
        return prepare_resourcepart(text.strip()[:TAG_CHARS]) if text.strip() else ""
    except InvalidJID:
        return ""


def _resource(login: Login) -> str | None:
    """3.2.1: stable for a client and its tag, without showing the client's id; None where the server makes one."""
    if not login.agent.id:
        return None
    suffix = hashed("\0".join(("resource", login.bare_jid, login.agent.id, login.tag)))
    return f"{login.tag}/{suffix}" if login.tag else suffix
