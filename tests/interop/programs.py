"""Programs of ours that log in by a library of others: built, run in pairs, and what they say of it.

The suite runs gloox and libstrophe where they are installed (``tests/sockets/test_libraries.py``); all of them are run
by hand: ``python -m tests.interop.programs``. It takes some ten seconds, and needs of Debian ``libgloox-dev``,
``libstrophe-dev``, ``libqxmpp-dev``, ``python3-nbxmpp``.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from tests.sockets.process import ServerProcess

HERE: Final = Path(__file__).parent
PASSWORD: Final = "open sesame"
ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
PATIENCE_S: Final = 60.0
COMMANDS: Final = {
    "gloox": ("g++", "gloox_login.cpp", "gloox"),
    "libstrophe": ("gcc", "strophe_login.c", "libstrophe"),
    "QXmpp": ("g++", "qxmpp_login.cpp", "qxmpp Qt5Core Qt5Network Qt5Xml"),
}
"""Compiler, source, and names that pkg-config knows, by the library's name."""
SYSTEM_PYTHON: Final = Path("/usr/bin/python3")


def build(library: str, folder: Path) -> Path | None:
    """Build the program for *library* in *folder*; None where compiler or library are not installed."""
    compiler, source, packages = COMMANDS[library]
    if shutil.which(compiler) is None or shutil.which("pkg-config") is None:
        return None
    asked = subprocess.run(
        ["pkg-config", "--cflags", "--libs", *packages.split()], capture_output=True, text=True, check=False
    )
    if asked.returncode:
        return None
    program = folder / library
    command = [compiler, "-fPIC", "-o", str(program), str(HERE / source), *asked.stdout.split()]
    return program if subprocess.run(command, capture_output=True, check=False).returncode == 0 else None


def nbxmpp() -> Path | None:
    """Give the program that needs no building, if what it is written for is there."""
    if not SYSTEM_PYTHON.exists():
        return None
    asked = subprocess.run([SYSTEM_PYTHON, "-c", "import nbxmpp.client"], capture_output=True, check=False)
    return None if asked.returncode else HERE / "nbxmpp_login.py"


def start(
    program: Path, port: int, jid: str, peer: str, text: str = "", password: str = PASSWORD
) -> "subprocess.Popen[str]":
    """Let a program log in as *jid*; with *text* it says that to *peer*, else it waits and answers."""
    words = [str(port), jid, password, peer, *([text] if text else [])]
    command = [SYSTEM_PYTHON, program] if program.suffix == ".py" else [program]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.Popen(
        [*command, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
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


def main() -> None:
    """Let each library log in, talk both ways, guess a password; a line for each."""
    with tempfile.TemporaryDirectory() as folder_name:
        folder = Path(folder_name)
        server = ServerProcess(folder, accounts=((ROMEO, PASSWORD), (JULIET, PASSWORD)))
        programs = {library: build(library, folder) for library in COMMANDS} | {"nbxmpp": nbxmpp()}
        for library, program in programs.items():
            if program is None:
                print(library, "is not installed", sep=": ")
                continue
            port = server.ports["STARTTLS"]
            juliet = start(program, port, f"{JULIET}/balcony", ROMEO)
            romeo = start(program, port, f"{ROMEO}/orchard", JULIET, "ask")
            guess = start(program, port, f"{ROMEO}/window", JULIET, "ask", "wrong")
            for who, process in (("romeo", romeo), ("juliet", juliet), ("wrong password", guess)):
                print(library, who, *outcome(process), sep=": ")
        server.stop()


if __name__ == "__main__":
    main()
