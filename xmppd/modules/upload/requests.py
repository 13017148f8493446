"""What a request for a slot says (XEP-0363 4, 5), and how it is refused (6)."""

from typing import Final

from xmppd.modules.upload.names import NAME_BYTES, fit
from xmppd.services.uploads.errors import FileTooLarge, QuotaReached, UploadError
from xmppd.services.uploads.upload import UNENDING, Purpose
from xmppd.services.uploads.uploads import Wanted
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.stamps import parse_stamp, stamp_of

NS: Final = "urn:xmpp:http:upload:0"
NS_PURPOSE: Final = "urn:xmpp:http:upload:purpose:0"
SIZE_DIGITS: Final = 15


def read_request(request: Element, service: str, owner: str, now: float) -> Wanted:
    """Give what is wanted; `StanzaError` for what is no request."""
    size, filename = request.get("size") or "", request.get("filename")
    if not (size.isascii() and size.isdigit() and len(size) <= SIZE_DIGITS and int(size)):
        raise StanzaError("bad-request", "A size in bytes is needed")
    if not filename:
        raise StanzaError("bad-request", "A file name is needed")
    name = fit(filename)
    if not name:
        raise StanzaError("bad-request", f"A file name has at most {NAME_BYTES} bytes, and is more than dots")
    purpose, before = _purpose(request, now)
    return Wanted(service, owner, name, int(size), request.get("content-type") or "", purpose, before)


def _purpose(request: Element, now: float) -> tuple[Purpose, float]:
    found = [child for child in request.elements() if child.ns == NS_PURPOSE]
    if not found:
        return Purpose.MESSAGE, UNENDING
    if len(found) > 1:
        raise StanzaError("bad-request", "A file is for one purpose")
    try:
        purpose = Purpose(found[0].name)
    except ValueError:
        raise StanzaError("feature-not-implemented", "This purpose is unknown here") from None
    if purpose is not Purpose.EPHEMERAL:
        return purpose, UNENDING
    try:
        before = parse_stamp(found[0].get("expire-before") or "")
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    if before <= now:
        raise StanzaError("bad-request", "A time to come is needed in expire-before")
    return purpose, before


def refusal(error: UploadError) -> StanzaError:
    """Give what the requester is told."""
    if isinstance(error, FileTooLarge):
        limit = Element("max-file-size", NS, children=[str(error.max_bytes)])
        return StanzaError(
            "not-acceptable", str(error), extra=Element("file-too-large", NS, children=[limit])
        )
    if isinstance(error, QuotaReached) and error.retry_at is not None:
        retry = Element("retry", NS, {"stamp": stamp_of(int(error.retry_at) + 1)})
        return StanzaError("resource-constraint", str(error), extra=retry)
    return StanzaError("resource-constraint", str(error))
