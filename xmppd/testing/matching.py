"""Compares what a client received with what a script expects, wildcards included."""

import hmac
import re
from base64 import b64encode
from hashlib import sha1
from xml.etree.ElementTree import Element, fromstring, tostring

_WRAPPED = (
    "<x xmlns='{}' xmlns:stream='http://etherx.jabber.org/streams' xmlns:db='jabber:server:dialback'>{}</x>"
)
SHOWN = 2_000
_REPEATED = re.compile(r"\{([^{}]+)\*(\d+)\}")
_PROOF = re.compile(r"\{(\w+) proves (\w+)\}")
_HANDSHAKE = re.compile(r"\{(\w+) shows ([^{}]+)\}")
_HOLE = re.compile(r"\{(?:(?P<name>\w+)=)?any\}")


class Mismatch(AssertionError):
    """What came is not what was expected."""


def parse(text: str, content_ns: str = "jabber:client") -> list[Element]:
    """Read XML as it stands in a script, in the namespaces of a stream, which is a client's unless it is said."""
    return list(fromstring(_WRAPPED.format(content_ns, text)))


def show(element: Element) -> str:
    """Write an element for a message to the reader, who does not need all of a long one."""
    text = tostring(element, encoding="unicode")
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def match(expected: Element, got: Element, memory: dict[str, str]) -> None:
    """Raise `Mismatch` unless *got* is *expected*; texts that it names are put into *memory*."""
    if expected.tag != got.tag:
        raise Mismatch(f"<{got.tag}> instead of <{expected.tag}>")
    if set(expected.attrib) != set(got.attrib):
        raise Mismatch(f"<{got.tag}> has attributes {sorted(got.attrib)}, not {sorted(expected.attrib)}")
    for name, value in expected.attrib.items():
        _match_text(value, got.attrib[name], memory, f"{name} of <{got.tag}>")
    _match_text((expected.text or "").strip(), (got.text or "").strip(), memory, f"text of <{got.tag}>")
    wanted = list(expected)
    is_open = bool(wanted) and wanted[-1].tag.endswith("}any")
    if is_open:
        del wanted[-1]
    if len(wanted) > len(got) or (len(wanted) < len(got) and not is_open):
        raise Mismatch(f"<{got.tag}> has {len(got)} children, not {len(wanted)}")
    for child, found in zip(wanted, got, strict=False):
        match(child, found, memory)


def match_header(expected: str, got: Element, memory: dict[str, str]) -> None:
    """Raise `Mismatch` unless the stream header *got* has just the attributes of *expected*, a start tag."""
    (wanted,) = parse(expected + "</stream:stream>")
    match(wanted, Element(got.tag, got.attrib), memory)


def fill(text: str, memory: dict[str, str]) -> str:
    """Put what is remembered into *text*, with proofs of tokens and secrets, and write out what is repeated in it."""
    for name, value in memory.items():
        text = text.replace("{" + name + "}", value)
    text = _HANDSHAKE.sub(lambda found: sha1((memory[found[1]] + found[2]).encode()).hexdigest(), text)
    text = _PROOF.sub(lambda found: _proof(found[1], memory.get(found[2], found[2])), text)
    return _REPEATED.sub(lambda found: found[1] * int(found[2]), text)


def _proof(username: str, token: str) -> str:
    """The initial response of HT-SHA-256-NONE."""
    return b64encode(f"{username}\0".encode() + hmac.digest(token.encode(), b"Initiator", "sha256")).decode()


def _match_text(expected: str, got: str, memory: dict[str, str], where: str) -> None:
    expected = fill(expected, memory)
    holes = list(_HOLE.finditer(expected))
    if not holes:
        if expected != got:
            raise Mismatch(f"{where} is {got!r}, not {expected!r}")
        return
    pattern, last = "", 0
    for hole in holes:
        pattern += re.escape(expected[last : hole.start()]) + "(.*)"
        last = hole.end()
    found = re.fullmatch(pattern + re.escape(expected[last:]), got, re.DOTALL)
    if found is None:
        raise Mismatch(f"{where} is {got!r}, not like {expected!r}")
    for hole, value in zip(holes, found.groups(), strict=True):
        if hole["name"]:
            memory[hole["name"]] = value
