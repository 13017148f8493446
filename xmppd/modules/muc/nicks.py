"""Which nicks can be had (XEP-0045 14.1)."""

import unicodedata

from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import InvalidJID, prepare_resourcepart


def read_nick(text: str, max_chars: int) -> str:
    """Give a nick as it is used, prepared; not-acceptable for what cannot be one."""
    try:
        nick = prepare_resourcepart(text)
    except InvalidJID as error:
        raise StanzaError("not-acceptable", str(error)) from error
    check_nick(nick, max_chars)
    return nick


def check_nick(nick: str, max_chars: int) -> None:
    """Raise not-acceptable for a nick that is too long, or of which nothing is to be seen."""
    if len(nick) > max_chars:
        raise StanzaError("not-acceptable", f"A nick has at most {max_chars} characters")
    if not any(_is_visible(char) for char in nick):
        raise StanzaError("not-acceptable", "Nothing is to be seen of this nick")


def _is_visible(char: str) -> bool:
    return not char.isspace() and unicodedata.category(char) not in ("Cf", "Cc", "Zs", "Zl", "Zp", "Mn")
