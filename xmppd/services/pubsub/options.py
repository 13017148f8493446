"""What the owner of a node may configure (XEP-0060 16.4.4), as a typed record, and the table of its fields.

The defaults of `NodeOptions` are a part of how nodes are stored (`encode` leaves out what has them): they never change.
What a new node gets is said elsewhere (`xmppd.services.pubsub.defaults`).
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final

from xmppd.services.pubsub.fields import FLAG, JIDS, TEXT, TEXTS, Choice, Count, Kind


class AccessModel(StrEnum):
    """Who may subscribe and get items (XEP-0060 4.5)."""

    OPEN = "open"
    PRESENCE = "presence"
    ROSTER = "roster"
    AUTHORIZE = "authorize"
    WHITELIST = "whitelist"


class PublishModel(StrEnum):
    """Who may publish beside owners and publishers."""

    PUBLISHERS = "publishers"
    SUBSCRIBERS = "subscribers"
    OPEN = "open"


class ItemReply(StrEnum):
    """Of whom an item says that replies are for (XEP-0060 12.16)."""

    NONE = "none"
    PUBLISHER = "publisher"


class SendLast(StrEnum):
    """When the last item is sent."""

    NEVER = "never"
    ON_SUB = "on_sub"
    ON_SUB_AND_PRESENCE = "on_sub_and_presence"


class NodeFull(StrEnum):
    """What happens to a new item where there are as many as there may be (XEP-0060 7.1.2.6)."""

    RETRACT_OLDEST = "retract-oldest"
    DISCARD_OLDEST = "discard-oldest"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The configuration of a node; a count of None is ``max``: as many as the server allows."""

    access_model: str = AccessModel.OPEN
    roster_groups_allowed: tuple[str, ...] = ()
    publish_model: str = PublishModel.PUBLISHERS
    persist_items: bool = True
    max_items: int | None = 1
    item_expire: int | None = None
    publish_node_full: str = NodeFull.RETRACT_OLDEST
    max_payload_size: int | None = None
    send_last_published_item: str = SendLast.ON_SUB_AND_PRESENCE
    deliver_notifications: bool = True
    deliver_payloads: bool = True
    notification_type: str = "headline"
    notify_config: bool = False
    notify_delete: bool = True
    notify_retract: bool = True
    notify_sub: bool = False
    subscribe: bool = True
    itemreply: str = ItemReply.NONE
    expose_publisher: bool = False
    node_type: str = "leaf"
    type: str = ""
    title: str = ""
    description: str = ""
    language: str = ""
    contact: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form: its name without ``pubsub#``, how its values are read and written, its label."""

    name: str
    kind: Kind
    label: str


PREFIX: Final = "pubsub#"
FIELDS: Final[Mapping[str, Field]] = {
    name: Field(name, kind, label)
    for name, kind, label in (
        ("title", TEXT, "A friendly name for the node"),
        ("description", TEXT, "A description of the node"),
        ("language", TEXT, "The default language of the node"),
        ("type", TEXT, "The namespace of the payloads"),
        ("contact", JIDS, "The JIDs of those to contact with questions"),
        ("node_type", Choice({"leaf": "A node with items"}), "What the node is"),
        (
            "access_model",
            Choice(
                {
                    AccessModel.OPEN: "Anyone",
                    AccessModel.PRESENCE: "Contacts who may see the owner's presence",
                    AccessModel.ROSTER: "Contacts in certain groups of the owner's roster",
                    AccessModel.AUTHORIZE: "Subscribers whom an owner has approved",
                    AccessModel.WHITELIST: "Members of the node",
                }
            ),
            "Who may subscribe and retrieve items",
        ),
        ("roster_groups_allowed", TEXTS, "The roster groups allowed to subscribe and retrieve items"),
        (
            "publish_model",
            Choice(
                {
                    PublishModel.PUBLISHERS: "Owners and publishers",
                    PublishModel.SUBSCRIBERS: "Subscribers too",
                    PublishModel.OPEN: "Anyone",
                }
            ),
            "Who may publish",
        ),
        ("persist_items", FLAG, "Whether items are kept"),
        ("max_items", Count(least=1), "How many items are kept, or max"),
        ("item_expire", Count(least=1), "After how many seconds items are purged, or max"),
        (
            "publish_node_full",
            Choice(
                {
                    NodeFull.RETRACT_OLDEST: "The oldest is retracted",
                    NodeFull.DISCARD_OLDEST: "The oldest is discarded",
                    NodeFull.REJECT: "The new one is refused",
                }
            ),
            "What happens when there are as many items as are kept",
        ),
        ("max_payload_size", Count(least=1), "The largest payload in bytes"),
        (
            "send_last_published_item",
            Choice(
                {
                    SendLast.NEVER: "Never",
                    SendLast.ON_SUB: "To who subscribes",
                    SendLast.ON_SUB_AND_PRESENCE: "To who subscribes or comes online",
                }
            ),
            "When the last published item is sent",
        ),
        ("deliver_notifications", FLAG, "Whether subscribers are notified"),
        ("deliver_payloads", FLAG, "Whether notifications have the payload"),
        (
            "notification_type",
            Choice({"normal": "Normal messages", "headline": "Headlines", "chat": "Chat messages"}),
            "What notifications are",
        ),
        ("notify_config", FLAG, "Whether subscribers are notified of another configuration"),
        ("notify_delete", FLAG, "Whether subscribers are notified when the node is deleted"),
        ("notify_retract", FLAG, "Whether subscribers are notified when items are removed"),
        ("notify_sub", FLAG, "Whether owners are notified of subscribers who come and go"),
        ("subscribe", FLAG, "Whether subscriptions are allowed"),
        (
            "itemreply",
            Choice({ItemReply.NONE: "Nobody", ItemReply.PUBLISHER: "The publisher, whom items then name"}),
            "Of whom items say that replies are for",
        ),
        ("expose_publisher", FLAG, "Whether it is shown who has published an item"),
    )
}
"""In the order in which they are shown."""

OFF: Final = frozenset(("presence_based_delivery", "purge_offline", "tempsub"))
"""Fields of the form that are not shown, since nothing but off can be had: a service hears no presence of others."""
LEFT_OUT: Final = frozenset(
    f"{PREFIX}{name}" for name in ("body_xslt", "dataform_xslt", "collection", "children")
)
"""Fields of the form that mean nothing here: they may be submitted with a configuration."""
_STORED: Final = NodeOptions()


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the server allows at most: counts at or beyond it mean ``max``."""

    access_models: frozenset[str]
    max_items: int
    max_payload_size: int

    def items_of(self, options: "NodeOptions") -> int:
        """Say how many items a node keeps; one that was configured when more were allowed has no more either."""
        return min(options.max_items or self.max_items, self.max_items)

    def payload_of(self, options: "NodeOptions") -> int:
        """Say how many bytes a payload has at most."""
        return min(options.max_payload_size or self.max_payload_size, self.max_payload_size)


def read_fields(
    values: Mapping[str, tuple[str, ...]], bounds: Bounds, ignored: Container[str] = ()
) -> dict[str, Any]:
    """Give the typed values of a form's fields, but those *ignored*, by attribute of `NodeOptions`.

    Raises ValueError for a field that there is not, and for a value that it cannot have; both say which.
    """
    read: dict[str, Any] = {}
    for var, texts in values.items():
        if var in ignored or _is_off(var, texts):
            continue
        field = FIELDS.get(var.removeprefix(PREFIX)) if var.startswith(PREFIX) else None
        if field is None:
            raise ValueError(f"{var} is no option of a node here")
        try:
            value = field.kind.read(texts)
        except ValueError as error:
            raise ValueError(f"{var}: {error}") from error
        read[field.name] = _bounded(field.name, value, bounds)
    return read


def _is_off(var: str, texts: tuple[str, ...]) -> bool:
    """Whether what cannot be had is not wanted either; ValueError where it is."""
    if not var.startswith(PREFIX) or var.removeprefix(PREFIX) not in OFF:
        return False
    if FLAG.read(texts):
        raise ValueError(f"{var} is not available here")
    return True


def _bounded(name: str, value: Any, bounds: Bounds) -> Any:
    if name == "access_model" and value not in bounds.access_models:
        raise ValueError(f"{PREFIX}{name}: {value} is not available here")
    if name in ("max_items", "max_payload_size") and value is not None and value >= getattr(bounds, name):
        return None
    return value


def unmet(options: NodeOptions, wanted: Mapping[str, Any]) -> list[str]:
    """Name the preconditions that *options* do not meet (XEP-0060 7.1.5): values are compared as what they mean."""
    return [name for name, value in wanted.items() if getattr(options, name) != value]


def with_values(options: NodeOptions, values: Mapping[str, Any]) -> NodeOptions:
    """Give *options* with other values, as `read_fields` gave them."""
    return replace(options, **values)


def written(options: NodeOptions) -> Iterator[tuple[Field, tuple[str, ...]]]:
    """Give each field with its values as text."""
    for field in FIELDS.values():
        yield field, field.kind.write(getattr(options, field.name))


def encode(options: NodeOptions) -> dict[str, Any]:
    """Give what differs from the defaults of `NodeOptions`, ready for JSON."""
    return {name: value for name, value in asdict(options).items() if value != getattr(_STORED, name)}


def decode(stored: Mapping[str, Any]) -> NodeOptions:
    """Give what `encode` was given; what this version does not know is left out."""
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in stored.items()
        if name in FIELDS
    }
    return NodeOptions(**known)
