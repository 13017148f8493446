"""The example of a configuration, ``etc/xmppd.toml``, out of the models: every option with its words and its default.

``python -m xmppd.admin.example`` writes it anew; a test holds the file to that. What an option without a default is
like stands among the examples of its field (``Field(examples=[…])``).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

import xmppd.modules
from xmppd.config.documented import choices, descriptions, headings
from xmppd.config.fields import NEEDED, FieldInfo
from xmppd.config.options import ComponentOptions, Components, HostOptions, ServerOptions
from xmppd.config.read import DEFAULT_SERVICES
from xmppd.config.schema import dotted, toml_value
from xmppd.config.table import Table
from xmppd.core.loader import find_modules
from xmppd.core.module import Module

FILE: Final = Path(__file__).parents[2] / "etc" / "xmppd.toml"
WIDTH: Final = 118
RULE: Final = 104
_SECTIONS: Final = ("tls", "c2s", "limits", "modules", "rights")
"""What stands in tables of its own below a domain's."""
_HEAD: Final = """\
xmppd.toml: the configuration of xmppd, all of it, with its defaults.

An option behind "#" without a space shows what holds when it is not set: remove the "#" to change it. The file is \
TOML (https://toml.io). Look at what you wrote with

    xmppctl --config FILE check

which tells every mistake with its line; a server that is running reads the file anew on SIGHUP (xmppctl reload). \
Without a configuration xmppd serves "localhost" to this machine alone. "xmppctl init DOMAIN" writes a short one."""
_HOSTS: Final = """\
The name is in quotes, in lower case, and in Unicode ("bücher.example", not "xn--bcher-kva.example"). Paths in this \
file are relative to the folder that the file is in. Where a host has no certificate of its own, the folder \
tls.certificates is searched; where there is no such line either, the server makes one, which clients of others do \
not trust."""
_BELOW: Final = """\
The sections tls, c2s, limits, rights and modules may be overridden for a host, below its name; some of their options \
hold for the server as a whole, and are told if they stand here."""
_COMPONENTS: Final = """\
A table for each, with the same sections as a host's (tls, limits, rights, modules) and either "module", for a service \
inside this server, or "secret" or "secret_file", for a program that connects as the service (XEP-0114)."""
_WORDS: Final[Mapping[str, str]] = {
    "rights": "Operators and admins run operations by any client that knows ad-hoc commands (XEP-0133). Here the role "
    "that an operation needs can be changed, by its name as xmppctl has it, or for all of a kind.",
    "s2s": "Other servers are talked to unless all that is served is localhost. For them to be found, listen on public "
    "addresses, and give each domain a certificate that covers its name and, unless this machine has the domain's "
    "address and port 5269 is right, SRV records (_xmpp-server._tcp, _xmpps-server._tcp).",
    "limits": "Sizes in bytes, times in seconds.",
    "modules": "One table for each that is to be turned on or off, or has options. Each can stand for a host too: "
    '[hosts."example.org".modules.NAME]. Modules are on unless it is said; "enabled = false" turns one off.',
}
"""What is said of a section before its options."""


def example() -> str:
    """Write the example."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _comment(_HEAD)
    yield ""
    options = ServerOptions.model_fields
    for name, field in options.items():
        if not _is_section(name, field):
            yield from _option(ServerOptions, name)
            yield ""
    yield from _hosts()
    yield from _components()
    for name, field in options.items():
        if _is_section(name, field) and name != "modules":
            yield from _section(name, field)
    yield from _heading("Modules", _WORDS["modules"])
    yield "#[modules.uptime]"
    yield "#enabled = true"
    for name, module in sorted(find_modules(xmppd.modules).items()):
        yield from _module(name, module)


def _is_section(name: str, field: FieldInfo) -> bool:
    return _model(field.annotation) is not None or name in _SECTIONS


def _section(name: str, field: FieldInfo) -> Iterator[str]:
    model = _model(field.annotation)
    title = descriptions(ServerOptions)[name].partition(": ")[0].rstrip(".")
    if model is None:  # a table of texts
        yield from _heading("Rights", _WORDS.get(name, title))
        yield from _value((name,), ServerOptions, name)
        yield ""
        return
    yield from _heading(title, _WORDS.get(name, ""))
    yield f"[{name}]"
    yield from _options(model, (name,))
    yield ""


def _hosts() -> Iterator[str]:
    yield from _heading("Served domains: a table for each", _HOSTS)
    yield '[hosts."localhost"]'
    yield ""
    yield '#[hosts."example.org"]'
    fields = {name: each for name, each in HostOptions.model_fields.items() if name not in _SECTIONS}
    tables = {name: model for name, each in fields.items() if (model := _model(each.annotation)) is not None}
    yield from (line for name in fields if name not in tables for line in _option(HostOptions, name))
    yield ""
    for name, model in tables.items():
        yield from _comment(descriptions(HostOptions)[name])
        yield f'#[hosts."example.org".{name}]'
        yield from _options(model, ("hosts", "example.org", name))
        yield ""
    yield from _comment(_BELOW)
    above = '#[hosts."example.org".'
    yield from (f"{above}rights]", '#"user.add" = "member"')
    yield from (f"{above}tls]", '#min_version = "1.3"', f"{above}c2s]", '#resource_conflict = "rename"')
    yield from (f"{above}limits]", "#resources_per_user = 5", f"{above}modules.version]", "#enabled = false")
    yield ""


def _components() -> Iterator[str]:
    yield from _heading("Services with a domain name of their own", _COMPONENTS)
    yield "[components]"
    yield from (line for name in Components.model_fields for line in _option(Components, name))
    yield ""
    for name, table in DEFAULT_SERVICES.items():
        yield f'[components."{name}"]'
        yield from (f"{key} = {toml_value(value)}" for key, value in table.items())
        yield ""
    outside = ("secret", "conflict", "queue")
    others = ("secret_file", "connection_of")
    inside = [name for name in ComponentOptions.model_fields if name not in (*_SECTIONS, *outside, *others)]
    for name, keys in (
        ("rooms.example.org", inside),
        ("gateway.example.org", outside),
        ("news.example.org", ("secret_file",)),
        ("phone.example.org", ("connection_of",)),
    ):
        yield f'#[components."{name}"]'
        yield from (line for key in keys for line in _option(ComponentOptions, key))
        if name == "rooms.example.org":
            above = f'#[components."{name}".'
            yield from (f"{above}rights]", '#"room.list" = "member"', f"{above}tls]", '#min_version = "1.3"')
            yield from (f"{above}limits]", "#stanza_depth = 128")
            yield from (f"{above}modules.version]", "#enabled = false")
        yield ""


def _module(name: str, module: type[Module]) -> Iterator[str]:
    if not module.options.model_fields:
        return
    yield ""
    xeps = module.xep if isinstance(module.xep, tuple) else (module.xep,) if module.xep is not None else ()
    numbers = ", ".join(f"XEP-{each.number:04}" for each in xeps)
    off = "" if module.is_default else '; "enabled = true" turns it on'
    yield from _comment(f"{module.summary}{f' ({numbers})' if numbers else ''}{off}.")
    path = ("modules", name)
    has_plain = any(not _is_table(field) for field in module.options.model_fields.values())
    if has_plain or not module.is_default:
        yield f"#[{dotted(path)}]"
    yield from _options(module.options, path)


def _options(model: type[Table], path: tuple[str, ...]) -> Iterator[str]:
    above = headings(model)
    later = [name for name, field in model.model_fields.items() if _is_table(field)]
    for name in model.model_fields:
        if name in above:
            yield f"# -- {above[name]}"
        if name not in later and _has_example(model.model_fields[name]):
            yield from _option(model, name)
    for name in later:
        yield ""
        yield from _comment(descriptions(model).get(name, ""))
        yield from _value((*path, name), model, name)


def _has_example(field: FieldInfo) -> bool:
    """Whether there is anything to show: an alternative to another option has neither example nor default."""
    return bool(field.examples) or field.is_needed or field.default is not None


def _is_table(field: FieldInfo) -> bool:
    """Whether an option is written as tables of its own."""
    return get_origin(field.annotation) is dict or _model(field.annotation) is not None


def _option(model: type[Table], name: str) -> Iterator[str]:
    field = model.model_fields[name]
    words = descriptions(model).get(name, "")
    missing = [each for each in choices(field.annotation) if each not in words]
    if missing:
        words += " One of " + ", ".join(f'"{each}"' for each in choices(field.annotation)) + "."
    yield from _comment(words)
    yield f"#{name} = {_written(_shown(model, name, field))}"


def _value(path: tuple[str, ...], model: type[Table], name: str) -> Iterator[str]:
    """Write the example of an option that is tables: texts by name, or a table for each name."""
    field = model.model_fields[name]
    below = _model(field.annotation)
    if below is not None:
        yield f"#[{dotted(path)}]"
        yield from _options(below, path)
        return
    example: Mapping[str, Any] = _shown(model, name, field)
    kind = _model(get_args(field.annotation)[1])
    if kind is None:
        yield f"#[{dotted(path)}]"
        yield from (f"#{dotted((key,))} = {_written(value)}" for key, value in example.items())
    for key, values in example.items() if kind is not None else ():
        assert kind is not None
        yield f"#[{dotted((*path, key))}]"
        for each in kind.model_fields:
            if each not in values and not _has_example(kind.model_fields[each]):
                continue
            yield from _comment(descriptions(kind).get(each, ""))
            own = values[each] if each in values else _shown(kind, each, kind.model_fields[each])
            yield f"#{each} = {_written(own)}"


def _shown(model: type[Table], name: str, field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    default = field.default
    assert default is not None and default is not NEEDED, f"{model.__name__}.{name} needs an example"
    return default


def _written(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:_}"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{dotted((key,))} = {_written(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple | frozenset):
        return "[" + ", ".join(map(_written, value)) + "]"
    text = toml_value(value)
    return text if text is not None else f'"{value}"'


def _model(annotation: Any) -> type[Table] | None:
    """Give the model that an annotation is, alone, with validators, or where there may be none."""
    is_one = hasattr(annotation, "__metadata__") or get_origin(annotation) in (Union, UnionType)
    kinds: Collection[Any] = (annotation, *(get_args(annotation) if is_one else ()))
    return next((each for each in kinds if isinstance(each, type) and issubclass(each, Table)), None)


def _heading(title: str, words: str) -> Iterator[str]:
    yield ""
    yield f"# == {title} {'=' * (RULE - len(title) - 6)}"
    if words:
        yield "#"
        yield from _comment(words)
    yield ""


def _comment(text: str) -> Iterable[str]:
    for paragraph in text.split("\n"):
        if not paragraph or paragraph.startswith(" "):
            yield f"# {paragraph}".rstrip()
        else:
            yield from (
                f"# {line}" for line in wrap(paragraph, WIDTH, break_on_hyphens=False, break_long_words=False)
            )


if __name__ == "__main__":
    FILE.write_text(example(), encoding="utf-8")
    print(f"{FILE.name} is written anew")
