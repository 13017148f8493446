"""Who may do what with a node: the tables of XEP-0060 4.1 and 4.5.

`may_get` is the one answer for a request of items, a notification, the last item and disco: nobody asks otherwise.
"""

from enum import Enum
from typing import Final, NamedTuple

from xmppd.services.pubsub.node import Affiliation, Node, People, SubscriptionState
from xmppd.services.pubsub.options import AccessModel, PublishModel
from xmppd.services.pubsub.refusals import NS_ERRORS, refusal
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError


class Viewer(NamedTuple):
    """What somebody is to a node and to its owner."""

    affiliation: Affiliation = Affiliation.NONE
    subscription: SubscriptionState = SubscriptionState.NONE
    """Of the bare JID, or of one of its full JIDs."""
    sees_presence: bool = False
    """Whether the owner lets them see its presence."""
    groups: frozenset[str] = frozenset()
    """The groups of the owner's roster that they are in."""


class Refused(Enum):
    """Why somebody may not; each with its error (XEP-0060 6.1.3, 6.5.9)."""

    FORBIDDEN = "forbidden"
    PRESENCE = "presence-subscription-required"
    GROUP = "not-in-roster-group"
    CLOSED = "closed-node"
    NOT_SUBSCRIBED = "not-subscribed"

    def error(self) -> StanzaError:
        """Give the error for who has asked."""
        if self is Refused.FORBIDDEN:
            return StanzaError("forbidden")
        if self is Refused.NOT_SUBSCRIBED:  # 6.5.9.3; elsewhere the same condition goes with another error
            return StanzaError("not-authorized", extra=Element("not-subscribed", NS_ERRORS))
        return refusal(self.value)


ALLOWED: Final = None
READERS: Final = frozenset((Affiliation.OWNER, Affiliation.PUBLISHER, Affiliation.MEMBER))
"""They may get items whatever the access model is."""
SHUT_OUT: Final = frozenset((Affiliation.OUTCAST, Affiliation.PUBLISH_ONLY))
"""They may not."""
WRITERS: Final = frozenset((Affiliation.OWNER, Affiliation.PUBLISHER, Affiliation.PUBLISH_ONLY))


def may_get(node: Node, who: Viewer) -> Refused | None:
    """Say why *who* may not get the items of *node*; None where they may."""
    if who.affiliation in READERS:
        return ALLOWED
    if who.affiliation in SHUT_OUT:
        return Refused.FORBIDDEN
    model = node.options.access_model
    if model == AccessModel.OPEN:
        return ALLOWED
    if model == AccessModel.PRESENCE:
        return ALLOWED if who.sees_presence else Refused.PRESENCE
    if model == AccessModel.ROSTER:
        return ALLOWED if not who.groups.isdisjoint(node.options.roster_groups_allowed) else Refused.GROUP
    if model == AccessModel.AUTHORIZE:
        return ALLOWED if who.subscription is SubscriptionState.SUBSCRIBED else Refused.NOT_SUBSCRIBED
    return Refused.CLOSED


def may_all_get(node: Node, people: People) -> bool:
    """Whether `may_get` allows everybody, so that it need not be asked for each."""
    is_open = node.options.access_model == AccessModel.OPEN
    return is_open and SHUT_OUT.isdisjoint(people.affiliations.values())


def may_subscribe(node: Node, who: Viewer) -> Refused | None:
    """Say why *who* may not subscribe; whom an owner has to approve may ask (XEP-0060 6.1.4)."""
    refused = may_get(node, who)
    return ALLOWED if refused is Refused.NOT_SUBSCRIBED else refused


is_listed_for = may_subscribe
"""Why *who* must not learn that there is such a node: who may ask to be let in may know of it."""


def may_publish(node: Node, who: Viewer) -> Refused | None:
    """Say why *who* may not publish."""
    if who.affiliation in WRITERS:
        return ALLOWED
    model = node.options.publish_model
    if who.affiliation is Affiliation.OUTCAST or model == PublishModel.PUBLISHERS:
        return Refused.FORBIDDEN
    if model == PublishModel.OPEN or who.subscription is SubscriptionState.SUBSCRIBED:
        return ALLOWED
    return Refused.FORBIDDEN


def may_change_others(who: Viewer) -> bool:
    """Whether *who* may overwrite and retract what others have published, and purge the node (4.1, note)."""
    return who.affiliation in (Affiliation.OWNER, Affiliation.PUBLISHER)


def may_configure(who: Viewer) -> Refused | None:
    """Say why *who* may not configure or delete the node, nor say who has to do with it."""
    return ALLOWED if who.affiliation is Affiliation.OWNER else Refused.FORBIDDEN
