"""A temporary folder that goes with its test (trial's own ``mktemp`` litters the working folder under pytest)."""

import shutil
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase


def temporary_folder(case: SynchronousTestCase) -> Path:
    """Make a folder that is removed when *case* is over."""
    folder = Path(tempfile.mkdtemp(prefix="xmppd-test-"))
    case.addCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder
