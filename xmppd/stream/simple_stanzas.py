"""Reads stanzas of the simplest shape, as most are, by a regular expression instead of a parser: docs/decisions/0026.

Of that shape is a stanza

(a) whose tag has none but the five usual attributes and the content namespace, each once, with one space before each;
(b) whose children, at most `MOST_CHILDREN`, hold text alone, and have no prefix and at most `MOST_ATTRIBUTES`, behind
    ``xmlns`` if there is one; the namespace is none that stands for a kind of stream, or for nothing, or for XML;
(c) where all but text is printable ASCII without quotes, ``<``, ``>`` and ``&``, text is what the peer would have to
    send as it is anyway or one of the five references, and all attributes are quoted alike.

Such a stanza is well-formed, means the same on every stream, and expat would find the same in it. All else, and all
that may be wrong, is left to `xmppd.stream.parser`. Each byte is looked at a bounded number of times: nothing in the
expression is tried twice.
"""

import re
from typing import Final, NamedTuple

from xmppd.stanza import ns
from xmppd.stanza.layout import ChildName
from xmppd.stanza.markup import escape_attr
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import Event
from xmppd.stream.limits import StreamLimits

MOST_CHILDREN: Final = 8
MOST_ATTRIBUTES: Final = 4
ATTRIBUTES: Final = 6
"""Those that a stanza may have, with ``xmlns``."""
HEADS_KEPT: Final = 512
HEAD_CHARS: Final = 256
_NOT_FOR_CHILDREN: Final = frozenset(("", ns.XML, ns.XMLNS)) | ns.CONTENT
_NO_CHARACTERS: Final = re.compile(b"\xef\xbf[\xbe\xbf]")
"""U+FFFE and U+FFFF, which XML excludes."""

_VALUE: Final = "[ !#-%(-;=?-~]*+"
_TEXT: Final = r"[\t\n !-%'-;=?-~\x80-\xff]*+"
_TEXT_OR_REFERENCES: Final = f"{_TEXT}(?:&(?:amp|lt|gt|quot|apos);{_TEXT})*+"
_ATTRIBUTES: Final = "|".join(
    f" {name}=Q({_VALUE})Q" for name in ("to", "from", "type", "id", "xmlns", "xml:lang")
)
_CHILD: Final = (
    f"<(?P<head>(?P<child>[a-z][a-z0-9-]*+)(?: xmlns=Q{_VALUE}Q)?+)"
    f"(?P<own>(?: (?!xmlns=)[a-z][a-z0-9-]*+=Q{_VALUE}Q){{0,{MOST_ATTRIBUTES}}}+)"
    f"(?:/>|>{_TEXT_OR_REFERENCES}</(?P=child)>)"
)
_STANZA: Final = f"<(message|presence|iq)((?:{_ATTRIBUTES})*+)(?:(/)>|>(?:{_CHILD})?+(</\\1>)?+)"


class _Shapes(NamedTuple):
    """The expressions for one way to quote."""

    stanza: re.Pattern[str]
    child: re.Pattern[str]


_SHAPES: Final = {
    quote: _Shapes(re.compile(_STANZA.replace("Q", quote)), re.compile(_CHILD.replace("Q", quote)))
    for quote in "'\""
}


class SimpleStanzas:
    """Reads such stanzas behind headers that declare no other prefixes than usual; what it keeps is bounded."""

    __slots__ = ("_content_ns", "_heads")

    def __init__(self, content_ns: str) -> None:
        self._content_ns = content_ns
        self._heads: dict[str, tuple[ChildName, ...]] = {}
        """By what stood in its tag, what `Stanza.child_names` is where there is but this child."""

    def read(
        self,
        data: bytes,
        place: int,
        limits: StreamLimits,
        lang: str | None,
        sender: str | None,
        events: list[Event],
    ) -> int:
        """Put the stanzas that *data* has from *place* on into *events*; give where something else begins.

        *lang* is that of those that say none, *sender* whom those are from that do not say it.
        """
        if limits.elements <= MOST_CHILDREN or limits.depth <= 1:
            return place
        text = data.decode("latin-1")  # so that places in it are those in the bytes
        quote = '"' if text.startswith('"', text.find("=", place) + 1) else "'"
        shapes = _SHAPES[quote]
        match, heads = shapes.stanza.match, self._heads
        most = min(limits.stanza_bytes, limits.tag_bytes)
        from_tag, lang_tag = _attribute("from", sender), _attribute("xml:lang", lang)
        while (found := match(text, place)) is not None:
            values = found.groups()
            name, attributes, to, from_, type_, id_, xmlns, own_lang, slash, head, _, own, end_tag = values
            end = found.end()
            names = () if head is None else heads.get(head) or self._names(head)
            if own and not _are_different(own, quote):
                break
            if end_tag is None and slash is None:
                end, names = self._others(quote, text, end, name, names)
            if (
                names is None
                or end - place > most
                or (xmlns is not None and xmlns != self._content_ns)
                or attributes.count(quote) != 2 * (ATTRIBUTES - values[2:8].count(None))  # one is there twice
            ):
                break
            tag_end = found.end(2)
            inner = b"" if slash is not None else data[tag_end + 1 : end - len(name) - 3]
            if not inner.isascii() and not _is_text(inner):
                break
            more = b""
            if from_ is None:
                from_, more = sender, from_tag
            if own_lang is None:
                own_lang, more = lang, more + lang_tag
            is_as_written = slash is None and xmlns is None and name != "presence"  # sessions keep theirs
            written = data[place:tag_end] + more + data[tag_end:end] if is_as_written else None
            events.append(Stanza(name, to, from_, id_, type_, own_lang, "", inner, names, written))
            place = end
        return place

    def _others(
        self, quote: str, text: str, place: int, name: str, names: tuple[ChildName, ...] | None
    ) -> tuple[int, tuple[ChildName, ...] | None]:
        """Read the children behind the first; give where the stanza *name* ends and the names of all.

        None for the names where something else stands there.
        """
        end_tag = f"</{name}>"
        match = _SHAPES[quote].child.match
        while names and len(names) < MOST_CHILDREN and (found := match(text, place)) is not None:
            head, _, own = found.groups()
            more = self._heads.get(head) or self._names(head)
            if more is None or (own and not _are_different(own, quote)):
                return place, None
            names += more
            place = found.end()
        if not names or not text.startswith(end_tag, place):
            return place, None
        return place + len(end_tag), names

    def _names(self, head: str) -> tuple[ChildName, ...] | None:
        """Give the names of a stanza with one child, in whose tag this stands; None where it is not for us."""
        local, _, declared = head.partition(" ")
        namespace = declared[len("xmlns='") : -1] if declared else ns.CLIENT
        if len(head) > HEAD_CHARS or (declared and namespace in _NOT_FOR_CHILDREN):
            return None
        if len(self._heads) >= HEADS_KEPT:
            self._heads.clear()
        names = self._heads[head] = ((namespace, local),)
        return names


def _attribute(name: str, value: str | None) -> bytes:
    return b"" if value is None else f" {name}='{escape_attr(value)}'".encode()


def _are_different(attributes: str, quote: str) -> bool:
    """Whether no two of these have the same name (XML 1.0 3.1)."""
    if attributes.count(quote) == 2:
        return True
    names = attributes.split(quote)[:-1:2]
    return len(set(names)) == len(names)


def _is_text(inner: bytes) -> bool:
    """Whether this is UTF-8 of characters that XML has (XML 1.0 2.2)."""
    try:
        inner.decode()
    except UnicodeDecodeError:
        return False
    return _NO_CHARACTERS.search(inner) is None
