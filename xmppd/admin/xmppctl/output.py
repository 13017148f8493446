"""What xmppctl prints: lines, tables, JSON. Rich is loaded for tables only."""

import codecs
import importlib
import io
import json
import os
import shutil
import sys
from collections.abc import Iterable
from datetime import datetime

import click

from xmppd.core.operations.showing import Block, Facts, Grid, Line, written

UNBOUNDED_COLUMNS = 10_000
"""The width of a table that goes into a file or a pipe: nothing is folded there."""
_ANYTHING = "xmppctl.anything"
"""The name of our error handler."""


def show_anything() -> None:
    """Have standard output and error take every text, whatever the encoding of the terminal is.

    What it has no letter for is written as ``\\xfc``; a path that is no text is written as the bytes that it is.
    """
    codecs.register_error(_ANYTHING, _bytes_for)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=_ANYTHING)


def _bytes_for(error: UnicodeError) -> tuple[str | bytes, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    shown = b"".join(_bytes_of(char) for char in error.object[error.start : error.end])
    return shown, error.end


def _bytes_of(char: str) -> bytes:
    try:
        return char.encode("ascii", "surrogateescape")
    except UnicodeEncodeError:
        return char.encode("ascii", "backslashreplace")


class CannotShow(Exception):
    """Standard output cannot be written; the text is one line, empty where somebody has only stopped reading."""


def say(text: str) -> None:
    """Print a line; raises `CannotShow`."""
    try:
        click.echo(text)
    except OSError as error:
        raise cannot_show(error) from error


def flush() -> None:
    """Have all that was printed be written; raises `CannotShow`."""
    try:
        sys.stdout.flush()
    except OSError as error:
        raise cannot_show(error) from error


def cannot_show(error: OSError) -> CannotShow:
    """Give the words for it, once: what is left in the buffer would fail again at the end, with a status of its own."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
    if isinstance(error, BrokenPipeError):
        return CannotShow("")
    return CannotShow(
        f"what there is to tell cannot be written: {error.strerror}; what was asked for is done"
    )


def complain(text: str) -> None:
    """Print the line of an error."""
    if text:
        click.echo(f"xmppctl: {text}", err=True)


def as_json(content: object) -> None:
    """Print machine-readable output, indented, keys in their stable order."""
    say(json.dumps(content, indent=2, ensure_ascii=False))


def show(blocks: Iterable[Block]) -> None:
    """Print lines and tables; a table that is not the first thing has an empty line before it."""
    for number, block in enumerate(blocks):
        if isinstance(block, Line):
            say(block.write(local_time))
        elif isinstance(block, Facts):
            width = max(len(label) for label, _ in block.pairs) + 2
            for label, cell in block.pairs:
                say(f"{label:<{width}}{written(cell, local_time)}".rstrip())
        else:
            if number:
                say("")
            _table(block)


def _table(shown: Grid) -> None:
    """Print a table. On a terminal too narrow, cells are folded, never cut."""
    box = importlib.import_module("rich.box")
    console_class = importlib.import_module("rich.console").Console
    table_class = importlib.import_module("rich.table").Table
    text_class = importlib.import_module("rich.text").Text
    is_terminal = sys.stdout.isatty()
    grid = table_class(box=box.SIMPLE_HEAD if is_terminal else None, pad_edge=False, header_style="bold")
    for index, heading in enumerate(shown.headings):
        grid.add_column(heading, justify="right" if index in shown.numbers else "left", overflow="fold")
    for row in shown.rows:
        # a Text: brackets in a JID are no markup
        grid.add_row(*(text_class(written(cell, local_time)) for cell in row))
    width = shutil.get_terminal_size().columns if is_terminal else UNBOUNDED_COLUMNS
    rendered = io.StringIO()
    console_class(file=rendered, width=width, force_terminal=is_terminal, highlight=False).print(grid)
    for line in rendered.getvalue().strip("\n").splitlines():
        say(line.rstrip())


def local_time(stamp: str) -> str:
    """Write an ISO time stamp in the time of this machine: ``2026-05-01 12:33:10``."""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M:%S")
