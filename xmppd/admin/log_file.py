"""The file of the log: opening it, and what is said where that cannot be."""

import errno
import os
from pathlib import Path

from xmppd.config.findings import Finding
from xmppd.config.model import Config
from xmppd.config.obstacles import Obstacle, obstacle_to_writing

_PATH = ("log", "file")


class CannotLog(Exception):
    """The log cannot be opened; the text is one line."""


def unusable_log(config: Config, file: Path | None, error: OSError) -> Finding:
    """Word that the log *file* cannot be opened, with its place in the configuration where it is named there."""
    if config.log.format == "journald":
        return _without_journal(config, error)
    return _finding(config, file, Obstacle.of(file or Path(), error))


def _without_journal(config: Config, error: OSError) -> Finding:
    what = 'log.format = "journald"'
    why = f"systemd's journal does not answer at {error.filename}: {error.strerror}"
    return Finding("log.journal", "error", config.source.place(("log", "format")), what, why, 'write "line"')


def _finding(config: Config, file: Path | None, obstacle: Obstacle) -> Finding:
    place = config.source.place(_PATH) if config.source.has(_PATH) else str(file)
    what = f"the log {file} cannot be opened"
    remedy = "name a file in a folder where this user may write"
    return Finding("log.file", "error", place, what, obstacle.why, remedy)


def try_log_file(config: Config) -> Finding | None:
    """Look whether the log of *config* could be opened, and leave nothing behind."""
    file = config.log.file
    if file is None:
        return None
    try:
        file.stat()
        if file.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        obstacle = obstacle_to_writing(file)
    except FileNotFoundError as error:
        is_folder = os.path.lexists(file.parent)
        obstacle = obstacle_to_writing(file.parent) if is_folder else Obstacle.of(file, error)
    except OSError as error:
        return unusable_log(config, file, error)
    return None if obstacle is None else _finding(config, file, obstacle)
