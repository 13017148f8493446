"""Instructions of one piece of work, by valgrind: those of many times less those of a few, and so without the start.

They are the same within some 0.1 % whatever else the machine does. What they do not know is the kernel, caches and
what a branch costs: they tell whether the code has become dearer, not how long it takes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ROOT = Path(__file__).parent.parent.parent
WORK = Path(__file__).parent / "work.py"
VALGRIND: Final = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
COUNTED = re.compile(r"\bI +refs: +([\d,]+)")
RUNS: Final = 2
FEW: Final = 10
"""What is taken off is done so many times less."""
TIMES: Final = {
    "message": 6_000,
    "ping": 6_000,
    "login": 60,
    "presence": 10_000,
    "remote": 6_000,
    "remote-kept": 6_000,
    "message-pep": 6_000,
    "login-pep": 60,
}
"""So often each is done: enough for the interpreter to have specialised what it runs."""
LIMIT_S: Final = 900.0


class CannotCount(Exception):
    """The work could not be done, or valgrind did not count it; the text says why."""


def missing() -> str:
    """Say why nothing can be counted here; empty where it can."""
    return "" if shutil.which(VALGRIND[0]) else "valgrind is not installed"


def cost(case: str, tree: Path = ROOT) -> float:
    """Give the instructions of one piece of work with the package of *tree*. Takes a minute; `CannotCount`."""
    many = TIMES[case]
    few = many // FEW
    of_few, of_many = counted(_run(case, (few, many), tree))
    return (of_many - of_few) / (many - few)


def counted(said: str) -> tuple[int, int]:
    """Find in what valgrind says the counts of both runs, which end before the process that they were forked off."""
    found = [int(each.replace(",", "")) for each in COUNTED.findall(said)]
    if len(found) != RUNS + 1:
        raise CannotCount(f"valgrind has not counted: {said[-300:]}")
    return found[0], found[1]


def _run(case: str, times: Iterable[int], tree: Path) -> str:
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "",
    }
    command = [*VALGRIND, sys.executable, str(WORK), case, *map(str, times)]
    try:
        ran = subprocess.run(
            command, env=environment, cwd=tree, capture_output=True, text=True, check=False, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired as error:
        raise CannotCount(f"{case}: not done within {LIMIT_S:.0f} s") from error
    if ran.returncode:
        raise CannotCount(f"{case}: {ran.stderr.strip()[-500:]}")
    return ran.stderr
