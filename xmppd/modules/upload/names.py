"""Names of uploaded files: in addresses, in headers, and what is not let into either."""

import re
from typing import Final
from urllib.parse import quote

NAME_BYTES: Final = 255
_UNFIT: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What would be a path, end a line, or turn the order of letters round so that the ending looks like another."""
_NOT_ASCII: Final = re.compile(r"[^ !#-$&-\[\]-~]")
"""What has another meaning in a quoted string, or none that all know."""


def fit(filename: str) -> str:
    """Give a name that is a single part of a path (XEP-0363 4: kept intact otherwise); "" where nothing is left."""
    name = _UNFIT.sub("_", filename).strip()
    return "" if name in ("", ".", "..") or len(name.encode()) > NAME_BYTES else name


def in_url(name: str) -> str:
    """Give it as a part of an address: RFC 3986, other than ASCII with percent signs (XEP-0363 4)."""
    return quote(name, safe="")


def path_of(id: str, name: str) -> str:
    """Give the path at which a file is put, fetched and removed."""
    return f"/upload/{id}/{in_url(name)}"


def disposition(name: str, *, is_shown: bool) -> str:
    """Give the Content-Disposition of a file (RFC 6266 4): its name for who saves it, in both forms."""
    kind = "inline" if is_shown else "attachment"
    plain = _NOT_ASCII.sub("_", name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
