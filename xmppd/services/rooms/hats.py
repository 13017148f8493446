"""Hats: XEP-0317 0.3.1; which there are in a room, and who wears which. Values that do not change: a change is another.

Everything that grows has a bound here, so that all of it is one small value in the store.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

MAX_HATS: Final = 100
MAX_WORN: Final = 10
"""Of one account."""
MAX_WEARERS: Final = 1_000
MAX_TITLE, MAX_URI = 100, 500


class Hat(NamedTuple):
    """One hat, whose URI is its name."""

    title: str
    hue: str = ""
    """An angle from 0 to 360, as it was written; empty where there is none."""


class TooMany(ValueError):
    """There is no place for one more."""


@dataclass(frozen=True, slots=True)
class Hats:
    """All hats of a room."""

    known: Mapping[str, Hat] = field(default_factory=dict)
    """By URI."""
    worn: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The URIs of who wears any, by bare JID."""

    def made(self, uri: str, hat: Hat) -> "Hats":
        """Give them with one more, or with another in the place of the one that has this URI; `TooMany`."""
        if uri not in self.known and len(self.known) >= MAX_HATS:
            raise TooMany(f"A room has at most {MAX_HATS} hats")
        return Hats({**self.known, uri: hat}, self.worn)

    def destroyed(self, uri: str) -> "Hats":
        """Give them without one, which nobody wears then."""
        known = {key: hat for key, hat in self.known.items() if key != uri}
        worn = {jid: tuple(each for each in uris if each != uri) for jid, uris in self.worn.items()}
        return Hats(known, {jid: uris for jid, uris in worn.items() if uris})

    def assigned(self, jid: str, uri: str) -> "Hats":
        """Give them where a bare JID wears one more; `TooMany`."""
        before = self.worn.get(jid, ())
        if uri in before:
            return self
        if len(before) >= MAX_WORN or (not before and len(self.worn) >= MAX_WEARERS):
            raise TooMany(f"At most {MAX_WEARERS} accounts wear hats in a room, and at most {MAX_WORN} each")
        return Hats(self.known, {**self.worn, jid: (*before, uri)})

    def unassigned(self, jid: str, uri: str) -> "Hats":
        """Give them where a bare JID does not wear this one."""
        left = tuple(each for each in self.worn.get(jid, ()) if each != uri)
        others = {key: uris for key, uris in self.worn.items() if key != jid}
        return Hats(self.known, {**others, jid: left} if left else others)

    def of(self, jid: str) -> list[tuple[str, Hat]]:
        """Give what a bare JID wears, in the order in which it was given."""
        return [(uri, self.known[uri]) for uri in self.worn.get(jid, ())]

    @property
    def digest(self) -> str:
        """A text that is another when there are other hats; empty where there are none."""
        if not self.known:
            return ""
        listed = "\n".join(f"{uri}\t{hat.title}\t{hat.hue}" for uri, hat in sorted(self.known.items()))
        return hashlib.sha256(listed.encode()).hexdigest()


NO_HATS: Final = Hats()


def to_mapping(hats: Hats) -> dict[str, Any]:
    """Give what is fit for JSON: each hat is written once, and named by its number."""
    numbers = {uri: number for number, uri in enumerate(hats.known)}
    return {
        "known": [[uri, *hat] for uri, hat in hats.known.items()],
        "worn": {jid: [numbers[uri] for uri in uris] for jid, uris in hats.worn.items()},
    }


def from_mapping(data: Mapping[str, Any]) -> Hats:
    """Read what `to_mapping` gave; ValueError, KeyError, TypeError or IndexError for what is none of it."""
    known = {uri: Hat(title, hue) for uri, title, hue in data["known"]}
    uris = list(known)
    return Hats(known, {jid: tuple(uris[number] for number in worn) for jid, worn in data["worn"].items()})
