"""promises#survives-a-kill and promises#once-in-order, held against a server killed at random moments under load.

A life: devices of several kinds are connected, senders send as fast as they are acknowledged, others change what is
stored for them; then SIGKILL. The server starts anew, the recipients come back each in its way, and all that was
promised has to be there: once and in order.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Final

from tests.faults.device import PASSWORD, Device
from tests.faults.parties import CHANGES, KINDS, OFFLINE, SLOW, Broken, Changer, Recipient, Sender
from tests.faults.wire import Left, inboxes_left_in
from tests.sockets.process import ServerProcess
from xmppd.services.inbox.store import PULSE_S

OPTIONS: Final = """require_tls = false
allow_plain_without_tls = true
[limits]
offline_messages = 1_000_000
[storage]
durability = "{durability}"
"""
"""There is room for all that waits for who is away or slow: what is refused for want of it would seem lost."""
PULSES: Final = 2
"""What a client has acknowledged is stored in the first pulse after that, or in the second (`Records.flush`)."""
ARRIVAL_S: Final = 15.0
"""How long nothing may come before what has not come counts as lost; a great backlog takes its time."""
LIVES_KEPT: Final = 3
"""Of so many lives it is kept what they have left in inboxes."""


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
        self._left: deque[tuple[int, dict[str, list[Left]]]] = deque(maxlen=LIVES_KEPT)

    # -- a life -------------------------------------------------------------------------------------------------------

    async def live(self, durability: str, load_s: float, *, is_over: bool = False) -> None:
        """Start the server, check what the last life has promised, put load on it, kill it. *is_over*: no more load."""
        self.life += 1
        port = await self._start(durability)
        changing = await self._begin_to_change(port, is_over=is_over)
        for recipient in self.recipients:
            if recipient.kind not in (OFFLINE, SLOW):
                await recipient.come(port, self.life)
        await self._check_messages([each for each in self.recipients if each.kind not in (OFFLINE, SLOW)])
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
        await self._kill(changing)

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

    async def _begin_to_change(self, port: int, *, is_over: bool) -> list[asyncio.Future[None]]:
        """Look whether all changes are there, and make others from now on; see `_is_stored`."""
        for changer in self.changers:
            await changer.device.connect(port, is_resuming=random.random() < 0.5)
            await changer.check()
        return [asyncio.ensure_future(changer.change()) for changer in self.changers if not is_over]

    async def _load(self, load_s: float) -> None:
        working = [asyncio.ensure_future(sender.send()) for sender in self.senders]
        await asyncio.sleep(load_s / 2)
        for recipient in self.recipients:
            if recipient.is_away_under_load:
                for device in recipient.devices:
                    device.lose()
        slow = [recipient for recipient in self.recipients if recipient.kind == SLOW]
        crawling = [asyncio.ensure_future(each.crawl(self._port, self.life)) for each in slow]
        await asyncio.sleep(load_s / 2)
        assert self._server is not None
        self._server.kill()
        for recipient, task in zip(slow, crawling, strict=True):
            recipient.drop_what_is_on_its_way()
            task.cancel()
        await asyncio.gather(*working, *crawling)

    async def _kill(self, changing: list[asyncio.Future[None]]) -> None:
        assert self._server is not None
        self._server.kill()
        await asyncio.gather(*changing)
        for device in self._busy():
            await device.lost()
        self._left.append((self.life, inboxes_left_in(self.folder / "data")))
        for recipient in self.recipients:
            for device in recipient.devices:
                await self._over(recipient, device, self._is_stored)

    async def _over(self, recipient: Recipient, device: Device, is_stored: Callable[[float], bool]) -> None:
        """A device's connection ends: look at what has come by it, and at what may come again."""
        await device.lost()
        self._check_order(recipient, device)
        device.settle_account(is_stored)

    def _is_stored(self, at: float) -> bool:
        """Whether what the server had read of a client by *at* is on its disk: what came of changes proves it."""
        for _ in range(PULSES):
            at = min(changer.proves(at + PULSE_S) for changer in self.changers)
        return isfinite(at)

    async def _offline_comes_and_goes(self, port: int) -> None:
        """Who was away fetches what waits, and closes the stream."""
        for recipient in self.recipients:
            if recipient.kind == OFFLINE:
                await recipient.come(port, self.life)
                await self._check_messages([recipient])
                for device in recipient.devices:
                    device.end()
                    await self._over(recipient, device, lambda at: True)

    async def _quiet(self) -> None:
        """Wait until all senders have been promised all that they sent."""
        for recipient in self.recipients:
            if recipient.kind in (OFFLINE, SLOW):
                for device in recipient.devices:
                    device.pause_s = 0.0
                await recipient.come(self._port, self.life)
        for sender in self.senders:
            sender.device.request()
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
                    text = f"lacks {sorted(missing)[:10]}, {len(missing)} in all"
                    raise self._broken(recipient, device, text, sorted(missing)[:3])
                self._check_order(recipient, device)

    def _check_order(self, recipient: Recipient, device: Device) -> None:
        resent = set[str]().union(*(each.device.resent | each.device.unsure for each in self.senders))
        seen = device.seen
        looked_at, seen.count = seen.count, len(device.got)
        for each in device.got[looked_at:]:
            sender, _, number = each.id.partition("-")
            before = seen.by_id.get(each.id)
            if before is not None:
                is_same = each.stanza_id == before.stanza_id
                if each.id not in (device.may_come_again if is_same else resent):
                    text = f"got {each.id} twice: {each} and {before}"
                    raise self._broken(recipient, device, text, (each.id, each.stanza_id))
                device.may_come_again.discard(each.id)
                continue
            if int(number) < seen.newest.get(sender, -1) or each.body != each.id:
                text = f"got {each.id} after {seen.newest.get(sender)}"
                raise self._broken(recipient, device, text, (each.id, each.stanza_id))
            seen.by_id[each.id] = each
            seen.newest[sender] = int(number)

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

    def _broken(self, recipient: Recipient, device: Device, text: str, words: Sequence[str]) -> Broken:
        """Give what is wrong, with all that one needs to see why."""
        return Broken("\n".join((f"{_named(recipient)} {text}", *self._history(recipient, device, words))))

    def _history(self, recipient: Recipient, device: Device, words: Sequence[str]) -> Iterator[str]:
        for life, left in self._left:
            rows = left.get(recipient.account, [])
            yield f"life {life} left {len(rows)} rows, of those meant: {[row for row in rows if row.id in words]}"
        yield f"may come again: {[word for word in words if word in device.may_come_again]}"
        for each in (device, *(sender.device for sender in self.senders)):
            if each is device or any(word.startswith(f"{each.account[:2]}-") for word in words):
                yield f"-- {each.account}/{each.resource}: acknowledges within {each.laziness_s} s"
                yield from each.wire.about(words)

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
