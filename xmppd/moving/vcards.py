"""A vCard4 (XEP-0292, RFC 6351) as a vcard-temp (XEP-0054), for servers that kept only the former.

What both have is carried: names, addresses of all kinds, what somebody does, notes, and the picture of the avatar.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from xmppd.stanza.element import Element

NODE: Final = "urn:xmpp:vcard4"
NS_4: Final = "urn:ietf:params:xml:ns:vcard-4.0"
NS: Final = "vcard-temp"
_NAME: Final = {
    "surname": "FAMILY",
    "given": "GIVEN",
    "additional": "MIDDLE",
    "prefix": "PREFIX",
    "suffix": "SUFFIX",
}
_ADDRESS: Final = {
    "pobox": "POBOX",
    "ext": "EXTADD",
    "street": "STREET",
    "locality": "LOCALITY",
    "region": "REGION",
    "code": "PCODE",
    "country": "CTRY",
}
_PLAIN: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "fn": ("FN", ("text",)),
    "nickname": ("NICKNAME", ("text",)),
    "bday": ("BDAY", ("date", "date-time", "text")),
    "title": ("TITLE", ("text",)),
    "role": ("ROLE", ("text",)),
    "note": ("DESC", ("text",)),
    "url": ("URL", ("uri",)),
    "tz": ("TZ", ("text", "utc-offset")),
}
"""What has one value: the element of vcard-temp, and under which elements the value may stand."""
_KINDS: Final = {"home": "HOME", "work": "WORK", "cell": "CELL", "voice": "VOICE", "fax": "FAX"}


def vcard_temp(card: Element, picture: tuple[str, str] | None = None) -> Element:
    """Give the vcard-temp of a ``<vcard/>``; *picture* is a type and base64 data."""
    children: list[Element] = []
    for each in card.elements():
        if each.name in _PLAIN:
            name, holders = _PLAIN[each.name]
            children += (_element(name, text) for text in _texts(each, holders)[:1])
        elif each.name == "n":
            children.append(Element("N", NS, None, _parts(each, _NAME)))
        elif each.name == "adr":
            children.append(Element("ADR", NS, None, [*_kinds(each), *_parts(each, _ADDRESS)]))
        elif each.name == "email":
            children += (_with(each, "EMAIL", "USERID", text) for text in _texts(each, ("text",))[:1])
        elif each.name == "tel":
            numbers = [text.removeprefix("tel:") for text in _texts(each, ("uri", "text"))]
            children += (_with(each, "TEL", "NUMBER", text) for text in numbers[:1])
        elif each.name == "org":
            children.append(_organisation(_texts(each, ("text",))))
        elif each.name == "impp":
            uris = _texts(each, ("uri",))
            children += (_element("JABBERID", uri[5:]) for uri in uris if uri.startswith("xmpp:"))
    if picture is not None:
        children.append(
            Element("PHOTO", NS, None, [_element("TYPE", picture[0]), _element("BINVAL", picture[1])])
        )
    return Element("vCard", NS, None, children)


def _element(name: str, text: str) -> Element:
    return Element(name, NS, None, [text])


def _texts(each: Element, holders: Iterable[str]) -> list[str]:
    return [child.text for child in each.elements() if child.name in holders and child.text.strip()]


def _parts(each: Element, names: Mapping[str, str]) -> list[Element]:
    return [
        _element(names[child.name], child.text)
        for child in each.elements()
        if child.name in names and child.text
    ]


def _kinds(each: Element) -> list[Element]:
    parameters = each.child("parameters")
    types = [] if parameters is None else [child for child in parameters.elements() if child.name == "type"]
    words = {text.text.strip().lower() for kind in types for text in kind.elements()}
    return [Element(_KINDS[word], NS) for word in sorted(words) if word in _KINDS]


def _with(each: Element, name: str, inner: str, text: str) -> Element:
    return Element(name, NS, None, [*_kinds(each), _element(inner, text)])


def _organisation(texts: list[str]) -> Element:
    units = [_element("ORGUNIT", text) for text in texts[1:]]
    return Element("ORG", NS, None, [*(_element("ORGNAME", text) for text in texts[:1]), *units])
