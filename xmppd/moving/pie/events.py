"""An XML file as events: containers begin and end, everything in them comes as one element at a time.

A DTD is refused, and with it every entity; no element of more than `MAX_CHARS` is put together; a file is read piece by
piece, however large it is. ``<xi:include/>`` is followed within the folder of the file that has it (XEP-0227 4).
"""

from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple
from xml.parsers import expat

from xmppd.moving.pie import names
from xmppd.moving.source import SourceError
from xmppd.stanza.element import Element
from xmppd.stanza.markup import SEPARATOR, attr_names, split_name

CHUNK_BYTES: Final = 65_536
MAX_CHARS: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 512
MAX_INCLUDED: Final = 4
"""Levels of files: the main one, its hosts, their users, and a part of a user."""

CONTAINERS: Final[Mapping[str, Mapping[tuple[str, str], str]]] = {
    "": {(names.PIE, "server-data"): "server", (names.PIE, "host"): "host"},
    "server": {(names.PIE, "host"): "host"},
    "host": {(names.PIE, "user"): "user", (names.OURS, "room"): "room"},
    "user": {
        (names.ROSTER, "query"): "roster",
        (names.PRIVATE, "query"): "private",
        (names.PIE, "offline-messages"): "offline",
        (names.PUBSUB, "pubsub"): "pubsub",
        (names.ARCHIVE, "archive"): "archive",
    },
    "pubsub": {(names.PUBSUB, "items"): "items"},
    "room": {(names.ARCHIVE, "archive"): "archive"},
}
"""What is inside of what; all else is an element."""
_WITH_INCLUDES: Final = frozenset(("server", "host", "user"))


class Begin(NamedTuple):
    """A container begins."""

    container: str
    attrs: Mapping[str, str]


class End(NamedTuple):
    """It ends."""

    container: str


class Leaf(NamedTuple):
    """An element of a container; None where it was too large to be read."""

    container: str
    element: Element | None


Event = Begin | End | Leaf


class Events:
    """The events of a file and of all that it includes; `read_bytes` of `total_bytes` are read."""

    def __init__(self, file: Path):
        self._file = file
        self.read_bytes = 0
        self.total_bytes = file.stat().st_size if file.exists() else 0

    def __iter__(self) -> Iterator[Event]:
        return self._of(self._file, "", 1)

    def _of(self, file: Path, container: str, level: int) -> Iterator[Event]:
        parser = _Parser(container)
        try:
            with file.open("rb") as stream:
                while data := stream.read(CHUNK_BYTES):
                    self.read_bytes += len(data)
                    parser.feed(data, False)
                    yield from self._drained(parser, file, level)
                parser.feed(b"", True)
                yield from self._drained(parser, file, level)
        except OSError as error:
            raise SourceError(f"{file} cannot be read: {error.strerror}") from error
        except (expat.ExpatError, _Refused) as error:
            raise SourceError(f"{file} cannot be read: {error}") from error

    def _drained(self, parser: "_Parser", file: Path, level: int) -> Iterator[Event]:
        events = parser.events
        while events:
            event = events.popleft()
            if isinstance(event, _Include):
                included = _place(file, event.href, level)
                self.total_bytes += included.stat().st_size if included.exists() else 0
                yield from self._of(included, event.container, level + 1)
            else:
                yield event


class _Refused(Exception):
    """Something that no such file has."""


class _Include(NamedTuple):
    container: str
    href: str


class _Parser:
    """Expat, and where it is."""

    def __init__(self, container: str):
        self.events: deque[Event | _Include] = deque()
        self._containers = [container]
        self._open: list[Element] = []
        self._chars = 0
        self._skipped = 0
        """Levels of an element that is too large."""
        parser = self._parser = expat.ParserCreate(None, SEPARATOR, intern=None)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse

    def feed(self, data: bytes, is_last: bool) -> None:
        """Read on; ExpatError, `_Refused`."""
        self._parser.Parse(data, is_last)

    def _refuse(self, *args: object) -> None:
        raise _Refused("it has a DTD, and entities are not read")

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        if self._skipped:
            self._skipped += 1
            return
        namespace, local = split_name(name)
        if self._open:
            self._inner(namespace, local, attrs)
            return
        container = self._containers[-1]
        inside = CONTAINERS.get(container, {}).get((namespace, local))
        if inside is not None:
            self._containers.append(inside)
            self.events.append(Begin(inside, attr_names(attrs)))
        elif not container:
            raise _Refused(f"it begins with <{local}/>, and not with <server-data/> in {names.PIE}")
        else:
            self._chars = 0
            self._open.append(Element(local, namespace, attr_names(attrs)))

    def _inner(self, namespace: str, local: str, attrs: dict[str, str]) -> None:
        self._chars += len(local) + sum(map(len, attrs.values())) + len(attrs) + 1
        if self._chars > MAX_CHARS or len(self._open) >= MAX_DEPTH:
            self._skipped = len(self._open) + 1
            self._open.clear()
            return
        element = Element(local, namespace, attr_names(attrs) if attrs else None)
        self._open[-1].children.append(element)
        self._open.append(element)

    def _end(self, name: str) -> None:
        if self._skipped:
            self._skipped -= 1
            if not self._skipped:
                self.events.append(Leaf(self._containers[-1], None))
        elif len(self._open) > 1:
            self._open.pop()
        elif self._open:
            self._leaf(self._open.pop())
        elif len(self._containers) > 1:
            self.events.append(End(self._containers.pop()))

    def _leaf(self, element: Element) -> None:
        container = self._containers[-1]
        if container in _WITH_INCLUDES and (element.ns, element.name) == (names.XINCLUDE, "include"):
            self.events.append(_Include(container, element.get("href") or ""))
        else:
            self.events.append(Leaf(container, element))

    def _text(self, text: str) -> None:
        if self._open and not self._skipped:
            self._chars += len(text)
            if self._chars > MAX_CHARS:
                self._skipped = len(self._open)
                self._open.clear()
            else:
                self._open[-1].children.append(text)


def _place(file: Path, href: str, level: int) -> Path:
    """Find an included file: a relative path, in the folder of the one that has it or below."""
    if level >= MAX_INCLUDED:
        raise SourceError(f"{file} is included too deeply")
    included = (file.parent / href).resolve()
    if (
        not href
        or "://" in href
        or href.startswith("/")
        or not included.is_relative_to(file.parent.resolve())
    ):
        raise SourceError(f"{file} includes {href!r}, which is no file beside it")
    return included
