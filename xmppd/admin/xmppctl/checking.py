"""The checks as ``xmppctl check`` runs them. Loaded for that command only: it reads the whole configuration."""

from collections.abc import Collection, Mapping
from pathlib import Path

from twisted.logger import globalLogBeginner

from xmppd.admin.check.report import exit_status, render
from xmppd.admin.check.run import UnknownCheck, run_checks
from xmppd.admin.control.wire import ControlError
from xmppd.admin.settings import known_modules


def run(
    config_file: Path | None, env: Mapping[str, str], only: Collection[str], is_offline: bool, is_json: bool
) -> tuple[str, int]:
    """Give what was found, as text, and the status; `ControlError` ``bad-arguments`` for an unknown check."""
    # or Twisted prints tracebacks of its own
    globalLogBeginner.beginLoggingTo((), discardBuffer=True, redirectStandardIO=False)
    try:
        findings = run_checks(config_file, env, only=only, offline=is_offline, modules=known_modules())
    except UnknownCheck as error:
        raise ControlError("bad-arguments", str(error)) from error
    return render(findings, is_json), exit_status(findings)
