"""Programs of ours that log in by a library of others: built, run in pairs, and what they say of it."""

import shutil
import subprocess
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
PASSWORD: Final = "open sesame"
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
PATIENCE_S: Final = 60.0
COMMANDS: Final = {
    "gloox": ("g++", "gloox_login.cpp", "-lgloox"),
    "libstrophe": ("gcc", "strophe_login.c", "-lstrophe"),
}
"""Compiler, source and library by the library's name."""


def build(library: str, folder: Path) -> Path | None:
    """Build the program for *library* in *folder*; None where compiler or library are not installed."""
    compiler, source, flag = COMMANDS[library]
    if shutil.which(compiler) is None:
        return None
    program = folder / library
    done = subprocess.run([compiler, "-o", program, HERE / source, flag], capture_output=True, check=False)
    return program if done.returncode == 0 else None


def start(
    program: Path, port: int, jid: str, peer: str, text: str = "", password: str = PASSWORD
) -> "subprocess.Popen[str]":
    """Let a program log in as *jid*; with *text* it says that to *peer*, else it waits and answers."""
    words = [str(port), jid, password, peer, *([text] if text else [])]
    return subprocess.Popen(
        [program, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=program.parent
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[int, dict[str, list[str]]]:
    """Give the status, and what was said: the rest of each line by its first word."""
    try:
        said, _ = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        said, _ = process.communicate()
    lines: dict[str, list[str]] = {}
    for line in said.splitlines():
        word, _, rest = line.partition(" ")
        lines.setdefault(word, []).append(rest)
    return process.returncode, lines
