"""Files that are replaced in one step."""

import os
from pathlib import Path


def replace_file(file: Path, content: bytes, mode: int) -> None:
    """Write beside and rename: nobody reads half a file, and after a crash it is the old one or the new one.

    *mode* holds from the start, so that others can never read a key. Raises OSError.
    """
    beside = file.with_name(f"{file.name}.new")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
