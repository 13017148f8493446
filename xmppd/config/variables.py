"""Options from the environment, for containers: what a variable says goes over what the file says.

======================================  ==================================================================
variable                                what it is
======================================  ==================================================================
``XMPPD_HOSTS``                         names of hosts, with spaces or commas between them
``XMPPD_COMPONENTS``                    services of this server, as ``rooms.example.org=muc``, likewise
``XMPPD_ADMINS``                        accounts that may administer, likewise
``XMPPD_C2S__LISTEN``, and so on        any option of a section: its path in upper case, ``__`` in place of dots
======================================  ==================================================================

A value is read as TOML where it is that, else it is a text. Tables with a domain's name are for the file alone.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Final

from xmppd.config.lines import Path

PREFIX: Final = "XMPPD_"
DEEPER: Final = "__"
_LISTS: Final = {"XMPPD_HOSTS": "hosts", "XMPPD_COMPONENTS": "components", "XMPPD_ADMINS": "admins"}
_BETWEEN: Final = re.compile(r"[\s,]+")

Variables = Mapping[Path, str]
"""The name of the variable that an option comes from, by the option's path."""


def lay_over(raw: MutableMapping[str, Any], env: Mapping[str, str]) -> Variables:
    """Put what *env* says into *raw*; gives which variable says what."""
    said: dict[Path, str] = {}
    for name, path, value in _options(env):
        if _put(raw, path, value):
            said[path] = f"${name}"
    return said


def _options(env: Mapping[str, str]) -> Iterator[tuple[str, Path, object]]:
    for name in sorted(env):
        if name in _LISTS:
            yield from _listed(name, [word for word in _BETWEEN.split(env[name]) if word])
        elif name.startswith(PREFIX) and DEEPER in name.strip("_"):
            yield name, tuple(name.removeprefix(PREFIX).lower().split(DEEPER)), _value(env[name])


def _listed(name: str, words: list[str]) -> Iterator[tuple[str, Path, object]]:
    section = _LISTS[name]
    if section == "admins":
        yield name, (section,), words
        return
    for word in words:
        domain, _, module = word.partition("=")
        yield name, (section, domain), {"module": module} if module else {}


def _value(text: str) -> object:
    """As TOML, or as it stands."""
    try:
        found = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, ValueError, RecursionError):
        return text
    return found["value"] if len(found) == 1 else text


def _put(raw: MutableMapping[str, Any], path: Path, value: object) -> bool:
    """Where the file has something else than a table on the way there, it is that which is told."""
    table: Any = raw
    for key in path[:-1]:
        table = table.setdefault(key, {})
        if not isinstance(table, dict):
            return False
    if isinstance(value, dict) and isinstance(table.get(path[-1]), dict):
        table[path[-1]].update(value)
    else:
        table[path[-1]] = value
    return True
