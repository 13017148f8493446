"""The options of a node as other servers have them: taken where they mean something here."""

from collections.abc import Mapping
from typing import Any, Final

from xmppd.services.pubsub.defaults import personal_defaults
from xmppd.services.pubsub.options import (
    LEFT_OUT,
    PREFIX,
    AccessModel,
    Bounds,
    NodeOptions,
    read_fields,
    with_values,
)

_BOUNDS: Final = Bounds(frozenset(AccessModel), 10_000, 16 * 1024 * 1024)
"""Counts from here on mean: as many as the server allows."""
_MEAN_NOTHING: Final = frozenset(each.removeprefix(PREFIX) for each in LEFT_OUT) | {
    "FORM_TYPE",
    "access_groups",
    "persistence",
    "autocreate_on_publish",
    "presence_based_delivery",
}
"""What needs not be told: of nodes of accounts those who are online are notified, whatever is said (XEP-0163 4.3)."""


def node_options(name: str, values: Mapping[str, tuple[str, ...]]) -> tuple[NodeOptions, list[str]]:
    """Give the options of an account's node *name*, and which *values* cannot be taken.

    *values* are by the field's name without ``pubsub#``; what is not said is as it is for new nodes.
    """
    read: dict[str, Any] = {}
    unknown: list[str] = []
    for key, texts in values.items():
        if key in _MEAN_NOTHING:
            continue
        texts = ("max",) if texts == ("unlimited",) or texts == ("infinity",) else texts
        try:
            read |= read_fields({PREFIX + key: texts}, _BOUNDS)
        except ValueError:
            unknown.append(f"{key} = {' '.join(texts)}"[:80])
    return with_values(personal_defaults(name), read), unknown
