"""Which XML a stream may hold (RFC 6120 11): no DTD, entity, comment or processing instruction, only UTF-8."""

from typing import Final, NoReturn
from xml.parsers import expat

from xmppd.stanza.errors import StreamError
from xmppd.stanza.markup import SEPARATOR

WHITE_SPACE: Final = b" \t\r\n"

NAMESPACE_CHARS: Final = 256
"""Expat reports a name together with its namespace, so a long one would come to memory again and again."""

_ENCODING_ERRORS: Final = frozenset(
    expat.errors.codes[message]
    for message in (expat.errors.XML_ERROR_UNKNOWN_ENCODING, expat.errors.XML_ERROR_INCORRECT_ENCODING)
)
_DECLARATION: Final = b"<!"


def new_expat() -> expat.XMLParserType:
    """A parser in namespace mode that raises StreamError(restricted-xml) for what RFC 6120 11.1 forbids.

    It keeps no table of names, which a peer could grow, and reports every token when it is complete.
    """
    parser = expat.ParserCreate("utf-8", SEPARATOR, intern=None)
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    parser.CommentHandler = _refuse
    at_once = getattr(parser, "SetReparseDeferralEnabled", None)  # expat 2.6 would wait for more bytes
    if at_once is not None:
        at_once(False)
    return parser


def silence(parser: expat.XMLParserType) -> None:
    """Take the handlers off that refer to their owner, so that both are freed without the collector."""
    parser.StartElementHandler = None
    parser.EndElementHandler = None
    parser.StartNamespaceDeclHandler = None
    parser.XmlDeclHandler = None


def check_namespace(uri: str | None) -> None:
    """Raise StreamError for a declaration of a namespace that is unreasonably long."""
    if uri is not None and len(uri) > NAMESPACE_CHARS:
        raise StreamError("policy-violation", "the name of a namespace is too long")


def stream_error(error: expat.ExpatError, before: bytes) -> StreamError:
    """The condition for what expat found; *before* are the bytes in front of the place (RFC 6120 4.9.3)."""
    if error.code in _ENCODING_ERRORS:
        return StreamError("unsupported-encoding")
    if before.endswith(_DECLARATION):  # a DTD where expat does not look for one
        return StreamError("restricted-xml")
    return StreamError("not-well-formed", expat.errors.messages.get(error.code))


def _refuse(*_args: object) -> NoReturn:
    raise StreamError("restricted-xml")
