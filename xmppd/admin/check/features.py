"""``feature.*``: what users of a host can do, by use: what is missing for it, and what to write into the file.

Modules are on by default: what is missing was turned off, or needs a service of its own. The uses are those of the
compliance suites (XEP-0479) and of other servers' checks.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from xmppd.admin.check.external_services import NAME as EXTERNAL_SERVICES
from xmppd.admin.check.external_services import has_external_services
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.kinds import DomainKind
from xmppd.config.model import Config, is_local
from xmppd.config.modules import Known
from xmppd.config.options import HostSettings
from xmppd.config.schema import dotted


@dataclass(frozen=True, slots=True)
class Use:
    """What somebody wants to do, and what of ours it takes."""

    name: str
    what: str
    modules: tuple[str, ...] = ()
    """Modules of the host."""
    services: tuple[str, ...] = ()
    """Modules that are a service with a domain name of its own, and its first label by custom."""


LABELS: Final = {"muc": "rooms", "pubsub": "pubsub", "http_upload": "upload", "upload": "upload"}
USES: Final = (
    Use(
        "basics",
        "logging in, contacts, messages, finding out what there is",
        ("binding", "roster", "subscriptions", "presence", "offline", "disco", "ping"),
    ),
    Use("multi-device", "the same conversations on several devices", ("carbons", "mam", "stanza_ids", "sm")),
    Use("mobile", "telephones that sleep and lose their network", ("sm", "csi", "push", "fast", "bind2")),
    Use(
        "profiles",
        "pictures, profiles, bookmarks, keys for end-to-end encryption",
        ("vcard", "pep", "avatars", "bookmarks", "private"),
    ),
    Use("blocking", "keeping others away", ("blocking",)),
    Use("group chat", "rooms", services=("muc",)),
    Use("publishing", "nodes for everybody", services=("pubsub",)),
    Use("file sharing", "pictures and files", services=("upload",)),
    Use(
        "calls",
        "audio and video through firewalls (STUN and TURN, XEP-0215)",
        ("external_services",),
    ),
)


def check_features(subject: Subject) -> Iterator[Finding]:
    """Look at each host, use by use."""
    if subject.modules is None:
        return
    for host in subject.config.hosts.values():
        yield from _web(subject.config, host)
        for use in USES:
            for module in use.modules:
                yield from _module(subject.config, subject.modules, host, use, module)
            for module in use.services:
                yield from _service(subject.config, subject.modules, host, use, module)
            if EXTERNAL_SERVICES in use.modules and not has_external_services(subject.config, host.name):
                remedy = "write [modules.external_services.services.relay]: xmppctl config example shows how"
                yield _finding(subject.config, host, use, "no relay is named", remedy)


def _web(config: Config, host: HostSettings) -> Iterator[Finding]:
    """Clients in a browser need HTTP that they can reach, by WebSocket or BOSH."""
    web = Use("web", "clients in a browser")
    if not config.http.listen and not config.http.tls_listen:
        remedy = (
            'write [http] with tls_listen = ["0.0.0.0:5281", "[::]:5281"], or listen and a proxy in front'
        )
        yield _finding(config, host, web, "nothing listens for HTTP", remedy)
    elif not (config.http.tls_listen or host.external_url or config.http.external_url or is_local(host.name)):
        remedy = "write [http] with tls_listen, or external_url where a proxy is in front"
        yield _finding(config, host, web, "HTTP is listened for on this machine alone", remedy)


def _module(config: Config, known: Known, host: HostSettings, use: Use, module: str) -> Iterator[Finding]:
    if module not in known:
        yield _finding(config, host, use, f"this version has no module {module}", "wait for a later one")
        return
    table = host.modules.get(module)
    said = None if table is None else table.enabled
    if said is True or (said is None and known[module].is_default):
        return
    own, above = ("hosts", host.name, "modules", module, "enabled"), ("modules", module, "enabled")
    paths = [path for path in (own, above) if config.source.has(path)]
    if paths:
        where = config.source.place(paths[0])
        yield _finding(config, host, use, f"{dotted(paths[0])} is false ({where})", "remove that line")
    else:
        remedy = f'write [hosts."{host.name}".modules.{module}] and below it enabled = true'
        yield _finding(config, host, use, f"the module {module} is not turned on", remedy)


def _service(config: Config, known: Known, host: HostSettings, use: Use, module: str) -> Iterator[Finding]:
    if module not in known:
        yield _finding(config, host, use, f"this version has no module {module}", "wait for a later one")
        return
    services = [each for each in config.components.values() if each.module == module]
    if any(each.host == host.name or each.name.endswith(f".{host.name}") for each in services):
        return
    outside = [each.name for each in config.components.values() if each.kind is DomainKind.COMPONENT]
    name = f"{LABELS.get(module, module)}.{host.name}"
    if name in outside:
        return  # a program from outside may be it
    remedy = f'write [components."{name}"] and below it module = "{module}"'
    yield _finding(config, host, use, "no component is that service for this host", remedy)


def _finding(config: Config, host: HostSettings, use: Use, why: str, remedy: str) -> Finding:
    place = config.source.place(("hosts", host.name))
    identifier = f"feature.{use.name.replace(' ', '-')}"
    return Finding(identifier, "note", place, f'{use.name} ({use.what}) at "{host.name}"', why, remedy)
