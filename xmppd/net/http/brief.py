"""Brief requests: a POST whose head and body have come whole, in one piece, and say nothing unusual. No I/O.

Such are all of a client over BOSH, one or two for each message. They are read here without a detour; anything else,
and anything in doubt, is left to `xmppd.net.http.channel`, which makes the same of the same bytes. So what is taken
here is narrow: HTTP/1.1, one Content-Length, no header twice, no transfer coding, upgrade, expectation or wish to
close, no folded line, and nothing but printable ASCII (RFC 9112 2 to 7).
"""

import re
from typing import Final

HEAD_END: Final = b"\r\n\r\n"
MAX_BYTES: Final = 65_536
"""Of a request that is taken here."""
_HEAD: Final = re.compile(rb"POST (/[!-~]*) HTTP/1\.1((?:\r\n[A-Za-z][A-Za-z0-9-]*: [!-~][ -~]*)+)")
_FIELD: Final = re.compile(r"\r\n([A-Za-z0-9-]+): ([ -~]*)")
_LENGTH: Final = re.compile(r"[0-9]{1,6}")
_UNUSUAL: Final = frozenset({"transfer-encoding", "upgrade", "expect", "te", "trailer"})
_STAYS: Final = "keep-alive"


def brief_request(data: bytes, head_bytes: int, max_headers: int) -> tuple[str, dict[str, str], bytes] | None:
    """Give target, headers by names in lower case, and body of the request that *data* is; None for anything else.

    No head of more than *head_bytes*, or with more than *max_headers*, is taken.
    """
    end = data.find(HEAD_END, 0, head_bytes - len(HEAD_END))
    if end < 0 or len(data) > MAX_BYTES:
        return None
    found = _HEAD.fullmatch(data, 0, end)
    if found is None or data.find(b" \r", 0, end + 1) >= 0:
        return None
    fields = _FIELD.findall(found[2].decode("ascii"))
    headers: dict[str, str] = {name.lower(): value for name, value in fields}
    length, start = headers.get("content-length", ""), end + len(HEAD_END)
    if (
        len(headers) != len(fields)  # one stands there twice
        or len(headers) > max_headers
        or "host" not in headers
        or not _LENGTH.fullmatch(length)
        or int(length) != len(data) - start
        or length == "0"
        or headers.get("connection", _STAYS).lower() != _STAYS
        or not _UNUSUAL.isdisjoint(headers)
    ):
        return None
    return found[1].decode("ascii"), headers, data[start:]
