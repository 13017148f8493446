"""What the system knows of this process: memory, processor time, file descriptors."""

import os
import resource
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/self/statm")
_DESCRIPTORS: Final = "/proc/self/fd"
_RESIDENT_PAGES: Final = 1


def resident_bytes() -> int | None:
    """Give the memory that this process really uses; None where the system does not say."""
    try:
        pages = int(_MEMORY.read_text().split()[_RESIDENT_PAGES])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def processor_s() -> float:
    """Give the processor time that was used, in seconds."""
    used = os.times()
    return used.user + used.system


def open_descriptors() -> int | None:
    """Give how many file descriptors are open; None where the system does not say.

    Linux since 6.2 says it in one call; before it they are listed, which takes a while where there are many.
    """
    try:
        return os.stat(_DESCRIPTORS).st_size or len(os.listdir(_DESCRIPTORS))
    except OSError:
        return None


def most_descriptors() -> int:
    """Give how many there may be."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
