"""Control commands about other servers: streams both ways, queues, what fails, and ending or trying it."""

from dataclasses import asdict
from datetime import UTC, datetime

from xmppd.admin.control.answers import Federated, PeerQueue, PeersClosed, PeerStream
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.core.operations.running import does
from xmppd.net.streams.s2s.peers import Peers
from xmppd.net.streams.s2s.stream import ServerStream
from xmppd.services.federation.pair import Pair
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.jid import JID, InvalidJID

_DIRECTIONS = {
    (False, False): "in",
    (True, False): "out",
    (False, True): "in+out",
    (True, True): "out+in",
}
"""By whether this server has begun a stream, and whether it serves both directions (XEP-0288)."""


@does("s2s.list")
def s2s_list(parts: ControlParts) -> Federated:
    """Give the streams and queues with all other servers."""
    return _federated(_peers(parts), None)


@does("s2s.show")
def s2s_show(parts: ControlParts, domain: str) -> Federated:
    """Give those with the server of a domain."""
    return _federated(_peers(parts), _domain(domain))


@does("s2s.close")
def s2s_close(parts: ControlParts, domain: str) -> PeersClosed:
    """End all streams with the server of a domain; what waits for it goes back to its senders."""
    peers, wanted = _peers(parts), _domain(domain)
    queues = peers.federation.close(wanted)
    streams = [each for each in peers.connections.streams if _is_of(each, wanted)]
    for stream in streams:
        stream.close(StreamError("reset", "Closed by an administrator"))
    if not queues and not streams:
        raise ControlError(
            "no-such-peer", f"there is no connection with {wanted}; to see which: xmppctl s2s list"
        )
    return {"streams": len(streams), "queues": queues}


@does("s2s.connect")
def s2s_connect(parts: ControlParts, domain: str, host: str | None = None) -> PeerQueue:
    """Look for the server of a domain now, from a domain of ours: the first host where none is named."""
    peers, wanted = _peers(parts), _domain(domain)
    ours = parts.hosts.of_accounts[0].name if host is None else _domain(host)
    if ours not in parts.hosts:
        raise ControlError("no-such-host", f"{ours} is no domain of this server")
    if wanted in parts.hosts:
        raise ControlError("not-possible", f"{wanted} is a domain of this server")
    try:
        return _queue(peers.federation.connect(ours, wanted))
    except StanzaError as error:
        raise ControlError("not-possible", f"{wanted}: {error.text or error.condition}") from error


def _federated(peers: Peers, domain: str | None) -> Federated:
    streams = [each for each in peers.connections.streams if domain is None or _is_of(each, domain)]
    pairs = [each for each in peers.federation.pairs.values() if domain is None or each.theirs == domain]
    return {
        "streams": sorted(
            map(_stream, streams), key=lambda row: (row["theirs"], row["ours"], row["direction"])
        ),
        "queues": sorted(map(_queue, pairs), key=lambda row: (row["theirs"], row["ours"])),
        "counters": asdict(peers.federation.counters),
    }


def _peers(parts: ControlParts) -> Peers:
    if parts.peers is None:
        raise ControlError(
            "not-federated",
            "this server does not talk to others: localhost is all it serves, or s2s.enabled is false",
        )
    return parts.peers


def _domain(text: str) -> str:
    try:
        return JID.parse(text).domainpart
    except InvalidJID:
        raise ControlError("bad-arguments", f"{text} is no domain") from None


def _is_of(stream: ServerStream, domain: str) -> bool:
    return domain == stream.theirs or domain in stream.proven


def _stream(stream: ServerStream) -> PeerStream:
    shown = stream.shown()
    proven = [
        f"{theirs} -> {ours}" for theirs, all_ours in stream.proven.items() for ours in sorted(all_ours)
    ]
    return {
        "direction": _DIRECTIONS[stream.is_initiated, stream.is_bidi],
        "ours": stream.ours,
        "theirs": stream.theirs,
        "proven": proven,
        "address": stream.peer,
        "tls": "" if shown is None else shown.tls_version,
        "by": stream.authenticated_by,
        "names": [] if shown is None else list(shown.names),
        "trusted": shown is not None and shown.is_trusted,
        "pinned": shown is not None and shown.is_pinned,
        "expires": None if shown is None else _stamp(shown.expires_at),
    }


def _queue(pair: Pair) -> PeerQueue:
    carrier = pair.carrier
    return {
        "ours": pair.ours,
        "theirs": pair.theirs,
        "state": pair.state,
        "waiting": len(pair.queue),
        "waiting_bytes": pair.size_bytes,
        "unconfirmed": 0 if carrier is None else carrier.unconfirmed,
        "error": None if pair.last_failed is None else pair.last_failed.text,
        "retry_at": None if pair.retry_at is None else _stamp(pair.retry_at),
    }


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
