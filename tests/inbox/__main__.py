"""Many lives, each from a number: ``python -m tests.inbox FIRST COUNT [STEPS]``."""

import sys
import time

from tests.inbox.lives import live, quick_passwords
from tests.inbox.world import Broken


def main(first: int, count: int, steps: int = 40) -> int:
    """Live them; give how many broke."""
    begun, broken = time.monotonic(), 0
    with quick_passwords():
        for seed in range(first, first + count):
            try:
                live(seed, steps)
            except Exception as error:  # noqa: BLE001  # what goes wrong in another way is one as well
                broken += 1
                what = str(error).partition("\n")[0] if isinstance(error, Broken) else repr(error)
                print(f"seed {seed}: {what}", flush=True)
    print(
        f"{count} lives from {first}, {steps} steps each: {broken} broken, {time.monotonic() - begun:.0f} s"
    )
    return broken


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])) > 0)
