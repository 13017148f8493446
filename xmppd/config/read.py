"""From a file to a configuration, or to all its mistakes at once."""

import ast
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from xmppd.config.assemble import assemble
from xmppd.config.cross import cross_check
from xmppd.config.findings import ConfigErrors, Finding, has_errors, in_order
from xmppd.config.lines import LineIndex
from xmppd.config.model import Config
from xmppd.config.numbers import line_of_endless
from xmppd.config.obstacles import Obstacle
from xmppd.config.options import Components
from xmppd.config.schema import dotted
from xmppd.config.source import DEFAULTS, Source
from xmppd.config.variables import lay_over

DATA_VARIABLE = "XMPPD_DATA"
DEFAULT_DATA_DIR = "xmppd-data"
DEFAULT_HOST = "localhost"
DEFAULT_SERVICES = {
    "rooms.localhost": {"module": "muc"},
    "pubsub.localhost": {"module": "pubsub"},
    "upload.localhost": {"module": "upload"},
}
"""The services of the default host."""

_ERROR_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")
_TABLE_TWICE = re.compile(r"(\('.*',?\)) twice")
_REMEDIES = (
    ("Cannot declare", "join the two tables of this name into one"),
    ("Cannot overwrite", "remove one of the two, or join them"),
    ("Cannot mutate", "remove one of the two, or join them"),
    ("Invalid value", "put a text in quotes; a number, true, false, a [list] or a {table} goes without"),
    (
        "Expected '=' after",
        "write KEY = VALUE, or [TABLE]; a key with other than A-Z a-z 0-9 _ - goes in quotes",
    ),
    ("Illegal character '\\n'", "close the quotes; a text of several lines goes in three"),
    ("Unterminated", "close what is open"),
    ("Unclosed", "close what is open"),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """All that reading a file gave."""

    config: Config | None
    """Made of what is right in the file, wrong options left out; None where nothing could be made."""
    findings: list[Finding]

    @property
    def is_usable(self) -> bool:
        """Say whether a server may run with it."""
        return self.config is not None and not has_errors(self.findings)


def load(path: Path | str | None, env: Mapping[str, str]) -> Config:
    """Read the configuration file *path*, or with None the defaults; raises ConfigErrors with all mistakes.

    The defaults are the host ``localhost`` with rooms at ``rooms.localhost``, nodes at ``pubsub.localhost`` and
    files at ``upload.localhost``, and listeners on 127.0.0.1 and ::1 only.
    """
    reading = examine(path, env)
    if reading.config is None or not reading.is_usable:
        raise ConfigErrors(reading.findings)
    return reading.config


def parse(
    text: str, filename: str, env: Mapping[str, str] | None = None
) -> tuple[Config | None, list[Finding]]:
    """Read a configuration from *text*; None with at least one error where it is not to be used."""
    reading = examine_text(text, filename, env or {})
    return (reading.config if reading.is_usable else None), reading.findings


def examine(path: Path | str | None, env: Mapping[str, str]) -> Reading:
    """Read the file *path* as far as that can be done, for one who looks for further mistakes."""
    if path is None:
        return examine_text("", DEFAULTS, env)
    try:
        data = Path(path).read_bytes()
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or str(problem)
        if isinstance(problem, PermissionError):
            why = Obstacle.of(Path(os.path.abspath(path)), problem).why
        remedy = "name the right file with --config FILE, and let the server's user read it"
        return _refused("config.unreadable", str(path), "the configuration cannot be read", why, remedy)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        why = f"byte 0x{data[problem.start]:02x} is no UTF-8"
        remedy = "save the file in the encoding UTF-8"
        return _refused("config.not-utf8", f"{path}:{line}", "the configuration is no text", why, remedy)
    return examine_text(text, str(path), env)


def examine_text(text: str, filename: str, env: Mapping[str, str]) -> Reading:
    """Do the same with a text that has been read."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        return _syntax_error(text, filename, str(problem))
    except RecursionError:
        return _syntax_error(text, filename, "Too many brackets within brackets")
    except ValueError:
        line = line_of_endless(text)
        if line is None:
            raise
        return _syntax_error(text, filename, f"A number has too many digits (at line {line}, column 1)")
    variables = lay_over(raw, env)
    if raw.get("hosts") == {}:
        del raw["hosts"]
    if "hosts" not in raw:
        raw = _with_services(raw)
    fallback = {"data_dir": env.get(DATA_VARIABLE) or DEFAULT_DATA_DIR, "hosts": {DEFAULT_HOST: {}}}
    config, problems = assemble(raw, fallback, Source.of(text, filename, variables))
    findings = [finding for _, finding in problems]
    findings = in_order([*findings, *(cross_check(config) if config else ())])
    if config:
        config = config.with_warnings(tuple(f for f in findings if f.severity == "warning"))
    return Reading(config, findings)


def _with_services(raw: dict[str, object]) -> dict[str, object]:
    """The default host has its services, unless the file names services of its own."""
    components = raw.get("components", {})
    if not isinstance(components, dict) or components.keys() - Components.model_fields.keys():
        return raw
    return {**raw, "components": {**components, **DEFAULT_SERVICES}}


def _syntax_error(text: str, filename: str, message: str) -> Reading:
    match = _ERROR_PLACE.search(message)
    last = text.rstrip().count("\n") + 1
    line = int(match.group(1)) if match and match.group(1) else last
    why = _TABLE_TWICE.sub(partial(_twice, text, line), _ERROR_PLACE.sub("", message))
    remedy = next((words for start, words in _REMEDIES if why.startswith(start)), "correct the line")
    why = why[:1].lower() + why[1:]
    return _refused("config.syntax", f"{filename}:{line}", "this is no TOML", why, remedy)


def _twice(text: str, line: int, match: re.Match[str]) -> str:
    """Name a table as it is written, and where it stood first, in place of tomllib's ``('hosts', 'NAME')``."""
    path = ast.literal_eval(match.group(1))
    first = LineIndex.of("\n".join(text.split("\n")[: line - 1])).exact(path)
    return f"[{dotted(path)}] twice" + ("" if first is None else f", the first time in line {first}")


def _refused(identifier: str, place: str, what: str, why: str, remedy: str) -> Reading:
    return Reading(None, [Finding(identifier, "error", place, what, why, remedy)])
