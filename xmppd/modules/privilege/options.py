"""``[modules.privilege.components."NAME"]``: what each component may do, and how that is told to it."""

from typing import Annotated, Final, Literal

from xmppd.config.fields import Field, Mistake
from xmppd.core.module import Options
from xmppd.stanza.element import Element

NS: Final = "urn:xmpp:privilege:2"
READING: Final = ("get", "both")
Access = Literal["none", "get", "set", "both"]


class Privileges(Options):
    """What one component may do with the accounts of a host; nothing, unless it is said."""

    roster: Access = "none"
    """Whether it may read and change their rosters."""
    roster_push: bool = True
    """Whether it hears of each change of them, where it may read them."""
    message: Literal["none", "outgoing"] = "none"
    """Whether it may send messages in their names, and in that of the host."""
    iq: dict[str, Access] = {}
    """Requests of which namespaces it may send in their names."""
    presence: Literal["none", "managed_entity", "roster"] = "none"
    """Whether it hears when they come and go, and ("roster") what they hear of their contacts."""

    def check_whole(self) -> None:
        """Presence of rosters needs rosters."""
        if self.presence == "roster" and self.roster not in READING:
            why = 'presence = "roster" needs the right to read rosters (XEP-0356 7.4)'
            raise Mistake("config.conflicting-keys", why, 'add roster = "get"')

    @property
    def has_pushes(self) -> bool:
        """Whether it hears of changes of rosters (XEP-0356 4.1)."""
        return self.roster_push and self.roster in READING

    def to_element(self) -> Element:
        """Tell what is granted (XEP-0356 4.2, 5.2, 6.2, 7.2)."""
        told = Element("privilege", NS)
        if self.roster != "none":
            push = "true" if self.has_pushes else "false"
            told.children.append(Element("perm", NS, {"access": "roster", "type": self.roster, "push": push}))
        if self.message != "none":
            told.children.append(Element("perm", NS, {"access": "message", "type": self.message}))
        namespaces = [
            Element("namespace", NS, {"ns": ns, "type": access})
            for ns, access in self.iq.items()
            if access != "none"
        ]
        if namespaces:
            told.children.append(Element("perm", NS, {"access": "iq"}, namespaces))
        if self.presence != "none":
            told.children.append(Element("perm", NS, {"access": "presence", "type": self.presence}))
        return told


_EXAMPLE: Final = {
    "roster": "both",
    "message": "outgoing",
    "iq": {"http://jabber.org/protocol/pubsub": "both"},
    "presence": "roster",
}


class PrivilegeOptions(Options):
    """``[modules.privilege]``."""

    components: Annotated[dict[str, Privileges], Field(examples=[{"gateway.example.org": _EXAMPLE}])] = {}
    """What each component may do, by its domain."""


def allows(access: str, type: str | None) -> bool:
    """Whether a right of this kind covers an IQ of this type."""
    return access in ("both", type)
