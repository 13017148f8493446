"""The configuration explained: what holds and why, what an option is, and what differs from the defaults."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args, get_origin

from xmppd.config.documented import choices, descriptions
from xmppd.config.fields import NEEDED, FieldInfo, SecretStr
from xmppd.config.kinds import DomainKind
from xmppd.config.lines import Path
from xmppd.config.model import OF_C2S, OF_S2S, Config
from xmppd.config.modules import Known
from xmppd.config.options import ComponentOptions, Components, HostOptions, ServerOptions
from xmppd.config.schema import dotted, is_server_wide, nearest, toml_value
from xmppd.config.table import Table

SECRET: Final = "(secret)"
BY_RESTART: Final = frozenset(("data_dir", "storage", "metrics", "net", "components"))
_TABLES: Final[Mapping[str, type[Table]]] = {"hosts": HostOptions, "components": ComponentOptions}
_TYPES: Final = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}
_BOUNDS: Final = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


class NoSuchOption(LookupError):
    """There is none of this name; the text says which may have been meant."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option as it holds."""

    path: Path
    value: object
    default: object
    place: str | None
    """Where it is said; None for what nothing says."""
    field: FieldInfo
    words: str

    @property
    def key(self) -> str:
        """Its name as it is written."""
        return dotted(self.path)

    @property
    def differs(self) -> bool:
        """Whether it holds otherwise than without a configuration."""
        return self.value != self.default if self.default is not NEEDED else self.place is not None

    @property
    def needs_restart(self) -> bool:
        """Whether a restart brings it, and no reload does."""
        first, second = str(self.path[0]), str(self.path[1]) if len(self.path) > 1 else ""
        return first in BY_RESTART or (first, second) in _LISTENERS or first == "modules"


_LISTENERS: Final = frozenset([("c2s", each) for each in OF_C2S] + [("s2s", each) for each in OF_S2S])


def effective(config: Config, known: Known) -> Iterator[Option]:
    """Give every option of the server, then of modules, then what the tables of domains say of their own."""
    yield from _of_model(config, ServerOptions, config, ())
    yield from _of_model(config, Components, None, ("components",))
    for name in sorted(known):
        model = known[name].options
        if model is not None and model.model_fields:
            options, _ = config.module_options(name, model)
            yield from _of_model(config, model, options, ("modules", name))
    for domain in config.domains:
        above = config.table_of(domain.name)
        model = HostOptions if domain.kind is DomainKind.ACCOUNTS else ComponentOptions
        for option in _of_model(config, model, domain, above):
            if option.place is not None and config.source.has(option.path):
                yield option


def find(config: Config, known: Known, key: str) -> Option:
    """Give the option of this name, such as ``limits.roster_items``, or of a domain's table; `NoSuchOption`."""
    path = _parsed(key)
    for option in effective(config, known):
        if option.path == path:
            return option
    if path[0] in _TABLES and len(path) > 2:
        found = [o for o in _of_domains(config) if o.path == path]
        if found:
            return found[0]
        return find(
            config, known, dotted(path[2:])
        )  # what holds for all, holds for a domain that says nothing
    keys = [option.key for option in effective(config, known)]
    ends = [each for each in keys if each.endswith(f".{key}")]
    if len(ends) == 1:
        return find(config, known, ends[0])
    near = ", ".join(ends) or nearest(key, keys)
    hint = f"; did you mean {near}?" if near else "; xmppctl config show has all of them"
    raise NoSuchOption(f"there is no option {key}{hint}")


def facts(option: Option) -> list[tuple[str, str]]:
    """Say what there is to say of an option."""
    said = f" ({option.place})" if option.place is not None else " (by default)"
    is_whole = is_server_wide(option.path) and option.path[0] not in _TABLES
    return [
        (option.key, option.words),
        ("is", _kind(option.field)),
        ("default", written(option.default)),
        ("holds", written(option.value) + said),
        (
            "for a domain",
            "no, for the server as a whole" if is_whole else 'yes: [hosts."NAME"] may say otherwise',
        ),
        ("changed by", "a restart" if option.needs_restart else "xmppctl reload"),
    ]


def written(value: object) -> str:
    """Write a value as the file would have it; secrets are not shown."""
    if value is NEEDED or value is None:
        return "nothing"
    if isinstance(value, SecretStr):
        return SECRET
    if isinstance(value, Table):
        own = {name: getattr(value, name) for name in type(value).model_fields}
        return written({name: each for name, each in own.items() if each is not None})
    if isinstance(value, Mapping):
        items = ", ".join(f"{dotted((str(key),))} = {written(each)}" for key, each in value.items())
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list | tuple | frozenset | set):
        return "[" + ", ".join(written(each) for each in value) + "]"
    text = toml_value(value)
    return text if text is not None else f'"{value}"'


def _of_model(config: Config, model: type[Table], values: object, above: Path) -> Iterator[Option]:
    words = descriptions(model)
    for name, field in model.model_fields.items():
        path = (*above, name)
        below = field.annotation
        if isinstance(below, type) and issubclass(below, Table):
            yield from _of_model(config, below, getattr(values, name, None), path)
            continue
        if name == "modules":
            continue
        default = field.default
        value = (
            config.component_listen if path == ("components", "listen") else getattr(values, name, default)
        )
        place = config.source.place(path) if config.source.has(path) else None
        yield Option(path, value, default, place, field, words.get(name, ""))


def _of_domains(config: Config) -> Iterator[Option]:
    for domain in config.domains:
        model = HostOptions if domain.kind is DomainKind.ACCOUNTS else ComponentOptions
        yield from _of_model(config, model, domain, config.table_of(domain.name))


def _parsed(key: str) -> Path:
    try:
        table: Any = tomllib.loads(f"{key} = 0")
    except tomllib.TOMLDecodeError:
        raise NoSuchOption(f"{key} is no name of an option: write it as limits.roster_items") from None
    path: list[str] = []
    while isinstance(table, dict):
        ((name, table),) = table.items()
        path.append(name)
    return tuple(path)


def _kind(field: FieldInfo) -> str:
    fixed = choices(field.annotation)
    if fixed:
        return "one of " + ", ".join(f'"{each}"' for each in fixed)
    kinds: Iterable[Any] = (field.annotation, *get_args(field.annotation))
    word = next((_TYPES[each] for each in kinds if each in _TYPES), "")
    if get_origin(field.annotation) in (tuple, list, frozenset):
        word = "a list"
    elif get_origin(field.annotation) is dict:
        word = "a table"
    bounds = [
        f"{words} {bound:,.12g}".replace(",", "_")
        for name, words in _BOUNDS
        for each in field.metadata
        if (bound := getattr(each, name, None)) is not None
    ]
    return ", ".join(filter(None, [word or "a path or address in quotes", *bounds]))
