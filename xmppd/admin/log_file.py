"""The file of the log: opening it, and what is said where that cannot be."""

import os
from pathlib import Path

from xmppd.config.findings import Finding
from xmppd.config.model import Config

_PATH = ("log", "file")


class CannotLog(Exception):
    """The log cannot be opened; the text is one line."""


def unusable_log(config: Config, file: Path | None, error: OSError) -> Finding:
    """Word that the log *file* cannot be opened, with its place in the configuration where it is named there."""
    place = config.source.place(_PATH) if config.source.has(_PATH) else str(file)
    what = f"the log {file} cannot be opened"
    remedy = "name a file in a folder where this user may write"
    return Finding("log.file", "error", place, what, error.strerror or str(error), remedy)


def try_log_file(config: Config) -> Finding | None:
    """Look whether the log of *config* could be opened, and leave nothing behind."""
    file = config.log.file
    if file is None:
        return None
    try:
        if file.exists():
            os.close(os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
        else:
            _look_at_folder(file.parent)
    except OSError as error:
        return unusable_log(config, file, error)
    return None


def _look_at_folder(folder: Path) -> None:
    """Raise what making a file in *folder* would."""
    if not os.access(folder, os.W_OK | os.X_OK):
        os.listdir(folder)  # says why, if it is not there or no folder
        raise PermissionError(13, "Permission denied")
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory")
