"""A ``<body/>`` to events of a stream, and back: XEP-0124 6, XEP-0206 3. No I/O.

What stands in a body without a namespace of its own, or in the body's, is taken for content of the stream, as the note
in XEP-0206 3 has it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stanza.markup import attr_names, split_name, tag_end, write_attrs
from xmppd.stream.events import Event
from xmppd.stream.limits import StreamLimits
from xmppd.stream.parser_pool import ParserPool
from xmppd.stream.xml_rules import check_namespace, new_expat, silence, stream_error

NS: Final = "http://jabber.org/protocol/httpbind"
NS_XBOSH: Final = "urn:xmpp:xbosh"
HEAD_BYTES: Final = 10_000
PREFIXES: Final = 16
_START: Final = re.compile(rb"\s*(?:<\?xml[^>]*\?>)?\s*(?=<)")
_TAG_NAME: Final = re.compile(rb"<([^\s/>]+)")
_OPEN: Final = f"<body xmlns='{NS}'"
_EMPTY: Final = f"{_OPEN}/>".encode()
_AROUND: Final = f"{_OPEN}>".encode()
_BODY, _END = "body", b"</body>"
_VALUE: Final = r"""(?:'[ -%(-;=-~]*'|"[ !#-%'-;=-~]*")"""
_USUAL: Final = re.compile(rf"<body((?: [a-z]+={_VALUE})+) ?/?>".encode())
"""A start tag of which an XML parser would say nothing else: no prefix, no reference, no white space but blanks."""
_ATTR: Final = re.compile(r"""([a-z]+)=(?:'([^']*)'|"([^"]*)")""")
_SLASH: Final = ord("/")
_NOTHING: Final[Mapping[str, str]] = {}


class NoBody(Exception):
    """What came is no ``<body/>`` (bad-request)."""


@dataclass(frozen=True, slots=True)
class Body:
    """The head of a body as it came, and behind it what is to be parsed by the limits that hold once it is its turn."""

    attrs: Mapping[str, str]
    """Attributes of the namespace of XEP-0206 as ``{urn:xmpp:xbosh}name``."""
    tag: str
    prefixes: Mapping[str, str]
    rest: bytes
    """All behind the start tag, with the end tag; empty for an empty element."""

    @property
    def is_empty(self) -> bool:
        """Whether there are no payloads."""
        return not self.rest or self.rest == _END or self.rest.lstrip().startswith(b"</")

    def number(self, name: str) -> int | None:
        """Give an attribute that is a number; None where it is not there, `NoBody` where it is none."""
        text = self.attrs.get(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(1 << 53)):
            raise NoBody(name)
        return int(text)

    def is_true(self, name: str) -> bool:
        """Whether a boolean attribute of XEP-0206 says so."""
        return self.attrs.get(f"{{{NS_XBOSH}}}{name}") in ("true", "1")

    def events(self, limits: StreamLimits, lang: str | None, pool: ParserPool) -> list[Event]:
        """Give the payloads; a `StreamError` is the last of them."""
        if self.is_empty:
            return []
        end = self.rest.rfind(b"</")
        is_ended = self.tag == _BODY and self.rest.endswith(_END) and end == len(self.rest) - len(_END)
        if not is_ended and not re.fullmatch(
            rb"</" + re.escape(self.tag.encode()) + rb"\s*>", self.rest[max(end, 0) :]
        ):
            return [StreamError("bad-format", "the body does not end")]
        shelf = pool.shelf(self.tag, ns.CLIENT, self.prefixes, ns.CLIENT)
        parser = shelf.take(limits, lang)
        events = parser.feed(self.rest[:end])
        if parser.is_idle:
            shelf.give(parser)
            return events
        parser.close()
        if not events or not isinstance(events[-1], StreamError):
            events = [
                StreamError("bad-format", "a payload is a whole element, and all of them are within the body")
            ]
        return events


HANDLED: Final = Body(_NOTHING, _BODY, _NOTHING, b"")
"""What is left of a body that has been dealt with while its request waits."""


def read_body(data: bytes) -> Body:
    """Read the start tag of the element in *data*; raises `NoBody`."""
    usual = _USUAL.match(data, 0, HEAD_BYTES)
    if usual is not None and (attrs := _attrs_of(usual[1])) is not None:
        end, rest = usual.end(), data[usual.end() :].rstrip()
        if not (rest and data[end - 2] == _SLASH):
            return Body(attrs, _BODY, _NOTHING, rest)
    found = _START.match(data)
    start = found.end() if found is not None else -1
    end = tag_end(data, start) if start >= 0 and data[start : start + 1] == b"<" else 0
    if start < 0 or not start + 1 < end <= start + HEAD_BYTES:
        raise NoBody("no start tag")
    tag = data[start:end]
    is_closed = tag[-2] == _SLASH
    head = _Head(tag if is_closed else tag[:-1] + b"/>")
    if head.name != (NS, "body"):
        raise NoBody("another element")
    rest = data[end:].rstrip()
    if is_closed and rest:
        raise NoBody("more than one element")
    name = _TAG_NAME.match(tag)
    return Body(head.attrs, name[1].decode() if name else "body", head.prefixes, rest)


def write_body(attrs: Mapping[str, str], payload: bytes = b"") -> bytes:
    """Give a body with these attributes around *payload*."""
    if not attrs:
        return b"".join((_AROUND, payload, _END)) if payload else _EMPTY
    head = f"{_OPEN}{write_attrs(attrs)}".encode()
    return head + b">" + payload + _END if payload else head + b"/>"


def _attrs_of(text: bytes) -> dict[str, str] | None:
    """Give the attributes of a usual start tag; None where it is another element's, or no XML."""
    found = _ATTR.findall(text.decode("ascii"))
    attrs = {name: single or double for name, single, double in found}
    return attrs if attrs.pop("xmlns", None) == NS and len(attrs) == len(found) - 1 else None


class _Head:
    """What expat says of a start tag."""

    def __init__(self, tag: bytes) -> None:
        self.name = ("", "")
        self.attrs: dict[str, str] = {}
        self.prefixes: dict[str, str] = {}
        parser = new_expat()
        parser.StartElementHandler = self._started
        parser.StartNamespaceDeclHandler = self._declared
        try:
            parser.Parse(tag, True)
        except (expat.ExpatError, StreamError) as error:
            known = error if isinstance(error, StreamError) else stream_error(error, b"")
            raise NoBody(known.condition) from None
        finally:
            silence(parser)

    def _started(self, name: str, attrs: dict[str, str]) -> None:
        self.name, self.attrs = split_name(name), attr_names(attrs)

    def _declared(self, prefix: str | None, uri: str | None) -> None:
        check_namespace(uri)
        if prefix is not None and prefix != "xml":
            self.prefixes[prefix] = uri or ""
            if len(self.prefixes) > PREFIXES:
                raise StreamError("policy-violation")
