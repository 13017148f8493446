"""What the typed tables of the configuration have in common, and the kinds of values that TOML has not."""

import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from xmppd.config.fields import BeforeValidator, Field, FolderValidator, Mistake
from xmppd.config.table import Table
from xmppd.stanza.jid import JID, InvalidJID, why_invalid

ServerWide: Final = Field(is_server_wide=True)
"""Marks an option that a host cannot have for itself."""

MAX_PORT = 65_535
CREDENTIALS = "$CREDENTIALS_DIRECTORY"
"""At the start of a path: the folder of the unit's credentials (systemd.exec(5))."""
OF_THE_UNIT = "/run/credentials/xmppd.service"
"""Where that is for who asks from outside the unit, as ``xmppctl check`` does."""


class Section(Table):
    """One table of the file that is no module's."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: an IP address and a port, 0 for one that the system chooses."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if self.is_ipv6 else f"{self.host}:{self.port}"

    @property
    def is_ipv6(self) -> bool:
        """Say whether it is an address of IP version 6."""
        return ":" in self.host

    @property
    def is_loopback(self) -> bool:
        """Say whether only programs of this machine reach it."""
        return ipaddress.ip_address(self.host).is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Say whether it stands for every address of the machine (of its version)."""
        return ipaddress.ip_address(self.host).is_unspecified


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_network(text: object) -> Network:
    """Read ``"192.0.2.7"``, ``"10.0.0.0/8"`` or ``"2001:db8::/32"``; raises Mistake."""
    if isinstance(text, Network):
        return text
    if not isinstance(text, str):
        raise Mistake("config.wrong-type", "text in quotes is wanted", 'write for example "10.0.0.0/8"')
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        why, remedy = (
            "it is no IP address and no network of them",
            'write for example "192.0.2.7" or "10.0.0.0/8"',
        )
    try:
        whole = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise Mistake("config.bad-network", why, remedy) from None
    why, remedy = (
        "an address within the network is no name of it",
        f'write "{whole}", or the address without "/"',
    )
    raise Mistake("config.bad-network", why, remedy)


def parse_address(text: object) -> Address:
    """Read ``"127.0.0.1:5222"`` or ``"[::1]:5222"``; raises Mistake."""
    if isinstance(text, Address):
        return text
    if not isinstance(text, str):
        raise Mistake("config.wrong-type", "text in quotes is wanted", 'write for example "127.0.0.1:5222"')
    host, colon, port = text.rpartition(":")
    if not colon or not host or (":" in host and not host.startswith("[")):
        raise _no_address("an address and a port are wanted")
    if not (port.isascii() and port.isdigit()) or int(port) > MAX_PORT:
        raise Mistake(
            "config.bad-port", f"'{port}' is no port", f'write a number up to {MAX_PORT} behind "{host}:"'
        )
    return Address(_ip_address(host), int(port))


def _ip_address(host: str) -> str:
    try:
        if host.startswith("[") and host.endswith("]"):
            return str(ipaddress.IPv6Address(host[1:-1]))
        return str(ipaddress.IPv4Address(host))
    except ValueError:
        raise _no_address(f"'{host}' is no IP address") from None


def _no_address(why: str) -> Mistake:
    return Mistake(
        "config.bad-address",
        why,
        'write for example "127.0.0.1:5222" or "[::1]:5222", or "0.0.0.0:5222" and "[::]:5222" for all addresses',
    )


def file_path(value: object, folder: Path) -> object:
    """A path relative to the *folder* of the configuration file."""
    return Path(folder, _checked_path(value)) if isinstance(value, str) else value


def _data_path(value: object) -> object:
    """A path relative to the working folder, made absolute: a daemon changes its working folder."""
    return Path(os.path.abspath(_checked_path(value))) if isinstance(value, str) else value


def _checked_path(text: str) -> str:
    """The path, with ``~`` and ``~USER`` at its start replaced by the home folder, as a shell does.

    So is `CREDENTIALS`, by the folder of what systemd's ``LoadCredential=`` has brought.
    """
    if not text or "\0" in text:
        raise Mistake("config.bad-value", "no file can have this name", "write a path, or remove the line")
    if text.startswith(CREDENTIALS):
        text = os.environ.get(CREDENTIALS[1:], OF_THE_UNIT) + text.removeprefix(CREDENTIALS)
    expanded = os.path.expanduser(text)
    if expanded.startswith("~"):
        user = expanded[1:].partition("/")[0]
        why = f"there is no user {user} in whose home folder it could be"
        raise Mistake("config.bad-value", why, f"name the right user, or write ./{text}")
    return expanded


def account(value: object) -> object:
    """Give the bare JID in *value*, a text; raises Mistake for one that is no account's."""
    if not isinstance(value, str):
        return value
    try:
        jid = JID.parse(value)
    except InvalidJID as problem:
        why = why_invalid(problem)
        raise Mistake("config.bad-jid", why, 'write for example "admin@example.org"') from None
    if not jid.is_bare or jid.localpart is None:
        why = "an account is wanted, as NAME@HOST without a resource"
        raise Mistake("config.bad-jid", why, 'write for example "admin@example.org"')
    return jid.full


FilePath = Annotated[Path, FolderValidator(file_path)]
DataPath = Annotated[Path, BeforeValidator(_data_path)]
Listeners = tuple[Annotated[Address, BeforeValidator(parse_address)], ...]
Networks = tuple[Annotated[Network, BeforeValidator(parse_network)], ...]
Accounts = tuple[Annotated[str, BeforeValidator(account)], ...]
