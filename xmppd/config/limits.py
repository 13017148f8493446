"""``[limits]``: what a peer may cost. Sizes are in bytes, times in seconds; none is off by default."""

from typing import Annotated

from xmppd.config.fields import Field
from xmppd.config.section import Section, ServerWide

KIB = 1024
MIB = 1024 * KIB
DAY_S = 86_400.0

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=31_536_000)]


class Limits(Section):
    """Every limit of the server. What a host cannot have for itself holds before its name is known."""

    # -- one stanza of an authenticated stream
    stanza_bytes: Annotated[int, Field(ge=10_000)] = 256 * KIB
    """One stanza, tags and all; RFC 6120 13.12 wants 10,000 at least."""
    s2s_stanza_bytes: Annotated[int, Field(ge=10_000), ServerWide] = 512 * KIB
    """One stanza of another server."""
    stanza_depth: Count = 256
    """Levels of elements within one stanza."""
    stanza_elements: Count = 10_000
    """Elements within one stanza."""
    tag_bytes: Annotated[int, Field(ge=1_000)] = 64 * KIB
    """One start tag with its attributes."""

    # -- all of a connection
    bytes_per_second: Annotated[int, Field(ge=1_000)] = MIB
    """What a client may send for long; one that sends more is read more slowly."""
    burst_bytes: Annotated[int, Field(ge=64 * KIB)] = 8 * MIB
    """What it may send at once, after it has been silent."""
    s2s_bytes_per_second: Annotated[int, Field(ge=1_000), ServerWide] = 8 * MIB
    """What another server may send for long, on one connection."""
    s2s_burst_bytes: Annotated[int, Field(ge=64 * KIB), ServerWide] = 64 * MIB
    """What it may send at once."""

    # -- before authentication
    unauthenticated_stanza_bytes: Annotated[int, Field(ge=1_000), ServerWide] = 10_000
    """One first-level element before authentication."""
    unauthenticated_elements: Annotated[Count, ServerWide] = 32
    """Elements within it."""
    unauthenticated_depth: Annotated[Count, ServerWide] = 16
    """Levels of elements within it."""
    unauthenticated_timeout_s: Annotated[Seconds, ServerWide] = 30.0
    """A connection is closed when it has not authenticated after this time, whatever it sends."""
    registration_timeout_s: Annotated[Seconds, ServerWide] = 300.0
    """The same for one that has fetched a registration form."""

    # -- authentication
    auth_failures: Count = 5
    """Failed attempts to authenticate that end a stream."""
    auth_failures_per_address: Annotated[Count, ServerWide] = 20
    """Failed attempts from one address (of IPv6: one /64) within auth_failure_window_s that throttle it."""
    auth_failure_window_s: Annotated[Seconds, ServerWide] = 600.0
    """How long a failed attempt counts."""
    auth_delay_s: Annotated[float, Field(ge=0, le=60), ServerWide] = 1.0
    """How long a correct login from a throttled address waits for its answer; it is never refused."""

    # -- connections and sessions
    connections_per_address: Annotated[Count, ServerWide] = 1_000
    """Connections from one address at the same time; of IPv6 from one /64 network."""
    connections_per_minute: Annotated[Count, ServerWide] = 300
    """Connections that one address opens within a minute; of IPv6 one /64 network. Not of this machine itself."""
    resources_per_user: Count = 20
    """Connected resources of one account."""
    send_buffer_bytes: Annotated[int, Field(ge=64 * KIB), ServerWide] = 16 * MIB
    """What waits for a client that does not read; then it is cut off."""
    uncommitted_stanzas: Annotated[Count, ServerWide] = 256
    """Stanzas of one session that are not on disk yet; then its reading pauses."""
    uncommitted_bytes: Annotated[int, Field(ge=1_000), ServerWide] = 256 * KIB
    """Bytes of one session that are not on disk yet; then its reading pauses."""
    hibernating_bytes: Annotated[int, Field(ge=64 * KIB), ServerWide] = 256 * MIB
    """What sessions without a connection hold together (XEP-0198); beyond it those end that hold most."""
    keepalive_s: Annotated[Seconds, ServerWide] = 300.0
    """After this time without a byte from a client it is sent a space, so that a dead connection shows."""
    close_timeout_s: Annotated[Seconds, ServerWide] = 5.0
    """How long a closed stream waits for the client's end tag."""
    shutdown_timeout_s: Annotated[Seconds, ServerWide] = 5.0
    """How long a stopping server waits for clients that do not read."""
    iq_timeout_s: Annotated[Seconds, ServerWide] = 60.0
    """How long a request of the server's own waits for its answer."""
    pending_iqs: Annotated[Count, ServerWide] = 10_000
    """Requests of the server's own that wait at the same time."""
    directed_presences: Count = 2_000
    """Addresses outside its roster to which one session has sent presence."""
    capabilities: Annotated[Count, ServerWide] = 10_000
    """Client descriptions (XEP-0115) that are remembered."""

    # -- roster
    roster_items: Count = 20_000
    """Contacts of one account."""
    roster_groups: Count = 100
    """Groups of one contact."""
    roster_name_bytes: Count = 1_023
    """The name of a contact, and of a group."""
    pending_subscriptions: Count = 1_000
    """Requests for one account's presence that wait for its answer."""
    subscription_request_bytes: Count = 16 * KIB
    """One of them, as it is kept."""
    blocked_jids: Count = 10_000
    """Addresses that one account blocks (XEP-0191)."""

    # -- what is stored for an account
    tombstone_s: Annotated[float, Field(ge=0, le=100 * 365 * DAY_S)] = 30 * DAY_S
    """How long the name of an account that was removed cannot be another's."""
    offline_messages: Count = 10_000
    """Messages that wait for one account."""
    offline_bytes: Annotated[int, Field(ge=64 * KIB)] = 64 * MIB
    """All of them together, besides what stands in its archive."""
    private_bytes: Annotated[int, Field(ge=1_000)] = MIB
    """Private data of one account (XEP-0049), all together."""
    vcard_bytes: Annotated[int, Field(ge=1_000)] = 256 * KIB
    """The vCard of one account (XEP-0054)."""
    pubsub_nodes: Count = 1_000
    """Nodes of one account (XEP-0163) or pubsub service (XEP-0060)."""
    pubsub_items: Count = 10_000
    """Items of one node; what ``max`` means as its max_items."""
    pubsub_payload_bytes: Annotated[int, Field(ge=1_000)] = 192 * KIB
    """The payload of one item."""
    pubsub_people: Count = 20_000
    """Subscriptions to one node, and affiliations with it."""
    pubsub_subscriptions: Count = 1_000
    """Subscriptions of one entity to the nodes of one account or service."""
