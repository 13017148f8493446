"""``python -m benchmarks.soak --minutes 30``: prints what happened; the status is 1 where something should not have."""

import argparse
import sys

from benchmarks.soak.run import soak


def main() -> int:
    """Run one soak."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long (default 30)")
    parser.add_argument("--crowd", type=int, default=60, help="clients at the same time (default 60)")
    parser.add_argument("--chance", type=int, default=1, help="the seed of what they do")
    options = parser.parse_args()
    report = soak(options.minutes * 60, options.crowd, options.chance)
    print(report.text())
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())
