"""XML text in pieces: escaping, attributes with their prefixes, and where a tag ends.

XML 1.0 and Namespaces in XML 1.0, as far as RFC 6120 11 lets a stream use them.
"""

import re
from collections.abc import Mapping
from typing import Final

from xmppd.stanza import ns

SEPARATOR: Final = "\x01"
"""Between namespace and name in what expat reports: a character that no XML document can contain."""

Attrs = dict[str, str]

_ILLEGAL: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_IN_ATTR: Final = re.compile(f"[&<'\"\t\n\r{_ILLEGAL}]")
_IN_TEXT: Final = re.compile(f"[&<>\r{_ILLEGAL}]")
_REPLACEMENT: Final = "\ufffd"
_REFERENCES: Final = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    "'": "&apos;",
    '"': "&quot;",
    "\t": "&#9;",
    "\n": "&#10;",
    "\r": "&#13;",
}
find_unsafe: Final = _IN_ATTR.search
"""Finds what cannot stand in an attribute value as it is; None if there is nothing."""

_TAG: Final = re.compile(rb"""<[^>'"]*+(?:(?:'[^']*+'|"[^"]*+")[^>'"]*+)*+>""")
_XML_PREFIX: Final = "xml:"


def escape_attr(text: str) -> str:
    """*text* for an attribute value in either quotes; white space other than blanks survives as references.

    A character that XML cannot carry (controls, surrogates) becomes U+FFFD.
    """
    return _IN_ATTR.sub(_reference, text) if _IN_ATTR.search(text) else text


def escape_text(text: str) -> str:
    """*text* for character data; CR survives as a reference, what XML cannot carry becomes U+FFFD."""
    return _IN_TEXT.sub(_reference, text) if _IN_TEXT.search(text) else text


def write_attrs(attrs: Mapping[str, str]) -> str:
    """*attrs* (plain, ``xml:…`` or Clark names) as ``" a='b'"`` with the declarations that they need."""
    out: list[str] = []
    prefixes: dict[str, str] = {}
    for name, value in attrs.items():
        if name[:1] == "{":
            namespace, _, local = name[1:].rpartition("}")
            if namespace not in prefixes:
                prefix = prefixes[namespace] = f"ns{len(prefixes)}"
                out.append(f" xmlns:{prefix}='{escape_attr(namespace)}'")
            name = f"{prefixes[namespace]}:{local}"
        out.append(f" {name}='{escape_attr(value)}'")
    return "".join(out)


def split_name(reported: str) -> tuple[str, str]:
    """(namespace, local name) of a name as expat reports it."""
    namespace, _, name = reported.rpartition(SEPARATOR)
    return namespace, name


def attr_names(reported: Mapping[str, str]) -> Attrs:
    """The attributes that expat reports, under plain, ``xml:…`` or Clark names."""
    return {_attr_name(name) if SEPARATOR in name else name: value for name, value in reported.items()}


def tag_end(data: bytes | bytearray, start: int) -> int:
    """The offset behind the tag that begins at *start*, or -1 if its end is not there (time is linear)."""
    found = _TAG.match(data, start)
    return found.end() if found else -1


def _attr_name(reported: str) -> str:
    namespace, name = split_name(reported)
    return _XML_PREFIX + name if namespace == ns.XML else f"{{{namespace}}}{name}"


def _reference(found: "re.Match[str]") -> str:
    return _REFERENCES.get(found[0], _REPLACEMENT)
