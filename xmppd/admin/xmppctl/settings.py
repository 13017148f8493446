"""The configuration as ``xmppctl config`` shows it. Loaded for that command only: it reads the whole configuration."""

from collections.abc import Mapping
from pathlib import Path

from xmppd.admin.control.wire import ControlError
from xmppd.admin.explained import NoSuchOption, Option, effective, facts, find, written
from xmppd.admin.settings import known_modules
from xmppd.config.model import Config
from xmppd.config.read import examine
from xmppd.core.operations.showing import Block, Facts, Line


def options(config_file: Path | None, env: Mapping[str, str], *, only_different: bool) -> list[Option]:
    """Give all options that hold, or those that differ from the defaults; `ControlError`."""
    found = effective(config(config_file, env), known_modules())
    return [option for option in found if option.differs or not only_different]


def option(config_file: Path | None, env: Mapping[str, str], key: str) -> Option:
    """Give the option of this name; `ControlError`."""
    try:
        return find(config(config_file, env), known_modules(), key)
    except NoSuchOption as error:
        raise ControlError("no-such-option", str(error)) from error


def shown(found: list[Option]) -> list[Block]:
    """Write options as the file has them, each with where it is said."""
    return [Line(f"{each.key} = {written(each.value)}{_place(each)}") for each in found]


def explained(found: Option) -> list[Block]:
    """Say all that there is to say of one."""
    return [Facts(tuple(facts(found)))]


def as_json(found: Option) -> dict[str, object]:
    """Give an option for programs."""
    return {
        "key": found.key,
        "value": written(found.value),
        "default": written(found.default),
        "place": found.place,
        "description": found.words,
        "needs_restart": found.needs_restart,
    }


def _place(found: Option) -> str:
    return f"  # {found.place}" if found.place is not None else ""


def config(config_file: Path | None, env: Mapping[str, str]) -> Config:
    """Read the configuration; `ControlError` with all mistakes."""
    reading = examine(config_file, env)
    if reading.config is None or not reading.is_usable:
        raise ControlError("config-errors", "\n".join(str(finding) for finding in reading.findings))
    return reading.config
