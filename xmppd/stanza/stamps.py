"""Points in time as text: the DateTime profile of XEP-0082, always in UTC."""

import re
from datetime import UTC, datetime
from typing import Final

_MILLI: Final = 1_000
_HOUR_MINUTES: Final = 60
_FARTHEST: Final = 14 * _HOUR_MINUTES
"""No offset from UTC is larger, in minutes (XML Schema 1.0 part 2, 3.2.7.3, which XEP-0082 2 refers to)."""

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
    offset = _offset_minutes(int(hours), int(minutes)) * 60
    return seconds - offset if sign == "+" else seconds + offset


def _offset_minutes(hours: int, minutes: int) -> int:
    offset = hours * _HOUR_MINUTES + minutes
    if minutes >= _HOUR_MINUTES or offset > _FARTHEST:
        raise ValueError(f"{hours:02}:{minutes:02} is no offset from UTC")
    return offset
