"""Addresses (RFC 7622): parsing, preparation and the bounded cache of those that were prepared lately.

Localparts go by the PRECIS profile UsernameCaseMapped (RFC 8265 3.3) and the characters of
RFC 7622 3.3.1, resourceparts by OpaqueString (RFC 8265 4.2), domainparts by IDNA2008 with the mapping
of UTS 46, or they are IP literals.
"""

import re
import stringprep
import unicodedata
from functools import cache
from ipaddress import AddressValueError, IPv6Address
from typing import Final

import idna
import precis_i18n

__all__ = [
    "JID",
    "InvalidJID",
    "forget_prepared",
    "prepare_domainpart",
    "prepare_localpart",
    "prepare_resourcepart",
    "stringprep_disagrees",
    "why_invalid",
]

PART_BYTES: Final = 1023  # RFC 7622 3.2, 3.3, 3.4
LABEL_BYTES: Final = 63  # RFC 1035 2.3.4
NAME_CHARS: Final = 253
"""A name in DNS has no more, written out (RFC 1035 2.3.4), and an A-label is never shorter than its U-label."""
SHORT_CHARS: Final = 8
"""The A-label of so many characters fits into any case: none of them takes more than seven."""
CACHE_SIZE: Final = 20_000
LONG_CHARS: Final = 256
LONG_CACHE_SIZE: Final = 500
"""Of longer addresses fewer are kept: they may have 3 kB, and all of them many times that."""

_FORBIDDEN_IN_LOCALPART: Final = re.compile("[\"&'/:<>@]")  # RFC 7622 3.3.1
_ASCII_LOCALPART: Final = re.compile(r"[!#-%(-.0-9;=?A-Z\[-~]{1,1023}")
_ASCII_DOMAINPART: Final = re.compile(
    r"(?!(?:.*\.)?xn--)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
_ASCII_RESOURCEPART: Final = re.compile(r"[ -~]{1,1023}")
_OF_THE_WHOLE: Final = re.compile("[\u0660-\u0669\u06f0-\u06f9\u30fb]")
"""Whether these may stand in a text is asked of all its characters (RFC 5892 A.7 to A.9)."""
_A_LABEL: Final = "xn--"
_STAND_IN: Final = {chr(0x660 + each): "\U00010d30" for each in range(10)} | {
    chr(0x6F0 + each): "0" for each in range(10)
}
"""Digits of which no label may have both kinds (RFC 5892 A.8, A.9), each with one of its bidirectional class."""
_ASKED_DIGIT: Final = re.compile("[\u0660-\u0669\u06f0-\u06f9]")
_NODEPREP_FORBIDDEN: Final = frozenset("\"&'/:<>@")  # RFC 3920 A.5
_NODEPREP_TABLES: Final = (
    stringprep.in_table_a1,
    stringprep.in_table_c11_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


class InvalidJID(ValueError):
    """Text that is no address (RFC 7622); at the wire, jid-malformed."""


class JID:
    """An address whose parts are prepared. Immutable; equal where the full text is equal."""

    __slots__ = ("bare", "domainpart", "full", "localpart", "resourcepart")

    def __init__(self, local: str | None, domain: str, resource: str | None) -> None:
        """Takes parts that are already prepared, without any check; others call `parse`."""
        self.localpart = local
        self.domainpart = domain
        self.resourcepart = resource
        self.bare = domain if local is None else f"{local}@{domain}"
        self.full = self.bare if resource is None else f"{self.bare}/{resource}"

    @staticmethod
    def parse(text: str) -> "JID":
        """The address that *text* means, from the cache where possible. Raises InvalidJID."""
        jid = _CACHE.get(text)
        if jid is None:
            cache, size = (_CACHE, CACHE_SIZE) if len(text) <= LONG_CHARS else (_LONG_CACHE, LONG_CACHE_SIZE)
            jid = cache.get(text)
            if jid is None:
                jid = _parse(text)
                _remember(text, jid, cache, size)
        return jid

    @staticmethod
    def of_prepared(text: str) -> "JID":
        """The address whose `full` *text* is, as it was kept: nothing is prepared again, however many there are."""
        address, slash, resource = text.partition("/")
        local, at, domain = address.rpartition("@")
        return JID(local if at else None, domain, resource if slash else None)

    @property
    def is_bare(self) -> bool:
        """Whether there is no resourcepart."""
        return self.resourcepart is None

    def with_resource(self, resource: str | None) -> "JID":
        """The same account or host with a resourcepart that is already prepared, or with none."""
        return JID(self.localpart, self.domainpart, resource)

    def __eq__(self, other: object) -> bool:
        return self.full == other.full if isinstance(other, JID) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.full)

    def __str__(self) -> str:
        return self.full

    def __repr__(self) -> str:
        return f"JID({self.full!r})"


_CACHE: Final[dict[str, JID]] = {}
"""Bounded by CACHE_SIZE; a memory of a pure function, the only module-level state of this package."""
_LONG_CACHE: Final[dict[str, JID]] = {}
"""The same for addresses longer than LONG_CHARS."""


def forget_prepared() -> None:
    """Empty the cache: what it remembers costs memory and is found again when it is needed."""
    _CACHE.clear()
    _LONG_CACHE.clear()


def prepare_localpart(text: str) -> str:
    """*text* as a localpart (RFC 7622 3.3). Raises InvalidJID."""
    if _ASCII_LOCALPART.fullmatch(text):
        return text.lower()
    _check_size(text, "localpart")
    try:
        prepared = _enforced("UsernameCaseMapped", text)
    except ValueError as error:
        raise InvalidJID(f"localpart not allowed: {error}") from None
    if forbidden := _FORBIDDEN_IN_LOCALPART.search(prepared):
        raise InvalidJID(f"localpart with {forbidden[0]!r}, which RFC 7622 3.3.1 forbids")
    _check_size(prepared, "localpart")
    return prepared


def prepare_domainpart(text: str) -> str:
    """*text* as a domainpart (RFC 7622 3.2): U-labels, lower case, no trailing dot. Raises InvalidJID."""
    if len(text) <= PART_BYTES:
        domain = text.lower().removesuffix(".")
        if _ASCII_DOMAINPART.fullmatch(domain):
            return domain
    _check_size(text, "domainpart")
    if text[0] == "[":
        return _prepare_ipv6(text)
    try:
        mapped = idna.uts46_remap(text, std3_rules=True, transitional=False).removesuffix(".")
        if len(mapped) > NAME_CHARS:
            raise InvalidJID(f"a domainpart with more than {NAME_CHARS} characters is no name in DNS")
        prepared = ".".join([_prepare_label(label) for label in mapped.split(".")])
    except (idna.IDNAError, UnicodeError, ValueError) as error:
        raise InvalidJID(f"domainpart not allowed: {error}") from None
    _check_size(prepared, "domainpart")
    return prepared


def prepare_resourcepart(text: str) -> str:
    """*text* as a resourcepart (RFC 7622 3.4). Raises InvalidJID."""
    if _ASCII_RESOURCEPART.fullmatch(text):
        return text
    _check_size(text, "resourcepart")
    try:
        prepared = _enforced("OpaqueString", text)
    except ValueError as error:
        raise InvalidJID(f"resourcepart not allowed: {error}") from None
    _check_size(prepared, "resourcepart")
    return prepared


def stringprep_disagrees(localpart: str) -> bool:
    """Whether Nodeprep (RFC 3920 A) refuses *localpart* or makes another name of it than RFC 7622 does.

    Two servers of different age would not agree who bears such a name, so no account is made with it.
    Raises InvalidJID where RFC 7622 itself refuses it.
    """
    return _nodeprep(localpart) != prepare_localpart(localpart)


def why_invalid(error: InvalidJID) -> str:
    """Name the character that is wrong, where it is one; the profiles of PRECIS say it in their own jargon."""
    cause = error.__context__
    if not isinstance(cause, UnicodeEncodeError):
        return str(error)
    character = cause.object[cause.start]
    return f"it has {character!r} ({unicodedata.name(character, 'a control character').lower()})"


def _parse(text: str) -> JID:
    """RFC 7622 3.1: the resourcepart begins at the first slash, the domainpart behind the at-sign."""
    address, slash, resource = text.partition("/")
    local, at, domain = address.rpartition("@")
    if (at and not local) or (slash and not resource):
        raise InvalidJID("an empty part before '@' or behind '/'")
    return JID(
        prepare_localpart(local) if at else None,
        prepare_domainpart(domain),
        prepare_resourcepart(resource) if slash else None,
    )


def _remember(text: str, jid: JID, cache: dict[str, JID], size: int) -> None:
    if len(cache) >= size:
        for old in list(cache)[: size // 2]:
            del cache[old]
    cache[text] = jid


@cache
def _profile(name: str) -> precis_i18n.profile.Profile:
    """A PRECIS profile; its tables are loaded at the first name that is not plain ASCII."""
    return precis_i18n.get_profile(name)


def _enforced(name: str, text: str) -> str:
    """*text* by the PRECIS profile *name*; ValueError where it refuses it. What `Profile.enforce` does, in linear time.

    For each character of `_OF_THE_WHOLE` it would look at the whole text, with the same outcome each time.
    """
    profile, seen = _profile(name), set[str]()
    prepared = profile.idempotence_check(profile.apply_five_rules(text))

    def once(found: re.Match[str]) -> str:
        if found[0] in seen:
            return "0"  # as neutral to its neighbours as what it stands for, and no rule asks about it
        seen.add(found[0])
        return found[0]

    profile.base.enforce(_OF_THE_WHOLE.sub(once, prepared), name)
    return prepared


def _check_size(text: str, part: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise InvalidJID(f"{part} is not Unicode text") from None
    if not 0 < size <= PART_BYTES:
        raise InvalidJID(f"{part} is empty or longer than {PART_BYTES} bytes")


def _prepare_ipv6(text: str) -> str:
    if text[-1] != "]" or "%" in text:  # a zone means something on one machine only
        raise InvalidJID("not an IP literal")
    try:
        return f"[{IPv6Address(text[1:-1]).compressed}]"
    except AddressValueError as error:
        raise InvalidJID(f"not an IP literal: {error}") from None


def _prepare_label(label: str) -> str:
    """Give the U-label of a label of either kind, what `idna.ulabel` does, in linear time (RFC 5891 5.3, 5.4).

    For each of the digits in `_STAND_IN` it would look at the whole label, with the same outcome each time.
    """
    too_long = f"a label of the domainpart is longer than {LABEL_BYTES} bytes"
    if len(label) > LABEL_BYTES:  # its A-label is no shorter
        raise InvalidJID(too_long)
    is_a_label = label.startswith(_A_LABEL)
    if label.isascii() and not is_a_label:
        return idna.ulabel(label)
    u_label = label.removeprefix(_A_LABEL).encode("ascii").decode("punycode") if is_a_label else label
    idna.check_label(_with_each_digit_once(u_label))
    if is_a_label:
        if u_label.isascii() or _A_LABEL + _punycode(u_label) != label:
            raise InvalidJID(f"{label} is no A-label")
    elif len(u_label) > SHORT_CHARS and len(_A_LABEL) + len(_punycode(u_label)) > LABEL_BYTES:
        raise InvalidJID(too_long)
    return u_label


def _punycode(text: str) -> str:
    return text.encode("punycode").decode("ascii")


def _with_each_digit_once(label: str) -> str:
    """Put others in for digits that are there already: the same to the Bidi Rule, and asked about nothing."""
    seen = set[str]()

    def once(found: re.Match[str]) -> str:
        digit = found[0]
        if digit in seen:
            return _STAND_IN[digit]
        seen.add(digit)
        return digit

    return _ASKED_DIGIT.sub(once, label)


def _nodeprep(text: str) -> str | None:
    """RFC 3920 A, or None where it refuses *text*."""
    mapped = "".join([stringprep.map_table_b2(char) for char in text if not stringprep.in_table_b1(char)])
    prepared = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    for char in prepared:
        if char in _NODEPREP_FORBIDDEN or any(table(char) for table in _NODEPREP_TABLES):
            return None
    return prepared if prepared and _is_bidi_fit(prepared) else None


def _is_bidi_fit(text: str) -> bool:
    """RFC 3454 6: right-to-left text begins and ends so, and has no left-to-right characters."""
    if not any(stringprep.in_table_d1(char) for char in text):
        return True
    if any(stringprep.in_table_d2(char) for char in text):
        return False
    return stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])
