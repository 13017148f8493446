"""Namespace Delegation: XEP-0355 0.5, client mode (6): a user has another entity answer in the place of the server.

The entity asks for a namespace of a user who sees its presence, the user is asked by a form and answers it; then
requests of that user to the host, and of anybody else to the user's bare address, go there. It holds until the user's
client that has granted it leaves, or takes it back by the command ``urn:xmpp:delegation:2#configure`` (7). Without
``namespaces`` in the configuration nobody is asked and nothing is delegated (10, "filtering").
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from xmppd.core import events
from xmppd.core.bounded import Bounded
from xmppd.core.events import IQRequest, Traffic, Unbound
from xmppd.core.iq import IQ_REQUESTS
from xmppd.core.module import XEP, Module, Options, iq, on
from xmppd.core.stations import ACTING, NOTING
from xmppd.core.waiting import deferred, spawn
from xmppd.modules.delegation.forwarding import NS, ask, told
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.components.components import Components
from xmppd.services.discovery.commands import GATHERING, Command, Execution, Menu, Note, Stage, is_user
from xmppd.services.roster.roster import Rosters
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission, submission_in
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.ns import CLIENT
from xmppd.stanza.stanza import Stanza

ASKED: Final = 1_000
"""Forms that wait for an answer; the oldest are forgotten."""
CHALLENGE: Final = "challenge"
CONFIGURE: Final = f"{NS}#configure"
WARNING: Final = "wants to manage for you what this server does otherwise. It would see and change it all."
NO, YES = "0", "1"


class UserDelegationOptions(Options):
    """``[modules.delegation_by_users]``."""

    namespaces: tuple[str, ...] = ()
    """The namespaces that users may have others manage, if they are asked and say so."""


class Asked(NamedTuple):
    """A form that was sent to a user."""

    bare_jid: str
    entity: str
    namespaces: tuple[str, ...]


class Grant(NamedTuple):
    """Who manages a namespace of a user."""

    entity: str
    by: str
    """The full JID of the client that has said so."""


class DelegationByUsers(Module):
    """Asks users, and hands over what they have delegated."""

    name = "delegation_by_users"
    summary = "Namespace delegation by users"
    xep = XEP(355, "0.5", "client mode, by which users delegate")
    requires = ("commands",)
    options = UserDelegationOptions
    uses = (Accounts, Components, Rosters)
    opt: UserDelegationOptions

    def start(self) -> None:
        """Look at requests where anything may be delegated."""
        services = self.api.services
        self._accounts, self._rosters = services[Accounts], services[Rosters]
        self._new_id = services[Components].new_id
        self._asked: Bounded[str, Asked] = Bounded(ASKED)
        self._grants: dict[str, dict[str, Grant]] = {}
        self._command = Command(
            CONFIGURE, "What others manage for me", (self.on_choose, self.on_revoke), is_user
        )
        if not self.opt.namespaces:
            return
        self.handle(events.HOST_STANZA, self.on_host_stanza)
        self.handle(events.ACCOUNT_STANZA, self.on_account_stanza, ACTING)

    # -- the question (6.1) -------------------------------------------------------------------------------------------

    @iq("get", NS, "query", to="host")
    @deferred
    async def on_query(self, request: IQRequest) -> None:
        """An entity wants to manage something of a user; the result says that the user is asked, and no more.

        Only who may see the user's presence: to all others it is as if there were no such user.
        """
        wanted = tuple(child.get("namespace") or "" for child in request.payload.elements())
        if not wanted or not set(wanted) <= set(self.opt.namespaces):
            raise StanzaError("forbidden", "This cannot be delegated")
        try:
            user = JID.parse(request.payload.get("to") or "")
        except InvalidJID as error:
            raise StanzaError("jid-malformed", str(error)) from error
        if user.domainpart != self.api.host.name or not self._accounts.exists(user.bare):
            raise StanzaError("service-unavailable")
        roster = await self._rosters.load(user.bare)
        if not roster.may_see_presence(request.sender.bare):
            raise StanzaError("service-unavailable")
        asked = Asked(user.bare, request.sender.full, wanted)
        if asked not in self._asked.values():  # who asks again waits for the first answer
            challenge = self._new_id(9)
            self._asked.keep(challenge, asked)
            self.api.registry.send_to_available_resources(user.bare, self._question(asked, challenge))

    def _question(self, asked: Asked, challenge: str) -> Stanza:
        warning = f"{asked.entity} {WARNING}"
        fields = [forms.field(CHALLENGE, "hidden", (challenge,)), *map(_permission, asked.namespaces)]
        form = forms.form(
            "form", NS, fields, title="Delegation", instructions="Do you allow it to manage the following?"
        )
        body, id = Element("body", CLIENT, children=[warning]), self._new_id(9)
        return Stanza.make("message", body, form, from_=self.api.host.name, to=asked.bare_jid, id=id)

    # -- the answer, and requests (6.2) -------------------------------------------------------------------------------

    def on_host_stanza(self, traffic: Traffic) -> bool | None:
        """A user answers a form, or asks the host for what another entity manages."""
        if traffic.stanza.name == "message":
            return self._answered(traffic) if traffic.stanza.has("x", forms.NS) else None
        return self._delegated(traffic, traffic.sender)

    def on_account_stanza(self, traffic: Traffic) -> bool | None:
        """Somebody asks a user's account for it."""
        return self._delegated(traffic, traffic.target)

    def _delegated(self, traffic: Traffic, user: JID) -> bool | None:
        stanza, grants = traffic.stanza, self._grants.get(user.bare)
        if grants is None or stanza.name != "iq" or stanza.type not in IQ_REQUESTS:
            return None
        grant = grants.get(stanza.child_names[0][0])
        if grant is None or traffic.target.resourcepart is not None or traffic.sender.full == grant.entity:
            return None
        spawn("a delegated request", ask(self.api, traffic, grant.entity, self._new_id(9)))
        return True

    def _answered(self, traffic: Traffic) -> bool | None:
        try:
            submission = submission_in(traffic.stanza.element)
        except ValueError:
            return None
        challenge = (submission.first(CHALLENGE) if submission is not None else None) or ""
        asked = self._asked.get(challenge)
        if submission is None or asked is None or asked.bare_jid != traffic.sender.bare:
            return None
        del self._asked[challenge]
        granted = [each for each in asked.namespaces if _is_yes(submission, each)]
        if granted and self.api.registry.get(traffic.sender.full) is not None:
            grants = self._grants.setdefault(asked.bare_jid, {})
            replaced = {grants[each].entity for each in granted if each in grants}
            grants.update((each, Grant(asked.entity, traffic.sender.full)) for each in granted)
            self._tell(asked.bare_jid, {asked.entity, *replaced})
        return True

    def _tell(self, bare_jid: str, entities: Iterable[str]) -> None:
        """Say to each what it manages for a user now, which may be nothing (6.1, 9.3)."""
        grants, host = self._grants.get(bare_jid, {}), self.api.host.name
        for entity in sorted(entities):
            own = [told(namespace) for namespace, grant in grants.items() if grant.entity == entity]
            telling = Element("delegation", NS, {"to": bare_jid}, own)
            self.api.router.route(Stanza.make("message", telling, from_=host, to=entity, id=self._new_id(9)))

    # -- the end (7) --------------------------------------------------------------------------------------------------

    @on(events.RESOURCE_UNBOUND, NOTING)
    def on_unbound(self, unbound: Unbound) -> None:
        """What a client has granted goes with it."""
        bare_jid, full_jid = unbound.session.bare_jid or "", unbound.session.full_jid
        grants = self._grants.get(bare_jid, {})
        self._revoke(bare_jid, [each for each, grant in grants.items() if grant.by == full_jid])

    def _revoke(self, bare_jid: str, namespaces: Iterable[str]) -> None:
        grants = self._grants.get(bare_jid, {})
        gone = {grants.pop(each).entity for each in namespaces if each in grants}
        if not grants:
            self._grants.pop(bare_jid, None)
        self._tell(bare_jid, gone)

    @on(GATHERING)
    def on_gathering(self, menu: Menu) -> None:
        """Offer the command."""
        if self.opt.namespaces:
            menu.commands.append(self._command)

    def on_choose(self, execution: Execution) -> Stage:
        """Show what is delegated, and ask what is to end."""
        grants = self._grants.get(execution.sender.bare, {})
        if not grants:
            return Stage(notes=(Note("Nobody manages anything for you"),), is_last=True)
        options = [(each, f"{each}: {grant.entity}") for each, grant in grants.items()]
        return Stage(forms.form("form", "", [forms.choice("namespace", options)], title="Take back"))

    def on_revoke(self, execution: Execution) -> Stage:
        """It is the server's again."""
        self._revoke(execution.sender.bare, execution.answers[0].all("namespace"))
        return Stage(notes=(Note("It is this server's again"),))


def _permission(namespace: str) -> Element:
    shown = [
        Element("option", forms.NS, {"label": label}, [Element("value", forms.NS, children=[value])])
        for value, label in ((NO, "No"), (YES, "Yes"))
    ]
    return forms.field(namespace, "list-single", (NO,), label=f"Manage {namespace}", extra=shown)


def _is_yes(submission: Submission, namespace: str) -> bool:
    try:
        return submission.flag(namespace) is True
    except ValueError:
        return False
