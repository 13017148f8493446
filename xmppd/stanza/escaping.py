"""JID escaping (XEP-0106 1.1): names that a localpart cannot carry, written so that it can."""

import re
from typing import Final

_FORBIDDEN: Final = " \"&'/:<>@\\"
_ESCAPED: Final = {char: f"\\{ord(char):02x}" for char in _FORBIDDEN}
_UNESCAPED: Final = {code: char for char, code in _ESCAPED.items()}
_CODES: Final = "|".join(re.escape(code) for code in _UNESCAPED)
_TO_ESCAPE: Final = re.compile(rf"[ \"&'/:<>@]|\\(?={'|'.join(code[1:] for code in _UNESCAPED)})")
_TO_UNESCAPE: Final = re.compile(_CODES)


def escape_localpart(text: str) -> str:
    """*text* with the ten characters as escape sequences (XEP-0106 4.2).

    A backslash is escaped only where it would begin an escape sequence. Blanks at either end, which
    the XEP forbids, raise ValueError.
    """
    if text != text.strip(" "):
        raise ValueError("a name to escape cannot begin or end with a blank")
    return _TO_ESCAPE.sub(lambda found: _ESCAPED[found[0]], text)


def unescape_localpart(localpart: str) -> str:
    """What a human reader should see for *localpart* (XEP-0106 4.3); never for comparing or routing."""
    return _TO_UNESCAPE.sub(lambda found: _UNESCAPED[found[0]], localpart)
