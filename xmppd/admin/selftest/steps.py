"""What the throw-away accounts do, step by step, with the time of each; and what is not served."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from xmppd.admin.selftest.client import Failed, TrialClient
from xmppd.admin.selftest.sharing import NS as NS_UPLOAD
from xmppd.admin.selftest.sharing import share
from xmppd.config.section import Address

OK: Final = "ok"
FAILED: Final = "failed"
NOT_SERVED: Final = "not served"
_KINDS: Final = {"STARTTLS": False, "TLS": True}
_DISCO_ITEMS: Final = "http://jabber.org/protocol/disco#items"
_DISCO_INFO: Final = "http://jabber.org/protocol/disco#info"
_MUC: Final = "http://jabber.org/protocol/muc"
_BODY: Final = "Is anybody there?"


class Done(NamedTuple):
    """One step."""

    step: str
    outcome: str
    ms: float | None
    detail: str


@dataclass(frozen=True, slots=True)
class Account:
    """One that was lent."""

    jid: str
    password: str


def run(accounts: Sequence[Account], listening: Iterable[str]) -> Iterator[Done]:
    """Do all; what fails does not keep the rest from being tried where it can be."""
    listeners = dict(_listeners(listening))
    clients: list[TrialClient] = []
    try:
        yield from _logins(accounts, listeners, clients)
        if len(clients) == len(accounts):
            yield from _conversation(*clients)
    finally:
        for client in clients:
            client.close()


def _listeners(listening: Iterable[str]) -> Iterator[tuple[str, Address]]:
    """Give one address of each kind, out of what a server says: ``127.0.0.1:5222 (STARTTLS)``."""
    for said in reversed(list(listening)):
        place, _, kind = said.partition(" (")
        host, _, port = place.rpartition(":")
        kind = kind.rstrip(")")
        if kind in _KINDS:
            yield kind, Address(host.strip("[]"), int(port))


def _logins(
    accounts: Sequence[Account], listeners: Mapping[str, Address], clients: list[TrialClient]
) -> Iterator[Done]:
    ways = [kind for kind in _KINDS if kind in listeners]
    for kind in _KINDS:
        if kind not in listeners:
            yield Done(f"login by {kind}", NOT_SERVED, None, "nothing listens for it")
    for number, account in enumerate(accounts):
        kind = ways[number % len(ways)] if ways else ""
        if not kind:
            return
        address = listeners[kind]

        def log_in(account: Account = account, kind: str = kind, address: Address = address) -> str:
            client = TrialClient(address, account.jid, account.password, is_direct=_KINDS[kind])
            clients.append(client)
            return f"{address}, {client.tls}"

        yield _timed(f"login by {kind}", log_in)


def _conversation(one: TrialClient, other: TrialClient) -> Iterator[Done]:
    for client in (one, other):
        client.send("<presence/>")

    def ping() -> str:
        one.request("<ping xmlns='urn:xmpp:ping'/>", one.domain, "get")
        return one.domain

    def message() -> str:
        one.send(f"<message to={quoteattr(other.jid)} type='chat'><body>{_BODY}</body></message>")
        other.wait(_says(_BODY))
        return "from one account to the other"

    yield _timed("ping", ping)
    yield _timed("message", message)
    try:
        services = dict(_services(one))
    except (Failed, OSError) as error:
        yield Done("services", FAILED, None, str(error))
        return
    rooms = next((jid for jid, features in services.items() if _MUC in features), None)
    uploads = next((jid for jid, features in services.items() if NS_UPLOAD in features), None)
    if rooms is None:
        yield Done("room", NOT_SERVED, None, "no service of this host has rooms")
    else:
        yield _timed("room", lambda: _room(one, other, rooms))
    if uploads is None:
        yield Done("file", NOT_SERVED, None, "no service of this host takes files")
    else:
        yield _timed("file", lambda: share(one, other, uploads))


def _services(client: TrialClient) -> Iterator[tuple[str, set[str]]]:
    """Give the services of the host with their features (XEP-0030)."""
    items = client.request(f"<query xmlns='{_DISCO_ITEMS}'/>", client.domain, "get")
    for item in items.iter(f"{{{_DISCO_ITEMS}}}item"):
        jid = item.get("jid", "")
        try:
            info = client.request(f"<query xmlns='{_DISCO_INFO}'/>", jid, "get")
        except Failed:
            continue
        yield jid, {each.get("var", "") for each in info.iter(f"{{{_DISCO_INFO}}}feature")}


def _room(one: TrialClient, other: TrialClient, service: str) -> str:
    """Make a room that goes with its last occupant, and be heard in it (XEP-0045 7.2, 10.1, 7.4)."""
    room = f"{one.username}@{service}"
    for client, nick in ((one, "one"), (other, "other")):
        client.send(f"<presence to={quoteattr(f'{room}/{nick}')}><x xmlns='{_MUC}'/></presence>")
        entered = client.wait(_from(f"{room}/{nick}"))
        if entered.get("type") == "error":
            raise Failed(f"{service} lets nobody make a room")
        if client is one:  # a new room is locked until its owner is content with it (10.1.2)
            form = "<x xmlns='jabber:x:data' type='submit'/>"
            one.request(f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>", room)
    one.send(f"<message to={quoteattr(room)} type='groupchat'><body>{_BODY}</body></message>")
    other.wait(lambda each: each.get("from") == f"{room}/one" and _says(_BODY)(each))
    for client, nick in ((other, "other"), (one, "one")):
        client.send(f"<presence to={quoteattr(f'{room}/{nick}')} type='unavailable'/>")
        client.wait(lambda each: each.get("type") == "unavailable")
    return room


def _from(jid: str) -> Callable[[Element], bool]:
    return lambda stanza: stanza.get("from") == jid


def _says(text: str) -> Callable[[Element], bool]:
    return lambda stanza: any(each.text == text for each in stanza.iter("{jabber:client}body"))


def _timed(step: str, do: Callable[[], str]) -> Done:
    begun = time.monotonic()
    try:
        detail = do()
    except (Failed, OSError) as error:
        return Done(step, FAILED, None, str(error))
    return Done(step, OK, round((time.monotonic() - begun) * 1_000, 1), detail)
