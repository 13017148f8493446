"""promises#survives-a-kill and promises#once-in-order, held against a server killed at random moments under load.

A life: devices of several kinds are connected, senders send as fast as they are acknowledged, others change what is
stored for them; then SIGKILL. The server starts anew, the recipients come back each in its way, and all that was
promised has to be there: once and in order.
"""

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final
from xml.etree.ElementTree import Element, tostring

from tests.faults.device import PASSWORD, Device, Got
from tests.sockets.process import ServerProcess

OPTIONS: Final = """require_tls = false
allow_plain_without_tls = true
[storage]
durability = "{durability}"
"""
RESUMES, FRESH, ELSEWHERE, HIBERNATES, RETURNS_FRESH, OFFLINE, PAIR, SLOW = range(8)
KINDS: Final = (
    "resumes",
    "fresh",
    "elsewhere",
    "hibernates",
    "fresh after hibernation",
    "offline",
    "one of two",
    "slow with a backlog",
)
LAG_S: Final = 1.0
"""Acknowledgements of recipients are stored in the next group: those of the last moment may be lost."""
FIRST_LOGIN_S: Final = 3.0
ARRIVAL_S: Final = 15.0
"""How long nothing may come before what has not come counts as lost; a great backlog takes its time."""
CHANGES: Final = {
    "roster": "<query xmlns='jabber:iq:roster'><item jid='contact@localhost' name='{n}'/></query>",
    "vcard": "<vCard xmlns='vcard-temp'><FN>{n}</FN></vCard>",
    "private": "<query xmlns='jabber:iq:private'><of xmlns='of:ours'>{n}</of></query>",
    "blocking": "<block xmlns='urn:xmpp:blocking'><item jid='n{n}@localhost'/></block>",
}
QUERIES: Final = {
    "roster": "<query xmlns='jabber:iq:roster'/>",
    "vcard": "<vCard xmlns='vcard-temp'/>",
    "private": "<query xmlns='jabber:iq:private'><of xmlns='of:ours'/></query>",
    "blocking": "<blocklist xmlns='urn:xmpp:blocking'/>",
}
FOUND: Final[dict[str, Callable[[Element], Iterable[str | None]]]] = {
    "roster": lambda iq: [item.get("name") for item in iq.iter("{jabber:iq:roster}item")],
    "vcard": lambda iq: [name.text for name in iq.iter("{vcard-temp}FN")],
    "private": lambda iq: [each.text for each in iq.iter("{of:ours}of")],
    "blocking": lambda iq: [
        (item.get("jid") or "")[1:].partition("@")[0] for item in iq.iter("{urn:xmpp:blocking}item")
    ],
}


class Broken(AssertionError):
    """The contract does not hold."""


class Recipient:
    """An account that gets messages, with its way of coming back."""

    def __init__(self, number: int, kind: int) -> None:
        self.account = f"r{number}@localhost"
        self.kind = kind
        self.devices = [Device(self.account, f"d{n}") for n in range(2 if kind == PAIR else 1)]
        for device in self.devices:
            device.laziness_s = random.choice((0.0, 0.0, 0.5))
        self.may_come_again: set[str] = set()

    async def come(self, port: int, life: int) -> None:
        """Log in, be available."""
        for device in self.devices:
            if self.kind == ELSEWHERE:
                device.resource = f"d{life}"
            is_resuming = self.kind in (RESUMES, HIBERNATES, PAIR, SLOW)
            if not is_resuming or not device.sm_id:
                self.may_come_again.update(got.id for got in device.unanswered)
            await device.connect(port, is_resuming=is_resuming)
            device.send(b"<presence/>")

    async def crawl(self, port: int, life: int) -> None:
        """Come under load, and read what waits slowly, until the connection is lost."""
        for device in self.devices:
            device.pause_s = random.choice((0.005, 0.02, 0.1))
        with suppress(OSError, asyncio.TimeoutError, asyncio.CancelledError, asyncio.QueueEmpty):
            await self.come(port, life)

    def drop_what_is_on_its_way(self) -> None:
        """Read no further: what was written and not read is lost."""
        for device in self.devices:
            device.pause_s = 0.0
            device.lose()

    @property
    def repeats(self) -> int:
        """How many messages came more than once."""
        return sum(len(device.got) - len({got.id for got in device.got}) for device in self.devices)

    @property
    def is_away_under_load(self) -> bool:
        """Whether it has no connection when the server is killed."""
        return self.kind in (HIBERNATES, RETURNS_FRESH)


class Sender:
    """An account that sends."""

    def __init__(self, number: int, recipients: list[Recipient]) -> None:
        self.device = Device(f"s{number}@localhost", "d")
        self._recipients = recipients
        self._next = 0

    async def send(self) -> None:
        """Send to all in turn until the connection is lost."""
        device = self.device
        while await device.room():
            recipient = self._recipients[self._next % len(self._recipients)]
            device.say(recipient.account, f"{device.account[:2]}-{self._next}")
            self._next += 1
            if not self._next % len(self._recipients):
                await asyncio.sleep(0)


class Changer:
    """An account that changes something of its own."""

    def __init__(self, number: int, name: str) -> None:
        self.device = Device(f"c{number}@localhost", "d")
        self.name = name
        self.promised = 0
        self._sent = 0

    async def change(self) -> None:
        """Change again and again until the connection is lost."""
        while self.device.is_connected:
            self._sent += 1
            try:
                answer = await self.device.ask(
                    CHANGES[self.name].format(n=self._sent), f"change-{self._sent}"
                )
            except asyncio.CancelledError:
                return
            if answer.get("type") != "result":
                raise Broken(f"{self.name} was refused: {tostring(answer)!r}")
            self.promised = self._sent

    async def check(self) -> None:
        """Look whether what was promised is there; what was under way may be, too."""
        answer = await self.device.ask(QUERIES[self.name], f"query-{self._sent}-{time.monotonic()}", "get")
        found = {int(text) for text in FOUND[self.name](answer) if text}
        newest = max(found, default=0)
        is_there = (
            set(range(1, self.promised + 1)) <= found if self.name == "blocking" else newest >= self.promised
        )
        if not is_there or newest > self._sent:
            raise Broken(f"{self.name} is {newest}, promised was {self.promised}, sent {self._sent}")


class Contract:
    """One data folder, many lives of its server."""

    def __init__(self, folder: Path, senders: int = 4) -> None:
        self.folder = folder
        self.recipients = [Recipient(number, kind) for number, kind in enumerate(range(8))]
        self.senders = [Sender(number, self.recipients) for number in range(senders)]
        self.changers = [Changer(number, name) for number, name in enumerate(CHANGES)]
        self.life = 0
        self.slowest_login_s = 0.0
        self._server: ServerProcess | None = None
        self._killed_at = 0.0

    # -- a life -------------------------------------------------------------------------------------------------------

    async def live(self, durability: str, load_s: float, *, is_over: bool = False) -> None:
        """Start the server, check what the last life has promised, put load on it, kill it. *is_over*: no more load."""
        self.life += 1
        self._killed_at = 0.0
        port = await self._start(durability)
        for recipient in self.recipients:
            if recipient.kind not in (OFFLINE, SLOW):
                await recipient.come(port, self.life)
        await self._check_messages([each for each in self.recipients if each.kind not in (OFFLINE, SLOW)])
        for changer in self.changers:
            await changer.device.connect(port, is_resuming=random.random() < 0.5)
            await changer.check()
        for sender in self.senders:
            await sender.device.connect(port, is_resuming=random.random() < 0.7)
        await self._offline_comes_and_goes(port)
        if is_over:
            await self._quiet()
            await self._check_messages(self.recipients)
            for recipient in self.recipients:
                await self._check_archive(recipient)
        else:
            await self._load(load_s)
        await self._kill()

    async def _start(self, durability: str) -> int:
        options = OPTIONS.format(durability=durability)
        names = [device.account for device in self._busy()]
        accounts = tuple((name, PASSWORD) for name in (*names, *(each.account for each in self.recipients)))
        begun = time.monotonic()
        self._server = ServerProcess(self.folder, options, accounts if self.life == 1 else ())
        port = self._server.ports["STARTTLS"]
        first = Device(self.senders[0].device.account, f"first{self.life}")
        await first.connect(port, is_resuming=False)
        took_s = time.monotonic() - begun
        first.lose()
        if self.life > 1:  # the accounts are there
            self.slowest_login_s = max(self.slowest_login_s, took_s)
        return port

    async def _load(self, load_s: float) -> None:
        working = [asyncio.ensure_future(sender.send()) for sender in self.senders]
        working += [asyncio.ensure_future(changer.change()) for changer in self.changers]
        await asyncio.sleep(load_s / 2)
        for recipient in self.recipients:
            if recipient.is_away_under_load:
                for device in recipient.devices:
                    device.lose()
        slow = [recipient for recipient in self.recipients if recipient.kind == SLOW]
        crawling = [asyncio.ensure_future(each.crawl(self._port, self.life)) for each in slow]
        await asyncio.sleep(load_s / 2)
        assert self._server is not None
        self._killed_at = time.monotonic()
        self._server.kill()
        for recipient, task in zip(slow, crawling, strict=True):
            recipient.drop_what_is_on_its_way()
            task.cancel()
        await asyncio.gather(*working, *crawling)

    async def _kill(self) -> None:
        assert self._server is not None
        self._killed_at = self._killed_at or time.monotonic()
        self._server.kill()
        everyone = self._busy()
        everyone += [device for recipient in self.recipients for device in recipient.devices]
        for device in everyone:
            await device.lost()
            device.settle_account(self._killed_at, LAG_S)

    async def _offline_comes_and_goes(self, port: int) -> None:
        """Who was away fetches what waits, and closes the stream."""
        for recipient in self.recipients:
            if recipient.kind == OFFLINE:
                await recipient.come(port, self.life)
                await self._check_messages([recipient])
                for device in recipient.devices:
                    device._answer()
                    device._write(b"</stream:stream>")
                    await device.lost()

    async def _quiet(self) -> None:
        """Wait until all senders have been promised all that they sent."""
        for recipient in self.recipients:
            if recipient.kind in (OFFLINE, SLOW):
                for device in recipient.devices:
                    device.pause_s = 0.0
                await recipient.come(self._port, self.life)
        for sender in self.senders:
            sender.device._write(b"<r xmlns='urn:xmpp:sm:3'/>")
        await _until(lambda: not any(sender.device.waiting for sender in self.senders))

    def _busy(self) -> list[Device]:
        return [sender.device for sender in self.senders] + [changer.device for changer in self.changers]

    @property
    def _port(self) -> int:
        assert self._server is not None
        return self._server.ports["STARTTLS"]

    # -- checks -----------------------------------------------------------------------------------------------------

    def _promised(self, recipient: Recipient) -> list[str]:
        number, count = self.recipients.index(recipient), len(self.recipients)
        return [
            id
            for sender in self.senders
            for id in sender.device.promised
            if int(id.partition("-")[2]) % count == number
        ]

    async def _check_messages(self, recipients: list[Recipient]) -> None:
        """All that was promised is there, or comes soon; nothing twice but what may, nothing out of order."""
        for recipient in recipients:
            for device in recipient.devices:
                promised = set(self._promised(recipient))
                came = -1
                while (missing := promised - {got.id for got in device.got}) and came < len(device.got):
                    came = len(device.got)
                    await _until(partial(_has_all, device, promised))
                if missing:
                    raise Broken(f"{_named(recipient)} lacks {sorted(missing)[:10]}, {len(missing)} in all")
                self._check_order(recipient, device.got)

    def _check_order(self, recipient: Recipient, got: list[Got]) -> None:
        repeated = recipient.may_come_again
        resent = set[str]().union(*(each.device.resent | each.device.unsure for each in self.senders))
        seen: dict[str, Got] = {}
        newest: dict[str, int] = {}
        for each in got:
            sender, _, number = each.id.partition("-")
            if each.id in seen:
                is_same = each.stanza_id == seen[each.id].stanza_id
                if not (each.id in repeated if is_same else each.id in resent):
                    raise Broken(f"{_named(recipient)} got {each.id} twice: {each} and {seen[each.id]}")
                continue
            if int(number) < newest.get(sender, -1) or each.body != each.id:
                raise Broken(f"{_named(recipient)} got {each.id} after {newest[sender]}")
            seen[each.id] = each
            newest[sender] = int(number)

    async def _check_archive(self, recipient: Recipient) -> None:
        """What a sender has sent again because it was told to is there once: what was covered is not sent again."""
        device = recipient.devices[0]
        await device.read_archive()
        unsure = set[str]().union(*(sender.device.unsure for sender in self.senders))
        archived = [id for id in device.archived if id not in unsure]
        missing = set(self._promised(recipient)) - set(device.archived)
        if len(archived) != len(set(archived)) or missing:
            doubles = sorted(id for id in set(archived) if archived.count(id) > 1)
            raise Broken(
                f"The archive of {_named(recipient)} has twice {doubles[:5]} and lacks {sorted(missing)[:5]}"
            )

    def stop(self) -> None:
        """End the server, whatever it does."""
        if self._server is not None:
            self._server.kill()

    def report(self) -> str:
        """Say what was looked at."""
        promised = sum(len(sender.device.promised) for sender in self.senders)
        changes = sum(changer.promised for changer in self.changers)
        repeats = sum(each.repeats for each in self.recipients)
        return (
            f"{self.life} lives; promised {promised} messages and {changes} changes, none lost; "
            f"{repeats} came again as they may; slowest first login {self.slowest_login_s:.1f} s"
        )


def _has_all(device: Device, ids: set[str]) -> bool:
    return ids <= {got.id for got in device.got}


def _named(recipient: Recipient) -> str:
    return f"{recipient.account} ({KINDS[recipient.kind]})"


async def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + ARRIVAL_S
    while not condition() and time.monotonic() < end:
        await asyncio.sleep(0.02)
