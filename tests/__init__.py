"""Tests of xmppd; the folders mirror those of the package.

``XMPPD_TEST_REACTOR=xmppd`` runs them on our own reactor, ``epoll`` or another name on one of Twisted's; without it
Twisted chooses. It is installed here, before any test module can import one.

They run in a folder of their own, with a home and an environment of their own: what lies where they are started, what
its user has set up, and what an operator's variables say is nothing to them. The programs that they start are compiled
once, as those of an operator, even where this Python is told to keep nothing. How long an example of hypothesis takes
is no failure: that says something of the machine.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from twisted.application.reactors import installReactor

FOREIGN = (
    "XMPPD_DATA",
    "XMPPD_CONFIG",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "PYTHONDONTWRITEBYTECODE",
)
"""What would change what programs do or show, or have each compile itself; ``LC_ALL`` and ``TERM`` are set by who tests
what follows from them."""
IN_FOLDER = "TESTS_OF_XMPPD"
"""Set for a program of the tests that a test starts: it is in the test's folder, and may be killed there."""

settings.register_profile("xmppd", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("xmppd")
if wanted := os.environ.get("XMPPD_TEST_REACTOR"):
    installReactor(wanted)


def _move() -> None:
    """Go to an empty folder, which goes with this process."""
    folder = Path(tempfile.mkdtemp(prefix="xmppd-test-"))
    atexit.register(_remove, folder, os.getpid())
    os.chdir(folder)
    os.environ["HOME"] = str(folder)
    for name in FOREIGN:
        os.environ.pop(name, None)
    sys.dont_write_bytecode = False


def _remove(folder: Path, maker: int) -> None:
    """A process that was forked off a test has no business with it."""
    if os.getpid() == maker:
        shutil.rmtree(folder, ignore_errors=True)


if IN_FOLDER not in os.environ:
    _move()
