"""From the configuration to what TLS works with: the files of each host's certificate, and what is negotiated."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from OpenSSL import SSL

from xmppd.config.certificates import closed_to_us, half_there
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.model import Config, is_local
from xmppd.config.obstacles import obstacle_to_reading
from xmppd.config.options import HostSettings
from xmppd.core.turns import StepsTo, whole
from xmppd.net.tls.certificates import HostFiles, utc_now
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.folder import CertificateFolder, expected

SELF_MADE_FOLDER = "certificates"
"""Below the data folder."""
NAMED: Final = 150
"""The cost of saying where the files of one host should be (`xmppd.core.turns`)."""


def host_files(config: Config) -> list[HostFiles]:
    """Give where each domain's certificate lies, hosts first, in the order of the configuration.

    The files that its table names, else what the folder of ``[tls] certificates`` has for it. One that is made is
    for hosts that have no such place, and for names of this machine that have none there: what cannot be had where it
    should be is told, and nothing takes its place. A component without one shows that of a host, as other servers
    alone ask for it.
    """
    return whole(finding_files(config))


def finding_files(config: Config) -> StepsTo[list[HostFiles]]:
    """The same, in a step or so for each domain."""
    folder = (
        None if config.tls.certificates is None else CertificateFolder(config.tls.certificates, utc_now())
    )
    files: list[HostFiles] = []
    for host in config.hosts.values():
        files.append((yield from _files_of(config, host, folder)))
    for component in config.components.values():
        found = yield from _files_of(config, component, folder, is_needed=False)
        if not found.is_self_made:
            files.append(found)
    return files


def tls_settings(config: Config) -> dict[str, TLSSettings]:
    """Give what each domain negotiates."""
    return {each.name: TLSSettings(each.tls.min_version, each.tls.ciphers) for each in config.domains}


def check_ciphers(config: Config) -> Iterator[Finding]:
    """Give the ciphers that OpenSSL does not take: the server's, and those that a domain has for itself."""
    written: dict[KeyPath, str] = {("tls", "ciphers"): config.tls.ciphers}
    for domain in config.domains:
        path = (*config.table_of(domain.name), "tls", "ciphers")
        if config.source.has(path):
            written[path] = domain.tls.ciphers
    for path, ciphers in written.items():
        try:
            SSL.Context(SSL.TLS_SERVER_METHOD).set_cipher_list(ciphers.encode())
        except SSL.Error:
            what, why = f'ciphers = "{ciphers}"', "OpenSSL selects no cipher by these words"
            remedy = 'try them with "openssl ciphers", or remove the line'
            yield Finding("config.bad-ciphers", "error", config.source.place(path), what, why, remedy)


def _may_be_made(folder: Path, host: str) -> bool:
    """Whether a host does without one in *folder*: no authority certifies a name of this machine.

    Not where nobody can see whether there is one, since the folder is not there or closed to us; nor where half of it
    is there.
    """
    is_open = folder.is_dir() and obstacle_to_reading(folder) is None and closed_to_us(folder, host) is None
    return is_local(host) and is_open and half_there(folder, host) is None


def _files_of(
    config: Config, host: HostSettings, searched: CertificateFolder | None, *, is_needed: bool = True
) -> StepsTo[HostFiles]:
    client_ca = host.client_ca if host.client_certificates else None
    folder = config.tls.certificates
    found = host.certificate_files
    if found is None and searched is not None:
        found = yield from searched.searching(host.name)
    yield NAMED
    if found is None and folder is not None and is_needed and not _may_be_made(folder, host.name):
        found = expected(folder, host.name)
    if found is not None:
        return HostFiles(host.name, *found, client_ca)
    own: Path = config.data_dir / SELF_MADE_FOLDER
    return HostFiles(
        host.name, own / f"{host.name}.crt", own / f"{host.name}.key", client_ca, is_self_made=True
    )
