"""Operations on connections with other servers."""

from collections.abc import Iterable
from typing import Final

from xmppd.admin.control.answers import Federated, PeerQueue, PeerStream
from xmppd.core.operations.declaring import Args, Argument, Operation, Subject, option
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Line, computed, line, moment, rows

SHOWN_NAMES: Final = 2
DOMAIN: Final = Argument("domain")


def _certificate(row: PeerStream) -> str:
    names = ", ".join(row["names"][:SHOWN_NAMES]) + (" …" if len(row["names"]) > SHOWN_NAMES else "")
    if not names or (row["trusted"] and not row["pinned"]):
        return names
    return f"{names} (DANE)" if row["pinned"] else f"{names} (not believed)"


_streams = rows(
    direction="Way",
    theirs="Domain",
    ours="Ours",
    address="Address",
    tls="TLS",
    by="By",
    names=computed("Certificate", _certificate),
    expires=moment("Expires"),
)
_queues = rows(
    theirs="Domain",
    ours="Ours",
    state="State",
    waiting="Waiting",
    waiting_bytes="Bytes",
    unconfirmed="Unconfirmed",
    retry_at=moment("Next attempt"),
    error="Error",
)


def _listed(found: Federated, args: Args) -> Iterable[Block]:
    if found["streams"]:
        yield _streams(found["streams"])
    if found["queues"]:
        yield _queues(found["queues"])
    if not found["streams"] and not found["queues"]:
        yield Line(f"there is no connection with {args.get('domain', 'any other server')}")


def _shown(found: Federated, args: Args) -> Iterable[Block]:
    yield from _listed(found, args)
    for stream in found["streams"]:
        yield from (Line(f"proven: {pair}") for pair in stream["proven"])
    for queue in found["queues"]:
        if queue["error"] is not None:
            yield Line(f"{queue['ours']} to {queue['theirs']}: {queue['error']}")


def _looked(result: PeerQueue, args: Args) -> Iterable[Block]:
    way = f"{result['ours']} to {result['theirs']}"
    yield Line(f"{way}: {result['state']}; to see what comes of it: xmppctl s2s show {result['theirs']}")


SUBJECT: Final = Subject(
    "s2s",
    "Other servers",
    "Other servers: streams both ways, and what waits for them.",
    (
        Operation(
            "s2s.list",
            "List all streams with other servers, and the queues to them.",
            shows=_listed,
            role=Role.OPERATOR,
        ),
        Operation(
            "s2s.show",
            "Show the streams and queues with the server of DOMAIN, its certificate, and what was wrong last.",
            (DOMAIN,),
            _shown,
            role=Role.OPERATOR,
        ),
        Operation(
            "s2s.close",
            "End all streams with the server of DOMAIN; what waits for it goes back to its senders.",
            (DOMAIN,),
            line("{domain}: {streams} streams and {queues} queues ended"),
            role=Role.OPERATOR,
        ),
        Operation(
            "s2s.connect",
            "Look for the server of DOMAIN now, however long it was to be left alone.",
            (DOMAIN, option("host", "The domain of ours; without it the first host.", shown_as="from")),
            _looked,
            role=Role.OPERATOR,
        ),
    ),
)
