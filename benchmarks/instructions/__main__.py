"""``python -m benchmarks.instructions``: what a message, a ping, a login and a copy of a presence cost.

With ``--against FOLDER`` the same of another checkout, and the ratio: for who wants to know on a busy machine whether a
change has made anything dearer.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.instructions.counting import TIMES, CannotCount, cost, missing


def main(arguments: list[str]) -> int:
    """Print a line for each case; the status is 1 where one could not be counted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(TIMES)} (default: all)")
    parser.add_argument("--against", type=Path, metavar="FOLDER", help="another checkout of this project")
    options = parser.parse_args(arguments)
    for unknown in set(options.cases) - set(TIMES):
        parser.error(f"there is no case {unknown}")
    if why := missing():
        print(f"skipped: {why}")
        return 0
    try:
        for case in options.cases or TIMES:
            print(line(case, options.against), flush=True)
    except CannotCount as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def line(case: str, other: Path | None) -> str:
    """Count one case, here and in *other*."""
    here = cost(case)
    text = f"{case:12}{here:12,.0f} instructions"
    if other is None:
        return text
    there = cost(case, other.resolve())
    return f"{text}, {here / there:.3f} times those of {other} ({there:,.0f})"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
