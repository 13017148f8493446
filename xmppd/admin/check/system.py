"""``system.*``: the clock, and how many connections the system lets a process have."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding

FEW_DESCRIPTORS: Final = 4_096
"""Fewer keep clients out of a server of some size; systems give 1,024 to who does not ask for more."""
KEPT: Final = 100
"""So many are for the server's own files and other servers."""
AHEAD: Final = timedelta(minutes=5)
"""Files may be so much newer than now: clocks are corrected."""


def check_system(subject: Subject) -> Iterator[Finding]:
    """Look at the clock and at limits."""
    yield from _clock(subject)
    limit = subject.machine.descriptor_limit(subject.config.data_dir)
    if limit < FEW_DESCRIPTORS:
        why = f"a process may have {limit:,}, so that at most {max(0, limit - KEPT):,} can be connected"
        remedy = "raise it: LimitNOFILE= in the unit (that of `xmppctl config unit` does), else ulimit -Hn"
        yield Finding("system.few-descriptors", "warning", "the system", "open files", why, remedy)


def _clock(subject: Subject) -> Iterator[Finding]:
    now, what = subject.machine.now(), "the clock of this machine"
    newest = _newest(subject.config.storage_file)
    if newest is not None and newest > now + AHEAD:
        why = f"it says {now:%Y-%m-%d %H:%M} UTC, and the data were changed on {newest:%Y-%m-%d at %H:%M}"
        remedy = "set it right: messages would be stamped and certificates judged by it"
        yield Finding("system.clock-behind", "error", "the system", what, why, remedy)
    elif subject.machine.clock_is_set() is False:
        why = (
            "nothing sets it, so that it goes wrong by minutes in a month, and with it the times of messages"
        )
        remedy = "run an NTP client: systemd-timesyncd, chrony or ntpd"
        yield Finding("system.clock-not-set", "warning", "the system", what, why, remedy)


def _newest(file: Path | None) -> datetime | None:
    """When the data were changed last."""
    changed = [
        os.stat(path).st_mtime
        for path in ((str(file), f"{file}-wal") if file is not None else ())
        if os.path.exists(path)
    ]
    return datetime.fromtimestamp(max(changed), UTC) if changed else None
