"""Points in time as text: the DateTime profile of XEP-0082, always in UTC."""

import re
from datetime import UTC, datetime
from typing import Final

_MILLI: Final = 1_000

_STAMP: Final = re.compile(
    r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(\.\d{1,20})?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII
)


def to_milliseconds(seconds: float) -> float:
    """Round to what a stamp can show, so that what is shown can be asked for again and means the same."""
    return round(seconds, 3)


def stamp_of(seconds: float) -> str:
    """Write seconds since 1970; with milliseconds where there are any."""
    whole, milliseconds = divmod(round(seconds * _MILLI), _MILLI)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{milliseconds:03}Z" if milliseconds else f"{text}Z"


def parse_stamp(text: str) -> float:
    """Read a stamp: seconds since 1970. Raises ValueError for what is none."""
    found = _STAMP.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no date and time of XEP-0082")
    day, time, fraction, sign, hours, minutes = found.groups()
    seconds = datetime.fromisoformat(f"{day}T{time}+00:00").timestamp() + float(fraction or 0)
    if sign is None:
        return seconds
    offset = (int(hours) * 60 + int(minutes)) * 60
    return seconds - offset if sign == "+" else seconds + offset
