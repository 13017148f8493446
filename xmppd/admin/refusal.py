"""Why a server does not start, in the words of ``xmppctl check``: all that is wrong there, each with its place."""

import os
from collections.abc import Mapping
from pathlib import Path

from xmppd.admin.check.run import run_checks
from xmppd.admin.folder import FolderError, FolderOfAnother
from xmppd.admin.settings import known_modules
from xmppd.config.findings import ConfigErrors
from xmppd.config.obstacles import Obstacle
from xmppd.net.tls.certificates import CertificateError
from xmppd.net.transport.listen import ListenError
from xmppd.storage.interface import StorageError

_CHECKS: Mapping[type[Exception], tuple[str, ...]] = {
    ConfigErrors: ("config", "names", "certificates"),
    CertificateError: ("config", "certificates"),
    ListenError: ("listeners",),
    FolderOfAnother: (),
    FolderError: ("data",),
    StorageError: ("data",),
    OSError: ("data",),
}
"""Where to look for what has kept a server from starting."""


def refusal(error: Exception, config_path: str | None) -> str:
    """Give a line for each mistake around *error*; where none is found, what *error* itself says."""
    names = next((checks for kind, checks in _CHECKS.items() if isinstance(error, kind)), ())
    found = run_checks(config_path, os.environ, only=names, modules=known_modules()) if names else []
    told = [str(finding) for finding in found if finding.severity == "error"]
    return "\n".join(f"xmppd: {line}" for line in told or _in_words(error).splitlines())


def _in_words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        path = Path(os.path.abspath(os.fsdecode(error.filename)))
        obstacle = Obstacle.of(path, error)
        return f"{path}: {obstacle.why}; {obstacle.remedy}"
    return str(error)
