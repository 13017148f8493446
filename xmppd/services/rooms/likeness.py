"""When two nicks look alike: what a reader cannot tell apart, in case, width, accents, scripts, invisible characters.

Of letters of other scripts that look like Latin ones those in daily use are known, Cyrillic, Greek and Armenian; the
whole list (Unicode UTS 39) has many that stand for no letter anybody writes.
"""

import unicodedata
from functools import lru_cache
from typing import Final

_DROPPED: Final = frozenset(("Mn", "Me", "Cf", "Cc", "Zs", "Zl", "Zp"))
REMEMBERED: Final = 10_000
_AS_LATIN: Final = str.maketrans(
    "авеѕіјкмнорстухһԁԛԝѵӏ" + "αβεζηικμνορτυχγω" + "օսոհց",
    "abesijkmhopctyxhdqwvl" + "abeznikmvoptuxyw" + "ounhg",
)
"""In lower case; each as it looks there, or in capitals where that is closer."""


@lru_cache(maxsize=REMEMBERED)
def likeness(nick: str) -> str:
    """Give what nicks that look alike have in common; the nick itself where nothing would be left of it."""
    if nick.isascii():
        return nick.casefold().replace(" ", "") or nick
    decomposed = unicodedata.normalize("NFKD", nick).casefold()
    kept = [
        char
        for char in unicodedata.normalize("NFKD", decomposed)
        if unicodedata.category(char) not in _DROPPED
    ]
    return "".join(kept).translate(_AS_LATIN) or nick
