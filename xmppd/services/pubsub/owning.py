"""What owners do with their nodes: XEP-0060 8.1 to 8.4; who has which affiliation, and who is subscribed: 8.8, 8.9.

Rules that live here: all of a change is stored, or nothing of it; a node always has an owner; whom a change is about
is told of it (8.8.4, 8.9.4), behind the result.
"""

from collections.abc import Iterable, Mapping, Sequence, Sized
from typing import Final, NamedTuple

from xmppd.core.waiting import deferred
from xmppd.services.pubsub.access import may_configure
from xmppd.services.pubsub.creation import new_node
from xmppd.services.pubsub.items import NS, NS_EVENT, event, node_event, notification
from xmppd.services.pubsub.joint import Form, JointChanges
from xmppd.services.pubsub.node import (
    Affiliation,
    Node,
    People,
    Subscription,
    SubscriptionState,
)
from xmppd.services.pubsub.nodes import ITEMS, Shelf
from xmppd.services.pubsub.operations import allow, node_in
from xmppd.services.pubsub.options import LEFT_OUT, NodeOptions, read_fields, with_values, written
from xmppd.services.pubsub.people import (
    affiliation_changes,
    subscription_changes,
    subscription_element,
)
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import NS_ERRORS, refusal
from xmppd.stanza import forms
from xmppd.stanza.element import Element, escape_attr
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Change, DeleteEntries, part_of

NODE_CONFIG: Final = "http://jabber.org/protocol/pubsub#node_config"
CHANGES_MAX: Final = 1_000
"""Affiliations or subscriptions that one request changes at most."""


class SubscriptionChange(NamedTuple):
    """What an owner makes of somebody's subscription."""

    jid: JID
    state: SubscriptionState


class Owning(JointChanges):
    """What owners do."""

    @deferred
    async def create(self, realm: Realm, who: JID, name: str, form: Form | None) -> str:
        """Make a node with its configuration in one step (8.1); without a name it gets one, which is given."""
        name = name or self._new_id()
        if not realm.may_create(who):
            raise StanzaError("forbidden", "Only some may make nodes here")
        async with self.exclusive(realm, name) as shelf:
            if name in shelf.nodes:
                raise StanzaError("conflict", "There is such a node already")
            options = with_values(realm.defaults(name), read_configuration(realm, form or {}))
            node, changes = await new_node(self._nodes, realm, who, name, options, self._now())
            await self.commit(realm, *changes)
            shelf.nodes[name] = node
            self._nodes.keep(shelf, None if realm.is_personal else name)
        return name

    @deferred
    async def configuration(self, realm: Realm, who: JID, name: str) -> NodeOptions:
        """Give the configuration of a node to an owner (8.2.1)."""
        node = await self.find(realm, name)
        allow(may_configure(await self.viewer(realm, node, who)))
        return node.options

    @deferred
    async def configure(self, realm: Realm, who: JID, name: str, form: Form) -> None:
        """Change the configuration of a node (8.2.4); what is not in the form stays."""
        async with self.exclusive(realm, name) as shelf:
            node = await self._owned(realm, shelf, who, name)
            options = with_values(node.options, read_configuration(realm, form))
            record = node.record._replace(options=options)
            changes: list[Change] = [self._nodes.put(node, record)]
            most = realm.bounds.items_of(options)
            changes.append(
                DeleteEntries(ITEMS, part_of(realm.jid, name), keep=most if options.persist_items else 0)
            )
            takers = await realm.audience(node, await self._nodes.people(node))
            await self.commit(realm, *changes)
            node.record = record
            node.items = None
            self._nodes.items_changed(node)
            if options.notify_config:
                content = configuration_form(options, realm, "result") if options.deliver_payloads else b""
                self._tell(realm, node, node_event("configuration", name, content), takers)

    @deferred
    async def delete(self, realm: Realm, who: JID, name: str, redirect: str = "") -> None:
        """Delete a node with all that belongs to it (8.4); *redirect* says where it goes on."""
        async with self.exclusive(realm, name) as shelf:
            node = await self._owned(realm, shelf, who, name)
            people = await self._nodes.people(node)
            takers = [*await realm.audience(node, people)]
            along = await self._along(realm, who, shelf, name, (), ())
            await self._commit_with(realm, shelf, along, *self._nodes.forget(node, people))
            del shelf.nodes[name]
            self._nodes.items_changed(node)
            if node.options.notify_delete:
                content = f"<redirect uri='{escape_attr(redirect)}'/>".encode() if redirect else b""
                self._tell(realm, node, node_event("delete", name, content), takers)
        realm.changed(name, (), ())
        along.heard(realm)

    # -- who has to do with it ----------------------------------------------------------------------------------------

    @deferred
    async def affiliations(self, realm: Realm, who: JID, name: str) -> Mapping[str, Affiliation]:
        """Give all affiliations with a node by bare JID, to an owner (8.9.1)."""
        node = await self.find(realm, name)
        people = await self._nodes.people(node)
        allow(may_configure(await realm.viewer(node, who, people)))
        own = {realm.jid: Affiliation.OWNER} if realm.is_personal else {}
        return {**own, **people.affiliations}

    @deferred
    async def affiliate(self, realm: Realm, who: JID, name: str, wanted: Mapping[str, Affiliation]) -> None:
        """Give these bare JIDs other affiliations (8.9.2); those who lose what they saw lose their subscription."""
        async with self.exclusive(realm, name) as shelf:
            node = await self._owned(realm, shelf, who, name)
            people = await self._nodes.people(node)
            after = {**people.affiliations, **wanted}
            new = People()
            new.affiliations = {jid: each for jid, each in after.items() if each is not Affiliation.NONE}
            self._check_affiliations(realm, wanted, people, new)
            outcasts = [
                jid
                for jid in people.subscriptions
                if wanted.get(jid.partition("/")[0]) is Affiliation.OUTCAST
            ]
            new.subscriptions = {
                jid: each for jid, each in people.subscriptions.items() if jid not in outcasts
            }
            changes = affiliation_changes(node, wanted, new)
            changes += subscription_changes(node, dict.fromkeys(outcasts), new)
            await self._store_people(realm, node, new, changes)
            for jid, affiliation in wanted.items():
                if people.affiliations.get(jid, Affiliation.NONE) is not affiliation:
                    self._tell_one(realm, node, jid, _affiliation_told(node, affiliation))

    @deferred
    async def subscriptions(self, realm: Realm, who: JID, name: str) -> Mapping[str, Subscription]:
        """Give all subscriptions to a node by the JID subscribed, to an owner (8.8.1)."""
        node = await self.find(realm, name)
        people = await self._nodes.people(node)
        allow(may_configure(await realm.viewer(node, who, people)))
        return {**people.subscriptions}

    @deferred
    async def set_subscriptions(
        self, realm: Realm, who: JID, name: str, wanted: Sequence[SubscriptionChange]
    ) -> None:
        """Change others' subscriptions: approve, add or remove them (8.6, 8.8.2); who is concerned is told."""
        async with self.exclusive(realm, name) as shelf:
            node = await self._owned(realm, shelf, who, name)
            people = await self._nodes.people(node)
            changed: dict[str, Subscription | None] = {}
            for jid, state in wanted:
                known = people.subscriptions.get(jid.full)
                is_gone = state is SubscriptionState.NONE
                kept = known or Subscription(state, self._new_id())
                changed[jid.full] = None if is_gone else kept._replace(state=state)
            new = People()
            new.affiliations = people.affiliations
            merged = {**people.subscriptions, **changed}
            new.subscriptions = {jid: each for jid, each in merged.items() if each is not None}
            if len(wanted) > CHANGES_MAX or _is_too_many(realm, people.subscriptions, new.subscriptions):
                raise refusal("too-many-subscriptions")
            await self._store_people(realm, node, new, subscription_changes(node, changed, new))
            for address, each in changed.items():
                if people.subscriptions.get(address) != each:
                    told = event(subscription_element(node, address, each, NS_EVENT).to_bytes(NS_EVENT))
                    self._tell_one(realm, node, address, told)

    @deferred
    async def decide(
        self, realm: Realm, who: JID, name: str, jid: JID, subid: str | None, is_allowed: bool
    ) -> None:
        """An owner approves of a pending subscription, or does not (8.6)."""
        node = await self.find(realm, name)
        known = (await self._nodes.people(node)).subscriptions.get(jid.full)
        if known is None or known.state is not SubscriptionState.PENDING or subid not in (None, known.subid):
            raise refusal("invalid-subid")
        state = SubscriptionState.SUBSCRIBED if is_allowed else SubscriptionState.NONE
        await self.set_subscriptions(realm, who, name, (SubscriptionChange(jid, state),))

    async def _store_people(
        self, realm: Realm, node: Node, people: People, changes: Iterable[Change]
    ) -> None:
        record = node.record._replace(has_people=bool(people))
        more = () if record == node.record else (self._nodes.put(node, record),)
        await self.commit(realm, *changes, *more)
        node.record, node.people = record, people

    def _check_affiliations(
        self, realm: Realm, wanted: Mapping[str, Affiliation], before: People, new: People
    ) -> None:
        after = new.affiliations
        if len(wanted) > CHANGES_MAX or _is_too_many(realm, before.affiliations, after):
            raise StanzaError("policy-violation", "Too many affiliations")
        if realm.is_personal:
            if wanted.get(realm.jid, Affiliation.OWNER) is not Affiliation.OWNER:
                raise StanzaError("not-allowed", "An account owns its nodes")
        elif Affiliation.OWNER not in after.values():
            raise StanzaError("not-allowed", "A node needs an owner")

    async def _owned(self, realm: Realm, shelf: Shelf, who: JID, name: str) -> Node:
        node = node_in(shelf, name)
        allow(may_configure(await self.viewer(realm, node, who)))
        return node

    def _tell(self, realm: Realm, node: Node, event: bytes, takers: Iterable[str]) -> None:
        stanza = notification(realm.jid, node.options.notification_type, event)
        self._notices.send((realm.jid, node.name), stanza, takers)

    def _tell_one(self, realm: Realm, node: Node, jid: str, content: bytes) -> None:
        self._notices.send((realm.jid, node.name), notification(realm.jid, "headline", content), (jid,))


def _is_too_many(realm: Realm, before: Sized, after: Sized) -> bool:
    """Whether a change goes beyond what a node may have; whoever has too many already may have less."""
    return len(after) > max(len(before), realm.limits.pubsub_people)


def read_configuration(realm: Realm, form: Form) -> dict[str, object]:
    """Read a configuration that is submitted; `StanzaError` where it cannot be had (8.1.2, 8.2.5.2)."""
    try:
        return read_fields(form, realm.bounds, LEFT_OUT)
    except ValueError as error:
        extra = None
        if "access_model" in str(error):
            extra = Element("unsupported-access-model", NS_ERRORS)
        raise StanzaError("not-acceptable", str(error), extra=extra) from error


def configuration_form(options: NodeOptions, realm: Realm, type: str) -> bytes:
    """Write a configuration as a form: "form" to be filled in, "result" to be read."""
    fields = []
    for option, values in written(options):
        extra = [
            Element("option", forms.NS, {"label": label}, [Element("value", forms.NS, children=[value])])
            for value, label in option.kind.choices().items()
            if option.name != "access_model" or value in realm.bounds.access_models
        ]
        name = f"pubsub#{option.name}"
        fields.append(
            forms.field(
                name,
                option.kind.form_type,
                values,
                label=option.label,
                extra=extra if type == "form" else (),
            )
        )
    return forms.form(type, NODE_CONFIG, fields).to_bytes()


def _affiliation_told(node: Node, affiliation: Affiliation) -> bytes:
    attrs = f"node='{escape_attr(node.name)}' affiliation='{affiliation}'"
    return f"<pubsub xmlns='{NS}'><affiliations><affiliation {attrs}/></affiliations></pubsub>".encode()
