"""A command on a terminal of its own, where somebody types a password at each prompt."""

import os
import pty
import select
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE_S = 30.0
PROMPTS = (b"Password for ", b"Once more")


def typed(
    words: Sequence[str], environment: Mapping[str, str], password: str, folder: Path | None = None
) -> tuple[int, str]:
    """Run *words* in *folder* and type *password* where it is asked for; give the status and what was shown."""
    ours, theirs = pty.openpty()
    terminal = os.ttyname(theirs)
    process = subprocess.Popen(  # who leads a session and opens a terminal has it for its own
        ["sh", "-c", f"exec {shlex.join(words)} <{terminal} >{terminal} 2>&1"],
        env=environment,
        cwd=folder,
        start_new_session=True,
    )
    shown, prompts = bytearray(), list(PROMPTS)
    try:
        while data := _read(ours, process):
            shown += data
            if prompts and prompts[0] in shown and shown.endswith(b": "):
                prompts.pop(0)
                os.write(ours, f"{password}\n".encode())
    finally:
        os.close(ours)
        os.close(theirs)
    return process.wait(PATIENCE_S), shown.decode()


def _read(terminal: int, process: subprocess.Popen[bytes]) -> bytes:
    """Give what is shown next, nothing once *process* has ended and all was read."""
    while True:
        is_over = process.poll() is not None
        if select.select([terminal], [], [], 0.02)[0]:
            return os.read(terminal, 4_096)
        if is_over:
            return b""
