"""Domain names of hosts and components as XMPP wants them written (RFC 7622 3.2, RFC 5890).

A domainpart is written with U-labels, in lower case, in Unicode's normal form C and without the final dot.
DNS and certificates use A-labels (``xn--…``); a name copied from there looks right and matches no address.
"""

import ipaddress
import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import idna

A_LABEL_PREFIX = "xn--"
MAX_LABEL_BYTES = 63
MAX_NAME_BYTES = 253
"""Of the A-label form, as DNS bounds it (RFC 1035 2.3.4, without the root)."""

_BAD_ASCII = re.compile(r"[^A-Za-z0-9.\-\u0080-\U0010ffff]")
_NAMES_OF_CHARACTERS = {" ": "a space", "_": "an underscore", "\t": "a tab"}


@dataclass(frozen=True, slots=True)
class NameProblem:
    """What is wrong with a domain name."""

    kind: str
    """The gravest of the mistakes, one of ``KINDS``."""
    why: str
    """All of them in words."""
    spelling: str | None
    """How the name is to be written; None where that cannot be told."""


def check_domain(name: str) -> NameProblem | None:
    """Say what is wrong with *name* as the domain name of a host or component, None where it is right.

    IP addresses are right too, a version 6 one in brackets (RFC 7622 3.2).
    """
    if _is_address(name):
        return None
    if not name:
        return NameProblem("empty-label", "it is empty", None)
    faults = [(kind, why) for kind, test in _TESTS for why in (test(name),) if why]
    if not faults:
        return None
    return NameProblem(faults[0][0], ", ".join(why for _, why in faults), _right_spelling(name))


def _is_address(name: str) -> bool:
    with suppress(ValueError):
        if name.startswith("["):
            return name.endswith("]") and bool(ipaddress.IPv6Address(name[1:-1]))
        return bool(ipaddress.IPv4Address(name))
    return False


def _right_spelling(name: str) -> str | None:
    """Mend *name*; None where the outcome would not be a right name either."""
    with suppress(ValueError):
        return f"[{ipaddress.IPv6Address(name)}]"
    try:
        mended = _mend(_decode_again(name) or name)
    except (idna.IDNAError, UnicodeError):
        return None
    return mended if mended != name and check_domain(mended) is None else None


def _mend(name: str) -> str:
    mapped = idna.uts46_remap(name.strip(), std3_rules=False, transitional=False)
    labels = [_mend_label(label) for label in mapped.split(".") if label]
    return ".".join(labels)


def _mend_label(label: str) -> str:
    if label.startswith(A_LABEL_PREFIX):
        return idna.ulabel(label)
    return _BAD_ASCII.sub("-", label).strip("-")


def _decode_again(name: str) -> str | None:
    """UTF-8 that was read as a one-byte encoding, read right; None where it is not that."""
    for encoding in ("latin-1", "cp1252"):
        with suppress(UnicodeError):
            read_right = name.encode(encoding).decode("utf-8")
            return read_right if read_right != name else None
    return None


def _wrong_encoding(name: str) -> str | None:
    if _decode_again(name):
        return "it is UTF-8 that was read as another encoding"
    return None


def _a_label(name: str) -> str | None:
    found = [label for label in name.lower().split(".") if label.startswith(A_LABEL_PREFIX)]
    return f"'{found[0]}' is the form for DNS, XMPP addresses have the Unicode form" if found else None


def _bad_characters(name: str) -> str | None:
    found = dict.fromkeys(_BAD_ASCII.findall(name))
    if not found:
        return None
    listed = " and ".join(_NAMES_OF_CHARACTERS.get(character, repr(character)) for character in found)
    return f"it has {listed}; letters, digits, hyphens and dots are allowed"


def _empty_label(name: str) -> str | None:
    return "it has an empty part between dots" if "" in name.removesuffix(".").split(".") else None


def _trailing_dot(name: str) -> str | None:
    return "it ends in a dot" if name.endswith(".") else None


def _mixed_case(name: str) -> str | None:
    return "it is not in lower case" if name != name.lower() else None


def _not_normal(name: str) -> str | None:
    if unicodedata.is_normalized("NFC", name):
        return None
    return "it is not in Unicode's normal form C (composed characters)"


def _too_long(name: str) -> str | None:
    forms = [_ascii_form(label) for label in name.lower().split(".")]
    longest = max(forms, key=len)
    if len(longest) > MAX_LABEL_BYTES:
        return f"a part of it is {len(longest)} bytes long, {MAX_LABEL_BYTES} are allowed"
    length = len(".".join(forms).rstrip("."))
    if length > MAX_NAME_BYTES:
        return f"it is {length} bytes long, {MAX_NAME_BYTES} are allowed"
    return None


def _ascii_form(label: str) -> str:
    return label if label.isascii() else A_LABEL_PREFIX + label.encode("punycode").decode("ascii")


def _not_idna(name: str) -> str | None:
    """The rest of what IDNA 2008 forbids, of parts in which nothing else is wrong."""
    for label in name.split("."):
        try:
            if label and not _too_long(label) and not _BAD_ASCII.search(label):
                idna.alabel(unicodedata.normalize("NFC", label.lower()))
        except (idna.IDNAError, UnicodeError) as problem:
            return f"'{label}' is no valid internationalised name ({problem})"
    return None


_TESTS: tuple[tuple[str, Callable[[str], str | None]], ...] = (
    ("encoding", _wrong_encoding),
    ("a-label", _a_label),
    ("characters", _bad_characters),
    ("empty-label", _empty_label),
    ("trailing-dot", _trailing_dot),
    ("case", _mixed_case),
    ("normal-form", _not_normal),
    ("too-long", _too_long),
    ("idna", _not_idna),
)

KINDS = tuple(kind for kind, _ in _TESTS)
"""The gravest first."""
