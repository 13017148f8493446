"""Shared groups from the configuration: everybody in a group has its other members as contacts.

They see each other's presence without asking, nothing of it is stored, and no client can change it. A contact that an
account has of its own as well is hidden for as long as both are in a group::

    [modules.groups.groups]
    Family = ["romeo@example.org", "juliet@example.org"]
    Staff = "*"                                             # all accounts of the host
"""

from collections.abc import Mapping
from typing import Annotated, Literal

from xmppd.config.fields import BeforeValidator, Field, Mistake
from xmppd.config.section import account
from xmppd.core.module import Module, Options
from xmppd.core.timers import Timer
from xmppd.core.waiting import spawn
from xmppd.services.accounts.accounts import AccountEvent, Accounts
from xmppd.services.roster.roster import RosterItem, Rosters
from xmppd.stanza.jid import JID

ALL = "*"
REFRESH_AFTER_S = 1.0
"""How long a new or removed account waits until the others see it: many at once are one change."""


def _members(value: object) -> object:
    """Every member that is wrong in one sentence, since the choice between two types would tell each twice."""
    if value == ALL:
        return value
    example = 'write a list of accounts, such as ["romeo@example.org"], or "*" for all of the host'
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise Mistake("config.wrong-type", "members are a list of texts", example)
    members, wrong = [], []
    for name in value:
        try:
            members.append(account(name))
        except Mistake as mistake:
            wrong.append(f"{name!r}: {mistake.why}")
    if wrong:
        raise Mistake("config.bad-jid", "; ".join(wrong), example)
    return tuple(members)


GroupName = Annotated[str, Field(min_length=1, max_length=1_023)]
Members = Annotated[Literal["*"] | tuple[str, ...], BeforeValidator(_members)]


class GroupsOptions(Options):
    """Which groups there are."""

    groups: Annotated[
        dict[GroupName, Members],
        Field(examples=[{"Family": ("romeo@example.org", "juliet@example.org"), "Staff": "*"}]),
    ] = {}
    """Names of groups, each with its members: accounts, or "*" for all accounts of the host."""


class Groups(Module):
    """Gives the members of shared groups to each other's rosters."""

    name = "groups"
    summary = "Shared roster groups"
    requires = ("roster",)
    options = GroupsOptions
    uses = (Rosters, Accounts)
    opt: GroupsOptions

    def start(self) -> None:
        """Show the groups; follow who is in them."""
        self._rosters = self.api.services[Rosters]
        self._accounts = self.api.services[Accounts]
        self._domain = self.api.host.name
        self._items: dict[tuple[str, tuple[str, ...]], RosterItem] = {}
        self._members: dict[str, frozenset[str]] | None = None
        self._refreshing: Timer | None = None
        self._is_running = True
        if not self.opt.groups:
            return
        self._rosters.set_overlay(self._domain, self._contacts)
        self._refresh(0.0)
        if ALL in self.opt.groups.values():
            for event in (AccountEvent.CREATED, AccountEvent.REMOVED):
                self._accounts.subscribe(event, self._on_account)

    def stop(self) -> None:
        """Let the members keep what they have of their own."""
        self._is_running = False
        if self.opt.groups:
            self._rosters.set_overlay(self._domain, None)
            self._refresh(0.0)

    def _contacts(self, owner: str) -> Mapping[str, RosterItem]:
        """Give an account the members of its groups; equal items are one object for all who see them."""
        groups_of: dict[str, list[str]] = {}
        for group, members in self._resolved().items():
            if owner in members:
                for member in members:
                    groups_of.setdefault(member, []).append(group)
        groups_of.pop(owner, None)
        return {member: self._item(member, tuple(groups)) for member, groups in sorted(groups_of.items())}

    def _item(self, member: str, groups: tuple[str, ...]) -> RosterItem:
        item = self._items.get((member, groups))
        if item is None:
            item = RosterItem(member, JID.parse(member).localpart, "both", groups=groups)
            self._items[member, groups] = item
        return item

    def _resolved(self) -> dict[str, frozenset[str]]:
        if self._members is None:
            everybody = frozenset(self._accounts.of_host(self._domain))
            self._members = {
                group: everybody if members == ALL else frozenset(members)
                for group, members in self.opt.groups.items()
            }
        return self._members

    def _on_account(self, jid: JID) -> None:
        if jid.domainpart != self._domain or not self._is_running:
            return
        self._members = None
        self._items.clear()
        self._refresh(REFRESH_AFTER_S)

    def _refresh(self, delay_s: float) -> None:
        if self._refreshing is None:
            self._refreshing = self.api.timers.add(delay_s, self._refresh_now)

    def _refresh_now(self, now: float, timer: Timer, param: None) -> None:
        self._refreshing = None
        spawn("shared groups", self._rosters.refresh(self._domain))
