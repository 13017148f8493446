"""Programs that visitors are shown, by the system that their browser says it runs on; and how a date is written."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple


class Program(NamedTuple):
    """A program to chat with."""

    name: str
    url: str
    systems: tuple[str, ...]

    @property
    def runs_on(self) -> str:
        """Its systems, for people."""
        return ", ".join(self.systems)


ANDROID, IOS, LINUX, MACOS, WINDOWS = "Android", "iOS", "Linux", "macOS", "Windows"
PHONES: Final = (ANDROID, IOS)
PROGRAMS: Final = (
    Program("Conversations", "https://conversations.im/", (ANDROID,)),
    Program("Cheogram", "https://cheogram.com/", (ANDROID,)),
    Program("Monal", "https://monal-im.org/", (IOS, MACOS)),
    Program("Siskin IM", "https://siskin.im/", (IOS,)),
    Program("Beagle IM", "https://beagle.im/", (MACOS,)),
    Program("Dino", "https://dino.im/", (LINUX,)),
    Program("Gajim", "https://gajim.org/", (LINUX, WINDOWS, MACOS)),
)
_MARKS: Final = (
    ("Android", ANDROID),
    ("iPhone", IOS),
    ("iPad", IOS),
    ("Windows", WINDOWS),
    ("Mac OS X", MACOS),
    ("Linux", LINUX),
)
"""In this order: a phone says of which larger system it is a kind."""
_MONTHS: Final[Mapping[str, str]] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
}


def system_of(user_agent: str) -> str:
    """Give the system that a browser says it runs on; "" for one that is unknown here."""
    return next((system for mark, system in _MARKS if mark in user_agent), "")


def programs_for(system: str) -> list[Program]:
    """Give the programs for a system; all, where it is unknown."""
    return [program for program in PROGRAMS if not system or system in program.systems]


def date_of(seconds: float, language: str) -> str:
    """Write a date (UTC) in a language."""
    date = datetime.fromtimestamp(seconds, UTC)
    month = _MONTHS[language].split()[date.month - 1]
    return f"{date.day}{'.' if language == 'de' else ''} {month} {date.year}"
