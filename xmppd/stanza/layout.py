"""Where things stand in the bytes of a stanza: its top tag, and the offsets of its children.

Found by a parser, never by searching bytes: CDATA sections and forwarded stanzas would fool a search.
"""

from typing import Final, NamedTuple
from xml.parsers import expat

from xmppd.stanza import ns
from xmppd.stanza.markup import SEPARATOR, attr_names, split_name, tag_end

ChildName = tuple[str, str]
"""(namespace, local name)"""

_OPEN: Final = f"<x xmlns='{ns.CLIENT}'>".encode()
_CLOSE: Final = b"</x>"
_EMPTY_END: Final = b"/>"
_TOP, _CHILD = 1, 2


class Child(NamedTuple):
    """A child element and the bytes that are it: ``inner[start:end]``."""

    name: ChildName
    start: int
    end: int


class Top(NamedTuple):
    """The top element of a piece of XML: attributes, where its content stands, names of its children."""

    name: str
    attrs: dict[str, str]
    inner_start: int
    inner_end: int
    child_names: tuple[ChildName, ...]


def read_children(inner: bytes) -> list[Child]:
    """The elements at the first level of *inner*, in order. Raises ValueError where it is not well-formed."""
    if not inner:
        return []
    return [Child(span.name, span.start, span.end) for span in _Ruler(inner).measure()]


def read_top(data: bytes) -> Top:
    """The one stanza that *data* holds, with nothing around it. Raises ValueError for anything else."""
    ruler = _Ruler(data)
    spans = ruler.measure()
    if len(spans) != 1 or spans[0].start or spans[0].end != len(data) or spans[0].name[0] != ns.CLIENT:
        raise ValueError("not exactly one stanza")
    span = spans[0]
    return Top(span.name[1], ruler.attrs, span.inner_start, span.inner_end, tuple(ruler.below))


class _Span(NamedTuple):
    name: ChildName
    start: int
    inner_start: int
    inner_end: int
    end: int


class _Ruler:
    """Runs expat over *data* and keeps the offsets of the first level and the names of the second."""

    __slots__ = ("attrs", "below", "data", "depth", "name", "parser", "spans", "start")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.depth = 0
        self.start = 0
        self.name: ChildName = ("", "")
        self.attrs: dict[str, str] = {}
        self.below: list[ChildName] = []
        self.spans: list[_Span] = []
        self.parser = expat.ParserCreate("utf-8", SEPARATOR, intern=None)

    def measure(self) -> list[_Span]:
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        try:
            for piece, final in ((_OPEN, False), (self.data, False), (_CLOSE, True)):
                self.parser.Parse(piece, final)
        except expat.ExpatError as error:
            raise ValueError(f"not well-formed: {error}") from None
        finally:
            self.parser.StartElementHandler = None  # breaks the circle of parser and handlers
            self.parser.EndElementHandler = None
        return self.spans

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        if self.depth == _TOP:
            self.start = self.parser.CurrentByteIndex - len(_OPEN)
            self.name = split_name(name)
            self.attrs = attr_names(attrs)
        elif self.depth == _CHILD:
            self.below.append(split_name(name))
        self.depth += 1

    def _end(self, _name: str) -> None:
        self.depth -= 1
        if self.depth != _TOP:
            return
        inner_start = tag_end(self.data, self.start)
        if self.data[inner_start - len(_EMPTY_END) : inner_start] == _EMPTY_END:
            self.spans.append(_Span(self.name, self.start, inner_start, inner_start, inner_start))
            return
        inner_end = self.parser.CurrentByteIndex - len(_OPEN)
        end = self.data.index(b">", inner_end) + 1
        self.spans.append(_Span(self.name, self.start, inner_start, inner_end, end))
