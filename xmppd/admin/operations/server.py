"""Operations on the server as a whole."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from xmppd.admin.control.answers import ReadAnew, Status, Stopping, versions_in_words
from xmppd.core.operations.declaring import Args, Argument, Operation, Subject
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Cell, Facts, Line, Moment, Row, computed, count, rows, table

_MIB: Final = 1_048_576
_TIMES: Final = ("_timestamp_seconds", "_start_time_seconds")
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400
_hosts = rows(name="Host", sessions="Sessions", available="Available", modules="Modules")
_components = rows(
    name="Component", module=computed("Is", lambda row: row["module"] or "a program"), modules="Modules"
)


def duration(seconds: float) -> str:
    """Write a duration with its two largest units: ``3 d 4 h``, ``5 min 2 s``."""
    seconds = int(seconds)
    parts = (
        (seconds // _DAY_S, "d"),
        (seconds % _DAY_S // _HOUR_S, "h"),
        (seconds % _HOUR_S // _MINUTE_S, "min"),
        (seconds % _MINUTE_S, "s"),
    )
    first = next((index for index, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2] if amount) or "0 s"


def mebibytes(size_bytes: int | None) -> str:
    """Write a size: ``58.2 MiB``."""
    return "unknown" if size_bytes is None else f"{size_bytes / _MIB:.1f} MiB"


def _status(found: Status, args: Args) -> Iterable[Block]:
    facts: list[tuple[str, Cell]] = [
        ("xmppd", f"{found['version']}, process {found['pid']}"),
        ("up", Line(f"{duration(found['uptime_s'])}, since ", Moment(found["started"]))),
        ("sessions", found["sessions"]),
        ("memory", mebibytes(found["memory_bytes"])),
        ("data folder", found["data_dir"]),
    ]
    facts += [("listens on" if not index else "", place) for index, place in enumerate(found["listening"])]
    yield Facts((*facts, ("versions", versions_in_words(found["versions"]))))
    yield _hosts(found["hosts"])
    if found["components"]:
        yield _components(found["components"])


def _number(row: Row) -> Cell:
    """Times and sizes as people write them; what is small is a number."""
    name, value = row["name"], row["value"]
    if name.endswith(_TIMES) and value:
        return Moment(datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds"))
    if name.endswith("_bytes") and value >= _MIB:
        return mebibytes(value)
    return value if isinstance(value, int) else f"{value:.4g}"


def _reloaded(result: ReadAnew, args: Args) -> Iterable[Block]:
    return [Line(text) for text in result["lines"]]


def _stopped(result: Stopping, args: Args) -> Iterable[Block]:
    yield Line(f"the server has stopped; {count(result['sessions'], 'session')} ended")


SUBJECT: Final = Subject(
    "",
    "The server",
    "The server as a whole.",
    (
        Operation("status", "Show uptime, sessions, memory, versions.", shows=_status, role=Role.OPERATOR),
        Operation(
            "stats",
            "Show what has happened since the start, and what waits: sessions, stanzas, logins, refusals, queues.",
            (
                Argument(
                    "about",
                    "Only numbers with this word in their name, such as login, or in what they are about.",
                    is_required=False,
                ),
            ),
            table("no number is about that", name="What", of="Of", value=computed("Value", _number)),
            "With ABOUT only those with this word, such as login. The numbers are those that a monitoring system gets "
            "(see the manual, Metrics).",
            Role.OPERATOR,
        ),
        Operation(
            "reload",
            "Read certificates, log level, limits anew.",
            (),
            _reloaded,
            "No session is dropped. Where the new configuration is broken, the old one stays in force. Status 1 if "
            "anything in it could not be used.",
            Role.OPERATOR,
        ),
        Operation("stop", "Stop the server; wait until it has.", shows=_stopped, role=Role.OPERATOR),
    ),
)
