"""Operations on nodes (XEP-0060), of services and of accounts (XEP-0163)."""

from collections.abc import Iterable
from typing import Final, TypedDict

from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject
from xmppd.core.operations.showing import Block, Facts, Line, Moment, line, moment, rows, table


class NodeRow(TypedDict):
    """One node."""

    node: str
    title: str
    access: str
    creator: str
    created: str
    items: int


class NodeShown(NodeRow):
    """All of a node but what its items say."""

    where: str
    settings: dict[str, str]
    affiliations: list[dict[str, str]]
    subscriptions: list[dict[str, str]]


WHERE: Final = Argument("where", kind=Kind.NODES)
NODE: Final = Argument("node")
_affiliations = rows(jid="JID", affiliation="Affiliation")
_subscriptions = rows(jid="JID", state="Subscription")


def _shown(node: NodeShown, args: Args) -> Iterable[Block]:
    yield Facts(
        (
            ("Node", node["node"]),
            ("At", node["where"]),
            ("Made", Line(Moment(node["created"]), f" by {node['creator']}")),
            ("Items", node["items"]),
            *node["settings"].items(),
        )
    )
    if node["affiliations"]:
        yield _affiliations(node["affiliations"])
    if node["subscriptions"]:
        yield _subscriptions(node["subscriptions"])


SUBJECT: Final = Subject(
    "pubsub",
    "Nodes",
    "Nodes: what is published, by services and by accounts.",
    (
        Operation(
            "pubsub.list",
            "List the nodes of WHERE: a pubsub service, or an account.",
            (WHERE,),
            table(
                "{where} has no nodes",
                node="Node",
                title="Title",
                access="Access",
                items="Items",
                creator="Made by",
                created=moment("Created"),
            ),
        ),
        Operation(
            "pubsub.show",
            "Show the configuration of a NODE, and who has to do with it.",
            (WHERE, NODE),
            _shown,
        ),
        Operation(
            "pubsub.delete",
            "Delete a NODE with all its items; subscribers are told.",
            (WHERE, NODE),
            line("{node} of {where} deleted"),
            confirm="Delete the node {node} of {where} with all its items?",
        ),
    ),
)
