"""All metrics, as a table: name, kind, what it says, labels, and where it is read. The manual's page is made of it.

Names follow Prometheus' custom: base units, ``_total`` for what only grows. The last four are those of its own client
libraries, so that dashboards for any process show this one too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from xmppd.admin.loaded import loaded
from xmppd.admin.metrics import process
from xmppd.admin.metrics.measured import Measured, Sessions
from xmppd.modules.register import Register
from xmppd.modules.strangers import Strangers
from xmppd.storage.histogram import Histogram

Labels = tuple[str, ...]
Samples = Iterable[tuple[Labels, float | Histogram]]
Kind = Literal["gauge", "counter", "histogram"]


@dataclass(frozen=True, slots=True)
class Metric:
    """One row."""

    name: str
    kind: Kind
    text: str
    labels: Labels
    read: Callable[[Measured, Sessions], Samples]


def _one(value: Callable[[Measured], float | Histogram | None]) -> Callable[[Measured, Sessions], Samples]:
    """What has no labels; None where it is not known."""

    def read(server: Measured, _: Sessions) -> Samples:
        found = value(server)
        return () if found is None else (((), found),)

    return read


def _by_kind(counts: Mapping[str, int], *labels: str) -> Iterator[tuple[Labels, float]]:
    for kind, count in counts.items():
        yield (*labels, kind), count


def _sessions(_: Measured, sessions: Sessions) -> Samples:
    return sessions.counts.items()


def _connections(server: Measured, _: Sessions) -> Samples:
    for factory in server.clients:
        yield ("client", "tls" if factory.is_direct_tls else "starttls"), len(factory.connections)
    streams = server.peers.connections.streams
    outgoing = sum(stream.is_initiated for stream in streams)
    yield ("server", "out"), outgoing
    yield ("server", "in"), len(streams) - outgoing
    yield ("component", "in"), sum(door.stream is not None for door in server.components)


def _stanzas(server: Measured, _: Sessions) -> Samples:
    router = server.router
    federation = server.peers.federation
    yield from _by_kind(router.from_clients, "client", "in")
    yield from _by_kind(server.registry.sent, "client", "out")
    yield from _by_kind(router.from_servers, "server", "in")
    yield from _by_kind(federation.taken, "server", "out")
    for host in server.hosts:
        if not host.has_accounts:
            service = router.service(host.name)
            yield from _by_kind(service.sent, host.name, "in")
            yield from _by_kind(service.received, host.name, "out")


def _handshakes(server: Measured, _: Sessions) -> Samples:
    for factory in server.clients:
        peer = "client, direct" if factory.is_direct_tls else "client"
        yield from _by_kind(factory.handshakes, peer)
    yield from _by_kind(server.peers.connections.handshakes, "server")


def _pairs(server: Measured, _: Sessions) -> Samples:
    states: dict[str, int] = dict.fromkeys(("open", "looking", "backing off", "resting"), 0)
    for pair in server.peers.federation.pairs.values():
        states[pair.state] += 1
    return _by_kind(states)


def _federation(server: Measured, _: Sessions) -> Samples:
    counters = server.peers.federation.counters
    for name in counters.__slots__:
        yield (name,), getattr(counters, name)


def _components(server: Measured, _: Sessions) -> Samples:
    for door in server.components:
        yield (door.host.name,), float(door.stream is not None)


def _component_queues(server: Measured, _: Sessions) -> Samples:
    for door in server.components:
        if door.queue.messages is not None:
            yield (door.host.name,), door.queue.messages


def _rooms(server: Measured, _: Sessions) -> Samples:
    counts: dict[str, int] = {}
    for room in server.rooms.loaded.values():
        service = room.address.domainpart
        counts[service] = counts.get(service, 0) + 1
    return _by_kind(counts)


def _occupants(server: Measured, _: Sessions) -> Samples:
    counts: dict[str, int] = {}
    for room in server.rooms.loaded.values():
        service = room.address.domainpart
        counts[service] = counts.get(service, 0) + len(room.occupants)
    return _by_kind(counts)


def _registrations(server: Measured, _: Sessions) -> Samples:
    for host in server.hosts.of_accounts:
        module = loaded(host, Register)
        if module is not None:
            yield (host.name, "made"), module.made
            yield (host.name, "refused"), module.refused


def _strangers(server: Measured, _: Sessions) -> Samples:
    for host in server.hosts.of_accounts:
        module = loaded(host, Strangers)
        if module is not None:
            yield (host.name,), module.refused


def _expiry(server: Measured, _: Sessions) -> Samples:
    for domain, certificate in server.certificates().items():
        yield (domain,), certificate.expires_at.timestamp()


def _waiting_for_servers(server: Measured) -> float:
    return sum(len(pair.queue) for pair in server.peers.federation.pairs.values())


def _waiting_bytes_for_servers(server: Measured) -> float:
    return sum(pair.size_bytes for pair in server.peers.federation.pairs.values())


TABLE: Final = (
    Metric(
        "xmppd_info",
        "gauge",
        "Always 1; the label has the version",
        ("version",),
        lambda server, _: [((server.version,), 1)],
    ),
    Metric(
        "xmppd_sessions",
        "gauge",
        "Sessions of clients: available, connected without presence, or hibernating (XEP-0198) without a carrier",
        ("host", "state", "carrier"),
        _sessions,
    ),
    Metric(
        "xmppd_connections",
        "gauge",
        "Connections, by who is at the other end and how they were made",
        ("peer", "way"),
        _connections,
    ),
    Metric(
        "xmppd_connections_refused_total",
        "counter",
        "Connections that were closed because their address has too many, or there are too many",
        (),
        _one(lambda server: server.addresses.refused),
    ),
    Metric(
        "xmppd_clients_slowed_total",
        "counter",
        "Times that a client sent more at a time than it may, and was read more slowly",
        (),
        _one(lambda server: sum(factory.slowed for factory in server.clients)),
    ),
    Metric(
        "xmppd_stanzas_total",
        "counter",
        "Stanzas that came in and went out; the peer is client, server, or the name of a service or component",
        ("peer", "direction", "kind"),
        _stanzas,
    ),
    Metric(
        "xmppd_logins_total",
        "counter",
        "Authentications that succeeded",
        ("host", "mechanism"),
        lambda server, _: server.authentication.logins.items(),
    ),
    Metric(
        "xmppd_login_failures_total",
        "counter",
        "Authentications that failed",
        ("host", "mechanism"),
        lambda server, _: server.authentication.failures.items(),
    ),
    Metric(
        "xmppd_reports_total",
        "counter",
        "Reports of users about those whom they have blocked (XEP-0377)",
        ("host", "reason"),
        lambda server, _: server.reports.counts.items(),
    ),
    Metric(
        "xmppd_registrations_total",
        "counter",
        "Accounts that users made by themselves (XEP-0077), and those that were refused for being too many",
        ("host", "outcome"),
        _registrations,
    ),
    Metric(
        "xmppd_strangers_refused_total",
        "counter",
        "Messages that were refused because their sender is no contact and writes to many",
        ("host",),
        _strangers,
    ),
    Metric(
        "xmppd_tls_handshakes_total",
        "counter",
        "TLS handshakes, by who is at the other end and the version",
        ("peer", "version"),
        _handshakes,
    ),
    Metric(
        "xmppd_hibernating_bytes",
        "gauge",
        "What sessions without a connection hold together; limits.hibernating_bytes bounds it",
        (),
        _one(lambda server: server.stream_management.hibernating.size_bytes),
    ),
    Metric(
        "xmppd_inbox_accounts",
        "gauge",
        "Accounts for which messages may wait",
        (),
        _one(lambda server: server.inbox.waiting_accounts),
    ),
    Metric(
        "xmppd_inbox_unwritten",
        "gauge",
        "Acknowledgements of messages that are not written yet",
        (),
        _one(lambda server: server.inbox.unwritten),
    ),
    Metric(
        "xmppd_federation_pairs",
        "gauge",
        "Pairs of a domain here and one elsewhere, by the state of the way there",
        ("state",),
        _pairs,
    ),
    Metric(
        "xmppd_federation_queue",
        "gauge",
        "Stanzas that wait for other servers",
        (),
        _one(_waiting_for_servers),
    ),
    Metric(
        "xmppd_federation_queue_bytes",
        "gauge",
        "Their size",
        (),
        _one(_waiting_bytes_for_servers),
    ),
    Metric(
        "xmppd_federation_events_total",
        "counter",
        "What happened between this server and others: sent, received, bounced (stanzas), attempts, opened, failures, "
        "accepted, refused (streams), slowed (sent too much at a time)",
        ("event",),
        _federation,
    ),
    Metric(
        "xmppd_component_connected",
        "gauge",
        "Whether the program that is the service is connected",
        ("component",),
        _components,
    ),
    Metric(
        "xmppd_component_queue",
        "gauge",
        "Messages that wait for it, where it has a queue",
        ("component",),
        _component_queues,
    ),
    Metric("xmppd_rooms", "gauge", "Rooms in memory", ("service",), _rooms),
    Metric("xmppd_room_occupants", "gauge", "Occupants of these rooms", ("service",), _occupants),
    Metric(
        "xmppd_storage_commits_total",
        "counter",
        "Transactions that are durable",
        (),
        _one(lambda server: server.storage.writes.commits),
    ),
    Metric(
        "xmppd_storage_failures_total",
        "counter",
        "Transactions that failed",
        (),
        _one(lambda server: server.storage.writes.failures),
    ),
    Metric(
        "xmppd_storage_backlog",
        "gauge",
        "Changes that wait for their commit",
        (),
        _one(lambda server: server.storage.backlog),
    ),
    Metric(
        "xmppd_storage_commit_seconds",
        "histogram",
        "How long a group of transactions took to become durable",
        (),
        _one(lambda server: server.storage.writes.seconds),
    ),
    Metric(
        "xmppd_storage_group_changes",
        "histogram",
        "How many changes such a group had",
        (),
        _one(lambda server: server.storage.writes.changes),
    ),
    Metric(
        "xmppd_reactor_lag_seconds",
        "histogram",
        "How late the event loop was at a timer; looked at twice a second",
        (),
        _one(lambda server: server.lag.seconds),
    ),
    Metric(
        "xmppd_reactor_lag_worst_seconds",
        "gauge",
        "The longest such lag since the last scrape",
        (),
        _one(lambda server: server.lag.worst()),
    ),
    Metric(
        "xmppd_work_waiting",
        "gauge",
        "Pieces of long work that wait for their next turn",
        (),
        _one(lambda server: server.turns.waiting),
    ),
    Metric(
        "xmppd_certificate_expiry_timestamp_seconds",
        "gauge",
        "When the certificate of a domain ends, in seconds since 1970",
        ("domain",),
        _expiry,
    ),
    Metric(
        "process_resident_memory_bytes",
        "gauge",
        "Memory that the process really uses",
        (),
        _one(lambda _: process.resident_bytes()),
    ),
    Metric(
        "process_cpu_seconds_total",
        "counter",
        "Processor time that was used",
        (),
        _one(lambda _: process.processor_s()),
    ),
    Metric(
        "process_open_fds", "gauge", "Open file descriptors", (), _one(lambda _: process.open_descriptors())
    ),
    Metric(
        "process_max_fds",
        "gauge",
        "How many there may be",
        (),
        _one(lambda _: process.most_descriptors()),
    ),
    Metric(
        "process_start_time_seconds",
        "gauge",
        "When the server was started, in seconds since 1970",
        (),
        _one(lambda server: server.started_at),
    ),
)
