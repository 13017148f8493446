"""When two nicks look alike: what a reader cannot tell apart, in case, width, accents and invisible characters."""

import unicodedata
from functools import lru_cache
from typing import Final

_DROPPED: Final = frozenset(("Mn", "Me", "Cf", "Cc", "Zs", "Zl", "Zp"))
REMEMBERED: Final = 10_000


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
    return "".join(kept) or nick
