"""The checks of a server's stream header: RFC 6120 4.7 and 4.8."""

from xmppd.core.host import Hosts
from xmppd.net.streams.header import check_content_ns, is_version_1, jid_of
from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stream.events import StreamOpened


def domains_of(header: StreamOpened, hosts: Hosts) -> tuple[str, str]:
    """Give (our domain, theirs) as an initial header names them; theirs may be "" (RFC 6120 4.7.1)."""
    check_content_ns(header, ns.SERVER)
    ours = jid_of(header.attrs.get("to"))
    if ours is None and not header.attrs.get("to"):
        raise StreamError("improper-addressing", "The stream header needs a 'to'")
    if ours is None or ours.full not in hosts:
        raise StreamError("host-unknown")
    given = header.attrs.get("from")
    theirs = jid_of(given)
    if given and (theirs is None or theirs.full != theirs.domainpart):
        raise StreamError("invalid-from")
    name = "" if theirs is None else theirs.full
    if name in hosts:
        raise StreamError("invalid-from", "That is a domain of this server")
    return ours.full, name


def has_features(header: StreamOpened) -> bool:
    """Whether the other end speaks XMPP 1.0, so that features are exchanged (RFC 6120 4.7.5)."""
    return is_version_1(header.attrs.get("version"))
