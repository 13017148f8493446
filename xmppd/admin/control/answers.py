"""What control commands give, as records: both ends of the socket are checked against them.

Keys are for machines too (``xmppctl --json``), so they stay. Times are ISO 8601 with their zone, sizes are in bytes.
"""

from typing import Final, TypedDict


class Named(TypedDict):
    """An account that something was done to, by its bare JID."""

    jid: str


class Found(Named):
    """An account that is there."""

    disabled: bool


class Ended(Named):
    """An account that was changed, and the full JIDs of the sessions that end by it."""

    ended: list[str]


class Removed(Ended, total=False):
    """An account that was removed; *erased* is when its data go, where that is not at once."""

    erased: str


class AccountRow(Found):
    """One account of a list, with its role at its host; *erased* is when the data of one that is removed go."""

    created: str
    role: str
    sessions: int
    erased: str | None


class NotAdded(TypedDict):
    """One account of an import that was not made: its place in the list, and why."""

    index: int
    id: str
    message: str


class Imported(TypedDict):
    """What came of an import."""

    added: int
    failed: list[NotAdded]


class SessionRow(TypedDict):
    """One session."""

    jid: str
    address: str
    tls: bool
    priority: int | None
    since: str
    available: bool
    interested: bool
    attached: bool
    client: str
    software: str
    device: str
    tag: str
    by_token: bool


class Kicked(TypedDict):
    """The full JIDs of the sessions that were ended."""

    jids: list[str]


class ClientRow(TypedDict):
    """One client of an account, connected or not."""

    client: str
    software: str
    device: str
    tag: str
    resource: str
    address: str
    tls: bool
    since: str
    last_seen: str
    knows_password: bool
    token_until: str | None
    jids: list[str]


class Revoked(TypedDict):
    """The ids of clients that were revoked, the sessions that end, and which of them can come again."""

    clients: list[str]
    ended: list[str]
    knowing_password: list[str]


class ModuleRow(TypedDict):
    """One module, and the domains that have it loaded."""

    name: str
    summary: str
    xeps: list[int]
    hosts: list[str]


class ModuleChanged(TypedDict):
    """A module, and the domains where it was changed."""

    name: str
    hosts: list[str]


class HookRow(TypedDict):
    """One handler of a hook."""

    host: str
    hook: str
    station: str | None
    module: str


class LeftOver(TypedDict):
    """A domain that has data, or had, and is not served."""

    host: str
    accounts: int


class DomainRow(TypedDict):
    """A domain that is served with accounts, or has some."""

    host: str
    served: bool
    accounts: int


class Renamed(TypedDict):
    """A domain whose data are another's now."""

    old: str
    new: str
    accounts: int


class HostStatus(TypedDict):
    """One served host: sessions, available ones, modules."""

    name: str
    sessions: int
    available: int
    modules: int


class ComponentStatus(TypedDict):
    """One service or component; *module* is None for a program from outside."""

    name: str
    module: str | None
    modules: int


class Versions(TypedDict):
    """What the server runs on; *openssl* is the one that TLS goes through."""

    python: str
    twisted: str
    pyopenssl: str
    cryptography: str
    openssl: str
    sqlite: str


LIBRARIES: Final = {
    "python": "Python",
    "twisted": "Twisted",
    "pyopenssl": "pyOpenSSL",
    "cryptography": "cryptography",
    "openssl": "OpenSSL",
    "sqlite": "SQLite",
}
"""How the keys of `Versions` are called."""


def versions_in_words(versions: Versions) -> str:
    """Give them as a phrase."""
    return ", ".join(f"{LIBRARIES.get(key, key)} {version}" for key, version in versions.items())


class Status(TypedDict):
    """What an administrator wants to know first."""

    version: str
    pid: int
    started: str
    uptime_s: int
    data_dir: str
    memory_bytes: int | None
    sessions: int
    hosts: list[HostStatus]
    components: list[ComponentStatus]
    listening: list[str]
    versions: Versions


class ReadAnew(TypedDict):
    """What is in force after a reload, in words, and the number of mistakes."""

    lines: list[str]
    mistakes: int


class Stopping(TypedDict):
    """How many sessions end with the server, and its process."""

    sessions: int
    pid: int


class PeerStream(TypedDict):
    """One stream with another server."""

    direction: str
    """``in`` or ``out``, ``in+out`` or ``out+in`` of one that serves both: who has begun it comes first."""
    ours: str
    theirs: str
    proven: list[str]
    """The pairs of domains that may be spoken for on it, as ``theirs -> ours``."""
    address: str
    tls: str
    """The version; "" without TLS."""
    by: str
    """How it was authenticated: ``EXTERNAL`` or ``certificate``, ``DANE``, ``dialback``."""
    names: list[str]
    """Of the certificate that the other side has shown."""
    trusted: bool
    pinned: bool
    """Whether the certificate is what DNS says (DANE)."""
    expires: str | None


class PeerQueue(TypedDict):
    """What goes from one of our domains to one of others."""

    ours: str
    theirs: str
    state: str
    waiting: int
    waiting_bytes: int
    unconfirmed: int
    error: str | None
    retry_at: str | None


class Federated(TypedDict):
    """All streams and queues, and the counters since the start."""

    streams: list[PeerStream]
    queues: list[PeerQueue]
    counters: dict[str, int]


class PeersClosed(TypedDict):
    """How many streams and queues were ended."""

    streams: int
    queues: int


class RoomNamed(TypedDict):
    """A room that something was done to, by its bare JID."""

    room: str


class RoomRow(RoomNamed):
    """One room of a list."""

    title: str
    public: bool
    persistent: bool
    occupants: int
    creator: str


class RoomAffiliation(TypedDict):
    """Somebody's affiliation with a room."""

    jid: str
    affiliation: str
    nick: str
    reason: str


class RoomOccupant(TypedDict):
    """Somebody in a room, with the full JIDs of the sessions."""

    nick: str
    jids: list[str]
    affiliation: str
    role: str


class RoomShown(RoomRow):
    """All of a room; *settings* are those that differ from the defaults, without the password."""

    created: str
    subject: str
    password: bool
    settings: dict[str, str]
    affiliations: list[RoomAffiliation]


class ComponentRow(TypedDict):
    """A component that a program connects as; *address* and *since* are None while none does.

    The stanzas are those of the connection, whichever of its domains they are of; *waiting* are messages on disk.
    """

    name: str
    connected: bool
    connection_of: str | None
    address: str | None
    since: str | None
    stanzas_in: int
    stanzas_out: int
    unsent_bytes: int
    queue: bool
    waiting: int


class ComponentDetails(TypedDict):
    """A component, and by host what it may do there (right: access), and the namespaces that it manages."""

    component: ComponentRow
    privileges: dict[str, dict[str, str]]
    delegated: dict[str, list[str]]


class ComponentsClosed(TypedDict):
    """The domains whose connection is ended."""

    closed: list[str]


class Invited(TypedDict):
    """An invitation that was made; *url* is "" without a web server, *uri* for a password."""

    id: str
    kind: str
    uri: str
    url: str
    expires: str


class InvitationRow(TypedDict):
    """An open invitation; *inviter* is "" where an administrator has made it."""

    id: str
    kind: str
    host: str
    username: str
    inviter: str
    uses: int
    created: str
    expires: str


class ReportRow(TypedDict):
    """What a user reports of somebody, in short."""

    id: str
    at: str
    host: str
    reason: str
    reported: str
    reporter: str
    messages: int


class ReportDetails(TypedDict):
    """A report with what it is about."""

    report: ReportRow
    text: str
    messages: list[str]


class ReportsRemoved(TypedDict):
    """Reports that are forgotten."""

    removed: list[str]
