"""Progress bars: on standard error, where that is a terminal. Rich is loaded for them only."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[int, int], None]
"""Told how much is done, of how much; of 0 where that is not known."""


@contextmanager
def progress_bar(text: str) -> Iterator[Advance]:
    """Give a function that moves the bar; without a terminal it does nothing."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    module = importlib.import_module("rich.progress")
    console = importlib.import_module("rich.console").Console(stderr=True)
    columns = (
        module.TextColumn(text),
        module.BarColumn(),
        module.TaskProgressColumn(),
        module.TimeRemainingColumn(),
    )
    with module.Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total or None)
