"""Whether there is a working folder, which a shell keeps after somebody has removed it."""

import os


class CannotRun(Exception):
    """The process cannot be what was asked for; the text is one line that says what to do."""


def check_working_folder() -> None:
    """Raise `CannotRun` where the working folder is gone: nothing relative to it means anything."""
    try:
        os.getcwd()
    except OSError as error:
        why = error.strerror if not isinstance(error, FileNotFoundError) else "somebody has removed it"
        raise CannotRun(f"the working folder is gone ({why}): cd to another one, then start again") from None
