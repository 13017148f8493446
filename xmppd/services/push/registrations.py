"""Where an account wants to be told of what waits for it (XEP-0357 5): what is kept of it, and how it is read."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID

NS: Final = "urn:xmpp:push:0"
NS_OPTIONS: Final = "http://jabber.org/protocol/pubsub#publish-options"
FORM_TYPES: Final = ("submit", "")
MAX_BYTES: Final = 8 * 1024
"""One registration, node and options and all."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One push service and node of an account."""

    jid: str
    node: str
    client: str
    """The resource that has enabled it."""
    options: str = ""
    """The form that goes with each publication, as XML; "" where there is none."""

    @property
    def key(self) -> str:
        """By this it is stored; one for each JID and node (XEP-0357 5)."""
        return f"{self.jid}\n{self.node}"

    def to_json(self) -> bytes:
        """For storage."""
        return json.dumps(asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> "Registration":
        """What `to_json` gave; ValueError for anything else."""
        try:
            stored: dict[str, Any] = json.loads(data)
            return cls(**stored)
        except TypeError as error:
            raise ValueError(f"no push registration: {error}") from None


def service_in(command: Element) -> str:
    """Read whose push service ``<enable/>`` or ``<disable/>`` is about (5, 6); `StanzaError`."""
    text = command.get("jid")
    if not text:
        raise StanzaError("bad-request", "The JID of a push service is needed")
    try:
        return JID.parse(text).full
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error


def registration_in(enable: Element, owner: JID, client: str) -> Registration:
    """Read ``<enable/>`` (5); `StanzaError` for what cannot be a registration."""
    jid = service_in(enable)
    if jid in (owner.bare, owner.domainpart):
        raise StanzaError("bad-request", "A push service is another entity")
    node, options = enable.get("node") or "", _options_in(enable)
    registration = Registration(jid, node, client, options)
    if len(registration.to_json()) > MAX_BYTES:
        raise StanzaError("policy-violation", "This is too much for a registration")
    return registration


def _options_in(enable: Element) -> str:
    found = [child for child in enable.elements() if (child.ns, child.name) == (forms.NS, "x")]
    if not found:
        return ""
    try:
        submission = forms.submission_in(enable)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    if (
        len(found) > 1
        or submission is None
        or submission.form_type != NS_OPTIONS
        or submission.type not in FORM_TYPES
    ):
        raise StanzaError("bad-request", "One form with publish options is understood")
    return found[0].to_bytes().decode()
