"""From the configuration to what TLS works with: the files of each host's certificate, and what is negotiated."""

from pathlib import Path

from xmppd.core.config.certificates import find_certificate
from xmppd.core.config.model import Config
from xmppd.core.config.options import HostSettings
from xmppd.net.certificates import HostFiles
from xmppd.net.tls import TLSSettings

SELF_MADE_FOLDER = "certificates"
"""Below the data folder."""


def host_files(config: Config) -> list[HostFiles]:
    """Give where each host's certificate lies, in the order of the configuration.

    The files that its table names, else what the folder of ``[tls] certificates`` has for it, else one that is made.
    """
    return [_files_of(config, host) for host in config.hosts.values()]


def tls_settings(config: Config) -> dict[str, TLSSettings]:
    """Give what each host negotiates."""
    return {host.name: TLSSettings(host.tls.min_version, host.tls.ciphers) for host in config.hosts.values()}


def _files_of(config: Config, host: HostSettings) -> HostFiles:
    client_ca = host.client_ca if host.client_certificates else None
    folder = config.tls.certificates
    found = host.certificate_files or (find_certificate(folder, host.name) if folder is not None else None)
    if found is not None:
        return HostFiles(host.name, *found, client_ca)
    own: Path = config.data_dir / SELF_MADE_FOLDER
    return HostFiles(
        host.name, own / f"{host.name}.crt", own / f"{host.name}.key", client_ca, is_self_made=True
    )
