"""The namespaces that a stream header declares, and with them what stands around every stanza."""

from collections.abc import Mapping
from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.markup import SEPARATOR, escape_attr, split_name
from xmppd.stanza.stanza import STANZA_NAMES
from xmppd.stream.simple_stanzas import SimpleStanzas

NAMES_KEPT: Final = 512
NAME_CHARS: Final = 256
_ORDINARY: Final = {"stream": ns.STREAMS, "db": ns.DIALBACK}


class Scope:
    """What a stream header leaves in force; streams with the same declarations share one.

    *tag* is the root's name as written, *prefixes* are the declarations besides the default.
    """

    __slots__ = (
        "content_ns",
        "default_ns",
        "header",
        "is_plain",
        "names",
        "prefixes",
        "simple",
        "stanza_names",
    )

    def __init__(self, tag: str, default_ns: str, prefixes: Mapping[str, str], content_ns: str) -> None:
        self.default_ns = default_ns
        self.prefixes = dict(prefixes)
        self.content_ns = content_ns
        declared = "".join(f" xmlns:{name}='{escape_attr(uri)}'" for name, uri in prefixes.items())
        self.header = f"<{tag} xmlns='{escape_attr(default_ns)}'{declared}>".encode()
        self.is_plain = default_ns == content_ns and prefixes.items() <= _ORDINARY.items()
        """Whether the inner bytes of a stanza mean the same on any other stream."""
        self.simple = SimpleStanzas(content_ns) if self.is_plain else None
        """Reads what needs no parser; None where it would mean something else."""
        self.stanza_names = {f"{content_ns}{SEPARATOR}{name}": name for name in STANZA_NAMES}
        self.names: dict[str, tuple[str, str]] = {}
        """What `child_name` said lately; bounded."""

    def child_name(self, reported: str) -> tuple[str, str]:
        """(namespace, name) of a child as expat reports it; the content namespace as ``jabber:client``."""
        namespace, local = split_name(reported)
        name = (ns.CLIENT if namespace == self.content_ns else namespace, local)
        if len(self.names) >= NAMES_KEPT:
            self.names.clear()
        if len(reported) <= NAME_CHARS:
            self.names[reported] = name
        return name
