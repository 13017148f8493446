"""``twistd xmppd``: options, and the service that twistd runs. Every part of the process is put together here.

Before the fork, in `makeService`, so that the shell sees what is wrong: the data lock, the data, certificates, every
port bound. After it, in `RunningServer.startService`: threads, databases, modules, listeners. What is wrong before
the fork is ``SystemExit`` with one line a mistake and status 1. Importing this file loads no reactor.
"""

import os
import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService, MultiService
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger

from xmppd import __version__
from xmppd.admin.banner import Banner, typed
from xmppd.admin.control.answers import versions_in_words
from xmppd.admin.control.lending import take_back_all
from xmppd.admin.control.parts import ControlParts, gathered
from xmppd.admin.control.service import Control, offer
from xmppd.admin.folder import FolderError, make_data_folder, make_for, mode_for_others, server_secret
from xmppd.admin.heap import watch_heap
from xmppd.admin.journal import open_journal
from xmppd.admin.libraries import library_versions
from xmppd.admin.log_file import CannotLog, unusable_log
from xmppd.admin.metrics.measured import Measured
from xmppd.admin.metrics.measuring import measured
from xmppd.admin.notices import Notices
from xmppd.admin.notify import Notifier
from xmppd.admin.options import Options
from xmppd.admin.reload import Reload
from xmppd.admin.rights import ROOT, rights_of
from xmppd.admin.running import RunningServer, Streams
from xmppd.admin.settings import read_settings
from xmppd.admin.signals import Signals
from xmppd.admin.web_side import chat_address, web_side
from xmppd.config.model import Config
from xmppd.config.options import HostSettings
from xmppd.core.elsewhere import Backend
from xmppd.core.environment import Environment
from xmppd.core.log import STANDARD_OUTPUT, LogWriter
from xmppd.core.operations.running import Operations
from xmppd.core.outgoing import NoNames, Resolver
from xmppd.core.turns import whole
from xmppd.core.waiting import spawn
from xmppd.net.dial import dialer
from xmppd.net.ports import (
    BYTESTREAMS,
    C2S,
    C2S_DIRECT_TLS,
    COMPONENT,
    METRICS,
    S2S,
    S2S_DIRECT_TLS,
    Behind,
    PortKind,
    Ports,
)
from xmppd.net.streams.s2s.peers import Peers
from xmppd.net.tls.certificates import CertificateError, CertificateStore, utc_now
from xmppd.net.tls.contexts import TLSContexts
from xmppd.net.tls.expiry import ExpiryWatch
from xmppd.net.tls.flaws import in_force
from xmppd.net.tls.options import finding_files, host_files, tls_settings
from xmppd.net.tls.renewal import Renewal
from xmppd.net.tls.servers import ServersTLS
from xmppd.net.tls.watch import CertificateWatch
from xmppd.net.transport.inherited import inherited_sockets
from xmppd.net.transport.listen import Listener, ListenError, raise_descriptor_limit
from xmppd.server import Server, build, load_modules
from xmppd.services.accounts.departures import Departures
from xmppd.services.accounts.removal import Removal
from xmppd.services.invitations.upkeep import InvitationUpkeep
from xmppd.services.uploads.upkeep import UploadUpkeep
from xmppd.storage.interface import Storage, StorageError
from xmppd.storage.lock import DataLock, DataLocked
from xmppd.storage.open import open_storage

_EXPECTED = (CannotLog, CertificateError, DataLocked, FolderError, ListenError, StorageError, OSError)
__all__ = ["Options", "makeService"]

_log = Logger()


def makeService(options: Options) -> IService:
    """Do all that comes before the fork, print where the server is to be found, and give what twistd shall run."""
    try:
        prepared = _prepare(options)
        _begin_log(prepared)
        with rights_of(options.user):
            running = _put_together(prepared)
            _warn(prepared)
    except _EXPECTED as error:
        from xmppd.admin.refusal import refusal  # a start has no need of it

        raise SystemExit(refusal(error, options["config"])) from error
    _tell(prepared.banner())
    return running


def _tell(banner: Banner) -> None:
    """Past Python's buffer: what it cannot write to a full disk would spoil the end of the process too."""
    text = "".join(f"{line}\n" for line in banner.lines())
    try:
        os.write(STANDARD_OUTPUT, text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        _log.warn("What a start tells could not be written: {error}", error=str(error))


def _begin_log(given: "_Prepared") -> None:
    """The first lines of a log: whoever gets it sent has no banner."""
    libraries = versions_in_words(library_versions())
    _log.info("xmppd {version} starts on {libraries}", version=__version__, libraries=libraries)
    listening = ", ".join(given.ports.describe()) or "nothing"
    words = "It will listen on {listening}; its data are in {folder}"
    _log.info(words, listening=listening, folder=str(given.config.data_dir))


def _warn(given: "_Prepared") -> None:
    config = given.config
    if os.geteuid() == ROOT:
        words = (
            "The server runs as root, so whoever breaks into it owns this machine: start it with --uid USER"
        )
        _log.warn(words)
    for finding in (*config.warnings, *whole(in_force(given.tls.store.by_host(), utc_now()))):
        write = _log.error if finding.severity == "error" else _log.warn
        write("{finding}", finding=str(finding))
    mode = mode_for_others(config.data_dir)
    if mode is not None:
        words = "The data folder is open to others (mode {mode}): chmod 700 {folder}"
        _log.warn(words, mode=f"{mode:04o}", folder=str(config.data_dir))


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is there before the parts are put together: everything that may be missing, in use or wrong."""

    options: Options
    config: Config
    reactor: Any
    lock: DataLock
    storage: Storage
    tls: TLSContexts
    ports: Ports
    log_file: Path | None
    log_writer: LogWriter | None

    def banner(self) -> Banner:
        """Give what the operator is told."""
        return Banner(
            __version__,
            self.tls.store.by_host(),
            self.ports.describe(),
            self.config.data_dir,
            self.log_file,
            self.options["config"],
            typed("xmppctl", Path.cwd(), Path(sys.executable)),
            chat_address(self.config, self.ports),
        )


def _prepare(options: Options) -> _Prepared:
    from twisted.internet import reactor  # not before: postOptions chooses which

    config = options.settings
    loop: Any = reactor  # its interfaces are declared at run time
    make_for(options.user, config.data_dir)
    with rights_of(options.user):
        make_data_folder(config.data_dir)
        lock = DataLock(config.data_dir)
        lock.acquire()
        storage = open_storage(config.storage.url, config.data_dir, loop, config.storage.durability)
        storage.prepare()
        tls = TLSContexts(CertificateStore(host_files(config), utc_now), tls_settings(config))
        writer = None if options.of_twistd("syslog") else _log_writer(config, options.log_file)
    # with all the rights there are: some may be for root alone
    ports = Ports(config, inherited=inherited_sockets(os.environ))
    return _Prepared(options, config, reactor, lock, storage, tls, ports, options.log_file, writer)


def _log_writer(config: Config, file: Path | None) -> LogWriter:
    try:
        return LogWriter(config.log.level, config.log.format, file, journal=open_journal)
    except OSError as error:
        raise CannotLog(str(unusable_log(config, file, error))) from error


def _put_together(given: _Prepared) -> RunningServer:
    environment = _world(given)
    server = build(given.config, given.storage, environment)
    tls = given.tls.c2s
    renewal = _watch_certificates(given, server)
    clients = starttls, direct = server.c2s_factory(tls), server.c2s_factory(tls, is_direct_tls=True)
    limit = raise_descriptor_limit()
    peer_tls = ServersTLS(given.tls, lambda: server.config.s2s)
    peers = server.peers(peer_tls, given.ports.addresses(S2S, S2S_DIRECT_TLS))
    components = server.component_factory()
    behind_web, web = web_side(given.ports, given.tls, server.core, server.streams, server.addresses)
    watch_heap(given.reactor, server.core, (*clients, *web))
    behind_relay, relay = _relay(given, server)
    behind = {
        **behind_web,
        **behind_relay,
        C2S: Behind(starttls),
        C2S_DIRECT_TLS: Behind(direct, tls.creator_for(None)),
        S2S: Behind(peers.factory()),
        S2S_DIRECT_TLS: Behind(peers.factory(is_direct_tls=True), peer_tls.creator_in(None, None)),
        COMPONENT: Behind(components),
    }
    listeners = given.ports.listeners(given.reactor, limit, behind, lambda: server.config.limits)
    notifier = Notifier(os.environ, given.reactor, partial(_status, server))
    running = _running(given, server, peers, listeners, (*clients, peers, components, *web, *relay), notifier)
    reload = _reload(given, server, renewal, notifier)
    signals = Signals(given.reactor, hurry=running.hurry, reload=reload.on_signal)
    numbers = measured(server.core, server.addresses, peers, clients, given.tls.store.by_host)
    if given.ports.addresses(METRICS):
        _monitor(given, running, server, numbers)
    MultiService.addService(running, notifier)
    MultiService.addService(running, signals)
    operations = server.services[Operations]
    offer(operations, _control_parts(given, server, reload, signals, peers, numbers))
    MultiService.addService(running, Control(given.reactor, operations, given.config.data_dir))
    return running


def _running(
    given: _Prepared,
    server: Server,
    peers: Peers,
    listeners: Sequence[Listener],
    streams: Sequence[Streams],
    notifier: Notifier,
) -> RunningServer:
    return RunningServer(
        given.reactor,
        given.lock,
        given.storage,
        load_modules=partial(load_modules, server),
        load_data=lambda: server.accounts.load().addCallback(lambda _: _with_accounts(server, peers)),
        listeners=listeners,
        streams=streams,
        shutdown_timeout_s=lambda: server.config.limits.shutdown_timeout_s,
        log_observer=given.log_writer,
        on_ready=notifier.ready,
        on_stopping=notifier.stopping,
        is_daemon=given.options.is_daemon,
    )


def _watch_certificates(given: _Prepared, server: Server) -> Renewal:
    """Tell of those that end, and take those that are renewed; gives how they are read anew."""
    told = Notices(server.hosts, server.router).certificate
    timers, turns, config = server.timers, server.core.turns, server.current
    renewal = Renewal(given.tls, turns)
    ExpiryWatch(timers, turns, renewal, utc_now, told).start()
    CertificateWatch(
        timers, turns, renewal, lambda: finding_files(config.config), lambda: config.config.tls.certificates
    ).start()
    return renewal


def _status(server: Server) -> str:
    """A line for ``systemctl status``."""
    sessions = len(server.registry)
    return f"{sessions} {'session' if sessions == 1 else 'sessions'}, {', '.join(server.config.hosts)}"


def _relay(given: _Prepared, server: Server) -> tuple[dict[PortKind, Behind], Sequence[Streams]]:
    """Give what stands behind the ports for file transfers; it is loaded where there are any."""
    if not (addresses := given.ports.addresses(BYTESTREAMS)):
        return {}, ()
    from xmppd.net.socks5.factory import SocksFactory

    factory = SocksFactory(server.core, server.addresses, addresses[0][1])
    return {BYTESTREAMS: Behind(factory)}, (factory,)


def _monitor(given: _Prepared, running: RunningServer, server: Server, parts: Measured) -> None:
    """Let monitoring systems look, before clients are let in and until all have gone."""
    from xmppd.admin.metrics.page import monitoring  # most servers have no need of it

    behind = {METRICS: Behind(monitoring(parts, running.obstacles))}
    for listener in given.ports.listeners(
        given.reactor, raise_descriptor_limit(), behind, lambda: server.config.limits, of_operators=True
    ):
        MultiService.addService(running, listener)


def _control_parts(
    given: _Prepared, server: Server, reload: Reload, signals: Signals, peers: Peers, numbers: Measured
) -> ControlParts:
    return replace(
        gathered(server.core, server.loader, given.config.data_dir, is_running=True),
        reload=reload,
        stop=signals.stop,
        listening=given.ports.describe,
        measured=numbers,
        peers=peers if server.config.is_federated else None,
        certificates=given.tls.store.by_host,
        log=given.log_writer,
    )


def _with_accounts(server: Server, peers: Peers) -> None:
    """Do what needs to know all accounts."""
    if server.config.is_federated:
        peers.start()
    server.services[Departures].start()
    spawn("removing accounts that were lent", take_back_all(server.accounts, server.services[Removal]))
    server.services[InvitationUpkeep].start()
    server.services[UploadUpkeep].start()
    for host, accounts in server.accounts.by_host().items():
        if host not in server.config.hosts:
            words = "There are accounts of {host} ({accounts}), which is not served: see xmppctl host"
            _log.warn(words, host=host, accounts=accounts)


def _reload(given: _Prepared, server: Server, renewal: Renewal, notifier: Notifier) -> Reload:
    path = given.options["config"]
    absolute = None if path is None else os.path.abspath(path)  # a daemon may change its working folder
    read = partial(read_settings, absolute, os.environ)
    return Reload(
        given.config,
        read,
        renewal,
        server.core.turns,
        server.core.environment.in_thread,
        server.take,
        given.log_writer,
        given.log_file,
        begins=notifier.reloading,
        ends=notifier.ready,
    )


def _backend_of(host: HostSettings) -> Backend | None:
    if host.asked_elsewhere is None:
        return None
    from xmppd.net.elsewhere.backends import backend_of  # most servers have no need of it

    return backend_of(host)


def _ask_web(method: str, url: str) -> int:
    from xmppd.net.elsewhere.web import status_of  # likewise

    return status_of(method, url)


def _names(given: _Prepared) -> Resolver:
    if not given.config.is_federated:
        return NoNames()  # nobody asks for any
    from xmppd.net.dns import DNS

    servers = [(each.host, each.port) for each in given.config.s2s.resolvers]
    return DNS(given.reactor, servers or None, has_dnssec=given.config.s2s.dane)


def _world(given: _Prepared) -> Environment:
    reactor = given.reactor
    return Environment(
        clock=reactor,
        now=time.time,
        in_thread=lambda call, *args: deferToThreadPool(reactor, reactor.getThreadPool(), call, *args),
        random_text=secrets.token_urlsafe,
        secret=server_secret(given.config.data_dir),
        steady=time.monotonic,
        resolve=_names(given),
        backends=_backend_of,
        ask_web=_ask_web,
        dial=dialer(reactor, given.config.net.transport == "twisted", lambda: given.config.limits),
        hears=(lambda level: True) if given.log_writer is None else given.log_writer.hears,
    )
