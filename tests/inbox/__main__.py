"""Many lives, each from a number: ``python -m tests.inbox FIRST COUNT [STEPS]``."""

import random
import sys
import time

from tests.inbox.world import Broken, World, random_steps

KINDS = ("plain", "counting", "resumable", "resumable", "resumable")


def live(seed: int, steps: int) -> list[str]:
    """One life."""
    chance = random.Random(seed)
    kinds = tuple(chance.choice(KINDS) for _ in range(chance.choice((1, 2, 2, 3, 4))))
    return random_steps(chance, World(kinds, has_archive=chance.random() < 0.7), steps)


def main(first: int, count: int, steps: int = 40) -> int:
    """Live them; give how many broke."""
    begun, broken = time.monotonic(), 0
    for seed in range(first, first + count):
        try:
            live(seed, steps)
        except Broken as error:
            broken += 1
            print(f"seed {seed}: {str(error).splitlines()[0]}", flush=True)
    print(
        f"{count} lives from {first}, {steps} steps each: {broken} broken, {time.monotonic() - begun:.0f} s"
    )
    return broken


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
