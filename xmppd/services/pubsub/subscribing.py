"""Subscribing by request: XEP-0060 6.1 to 6.4, and what somebody has to do with nodes: 5.6, 5.7.

Rules that live here: one subscription for each JID, which is the requester's bare or full one; whom the access model
wants approved, an owner is asked for by a form (8.6), also when it comes only later.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from xmppd.core.waiting import deferred
from xmppd.services.pubsub.access import may_configure, may_get, may_subscribe
from xmppd.services.pubsub.fields import FLAG
from xmppd.services.pubsub.items import NS, delayed, items_event, notification, shown
from xmppd.services.pubsub.joint import Form
from xmppd.services.pubsub.node import Affiliation, Node, People, Subscription, SubscriptionState
from xmppd.services.pubsub.nodes import IS_SUBSCRIBED, PEOPLE, names_of
from xmppd.services.pubsub.operations import Operations, allow, node_in
from xmppd.services.pubsub.options import SendLast
from xmppd.services.pubsub.people import subscription_changes, subscription_element
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.refusals import refusal, unsupported
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp, stamp_of
from xmppd.storage.interface import MAX_PAGE, KeyRange, StorageError

AUTHORIZATION: Final = "http://jabber.org/protocol/pubsub#subscribe_authorization"
OPTIONS: Final = "http://jabber.org/protocol/pubsub#subscribe_options"
_DELIVER, _EXPIRE = "pubsub#deliver", "pubsub#expire"
_ABOVE_NEWLINE: Final = "\x0b"


class Subscribed(NamedTuple):
    """A subscription with its node and the JID subscribed."""

    node: Node
    jid: str
    subscription: Subscription


class Subscribing(Operations):
    """What subscribers do."""

    @deferred
    async def subscribe(self, realm: Realm, who: JID, name: str, jid: JID, form: Form | None) -> Subscribed:
        """Subscribe (6.1), with options if *form* has some (6.3.7); who is subscribed already stays so."""
        _check_own(who, jid)
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            people = await self._nodes.people(node)
            viewer = await realm.viewer(node, who, people)
            allow(may_subscribe(node, viewer))
            if not node.options.subscribe:
                raise unsupported("subscribe", "The node takes no subscriptions")
            known = people.subscriptions.get(jid.full)
            if known is not None and known.state is SubscriptionState.PENDING:
                raise refusal("pending-subscription")
            is_allowed = may_get(node, viewer) is None
            state = SubscriptionState.SUBSCRIBED if is_allowed else SubscriptionState.PENDING
            made = (known or Subscription(state, self._new_id()))._replace(state=state)
            made = made._replace(**read_options(form)) if form is not None else made
            if known is None:
                await self._check_number(realm, who, people)
            await self._put(realm, node, people, jid.full, made)
            if state is SubscriptionState.PENDING:
                self._ask_owners(realm, node, people, jid.full, made)
            elif known is None and node.options.send_last_published_item != SendLast.NEVER:
                await self._send_last(realm, node, jid.full)
        return Subscribed(node, jid.full, made)

    @deferred
    async def unsubscribe(self, realm: Realm, who: JID, name: str, jid: JID, subid: str | None) -> None:
        """End a subscription (6.2)."""
        _check_own(who, jid)
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            people = await self._nodes.people(node)
            known = _known(people, jid, subid)
            if known.state is not SubscriptionState.NONE:
                await self._put(realm, node, people, jid.full, None)

    @deferred
    async def options(self, realm: Realm, who: JID, name: str, jid: JID, subid: str | None) -> Subscribed:
        """Give a subscription with its options (6.3)."""
        _check_own(who, jid)
        node = await self.find(realm, name)
        return Subscribed(node, jid.full, _known(await self._nodes.people(node), jid, subid))

    @deferred
    async def set_options(
        self, realm: Realm, who: JID, name: str, jid: JID, subid: str | None, form: Form
    ) -> None:
        """Change the options of a subscription (6.3.5)."""
        _check_own(who, jid)
        async with self.exclusive(realm, name) as shelf:
            node = node_in(shelf, name)
            people = await self._nodes.people(node)
            changed = _known(people, jid, subid)._replace(**read_options(form))
            await self._put(realm, node, people, jid.full, changed)

    @deferred
    async def of(self, realm: Realm, who: JID, name: str = "") -> list[Subscribed]:
        """Give all subscriptions of an entity, bare JID and resources, or those to one node (5.6)."""
        now = self._now()
        found = []
        for node in await self._nodes_of(realm, who, name):
            people = await self._nodes.people(node)
            for jid, each in people.subscriptions.items():
                is_over = each.expire is not None and each.expire <= now
                if jid.partition("/")[0] == who.bare and not is_over:
                    found.append(Subscribed(node, jid, each))
        return found

    @deferred
    async def affiliations_of(
        self, realm: Realm, who: JID, name: str = ""
    ) -> Sequence[tuple[Node, Affiliation]]:
        """Give all affiliations of an entity, or that with one node (5.7)."""
        if realm.is_owner(who) and realm.is_personal:
            nodes = await self._nodes.all_of(realm.jid, True)
            return [(node, Affiliation.OWNER) for node in nodes if name in ("", node.name)]
        found = []
        for node in await self._nodes_of(realm, who, name):
            affiliation = (await self._nodes.people(node)).affiliations.get(who.bare)
            if affiliation is not None:
                found.append((node, affiliation))
        return found

    @deferred
    async def pending(self, realm: Realm, who: JID) -> list[str]:
        """Name the nodes of an owner where subscriptions wait for an answer (8.7.2)."""
        owned = await self.affiliations_of(realm, who)
        found = []
        for node, affiliation in owned:
            if affiliation is Affiliation.OWNER and _pending(await self._nodes.people(node)):
                found.append(node.name)
        return found

    @deferred
    async def ask_again(self, realm: Realm, who: JID, name: str) -> int:
        """Ask an owner for all subscriptions to a node that wait, a message for each (8.7.4); gives how many."""
        node = await self.find(realm, name)
        people = await self._nodes.people(node)
        allow(may_configure(await realm.viewer(node, who, people)))
        waiting = _pending(people)
        for jid, subscription in waiting.items():
            form = authorization_form(node, jid, subscription).to_bytes()
            self._notices.send((realm.jid, node.name), notification(realm.jid, "normal", form), (who.full,))
        return len(waiting)

    async def _nodes_of(self, realm: Realm, who: JID, name: str) -> list[Node]:
        if name:
            return [await self.find(realm, name)]
        names = dict.fromkeys(each for _, each in names_of(await self._keys_of(realm, who)))
        nodes = []
        for each in names:
            shelf = await self._shelf(realm, each)
            nodes += [shelf.nodes[each]] if each in shelf.nodes else []
        return nodes

    async def _check_number(self, realm: Realm, who: JID, people: People) -> None:
        if len(people.subscriptions) >= realm.limits.pubsub_people:
            raise refusal("too-many-subscriptions", "The node has as many subscribers as it may")
        known = (await self._keys_of(realm, who)).values()
        if sum(each == IS_SUBSCRIBED for each in known) >= realm.limits.pubsub_subscriptions:
            raise refusal("too-many-subscriptions")

    async def _keys_of(self, realm: Realm, who: JID) -> dict[str, bytes]:
        """Give the keys of `PEOPLE` by which nodes know an entity, bare JID and resources."""
        keys = KeyRange(f"{who.bare}\n", before=f"{who.bare}{_ABOVE_NEWLINE}")
        found = page = await self._storage.get_range(PEOPLE, realm.jid, keys, limit=MAX_PAGE, is_fresh=True)
        while len(page) == MAX_PAGE:
            keys = keys._replace(after=max(page))
            page = await self._storage.get_range(PEOPLE, realm.jid, keys, limit=MAX_PAGE, is_fresh=True)
            found = found | page
        return found

    async def _put(
        self, realm: Realm, node: Node, people: People, jid: str, subscription: Subscription | None
    ) -> None:
        after = People()
        after.affiliations = people.affiliations
        after.subscriptions = {**people.subscriptions}
        if subscription is None:
            after.subscriptions.pop(jid, None)
        else:
            after.subscriptions[jid] = subscription
        record = node.record._replace(has_people=bool(after))
        changes = subscription_changes(node, {jid: subscription}, after)
        if record != node.record:
            changes.append(self._nodes.put(node, record))
        await self.commit(realm, *changes)
        before = people.subscriptions.get(jid)
        node.record, node.people = record, after
        if node.options.notify_sub and (before is None) != (subscription is None):
            told = _pubsub(subscription_element(node, jid, subscription))
            self._notices.send(
                (realm.jid, node.name), notification(realm.jid, "headline", told), _owners(realm, people)
            )

    async def _send_last(self, realm: Realm, node: Node, jid: str) -> None:
        try:
            last = await self._nodes.last(node)
        except StorageError:
            return  # the subscription stands; the item can be asked for
        expire = node.options.item_expire
        if last is None or (expire is not None and last.sent_at < self._now() - expire):
            return
        content = items_event(node.name, (shown(node, last, node.options.deliver_payloads),))
        stanza = notification(realm.jid, node.options.notification_type, content, delayed(last.sent_at))
        self._notices.send((realm.jid, node.name), stanza, (jid,))

    def _ask_owners(
        self, realm: Realm, node: Node, people: People, jid: str, subscription: Subscription
    ) -> None:
        """8.6: owners are asked by a message with a form."""
        form = authorization_form(node, jid, subscription).to_bytes()
        self._notices.send(
            (realm.jid, node.name), notification(realm.jid, "normal", form), _owners(realm, people)
        )


def read_options(form: Form) -> dict[str, Any]:
    """Read the options of a subscription (16.4.2); `StanzaError` invalid-options for what is none here."""
    read: dict[str, Any] = {}
    try:
        for var, texts in form.items():
            if var == _DELIVER:
                read["deliver"] = FLAG.read(texts)
            elif var == _EXPIRE:
                text = texts[0].strip() if texts else ""
                read["expire"] = parse_stamp(text) if text else None
    except ValueError as error:
        raise refusal("invalid-options", str(error)) from error
    return read


def options_form(subscription: Subscription | None) -> Element:
    """Show the options of a subscription, or those that a new one has (6.3.3, 6.4)."""
    expire = None if subscription is None else subscription.expire
    deliver = subscription is None or subscription.deliver
    fields = [
        forms.field(_DELIVER, "boolean", FLAG.write(deliver), label="Whether notifications are sent"),
        forms.field(
            _EXPIRE,
            "text-single",
            () if expire is None else (stamp_of(expire),),
            label="When the subscription ends",
        ),
    ]
    return forms.form("form", OPTIONS, fields)


def authorization_form(node: Node, jid: str, subscription: Subscription) -> Element:
    """Ask an owner whether somebody may subscribe (8.6)."""
    fields = [
        forms.field("pubsub#subid", "hidden", (subscription.subid,)),
        forms.field("pubsub#node", "text-single", (node.name,), label="Node"),
        forms.field("pubsub#subscriber_jid", "jid-single", (jid,), label="Subscriber"),
        forms.field("pubsub#allow", "boolean", ("0",), label="Allow this JID to subscribe?"),
    ]
    return forms.form("form", AUTHORIZATION, fields, title="A subscription waits for your approval")


def _pending(people: People) -> dict[str, Subscription]:
    return {
        jid: each for jid, each in people.subscriptions.items() if each.state is SubscriptionState.PENDING
    }


def _owners(realm: Realm, people: People) -> list[str]:
    stored = [jid for jid, each in people.affiliations.items() if each is Affiliation.OWNER]
    return [realm.jid] if realm.is_personal else stored


def _pubsub(element: Element) -> bytes:
    return Element("pubsub", NS, children=[element]).to_bytes()


def _check_own(who: JID, jid: JID) -> None:
    """6.1.3.1: one's own bare JID or the full JID one asks from."""
    if jid.full not in (who.bare, who.full):
        raise refusal("invalid-jid", "Only your own address can be subscribed")


def _known(people: People, jid: JID, subid: str | None) -> Subscription:
    known: Mapping[str, Subscription] = people.subscriptions
    found = known.get(jid.full)
    if found is None:
        raise refusal("not-subscribed")
    if subid is not None and subid != found.subid:
        raise refusal("invalid-subid")
    return found
