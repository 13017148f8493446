"""Whose messages an account wants in its archive: XEP-0441 0.2.0."""

import json
from typing import Final, NamedTuple

from xmppd.stanza.jid import JID

STORE: Final = "archive_preferences"
DEFAULTS: Final = frozenset(("always", "never", "roster"))


class Preferences(NamedTuple):
    """What an account has chosen; `default` is "" where it has not."""

    default: str = ""
    always: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    def listed(self, jid: JID) -> bool | None:
        """Whether the lists say that messages with *jid* are archived; None where they say nothing.

        A full JID that is listed counts before its bare one (XEP-0441 2.3.1), "never" before "always".
        """
        for text in (jid.full, jid.bare):
            if text in self.never:
                return False
            if text in self.always:
                return True
        return None


NO_PREFERENCES: Final = Preferences()


def encode(preferences: Preferences) -> bytes:
    """Write preferences for the storage."""
    default, always, never = preferences
    return json.dumps({"default": default, "always": sorted(always), "never": sorted(never)}).encode()


def decode(data: bytes | None) -> Preferences:
    """Read what `encode` wrote. Raises ValueError."""
    if data is None:
        return NO_PREFERENCES
    try:
        stored = json.loads(data)
        return Preferences(stored["default"], frozenset(stored["always"]), frozenset(stored["never"]))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not preferences: {error!r}") from error
