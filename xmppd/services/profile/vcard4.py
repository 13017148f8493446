"""The two forms of a vCard: vcard-temp (XEP-0054) and vCard 4 (XEP-0292 0.12.0, RFC 6351), and the way between them.

Rules that live here: what both can say is translated (XEP-0292 9); of what one of them cannot, that stays which stands
in it already. Photos are left to the avatars (XEP-0398).
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

from xmppd.stanza.element import Element

NS_TEMP: Final = "vcard-temp"
NS_4: Final = "urn:ietf:params:xml:ns:vcard-4.0"
HOME_WORK: Final = {"HOME": "home", "WORK": "work"}
LINES: Final = {
    **HOME_WORK,
    "VOICE": "voice",
    "FAX": "fax",
    "PAGER": "pager",
    "MSG": "text",
    "CELL": "cell",
    "VIDEO": "video",
}
"""The types of addresses and of telephones that both know, by their names in vcard-temp."""
PREFERRED: Final = "PREF"
XMPP: Final = "xmpp:"
GEO: Final = "geo:"
TEL: Final = "tel:"
PARAMETERS: Final = "parameters"


class Property(NamedTuple):
    """One property in both forms: its names, and who translates its content each way."""

    temp: str
    vcard4: str
    to_4: Callable[[Element], list[Element]]
    to_temp: Callable[[Element], list[Element | str]]


def to_vcard4(temp: Element) -> Element:
    """Give what a ``<vCard xmlns='vcard-temp'/>`` says as a vCard 4."""
    made = []
    for child in temp.elements():
        known = _BY_TEMP.get(child.name)
        content = known.to_4(child) if known is not None else []
        if known is not None and content:
            made.append(Element(known.vcard4, NS_4, None, [*_parameters(child, known), *content]))
    return Element("vcard", NS_4, None, made)


def to_vcard_temp(vcard: Element) -> Element:
    """Give what a ``<vcard/>`` of RFC 6351 says as a vcard-temp."""
    made = []
    for child in vcard.elements():
        known = _BY_4.get(child.name)
        content = known.to_temp(child) if known is not None else []
        if known is not None and content:
            made.append(Element(known.temp, NS_TEMP, None, [*_types(child, known), *content]))
    return Element("vCard", NS_TEMP, None, made)


def merged(made: Element, before: Element | None) -> Element:
    """Give *made*, with that of *before* of the same form which the other form cannot say."""
    table = _BY_TEMP if made.ns == NS_TEMP else _BY_4
    kept = [] if before is None else [child for child in before.elements() if child.name not in table]
    return Element(made.name, made.ns, None, [*made.children, *kept])


# -- types: elements in vcard-temp, parameters in vCard 4 -------------------------------------------------------------


def _types_of(known: Property) -> dict[str, str]:
    return LINES if known.temp == "TEL" else HOME_WORK if known.temp in ("ADR", "EMAIL") else {}


def _parameters(child: Element, known: Property) -> list[Element]:
    names = [name for temp, name in _types_of(known).items() if child.child(temp) is not None]
    made = []
    if names:
        made.append(Element("type", NS_4, None, [_of_4("text", name) for name in names]))
    if _types_of(known) and child.child(PREFERRED) is not None:
        made.append(Element("pref", NS_4, None, [_of_4("integer", "1")]))
    return [Element(PARAMETERS, NS_4, None, made)] if made else []


def _types(child: Element, known: Property) -> list[Element]:
    parameters = child.child(PARAMETERS)
    if parameters is None:
        return []
    type = parameters.child("type")
    told = {each.text.strip().lower() for each in type.elements()} if type is not None else set()
    made = [Element(temp, NS_TEMP) for temp, name in _types_of(known).items() if name in told]
    if _types_of(known) and parameters.child("pref") is not None:
        made.append(Element(PREFERRED, NS_TEMP))
    return made


# -- content ----------------------------------------------------------------------------------------------------------


def _of_4(name: str, text: str) -> Element:
    return Element(name, NS_4, None, [text] if text else [])


def _of_temp(name: str, text: str) -> Element:
    return Element(name, NS_TEMP, None, [text] if text else [])


def _values(child: Element) -> Iterator[str]:
    """The values of a property of vCard 4, whatever their type, without empty ones."""
    for each in child.elements():
        if each.name != PARAMETERS and each.text.strip():
            yield each.text.strip()


def _plain(temp: str, vcard4: str, kind: str = "text") -> Property:
    """A property that is one text."""

    def to_4(child: Element) -> list[Element]:
        return [_of_4(kind, child.text.strip())] if child.text.strip() else []

    def to_temp(child: Element) -> list[Element | str]:
        return list[Element | str](_values(child))[:1]

    return Property(temp, vcard4, to_4, to_temp)


def _parts(temp: str, vcard4: str, names: Sequence[tuple[str, str]]) -> Property:
    """A property of several named parts, each once; those of vCard 4 are all there, in their order (RFC 6351)."""

    def to_4(child: Element) -> list[Element]:
        texts = [(child.child_text(name) or "").strip() for name, _ in names]
        return [_of_4(new, text) for (_, new), text in zip(names, texts, strict=True)] if any(texts) else []

    def to_temp(child: Element) -> list[Element | str]:
        return [_of_temp(old, text) for old, new in names if (text := (child.child_text(new) or "").strip())]

    return Property(temp, vcard4, to_4, to_temp)


def _inner(temp: str, vcard4: str, inner: str, prefix: str = "") -> Property:
    """A property whose text stands in one element in vcard-temp, such as ``<EMAIL><USERID/></EMAIL>``."""

    def to_4(child: Element) -> list[Element]:
        text = (child.child_text(inner) or "").strip()
        return [_of_4("text", text)] if text else []

    def to_temp(child: Element) -> list[Element | str]:
        return [_of_temp(inner, text.removeprefix(prefix)) for text in [*_values(child)][:1]]

    return Property(temp, vcard4, to_4, to_temp)


def _address_to_4(child: Element) -> list[Element]:
    text = child.text.strip()
    return [_of_4("uri", XMPP + text)] if text else []


def _address_to_temp(child: Element) -> list[Element | str]:
    found = (text.removeprefix(XMPP) for text in _values(child) if text.startswith(XMPP))
    return list[Element | str](found)[:1]


def _place_to_4(child: Element) -> list[Element]:
    latitude, longitude = ((child.child_text(name) or "").strip() for name in ("LAT", "LON"))
    return [_of_4("uri", f"{GEO}{latitude},{longitude}")] if latitude and longitude else []


def _place_to_temp(child: Element) -> list[Element | str]:
    for text in _values(child):
        latitude, comma, longitude = text.removeprefix(GEO).partition(";")[0].partition(",")
        if text.startswith(GEO) and comma:
            return [_of_temp("LAT", latitude), _of_temp("LON", longitude.partition(",")[0])]
    return []


def _list_to_4(child: Element) -> list[Element]:
    return [_of_4("text", each.text.strip()) for each in child.elements() if each.text.strip()]


def _unit_to_temp(child: Element) -> list[Element | str]:
    return [_of_temp("ORGUNIT" if number else "ORGNAME", text) for number, text in enumerate(_values(child))]


def _keywords_to_temp(child: Element) -> list[Element | str]:
    return [_of_temp("KEYWORD", text) for text in _values(child)]


_NAME: Final = (
    ("FAMILY", "surname"),
    ("GIVEN", "given"),
    ("MIDDLE", "additional"),
    ("PREFIX", "prefix"),
    ("SUFFIX", "suffix"),
)
_ADDRESS: Final = (
    ("POBOX", "pobox"),
    ("EXTADD", "ext"),
    ("STREET", "street"),
    ("LOCALITY", "locality"),
    ("REGION", "region"),
    ("PCODE", "code"),
    ("CTRY", "country"),
)
PROPERTIES: Final = (
    _plain("FN", "fn"),
    _parts("N", "n", _NAME),
    _plain("NICKNAME", "nickname"),
    _plain("BDAY", "bday", "date"),
    _parts("ADR", "adr", _ADDRESS),
    _inner("TEL", "tel", "NUMBER", TEL),
    _inner("EMAIL", "email", "USERID"),
    Property("JABBERID", "impp", _address_to_4, _address_to_temp),
    _plain("TZ", "tz"),
    Property("GEO", "geo", _place_to_4, _place_to_temp),
    _plain("TITLE", "title"),
    _plain("ROLE", "role"),
    Property("ORG", "org", _list_to_4, _unit_to_temp),
    Property("CATEGORIES", "categories", _list_to_4, _keywords_to_temp),
    _plain("NOTE", "note"),
    _plain("REV", "rev", "timestamp"),
    _plain("UID", "uid", "uri"),
    _plain("URL", "url", "uri"),
)
_BY_TEMP: Final = {each.temp: each for each in (*PROPERTIES, _plain("DESC", "note"))}
_BY_4: Final = {each.vcard4: each for each in PROPERTIES}
