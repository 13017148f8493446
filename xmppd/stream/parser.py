"""Cuts the first-level elements of a stream out of its bytes while expat reads them.

RFC 6120 4 and 11, XML 1.0 and Namespaces in XML. A parser reads on behind the header of its `Scope`;
it keeps bytes only of what is half received, and checks size, depth, number of elements and length of
tags while it reads. A stanza keeps the raw bytes between its tags where they mean the same elsewhere:

(a) expat accepted them in namespace mode, as UTF-8;
(b) the header declared nothing but the content namespace, ``stream`` and ``db``;
(c) the top tag declares nothing but the content namespace and has only the five usual attributes;
(d) the bytes hold neither ``stream:`` nor ``db:``;
(e) no child element declares a content namespace anew, this stream's or another kind's; nor does an element further
    in declare this stream's, where that is not ``jabber:client``.

Otherwise the stanza is parsed into a tree and written again, in ``jabber:client``, as `Stanza` wants it.
"""

import re
from typing import Final
from xml.parsers import expat

from xmppd.stanza import ns
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StreamError
from xmppd.stanza.markup import SEPARATOR, attr_names, split_name, tag_end
from xmppd.stanza.stanza import Stanza
from xmppd.stream.events import ElementBegun, Event, StreamClosed
from xmppd.stream.limits import StreamLimits
from xmppd.stream.scope import Scope
from xmppd.stream.xml_rules import WHITE_SPACE, check_namespace, new_expat, silence, stream_error

HELD_BYTES: Final = 1024
"""Of an unfinished tag: expat reads it anew at each piece, so beyond this it gets the rest in one."""

_LANG: Final = f"{ns.XML}{SEPARATOR}lang"
_SLASH: Final = ord("/")
_COLON: Final = ord(":")
_QUOTE_OR_END: Final = re.compile(b"[>'\"]")
_CDATA: Final = b"<![CDATA["
_MARKUP: Final = re.compile(b"[<&\r]")
"""What makes anything but plain text of the bytes of an element; CR is a line end."""
_GROWTH: Final = 2  # how much longer a stanza may become when its prefixes are written out
_TAG_TOO_LONG: Final = "a tag is too long"


class StreamParser:
    """One expat parser behind a stream header, and the first-level element that it is reading.

    `feed` gives events. Between elements `is_idle` is true and the parser may serve another stream of
    the same scope, unless `is_over`.
    """

    __slots__ = (
        "_attrs",
        "_base",
        "_buffer",
        "_children",
        "_events",
        "_expat",
        "_gate",
        "_is_long",
        "_is_odd",
        "_is_plain",
        "_left",
        "_level",
        "_name",
        "_names",
        "_start",
        "_tail",
        "_told",
        "fed",
        "is_idle",
        "is_over",
        "lang",
        "limits",
        "scope",
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.limits = StreamLimits()
        self.lang: str | None = None
        """The xml:lang of the stream that the parser serves."""
        self.is_idle = True
        self.is_over = False
        self.fed = 0
        """How many bytes expat has got in its life; its tables only ever grow."""
        self._events: list[Event] = []
        self._buffer: bytes | bytearray = b""
        self._base = 0  # expat's index of the first byte of the buffer
        self._tail = 0  # offset in the buffer behind the last finished element
        self._start = 0  # offset of the element in work
        self._level = -1  # 0 between first-level elements
        self._left = 0  # how many elements more the one in work may hold
        self._is_long = False  # so that a tag in it might be too long
        self._is_odd = False
        self._told = -1  # expat's index of the element that `begun` has told of
        self._name = ""
        self._attrs: dict[str, str] = {}
        self._children: list[tuple[str, str]] = []
        self._names = scope.names
        self._is_plain = scope.is_plain
        self._gate: _Gate | None = None
        self._expat = new_expat()
        self._expat.StartElementHandler = self._started
        self._expat.EndElementHandler = self._ended
        self._expat.StartNamespaceDeclHandler = self._declared
        self._expat.Parse(scope.header, False)
        self.fed = len(scope.header)

    def feed(self, data: bytes) -> list[Event]:
        """The events that *data* completes; a StreamError or a StreamClosed among them is the last."""
        events: list[Event] = []
        self._events = events
        if self._buffer:
            data = self._resume(data)
        else:
            self._buffer = data
            self._base = self.fed
            self._tail = 0
        size = len(data)
        self._is_long = len(self._buffer) > self.limits.tag_bytes
        try:
            if size:
                self._expat.Parse(data, False)
                self.fed += size
        except (StreamError, expat.ExpatError) as error:
            self._fail(*self._place(error))
            return events
        if self._level or self._tail != len(self._buffer):
            self._settle()
        else:
            self._buffer = b""
            self.is_idle = True
        return events

    def begun(self) -> ElementBegun | None:
        """Tell of the element in work, once, if it is no stanza."""
        index = self._base + self._start
        if self._level < 1 or index == self._told or self._name in self.scope.stanza_names:
            return None
        self._told = index
        namespace, local = split_name(self._name)
        return ElementBegun(ns.CLIENT if namespace == self.scope.content_ns else namespace, local)

    @property
    def end_tag(self) -> bytes:
        """What ends the element in work, where its name has no prefix."""
        return f"</{split_name(self._name)[1]}>".encode()

    def half_received(self) -> bytes:
        """What came of the element in work; another parser may go on from there."""
        return bytes(self._buffer)

    def close(self) -> None:
        """Give expat's memory back; the parser is of no use afterwards."""
        self.is_over = True
        self._buffer = b""
        self._events = []
        silence(self._expat)

    # What expat calls

    def _declared(self, prefix: str | None, uri: str | None) -> None:
        """Conditions (c) and (e); it comes before the start of the element that declares."""
        check_namespace(uri)
        if self._level == 0:
            self._is_odd = self._is_odd or prefix is not None or uri != self.scope.content_ns
        elif uri in ns.CONTENT and (self._level == 1 or uri == self.scope.content_ns != ns.CLIENT):
            self._is_odd = True

    def _started(self, name: str, attrs: dict[str, str]) -> None:
        level = self._level
        self._level = level + 1
        if level == 0:
            start = self._start = self._expat.CurrentByteIndex - self._base
            if start != self._tail:
                self._check_gap(start)
            self._name = name
            self._attrs = attrs
            self._children = []
            self._left = self.limits.elements
        elif level == 1:
            self._children.append(self._names.get(name) or self.scope.child_name(name))
        elif level >= self.limits.depth:
            raise StreamError("policy-violation", "too many levels")
        left = self._left = self._left - 1
        if left < 0 <= level:
            raise StreamError("policy-violation", "too many elements")
        if self._is_long:
            self._check_tag()

    def _ended(self, _name: str) -> None:
        level = self._level = self._level - 1
        if level == 0:
            self._finish()
        elif level < 0:
            self._check_gap(self._expat.CurrentByteIndex - self._base)
            self._events.append(StreamClosed())
            self.is_over = True
            self.is_idle = False

    # One first-level element

    def _finish(self) -> None:
        """The element in work is complete: cut it out."""
        buffer, start, attrs = self._buffer, self._start, self._attrs
        inner_start = buffer.find(b">", start) + 1
        for value in attrs.values():
            if ">" in value:
                inner_start = tag_end(buffer, start)
        if self._is_odd:  # a declaration may hold one too
            inner_start = tag_end(buffer, start)
        if buffer[inner_start - 2] == _SLASH:
            end, inner = inner_start, b""
        else:
            inner_end = self._expat.CurrentByteIndex - self._base
            end = buffer.find(b">", inner_end) + 1
            cut = buffer[inner_start:inner_end]
            inner = cut if type(cut) is bytes else bytes(cut)
        if end - start > self.limits.stanza_bytes:
            raise _too_big()
        name = self.scope.stanza_names.get(self._name)
        if name is None:
            self._events.append(self._element(inner, end))
        else:
            take = attrs.pop  # what is left is unusual
            to, from_, id_, type_ = take("to", None), take("from", None), take("id", None), take("type", None)
            lang = take(_LANG, self.lang)
            if attrs or self._is_odd or self._is_bound(inner):
                self._events.append(self._rewritten(end))
            else:
                children = tuple(self._children)
                self._events.append(Stanza(name, to, from_, id_, type_, lang, "", inner, children))
        self._tail = end
        self._is_odd = False

    def _is_bound(self, inner: bytes) -> bool:
        """Whether *inner* may mean something else behind another header: conditions (b) and (d)."""
        return not self._is_plain or (_COLON in inner and (b"stream:" in inner or b"db:" in inner))

    def _element(self, inner: bytes, end: int) -> Element:
        if inner and (_MARKUP.search(inner) or self.scope.content_ns != ns.CLIENT):
            return self._tree(end)
        namespace, local = split_name(self._name)  # no content but text, as in SASL: all is known already
        return Element(local, namespace, attr_names(self._attrs), [inner.decode()] if inner else ())

    def _rewritten(self, end: int) -> Stanza:
        stanza = Stanza.from_element(self._tree(end))
        if len(stanza.inner) + len(stanza.extra) > _GROWTH * self.limits.stanza_bytes:
            raise _too_big()
        return stanza.replace(lang=self.lang) if stanza.lang is None else stanza

    def _tree(self, end: int) -> Element:
        scope = self.scope
        element = parse_element(bytes(self._buffer[self._start : end]), scope.default_ns, scope.prefixes)
        return element if scope.content_ns == ns.CLIENT else _as_client(element, scope.content_ns)

    # What is half received

    def _resume(self, data: bytes) -> bytes:
        """Put *data* behind what is half received; gives what expat shall have of it now."""
        buffer = self._buffer
        if not isinstance(buffer, bytearray):
            buffer = self._buffer = bytearray(buffer)
        buffer += data
        if self._gate is None:
            return data
        if not self._gate.is_passed(data):
            return b""
        self._gate = None
        return bytes(buffer[self.fed - self._base :])

    def _settle(self) -> None:
        """Keep what is half received and nothing else, within the limits."""
        self.is_idle = False
        if self.is_over:
            return
        token = self._expat.CurrentByteIndex - self._base  # offset of what expat has not finished
        first = self._start if self._level else token
        error = self._fault(token, first)
        if error is not None:
            self._fail(error, 0)
            return
        if self._gate is None and len(self._buffer) - token > HELD_BYTES:
            self._gate = _Gate(bytes(self._buffer[token:]))
        self._keep(first)

    def _fault(self, token: int, first: int) -> StreamError | None:
        """What is wrong already with the unfinished element at *first* and its unfinished tag at *token*."""
        size = len(self._buffer)
        if self._level == 0 and self._buffer[self._tail : token].strip(WHITE_SPACE):
            return _text_between()
        if size - token > self.limits.tag_bytes:
            return StreamError("policy-violation", _TAG_TOO_LONG)
        if size - first > self.limits.stanza_bytes:
            return _too_big()
        return None

    def _keep(self, first: int) -> None:
        """Forget the buffer before the offset *first*."""
        if first or not isinstance(self._buffer, bytearray):
            self._buffer = bytearray(self._buffer[first:])
            self._base += first
            self._start -= first
        self._tail = 0
        self.is_idle = not self._buffer

    # What is refused

    def _check_gap(self, end: int) -> None:
        if self._buffer[self._tail : end].strip(WHITE_SPACE):
            raise _text_between()

    def _check_tag(self) -> None:
        start = self._expat.CurrentByteIndex - self._base
        if tag_end(self._buffer, start) - start > self.limits.tag_bytes:
            raise StreamError("policy-violation", _TAG_TOO_LONG)

    def _place(self, error: StreamError | expat.ExpatError) -> tuple[StreamError, int]:
        """What is wrong, and the offset behind the byte that shows it."""
        if isinstance(error, StreamError):
            start = self._expat.CurrentByteIndex - self._base
            return error, max(start + 1, tag_end(self._buffer, start))
        place = self._expat.ErrorByteIndex - self._base
        return stream_error(error, bytes(self._buffer[max(place - 2, 0) : place])), place + 1

    def _fail(self, error: StreamError, place: int) -> None:
        """End with *error*, or with what was wrong before it: pieces of any size give the same condition."""
        if self.is_over:
            return  # it stands behind the end of the stream
        self.is_over = True
        self.is_idle = False
        if self._level == 0:
            before = self._buffer[self._tail : max(place - 1, 0)].lstrip(WHITE_SPACE)
            if before and (before[:1] != b"<" or before.startswith(_CDATA)):
                error = _text_between()
        if self._level > 0 and place - self._start > self.limits.stanza_bytes:
            error = _too_big()
        error.__traceback__ = error.__context__ = None  # they would keep this parser alive
        self._events.append(error)


class _Gate:
    """Waits for the end of a long unfinished tag, reading each byte once."""

    __slots__ = ("_is_reference", "_quote")

    def __init__(self, begun: bytes) -> None:
        """*begun* is what there is of the tag, or of a reference with very many leading zeros."""
        self._is_reference = begun.startswith(b"&")
        self._quote = b""
        self.is_passed(begun)

    def is_passed(self, data: bytes) -> bool:
        """Whether the tag ends within *data*, the next bytes of it."""
        if self._is_reference:
            return b";" in data
        place = 0
        while True:
            if self._quote:
                place = data.find(self._quote, place) + 1
                if not place:
                    return False
                self._quote = b""
            found = _QUOTE_OR_END.search(data, place)
            if found is None:
                return False
            if found[0] == b">":
                return True
            self._quote = found[0]
            place = found.end()


def _text_between() -> StreamError:
    return StreamError("bad-format", "text between first-level elements")


def _too_big() -> StreamError:
    """RFC 6120 13.12: the application-specific condition tells the peer what the policy was about."""
    return StreamError("policy-violation", extra=Element("stanza-too-big", ns.ERRORS))


def _as_client(element: Element, content_ns: str) -> Element:
    """*element* of a stream with that content namespace, its part in it put into ``jabber:client``."""
    todo = [element]
    while todo:
        item = todo.pop()
        if item.ns == content_ns:
            item.ns = ns.CLIENT
        elif item.ns != ns.XML:  # that one leaves the default namespace as it is
            continue
        todo.extend(item.elements())
    return element
