"""Random lives: what happens, how often, and with what, as a table; each life from a number."""

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest.mock import patch

from tests.inbox.device import KINDS
from tests.inbox.sender import HINTS
from tests.inbox.world import CARBONS, MAX_S, SLOW_DISK_S, Broken, World

ARCHIVE: Final = "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>"
NURSE: Final = -1
TIMES: Final = (1, 1, 1, 1, 2, 2, 3, 5, 7, 10, 20, 110)
KIND_WEIGHTS: Final = {"chat": 6, "normal": 2}
MESSAGES: Final = tuple(kind for kind in HINTS for _ in range(KIND_WEIGHTS.get(kind, 1)))
SECONDS: Final = (0.0, 0.0, 0.05, 0.1, 0.3, 2.0, MAX_S + 1.0)
DELAYS: Final = (
    (0.0, 0.0),
    (SLOW_DISK_S, 0.0),
    (SLOW_DISK_S, 0.0),
    (0.0, SLOW_DISK_S),
    (SLOW_DISK_S, SLOW_DISK_S),
)
FAULTS: Final = ((False, False), (False, False), (False, False), (True, False), (False, True))
TEXTS: Final = (
    "<presence/>",
    "<presence/>",
    "<presence><priority>5</priority></presence>",
    "<presence><priority>-1</priority></presence>",
    "<presence type='unavailable'/>",
    CARBONS.format("enable"),
    CARBONS.format("disable"),
    ARCHIVE,
    "<inactive xmlns='urn:xmpp:csi:0'/>",
    "<active xmlns='urn:xmpp:csi:0'/>",
)
FIRST_TEXTS: Final = ("", "<presence/>", CARBONS.format("enable") + "<presence/>", ARCHIVE + "<presence/>")


@contextmanager
def quick_passwords() -> Iterator[None]:
    """Keys are derived from passwords in one step: half of the time of a short life would go into that."""

    def derived(name: str, password: bytes, salt: bytes, iterations: int) -> bytes:
        return hashlib.new(name, salt + password).digest()

    with patch.object(hashlib, "pbkdf2_hmac", derived):
        yield


def live(seed: int, steps: int) -> list[str]:
    """Live one life; give what has happened."""
    chance = random.Random(seed)
    kinds = tuple(
        chance.choice((*KINDS, "resumable", "resumable")) for _ in range(chance.choice((1, 2, 2, 3, 4)))
    )
    nurses = chance.choice((0, 0, 1)) if len(kinds) > 1 else 0
    return random_steps(chance, World(kinds, has_archive=chance.random() < 0.7, nurses=nurses), steps)


def random_steps(chance: random.Random, world: World, steps: int) -> list[str]:
    """Let *steps* things happen; give what that was."""
    told: list[str] = []
    try:
        for _ in range(steps):
            name, args = _choose(chance, world)
            told.append(f"world.{name}({', '.join(map(repr, args))})")
            getattr(world, name)(*args)
        told.append("world.finish()")
        world.finish()
    except Broken as broken:
        raise Broken(f"{broken}\n" + "\n".join(told)) from None
    return told


def _choose(chance: random.Random, world: World) -> tuple[str, tuple[Any, ...]]:
    device = chance.randrange(len(world.devices))
    is_there = world.devices[device].is_connected
    what = chance.random()
    if what < 0.35:
        to = chance.choice((None, None, None, device, device, NURSE))
        return "say", (chance.choice(MESSAGES), to, chance.choice(TIMES))
    if what < 0.45:
        return "time", (chance.choice(SECONDS),)
    if what < 0.55:
        return "acknowledge", (device,)
    if what < 0.60:
        return "slow", (device, chance.random() < 0.5)
    if what < 0.63:
        return "slow_disk", chance.choice(DELAYS)
    if what < 0.645:
        return "broken_disk", chance.choice(FAULTS)
    if what < 0.66:
        return "kill", ()
    if what < 0.665:
        return "restart", ()
    if what < 0.675:
        return "sender", ()
    if not is_there:
        return "connect", (device, chance.random() < 0.2, chance.choice(FIRST_TEXTS))
    if what < 0.75:
        return chance.choice((("lose", (device,)), ("lose", (device,)), ("leave", (device,))))
    return "send", (device, chance.choice(TEXTS))
