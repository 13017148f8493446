"""What stands in the manual: its pages, their blocks of code, and the commands that they show."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

from tests.checkout import ROOT

DOCS = ROOT / "docs"
README = ROOT / "README.rst"
BLOCK = re.compile(r"^( *)\.\. code-block:: (\w+)\n\n((?:\1   .*\n|\n)+)", re.MULTILINE)
COMMENT = re.compile(r"(?:^|\s)#.*")


def pages() -> Iterator[Path]:
    """Give the pages but for the records of decisions."""
    for page in sorted(DOCS.rglob("*.rst")):
        if not {"decisions", "_build"} & set(page.relative_to(DOCS).parts):
            yield page


def blocks_of(page: Path) -> Iterator[tuple[str, str]]:
    """Give each block of code of a page, with its language."""
    for indent, language, text in BLOCK.findall(page.read_text()):
        yield language, "\n".join(line.removeprefix(f"{indent}   ") for line in text.splitlines()).strip("\n")


def blocks(language: str) -> Iterator[tuple[Path, str]]:
    """Give each block of code in *language*, with its page."""
    for page in pages():
        for found, text in blocks_of(page):
            if found == language:
                yield page, text


def commands_in(text: str) -> Iterator[list[str]]:
    """Give each command that a block shows, in words; comments and redirections are left out."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.startswith(("$ ", "# ")):
            for command in COMMENT.sub("", line[2:]).split("; "):
                words = shlex.split(command)
                yield words[: words.index(">")] if ">" in words else words


def commands() -> Iterator[tuple[Path, list[str]]]:
    """Give each command that is shown, in words, with its page."""
    for page, text in blocks("console"):
        for words in commands_in(text):
            yield page, words
