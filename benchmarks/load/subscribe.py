"""Mutual subscriptions made over the wire, for servers whose rosters cannot be seeded."""

from benchmarks.load.connection import Connection, Script, counted, ignore
from benchmarks.load.loop import Loop

ASKED = (b"type='subscribe'", b'type="subscribe"')
AGREED = (b"type='subscribed'", b'type="subscribed"')
AT_ONCE = 50


def befriend(loop: Loop, user: Connection, contacts: list[Connection]) -> None:
    """Subscribe the user and each contact to each other (RFC 6121 3.1), some at a time."""
    for first in range(0, len(contacts), AT_ONCE):
        _befriend_some(loop, user, contacts[first : first + AT_ONCE])
    loop.settle()
    user.receive = ignore


def _befriend_some(loop: Loop, user: Connection, contacts: list[Connection]) -> None:
    asked = agreed = 0

    def user_asked(count: int) -> None:
        nonlocal asked
        asked += count

    def contact_agreed() -> None:
        nonlocal agreed
        agreed += 1

    count_asked = counted(ASKED[0], user_asked)
    user.receive = lambda data: count_asked(data.replace(b'"', b"'"))
    for contact in contacts:
        contact.on_script_end = contact_agreed
        contact.run(_agree_and_ask(contact, user))
        _say(user, contact, b"subscribe")
    loop.run_until(lambda: asked >= len(contacts), "asking for subscriptions")
    for contact in contacts:
        _say(user, contact, b"subscribed")
    loop.run_until(lambda: agreed == len(contacts), "agreeing to subscriptions")


def _agree_and_ask(contact: Connection, user: Connection) -> Script:
    yield ASKED
    _say(contact, user, b"subscribed")
    _say(contact, user, b"subscribe")
    yield AGREED


def _say(speaker: Connection, to: Connection, what: bytes) -> None:
    bare = to.jid.split("/")[0].encode()
    speaker.send(b"<presence to='%b' type='%b'/>" % (bare, what))
