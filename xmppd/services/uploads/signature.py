"""Addresses that carry their own permission: AWS Signature Version 4 by query parameters, as S3 and its likes take it.

Who has such an address may do one thing with one object until it ends. What is signed besides the method and the path
has to be sent exactly so: a Content-Length that is signed is the size that the store takes, and no other.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

MOST_S: Final = 604_800
"""No address may hold for longer than a week."""
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_ANY_BODY: Final = "UNSIGNED-PAYLOAD"


class Credentials(NamedTuple):
    """Who signs."""

    access_key: str
    secret_key: str
    region: str


def presigned(
    method: str,
    url: str,
    credentials: Credentials,
    now: float,
    holds_s: int,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
) -> str:
    """Give *url*, whose path is encoded already, with a signature that holds from *now* on.

    *headers*, with names in lower case, are signed with it; *query* is what stands in it besides.
    """
    parts = urlsplit(url)
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{moment[:8]}/{credentials.region}/s3/aws4_request"
    signed = {"host": parts.netloc, **(headers or {})}
    names = ";".join(sorted(signed))
    fields = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(min(holds_s, MOST_S)),
        "X-Amz-SignedHeaders": names,
        **(query or {}),
    }
    text = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(fields.items()))
    lines = "".join(f"{name}:{value.strip()}\n" for name, value in sorted(signed.items()))
    request = "\n".join((method, parts.path or "/", text, lines, names, _ANY_BODY))
    to_sign = "\n".join((_ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for step in scope.split("/"):
        key = _mac(key, step)
    return f"{url}?{text}&X-Amz-Signature={_mac(key, to_sign).hex()}"


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
