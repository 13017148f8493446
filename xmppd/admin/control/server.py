"""Control commands about the server as a whole: status, reload, stop."""

import os
from collections import Counter
from datetime import UTC, datetime

from xmppd.admin.control.answers import ComponentStatus, HostStatus, ReadAnew, Status, Stopping
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.libraries import library_versions
from xmppd.admin.metrics.process import resident_bytes
from xmppd.core.host import Host
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred


@does("status")
def status(parts: ControlParts) -> Status:
    """Give what an administrator wants to know first; sizes in bytes, times in seconds."""
    connected = Counter(session.host for session in parts.registry)
    available = Counter(session.host for session in parts.registry if session.is_available)
    return {
        "version": parts.version,
        "pid": os.getpid(),
        "started": datetime.fromtimestamp(parts.started_at, UTC).isoformat(timespec="seconds"),
        "uptime_s": max(0, round(parts.now() - parts.started_at)),
        "data_dir": str(parts.data_dir),
        "memory_bytes": resident_bytes(),
        "sessions": len(parts.registry),
        "hosts": [
            _host(host, connected[host.name], available[host.name]) for host in parts.hosts.of_accounts
        ],
        "components": [_component(host) for host in parts.hosts if not host.has_accounts],
        "listening": list(parts.listening()),
        "versions": library_versions(),
    }


@does("reload")
@deferred
async def reload(parts: ControlParts) -> ReadAnew:
    """Read certificates, log level and limits anew; gives in words what is in force now, and the number of mistakes.

    Fails with ``config-errors``, and then the old settings stay.
    """
    lines, mistakes = await parts.reload()
    return {"lines": lines, "mistakes": mistakes}


@does("stop")
def stop(parts: ControlParts) -> Stopping:
    """Begin to stop the server: every stream gets system-shutdown. The connection stays open until the end."""
    parts.stop()
    return {"sessions": len(parts.registry), "pid": os.getpid()}


def _component(host: Host) -> ComponentStatus:
    return {"name": host.name, "module": host.settings.module, "modules": len(host.modules)}


def _host(host: Host, connected: int, available: int) -> HostStatus:
    return {"name": host.name, "sessions": connected, "available": available, "modules": len(host.modules)}
