"""Other servers as processes: one is started, and waited for until a client can log in."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from benchmarks.soak.client import Lost

START_S: Final = 60.0
AGAIN_S: Final = 0.2


def started(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, probe: Callable[[], object]
) -> "subprocess.Popen[bytes]":
    """Start *command* in *folder*, where its output goes, and wait until *probe* raises neither OSError nor `Lost`.

    *environment* is added to ours. Raises AssertionError where it ends, or does not let anybody in for too long.
    """
    with (folder / "output").open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            probe()
        except (OSError, Lost):
            time.sleep(AGAIN_S)
            continue
        return process
    process.kill()
    process.wait()
    raise AssertionError(f"no {command[0]}: {(folder / 'output').read_text()[-2000:]}")
