"""SASLprep (RFC 4013): the one spelling of a user name or password that both sides of SASL compute with.

It is the stringprep profile (RFC 3454) on Unicode 3.2, as SCRAM demands (RFC 5802 2.2), and not the newer
PRECIS (RFC 8265), so that keys made by other servers fit.
"""

import stringprep
from unicodedata import ucd_3_2_0

_PROHIBITED = (
    stringprep.in_table_c12,  # non-ASCII space
    stringprep.in_table_c21_c22,  # control characters
    stringprep.in_table_c3,  # private use
    stringprep.in_table_c4,  # non-characters
    stringprep.in_table_c5,  # surrogates
    stringprep.in_table_c6,  # inappropriate for plain text
    stringprep.in_table_c7,  # inappropriate for canonical representation
    stringprep.in_table_c8,  # change display properties
    stringprep.in_table_c9,  # tagging
)
"""RFC 4013 2.3."""


def saslprep(text: str, *, allow_unassigned: bool = False) -> str:
    """*text* prepared by RFC 4013; what is left may be empty.

    *allow_unassigned* lets characters pass that Unicode 3.2 did not know: a "query" of RFC 3454 7.
    ValueError if *text* has prohibited characters or mixes the directions of writing in a wrong way.
    """
    if text.isascii() and text.isprintable():
        return text
    prepared = ucd_3_2_0.normalize("NFKC", "".join(map(_mapped, text)))
    for character in prepared:
        if any(is_prohibited(character) for is_prohibited in _PROHIBITED):
            raise ValueError(f"character U+{ord(character):04X} is prohibited (RFC 4013 2.3)")
        if not allow_unassigned and stringprep.in_table_a1(character):
            raise ValueError(f"character U+{ord(character):04X} is unassigned in Unicode 3.2 (RFC 4013 2.5)")
    _check_bidirectional(prepared)
    return prepared


def _mapped(character: str) -> str:
    """RFC 4013 2.1."""
    if stringprep.in_table_c12(character):
        return " "
    return "" if stringprep.in_table_b1(character) else character


def _check_bidirectional(text: str) -> None:
    """RFC 3454 6: right-to-left letters stand at both ends, with no left-to-right one between, or nowhere."""
    if not any(map(stringprep.in_table_d1, text)):
        return
    if any(map(stringprep.in_table_d2, text)):
        raise ValueError("right-to-left and left-to-right letters are mixed (RFC 4013 2.4)")
    if not (stringprep.in_table_d1(text[0]) and stringprep.in_table_d1(text[-1])):
        raise ValueError("a right-to-left text must begin and end with a right-to-left letter (RFC 4013 2.4)")
