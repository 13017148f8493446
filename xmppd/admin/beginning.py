"""What a new domain begins with: a short configuration, a self-made certificate, DNS records, and what comes next.

The configuration has what nearly every server has to say, with a word of why; all else is by default
(``xmppctl config example``).
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple

from xmppd.config.names import check_domain
from xmppd.config.read import DEFAULT_HOST, DEFAULT_SERVICES
from xmppd.config.schema import quoted
from xmppd.net.tls.self_signed import make_self_signed, to_ascii
from xmppd.storage.replacing import replace_file

FOLDER: Final = "certificates"
HTTPS_PORT: Final = 5281
TTL_S: Final = 3_600
PORTS: Final = (("xmpp-client", 5222), ("xmpps-client", 5223), ("xmpp-server", 5269), ("xmpps-server", 5270))
_LISTEN: Final = '["0.0.0.0:{0}", "[::]:{0}"]'
_TEXT: Final = """\
# The configuration of xmppd for {domain}; written by "xmppctl init". Everything that is not here is by default:
# "xmppctl config example" prints all options, "xmppctl config explain KEY" tells of one. After a change:
#
#     xmppctl --config {file} check
#     xmppctl --config {file} reload

# The folder of accounts, messages and all else that the server keeps.
data_dir = {data}

# Who administers the server by any client, besides whoever may use xmppctl on this machine.
admins = [{admin}]

[hosts.{quoted}]

{services}[c2s]
# Clients connect here: the first with STARTTLS, the second with TLS at once. These are all addresses of this machine.
listen = {c2s}
direct_tls_listen = {c2s_direct}

[s2s]
# Other servers connect here.
listen = {s2s}
direct_tls_listen = {s2s_direct}

[http]
# Files, and clients in a browser, come by HTTPS.
tls_listen = {https}

[tls]
# Certificates are found here by the names of files, or by what is in them. "xmppctl cert import" brings them here; one
# that is renewed is in force by itself.
certificates = "{folder}"
"""
_WORDS: Final = {
    "muc": "Rooms.",
    "pubsub": "Nodes that everybody may subscribe to.",
    "upload": "Files that are shared by a link.",
}


class CannotBegin(Exception):
    """What is asked for cannot be begun with; the text is one line."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """All that is decided about a new domain."""

    domain: str
    file: Path
    data_dir: Path
    admin: str
    machine: str
    """The name of the machine that its records lead to."""
    addresses: Sequence[str]
    """Of that machine; none where they are not known."""

    @property
    def services(self) -> dict[str, str]:
        """Give the names of the services with the modules that they are."""
        names = ((name.removesuffix(DEFAULT_HOST), table) for name, table in DEFAULT_SERVICES.items())
        return {f"{label}{self.domain}": str(table["module"]) for label, table in names}

    @property
    def names(self) -> tuple[str, ...]:
        """Give every name that a certificate must have."""
        return (self.domain, *self.services)


def checked(domain: str) -> str:
    """Give *domain* where it can be served; `CannotBegin` says how it is spelled right."""
    problem = check_domain(domain)
    if problem is None:
        return domain
    right = f"; write {problem.spelling}" if problem.spelling else ""
    raise CannotBegin(f"{domain!r} cannot be a domain: {problem.why}{right}")


def text_of(new: Beginning) -> str:
    """Write the configuration."""
    services = "".join(
        f"# {_WORDS.get(module, module)}\n[components.{quoted(name)}]\nmodule = {quoted(module)}\n\n"
        for name, module in new.services.items()
    )
    ports = dict(PORTS)
    return _TEXT.format(
        domain=new.domain,
        file=new.file,
        data=quoted(str(new.data_dir)),
        admin=quoted(new.admin),
        quoted=quoted(new.domain),
        services=services,
        c2s=_LISTEN.format(ports["xmpp-client"]),
        c2s_direct=_LISTEN.format(ports["xmpps-client"]),
        s2s=_LISTEN.format(ports["xmpp-server"]),
        s2s_direct=_LISTEN.format(ports["xmpps-server"]),
        https=_LISTEN.format(HTTPS_PORT),
        folder=FOLDER,
    )


def write(new: Beginning, now: datetime) -> list[Path]:
    """Write the configuration and a certificate to begin with; gives the files. `CannotBegin` where one is there."""
    folder = new.file.absolute().parent / FOLDER
    certificate, key = folder / f"{new.domain}.crt", folder / f"{new.domain}.key"
    there = [file for file in (new.file, certificate, key) if file.exists()]
    if there:
        raise CannotBegin(f"{there[0]} is there already, and is left as it is; name another file by --config")
    try:
        new.file.absolute().parent.mkdir(parents=True, exist_ok=True)
        make_self_signed(new.domain, certificate, key, now, more=tuple(new.services))
        replace_file(new.file, text_of(new).encode(), 0o640)
    except OSError as error:
        raise CannotBegin(f"{error.filename or new.file} cannot be written: {error.strerror}") from error
    return [new.file, certificate, key]


def records(new: Beginning) -> list[str]:
    """Give the records for DNS, as lines of a zone file."""
    machine = f"{to_ascii(new.machine)}."
    lines = [_remark(new.domain), *(_service(kind, new.domain, port, machine) for kind, port in PORTS)]
    for name in new.services:
        lines.append(_remark(f"{name}, for users of other servers"))
        lines += [_service(kind, name, port, machine) for kind, port in PORTS if kind.endswith("-server")]
    lines.append(_remark(f"the machine, {new.machine}"))
    lines += [_Record(machine, "AAAA" if ":" in each else "A", each) for each in new.addresses]
    if not new.addresses:
        lines.append(_remark("its address, which this machine does not know:"))
        lines.append(_Record(f"; {machine}", "A", "192.0.2.1"))
    width = max(len(each.name) for each in lines if each.kind)
    return [each.written(width) for each in lines]


def commands(new: Beginning) -> list[tuple[str, str]]:
    """Give what comes next: what for, and the command."""
    names = " ".join(f"-d {to_ascii(name)}" for name in new.names)
    file = shlex.quote(str(new.file.absolute()))
    xmppctl = f"xmppctl --config {file}"
    live = "/etc/letsencrypt/live"
    hook = f"--deploy-hook '{xmppctl} cert import {live}'"
    return [
        ("a certificate that everybody believes", f"certbot certonly --standalone {names} {hook}"),
        ("or one that you have", f"{xmppctl} cert import FOLDER"),
        ("look for mistakes", f"{xmppctl} check"),
        ("start", f"xmppd --config {file}"),
        ("the first account", f"{xmppctl} user add {new.admin}"),
        ("try it", f"{xmppctl} selftest"),
    ]


class _Record(NamedTuple):
    """A line of a zone file; without a kind it is a remark."""

    name: str
    kind: str
    value: str

    def written(self, width: int) -> str:
        return f"{self.name:<{width}} {TTL_S} IN {self.kind:<4} {self.value}" if self.kind else self.name


def _service(kind: str, name: str, port: int, machine: str) -> _Record:
    return _Record(f"_{kind}._tcp.{to_ascii(name)}.", "SRV", f"0 5 {port} {machine}")


def _remark(text: str) -> _Record:
    return _Record(f"; {text}", "", "")
