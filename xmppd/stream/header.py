"""Reads the header of a stream (RFC 6120 4.7) up to the end of its tag, and not a byte further."""

import re
from typing import Final
from xml.parsers import expat

from xmppd.stanza import ns
from xmppd.stanza.errors import StreamError
from xmppd.stanza.markup import attr_names, split_name
from xmppd.stream.events import StreamOpened
from xmppd.stream.limits import StreamLimits
from xmppd.stream.xml_rules import WHITE_SPACE, check_namespace, new_expat, silence, stream_error

HEADER_BYTES: Final = 10_000
"""Of XML declaration and start tag together; less where the limit of a tag is less."""

PREFIXES: Final = 16
"""What a header declares stands around each stanza, so that each of many would cost much more to read."""

LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8}){0,15}")
"""RFC 5646 2.1. It goes with every stanza of the stream, so a longer one would make all of them longer."""

_UTF16_MARKS: Final = (b"\xff", b"\xfe")
_UTF8_MARK: Final = b"\xef\xbb\xbf"  # RFC 6120 11.6: no mark, but a character before the root
_FIRST_BYTES: Final = 4
_PROXY_LINE: Final = b"PROXY "
_PROXY_BINARY: Final = b"\0\r\nQUIT\n"  # and white space before it
_UNTRUSTED: Final = "a PROXY protocol header, from an address of which none is expected"
_TAG_NAME: Final = re.compile(rb"<([^\s/>]+)")


class HeaderReader:
    """Takes bytes until `opened` is set; raises StreamError. An xml:lang that names no language is left out.

    `tag`, `default_ns` and `prefixes` then say what the header leaves in force.
    """

    __slots__ = ("_expat", "_limit", "_raw", "default_ns", "is_closed", "opened", "prefixes", "tag")

    def __init__(self, limits: StreamLimits) -> None:
        self.opened: StreamOpened | None = None
        self.is_closed = False
        """Whether the tag was an empty one, which ends the stream as well."""
        self.tag = ""
        self.default_ns = ""
        self.prefixes: dict[str, str] = {}
        self._limit = min(limits.tag_bytes, HEADER_BYTES)
        self._raw = bytearray()
        self._expat = new_expat()
        self._expat.XmlDeclHandler = self._declared_xml
        self._expat.StartNamespaceDeclHandler = self._declared
        self._expat.StartElementHandler = self._started
        self._expat.EndElementHandler = self._ended

    def feed(self, data: bytes) -> int:
        """Read on; gives how many bytes of *data* belong to the header. White space before it is skipped."""
        place = 0 if self._raw else len(data) - len(data.lstrip(WHITE_SPACE))
        while place < len(data) and self.opened is None:
            end = data.find(b">", place) + 1 or len(data)
            self._read(data[place:end])
            place = end
        if self.opened is not None:
            self.close()
        return place

    def close(self) -> None:
        """Give expat's memory back."""
        silence(self._expat)

    def _read(self, piece: bytes) -> None:
        self._raw += piece
        if self._raw.startswith(_PROXY_LINE):
            raise StreamError("not-well-formed", _UNTRUSTED)
        if self._raw.startswith(_UTF16_MARKS) or 0 in self._raw[:_FIRST_BYTES]:
            raise StreamError(
                "unsupported-encoding", _UNTRUSTED if self._raw.startswith(_PROXY_BINARY) else None
            )
        if self._raw.startswith(_UTF8_MARK):
            raise StreamError("not-well-formed", "a byte order mark")
        if len(self._raw) > self._limit:
            raise StreamError("policy-violation", "the stream header is too long")
        try:
            self._expat.Parse(piece, False)
        except expat.ExpatError as error:
            place = self._expat.ErrorByteIndex
            raise stream_error(error, bytes(self._raw[max(place - 2, 0) : place])) from None

    def _declared_xml(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """RFC 6120 11.6: UTF-8 and nothing else."""
        if encoding is not None and encoding.lower() != "utf-8":
            raise StreamError("unsupported-encoding")

    def _declared(self, prefix: str | None, uri: str | None) -> None:
        check_namespace(uri)
        if prefix is None:
            self.default_ns = uri or ""
        elif prefix != "xml":
            self.prefixes[prefix] = uri or ""
            if len(self.prefixes) > PREFIXES:
                raise StreamError("policy-violation", "the stream header declares too many prefixes")

    def _started(self, name: str, attrs: dict[str, str]) -> None:
        """RFC 6120 4.9.3.10 and 4.8.1."""
        namespace, local = split_name(name)
        if namespace != ns.STREAMS:
            raise StreamError("invalid-namespace")
        if local != "stream":
            raise StreamError("bad-format", "the root is not a stream")
        found = _TAG_NAME.match(self._raw, self._expat.CurrentByteIndex)
        self.tag = found[1].decode() if found else ""
        given = attr_names(attrs)
        if not LANGUAGE.fullmatch(given.get("xml:lang", "en")):
            del given["xml:lang"]
        self.opened = StreamOpened(given, self.default_ns, namespace, local)

    def _ended(self, _name: str) -> None:
        self.is_closed = True
