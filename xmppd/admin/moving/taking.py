"""``xmppctl import``: what another server has, into the data of this one, which is stopped."""

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from xmppd.admin.control.wire import ControlError
from xmppd.admin.moving.data import as_it_is, database_of, load_config, locked, opened
from xmppd.config.model import Config
from xmppd.config.obstacles import Obstacle
from xmppd.modules.mam.module import MamOptions
from xmppd.modules.muc.options import MucOptions
from xmppd.moving.ejabberd.reader import EjabberdSource
from xmppd.moving.importing import BlockingStore, Importer, Progress, Wanted
from xmppd.moving.pie.reading import PieSource
from xmppd.moving.prosody.reader import ProsodySource
from xmppd.moving.report import Report
from xmppd.moving.source import Source, SourceError
from xmppd.stanza.jid import InvalidJID, prepare_domainpart
from xmppd.storage.interface import StorageError, StorageFull

MUC: Final = "muc"
DAY_S: Final = 86_400.0
_LOOKED_AT: Final = 64


def take(
    kind: str,
    path: Path,
    config_file: Path | None,
    env: Mapping[str, str],
    hosts: tuple[str, ...],
    hash_names: tuple[str, ...],
    is_dry: bool,
    on_progress: Progress,
) -> Report:
    """Import what *kind* of server has at *path*; `ControlError`. *hosts* are ``old=new`` each."""
    config = load_config(config_file, env)
    wanted = _wanted(config, hosts, hash_names, is_dry)
    try:
        source = _source(kind, path)
        if is_dry and not database_of(config).exists():
            return _run(Nothing(), wanted, source, on_progress)
        if is_dry:
            with as_it_is(config, "an import") as storage:
                return _run(storage, wanted, source, on_progress)
        with locked(config, "an import"), opened(config) as storage:
            return _run(storage, wanted, source, on_progress)
    except SourceError as error:
        raise ControlError("bad-source", str(error)) from error
    except StorageError as error:
        remedy = "make room and begin it again: what is there is passed over"
        id = "storage-full" if isinstance(error, StorageFull) else "storage-failed"
        raise ControlError(id, f"{error}; {remedy}") from error
    except OSError as error:
        raise ControlError("bad-source", f"{path} cannot be read: {Obstacle.of(path, error).why}") from error


class Nothing:
    """A storage in which there is nothing, for a dry run before the first start."""

    def get(self, store: str, owner: str, key: str) -> bytes | None:
        """There is nothing."""
        return None

    def commit(self, changes: object) -> None:
        """Nothing is stored."""

    def settle(self) -> None:
        """Nothing waits."""


def _run(storage: BlockingStore, wanted: Wanted, source: Source, on_progress: Progress) -> Report:
    with ThreadPoolExecutor(os.cpu_count() or 1, "keys") as executor:
        return Importer(storage, wanted, executor).run(source, on_progress)


def _wanted(config: Config, hosts: tuple[str, ...], hash_names: tuple[str, ...], is_dry: bool) -> Wanted:
    services = [name for name, component in config.components.items() if component.module == MUC]
    return Wanted(
        frozenset(config.hosts),
        frozenset(services),
        dict(_renaming(config, each, services) for each in hosts),
        dict(_kept_since(config, services)),
        is_dry,
        hash_names,
    )


def _renaming(config: Config, text: str, services: Sequence[str]) -> tuple[str, str]:
    """Read an ``--host OLD=NEW``; `ControlError`."""
    old, equals, new = text.partition("=")
    if not equals:
        why = f"--host {text}: write OLD=NEW, the name there and the name here"
        raise ControlError("bad-arguments", why)
    try:
        old, new = prepare_domainpart(old), prepare_domainpart(new)
    except InvalidJID as error:
        raise ControlError("bad-arguments", f"--host {text}: {error}") from error
    if new not in config.hosts and new not in services:
        known = ", ".join([*config.hosts, *services])
        raise ControlError("no-such-host", f"--host {text}: {new} is not served here; there are {known}")
    return old, new


def _kept_since(config: Config, services: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Since when archives keep messages, by domain."""
    for names, module, model in ((config.hosts, "mam", MamOptions), (services, MUC, MucOptions)):
        for name in names:
            options, _ = config.module_options(module, model, name)
            if isinstance(options, MamOptions | MucOptions) and options.keep_days:
                yield name, time.time() - options.keep_days * DAY_S


def _source(kind: str, path: Path) -> Source:
    """Open it; `SourceError`, OSError. ejabberd has two formats, which the first bytes tell apart."""
    path.stat()
    if kind == "prosody":
        return ProsodySource.at(path)
    if path.is_dir():
        raise SourceError(f"{path} is a folder: give the file in it that includes the others")
    with path.open("rb") as file:
        is_xml = file.read(_LOOKED_AT).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
    return PieSource(path) if kind == "xep0227" or is_xml else EjabberdSource(path)
