"""Conditions and ranges of a request for what has an ETag and a date: RFC 9110 13 and 14. No I/O.

One range is served; of several the whole is sent, as RFC 9110 14.2 allows.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

NOT_MODIFIED, PRECONDITION_FAILED = 304, 412
_TAG = re.compile(r'(?:W/)?("[^"]*")')
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")


class NoSuchRange(Exception):
    """No byte of what there is lies in the range that is asked for (RFC 9110 15.5.17)."""


def precondition(headers: Mapping[str, str], etag: str, last_modified: float) -> int | None:
    """Give the status that the conditions of a GET lead to, 304 or 412; None: it is done. RFC 9110 13.2.2.

    *etag* is without quotes.
    """
    quoted, modified = f'"{etag}"', int(last_modified)
    if "if-match" in headers:
        if not _is_among(quoted, headers["if-match"], is_weak_enough=False):
            return PRECONDITION_FAILED
    elif (since := _date(headers.get("if-unmodified-since"))) is not None and modified > since:
        return PRECONDITION_FAILED
    if "if-none-match" in headers:
        return NOT_MODIFIED if _is_among(quoted, headers["if-none-match"], is_weak_enough=True) else None
    since = _date(headers.get("if-modified-since"))
    return NOT_MODIFIED if since is not None and modified <= since else None


def byte_range(
    headers: Mapping[str, str], etag: str, last_modified: float, size: int
) -> tuple[int, int] | None:
    """Give the (first byte, number of bytes) that are asked for; None: all. Raises `NoSuchRange`."""
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or not _holds_still(headers.get("if-range"), etag, last_modified):
        return None
    first, last = found[1], found[2]
    if first:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < start:
            return None  # no range at all: RFC 9110 14.1.1
    elif last:
        start, end = max(size - int(last), 0), size - 1
    else:
        return None
    if start > end:
        raise NoSuchRange
    return start, end - start + 1


def _holds_still(if_range: str | None, etag: str, last_modified: float) -> bool:
    """RFC 9110 13.1.5: a strong tag that is the same, or exactly the date."""
    if if_range is None or if_range == f'"{etag}"':
        return True
    return _date(if_range) == int(last_modified)


def _is_among(quoted: str, tags: str, *, is_weak_enough: bool) -> bool:
    if tags.strip() == "*":
        return True
    return any(
        found[1] == quoted and (is_weak_enough or not found[0].startswith("W/"))
        for found in _TAG.finditer(tags)
    )


def _date(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except (ValueError, OverflowError):
        return None
