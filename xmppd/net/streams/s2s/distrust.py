"""Why the certificate of another server is not believed for a domain, in a line for people."""

from datetime import UTC, datetime

from xmppd.net.tls.dane import Pinned
from xmppd.net.tls.peers import Shown

NAMES_SHOWN = 3


def distrust(domain: str, shown: Shown | None, pinned: Pinned | None, now: float) -> str:
    """Say it of what was *shown*; *pinned* is what DNS says of it (RFC 7673), *now* is in seconds since 1970."""
    if shown is None:
        return f"{domain} has shown no certificate"
    what = f"The certificate of {domain}"
    if pinned is not None:
        return f"{what} is not what DNS says (TLSA of {pinned.host})"
    if not shown.is_trusted and shown.expires_at <= now:
        return f"{what} is out of date since {datetime.fromtimestamp(shown.expires_at, UTC):%Y-%m-%d}"
    if not shown.is_trusted:
        return f"{what} is issued by nobody who is believed"
    return f"{what} is for {', '.join(shown.names[:NAMES_SHOWN]) or 'nobody'}"
