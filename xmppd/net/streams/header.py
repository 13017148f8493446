"""The checks of a client's stream header: RFC 6120 4.7 and 4.8."""

import re

from xmppd.core.host import Host, Hosts
from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stream.events import StreamOpened

_VERSION = re.compile(r"(?P<major>[0-9]+)\.[0-9]+")


def host_of(header: StreamOpened, hosts: Hosts) -> Host:
    """Give the host with accounts that a header names; `StreamError` for a header that is not a client's to us."""
    check_content_ns(header, ns.CLIENT)
    if not is_version_1(header.attrs.get("version")):
        raise StreamError("unsupported-version")
    to = jid_of(header.attrs.get("to"))
    if to is None and not header.attrs.get("to"):
        raise StreamError("improper-addressing", "The stream header needs a 'to'")
    host = hosts.with_accounts(to.full) if to is not None else None
    if host is None:  # RFC 6120 4.9.3.6; a service may be there, and is nothing that a client connects to
        raise StreamError("host-unknown")
    return host


def check_content_ns(header: StreamOpened, content_ns: str) -> None:
    """RFC 6120 4.8.2, 4.8.3: the default namespace is the content's, or else each stanza names its own.

    The default may then be that of the stream, or none; another content namespace is `StreamError` invalid-namespace.
    """
    if header.default_ns not in (content_ns, ns.STREAMS, ""):
        raise StreamError("invalid-namespace")


def peer_of(header: StreamOpened) -> JID | None:
    """Give the ``from`` of a header where it is an address, to be answered as ``to`` (RFC 6120 4.7.2)."""
    return jid_of(header.attrs.get("from"))


def is_version_1(version: str | None) -> bool:
    """RFC 6120 4.7.5: a missing version is 0.9; a higher one than ours is answered with ours."""
    found = _VERSION.fullmatch(version or "")
    return found is not None and found["major"].strip("0") != ""


def jid_of(text: str | None) -> JID | None:
    """Give the address that *text* is; None where it is none."""
    try:
        return JID.parse(text) if text else None
    except InvalidJID:
        return None
