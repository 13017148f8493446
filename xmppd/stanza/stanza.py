"""A stanza: the attributes of its top tag and the raw bytes between start and end tag (RFC 6120 8).

A stanza never changes after it was made. What is only forwarded is never parsed again: the inner bytes stay as
they came, and so does the top tag of one of the simplest shape (docs/decisions/0026); others are written anew. The
bytes belong to a scope where the content namespace (RFC 6120 4.8.2) is the default and no prefix but ``xml`` is
bound, so that they fit into client and server streams alike; in `child_names` and `element` the content namespace is
always ``jabber:client``.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final

from xmppd.stanza import ns
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.layout import ChildName, read_children, read_top
from xmppd.stanza.markup import escape_attr, find_unsafe, write_attrs

__all__ = ["Stanza"]

STANZA_NAMES: Final = frozenset({"message", "presence", "iq"})
_END_TAGS: Final = {name: f"</{name}>".encode() for name in STANZA_NAMES}
_DECLARES: Final = b"xmlns:"
_NO_REPLY: Final = frozenset({"error", "result"})


class Unchanged(Enum):
    """The mark for an attribute that `Stanza.replace` leaves as it is."""

    SAME = "same"


_SAME: Final = Unchanged.SAME


class Stanza:
    """One message, presence or iq. Immutable: `replace` and its kin give new ones that share the content."""

    __slots__ = (
        "_bytes",
        "_element",
        "child_names",
        "extra",
        "from_",
        "id",
        "inner",
        "kind",
        "lang",
        "name",
        "source",
        "to",
        "type",
    )

    def __init__(
        self,
        name: str,
        to: str | None,
        from_: str | None,
        id: str | None,
        type: str | None,
        lang: str | None,
        extra: str,
        inner: bytes,
        child_names: tuple[ChildName, ...],
        written: bytes | None = None,
    ) -> None:
        """For the framer and this file; others call `make` or `parse`.

        *written* is what `to_bytes` gives, where that is known: the same, but for the order of attributes and quotes.
        """
        self.name = name
        self.to = to
        self.from_ = from_
        self.id = id
        self.type = type
        self.lang = lang
        self.extra = extra
        self.inner = inner
        self.child_names = child_names
        self._bytes = written
        self._element: Element | None = None
        self.kind: object = None
        """What it is good for, once that was asked (`xmppd.stanza.kinds.kind_of`)."""
        self.source: object = None
        """What this is a copy of (`copy_of`): what goes to many, or the record of who has copies."""

    @staticmethod
    def make(
        name: str,
        *payload: Element | bytes,
        to: str | None = None,
        from_: str | None = None,
        id: str | None = None,
        type: str | None = None,
        lang: str | None = None,
    ) -> "Stanza":
        """A new stanza around *payload*: elements, or bytes that fit under the content namespace.

        Raises ValueError for a name that no stanza has and for bytes that are not well-formed.
        """
        if name not in STANZA_NAMES:
            raise ValueError(f"not a stanza: {name!r}")
        inner, names = _join(payload)
        return Stanza(name, to, from_, id, type, lang, "", inner, names)

    @staticmethod
    def parse(data: bytes) -> "Stanza":
        """The stanza that `to_bytes` wrote as *data*, for example from storage. Raises ValueError.

        Whatever else means one stanza in ``jabber:client`` is understood too.
        """
        top = read_top(data)
        if top.name not in STANZA_NAMES:
            raise ValueError(f"not a stanza: {top.name!r}")
        if _DECLARES in data[: top.inner_start]:  # a prefix may be in use inside
            return Stanza.from_element(parse_element(data, ns.CLIENT))
        return from_parts(top.name, top.attrs, data[top.inner_start : top.inner_end], top.child_names)

    @staticmethod
    def from_element(element: Element) -> "Stanza":
        """The stanza that *element* (in ``jabber:client``) describes. Raises ValueError if it is none."""
        if element.name not in STANZA_NAMES or element.ns != ns.CLIENT:
            raise ValueError(f"not a stanza: {element.name!r} in {element.ns!r}")
        inner = Element("x", ns.CLIENT, None, element.children).to_bytes(ns.CLIENT)
        names = tuple((child.ns, child.name) for child in element.elements())
        return from_parts(element.name, element.attrs, inner[len(b"<x>") : -len(b"</x>")], names)

    def to_bytes(self) -> bytes:
        """The whole stanza as UTF-8, without a declaration of the content namespace; kept once made."""
        data = self._bytes
        if data is None:
            data = self._bytes = self.head().encode() + self.inner + _END_TAGS[self.name]
        return data

    def head(self) -> str:
        """The start tag."""
        to, from_, id_, type_, lang = self.to, self.from_, self.id, self.type, self.lang
        if to is not None and from_ is not None and id_ is not None and type_ is not None:  # as nearly always
            rest = self.extra if lang is None else f" xml:lang='{escape_attr(lang)}'{self.extra}"
            if find_unsafe(f"{to}{from_}{id_}{type_}") is None:
                return f"<{self.name} to='{to}' from='{from_}' id='{id_}' type='{type_}'{rest}>"
        named = (("to", to), ("from", from_), ("id", id_), ("type", type_), ("xml:lang", lang))
        written = "".join([f" {name}='{escape_attr(value)}'" for name, value in named if value is not None])
        return f"<{self.name}{written}{self.extra}>"

    @property
    def element(self) -> Element:
        """The whole stanza as a tree in ``jabber:client``, parsed at the first call. Not to be changed."""
        element = self._element
        if element is None:
            element = self._element = parse_element(self.to_bytes(), ns.CLIENT)
        return element

    def has(self, name: str, ns: str) -> bool:
        """Whether there is a child element of that name in that namespace (no parsing)."""
        return (ns, name) in self.child_names

    def child(self, name: str, ns: str) -> Element | None:
        """The first such child, or None; parses only where there is one."""
        return self.element.child(name, ns) if (ns, name) in self.child_names else None

    def replace(
        self,
        *,
        to: str | Unchanged | None = _SAME,
        from_: str | Unchanged | None = _SAME,
        id: str | Unchanged | None = _SAME,
        type: str | Unchanged | None = _SAME,
        lang: str | Unchanged | None = _SAME,
    ) -> "Stanza":
        """The same content under another top tag; None takes an attribute away."""
        return Stanza(
            self.name,
            self.to if to is _SAME else to,
            self.from_ if from_ is _SAME else from_,
            self.id if id is _SAME else id,
            self.type if type is _SAME else type,
            self.lang if lang is _SAME else lang,
            self.extra,
            self.inner,
            self.child_names,
        )

    def sent_by(self, from_: str, lang: str | None) -> "Stanza":
        """The same content from *from_*, in *lang* unless it says so itself: `replace` for the way of every stanza."""
        return Stanza(
            self.name,
            self.to,
            from_,
            self.id,
            self.type,
            lang if self.lang is None else self.lang,
            self.extra,
            self.inner,
            self.child_names,
        )

    def copy_of(self, source: object) -> "Stanza":
        """The same stanza, as a copy of *source*."""
        copy = self._with(self.inner, self.child_names)
        copy._bytes, copy.source = self._bytes, source
        return copy

    def with_child(self, child: Element | bytes) -> "Stanza":
        """This stanza with *child* as its last child. Raises ValueError for malformed bytes."""
        inner, names = _join((child,))
        return self._with(self.inner + inner, self.child_names + names)

    def with_last(self, data: bytes, name: ChildName) -> "Stanza":
        """This stanza with *data*, one element called *name*, behind all others; *data* is trusted to be that.

        Cheap: what is already written of this stanza is not written again.
        """
        more = self._with(self.inner + data, (*self.child_names, name))
        written = self._bytes
        if written is not None:
            end = _END_TAGS[self.name]
            more._bytes = written[: -len(end)] + data + end
        return more

    def without(self, predicate: Callable[[str, str, int], bool]) -> "Stanza":
        """This stanza without the children for which *predicate* (namespace, name, index) is true."""
        doomed = [
            predicate(namespace, name, index) for index, (namespace, name) in enumerate(self.child_names)
        ]
        if not any(doomed):
            return self
        kept, names, last = [], [], 0
        for cut, child in zip(doomed, read_children(self.inner), strict=True):
            if cut:
                kept.append(self.inner[last : child.start])
                last = child.end
            else:
                names.append(child.name)
        return self._with(b"".join(kept) + self.inner[last:], tuple(names))

    def result(self, *payload: Element | bytes) -> "Stanza":
        """The IQ result (RFC 6120 8.2.3) that answers this request. Raises ValueError for anything else."""
        if self.name != "iq" or self.type in _NO_REPLY:
            raise ValueError("only an iq request has a result")
        return Stanza.make("iq", *payload, to=self.from_, from_=self.to, id=self.id, type="result")

    def error_reply(self, error: StanzaError) -> "Stanza":
        """The error that answers this stanza (RFC 6120 8.3.1), without its payload.

        Raises ValueError where an error would answer an error or a result (RFC 6120 8.2.3, 8.3.1).
        """
        if self.type == "error" or (self.name == "iq" and self.type in _NO_REPLY):
            raise ValueError("an error or a result is never answered with an error")
        return Stanza.make(
            self.name, error.to_element(), to=self.from_, from_=self.to, id=self.id, type="error"
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Stanza):
            return NotImplemented
        return self.inner == other.inner and self.head() == other.head()

    def __hash__(self) -> int:
        return hash((self.inner, self.head()))

    def __repr__(self) -> str:
        return f"<Stanza {self.head()} {self.child_names}>"

    def _with(self, inner: bytes, names: tuple[ChildName, ...]) -> "Stanza":
        return Stanza(self.name, self.to, self.from_, self.id, self.type, self.lang, self.extra, inner, names)


def from_parts(name: str, attrs: dict[str, str], inner: bytes, child_names: tuple[ChildName, ...]) -> Stanza:
    """A stanza of attributes as `Element` names them; those that have no meaning here end in `extra`."""
    rest = dict(attrs)
    to, from_, id_, type_ = (rest.pop(key, None) for key in ("to", "from", "id", "type"))
    lang = rest.pop("xml:lang", None)
    extra = write_attrs(rest) if rest else ""
    return Stanza(name, to, from_, id_, type_, lang, extra, inner, child_names)


def _join(payload: tuple[Element | bytes, ...]) -> tuple[bytes, tuple[ChildName, ...]]:
    """The bytes of *payload* and the names of the elements in it."""
    parts: list[bytes] = []
    names: list[ChildName] = []
    for item in payload:
        if isinstance(item, Element):
            parts.append(item.to_bytes(ns.CLIENT))
            names.append((item.ns, item.name))
        else:
            parts.append(item)
            names.extend(child.name for child in read_children(item))
    return b"".join(parts), tuple(names)
