"""The list of scenarios, in the order of the table, in full and in quick size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.load.web import BOSHClient, WebSocketClient
from benchmarks.scenarios.archive import Paging
from benchmarks.scenarios.base import Scenario, Window
from benchmarks.scenarios.chat import Chat, GrowingChat, PacedChat, ShippedChat
from benchmarks.scenarios.devices import Devices
from benchmarks.scenarios.federated import BesideAQueue, Federated
from benchmarks.scenarios.many_items import ItemPages, ManyLastItems
from benchmarks.scenarios.nodes import GrowingPublishing, PersonalEvent, Publishing
from benchmarks.scenarios.ping import Ping
from benchmarks.scenarios.presence import GrowingPresence, Presence
from benchmarks.scenarios.quick_login import QuickLogin
from benchmarks.scenarios.room import GrowingRoom, KeptRoom, PacedRoom, Room
from benchmarks.scenarios.sessions import Idle, Left, Login, Start
from benchmarks.scenarios.turns import Storm, Turns
from benchmarks.scenarios.web import Files, WebChat, WebIdle
from benchmarks.servers.base import Profile

GROWING_SESSIONS = (100, 1_000, 10_000)
GROWING_CONTACTS = (10, 100, 1_000, 10_000)
GROWING_ROOMS = (100, 1_000, 10_000)
GROWING_NODES = (100, 1_000, 10_000)


@dataclass(frozen=True, slots=True)
class Sizes:
    """How long and how much; the loads themselves are the same in the quick form."""

    window: Window
    paced: Window
    growth: Window
    logins: int
    idle: int
    left: int
    entries: int
    pages: int
    files: int
    """How many files of 25 MB are uploaded and fetched."""
    most: int
    """The greatest number of sessions, contacts or occupants in the growth runs."""


FULL = Sizes(
    Window(1.0, 4.0), Window(1.0, 10.0), Window(2.0, 6.0), 500, 5_000, 10_000, 1_000_000, 100, 16, 10_000
)
QUICK = Sizes(Window(0.5, 1.5), Window(0.5, 3.0), Window(1.0, 2.0), 200, 1_000, 1_000, 20_000, 30, 4, 1_000)
BRIEF: dict[str, Any] = {
    name: getattr(QUICK, name) for name in ("window", "paced", "growth", "entries", "pages")
}


def all_scenarios(sizes: Sizes) -> Iterator[Scenario]:
    """Make every scenario in the table's order, growth last."""
    yield from _usual(sizes)
    yield from _turns(sizes)
    yield from _growth(sizes)


def _usual(sizes: Sizes) -> Iterator[Scenario]:
    yield from _chats(sizes)
    yield Login("S3-tls", True, sizes.logins, "≤ 1.8")
    yield Login("S3-plain", False, sizes.logins, "≤ 0.8")
    yield QuickLogin("S3-sasl2", sizes.logins, "–", by_token=False)
    yield QuickLogin("S3-fast", sizes.logins, "≤ 1.2", by_token=True)
    yield Idle("S4-tls", True, sizes.idle, "≤ 30")
    yield Idle("S4-plain", False, sizes.idle, "≤ 8")
    yield from _left(sizes)
    yield Presence("S5-plain", False, 500, sizes.window, "≤ 8")
    yield Presence("S5-tls", True, 500, sizes.window, "≤ 12")
    yield Room("S6-plain", False, 200, sizes.window, "≤ 8")
    yield Room("S6-tls", True, 200, sizes.window, "≤ 12")
    yield PacedRoom("S6-paced", False, 200, sizes.paced, "≤ 3")
    yield PacedRoom("S6-paced-tls", True, 200, sizes.paced, "≤ 3")
    yield KeptRoom("S6-kept", True, 200, sizes.window, "–")
    yield Ping("S7-plain", False, 50, sizes.window, "≤ 20")
    yield Ping("S7-tls", True, 50, sizes.window, "≤ 25")
    yield Start("S8")
    yield Paging("S9", sizes.entries, sizes.pages)
    yield Federated("S10", 100, sizes.window, is_acknowledged=False)
    yield Federated("S10-kept", 100, sizes.window, is_acknowledged=True)
    yield BesideAQueue("S1-queue", 100, sizes.window, has_archive=False)
    yield BesideAQueue("S1d-queue", 100, sizes.window, has_archive=True)
    for with_tls, name, goal in ((False, "plain", "≤ 8"), (True, "tls", "≤ 12")):
        yield Publishing(f"S11-{name}", with_tls, 1_000, sizes.window, goal)
        yield PersonalEvent(f"S11-pep-{name}", with_tls, 500, sizes.window, goal)
    yield ItemPages("S11-pages", sizes.most, sizes.window)
    yield ManyLastItems("S11-last", 500, sizes.pages // 10)
    yield from _web(sizes)


def _chats(sizes: Sizes) -> Iterator[Scenario]:
    yield Chat("S1-plain", False, 100, sizes.window, "≤ 20")
    yield Chat("S1-tls", True, 100, sizes.window, "≤ 25")
    yield PacedChat("S1-paced", True, 100, sizes.paced, "≤ 250")
    yield ShippedChat("S1d", True, 100, sizes.window, "≤ 60")
    yield Devices("S2", 50, sizes.window, Profile.DURABLE, "≤ 100")
    yield Devices("S2-files", 50, sizes.window, Profile.DURABLE_FILES, "–")


def _web(sizes: Sizes) -> Iterator[Scenario]:
    for carrier, name, chat, idle in (
        (WebSocketClient, "websocket", "≤ 20", "≤ 10"),
        (BOSHClient, "bosh", "≤ 60", "–"),
    ):
        yield WebChat(f"S12-{name}", carrier, 100, sizes.window, chat)
        yield WebIdle(f"S12-idle-{name}", carrier, sizes.idle, idle)
    yield Files("S12-files", sizes.files)


def _left(sizes: Sizes) -> Iterator[Scenario]:
    for with_tls, name in ((True, "tls"), (False, "plain")):
        yield Left(f"S4-left-{name}", with_tls, sizes.left, sizes.left // 100, "≤ 10")
        yield Left(f"S4-wave-{name}", with_tls, sizes.left, sizes.left, "≤ 10")


def _turns(sizes: Sizes) -> Iterator[Scenario]:
    """Time the turns under all the others: how many come together is as ever, but less long, for there are many."""
    short = replace(sizes, **BRIEF)
    storm = Storm("storm", True, sizes.logins)
    for load in (*_usual(short), *_growth(short), storm):
        if load.needs().profile is not Profile.DURABLE_FILES:  # which is another's
            yield Turns(f"turns-{load.key}", load)


def _growth(sizes: Sizes) -> Iterator[Scenario]:
    for sessions in GROWING_SESSIONS:
        if sessions <= sizes.most:
            yield GrowingChat(
                f"S1-growth-{sessions}", False, sessions // 2, sizes.growth, "≤ 1.5 × S1 at 100"
            )
    for contacts in GROWING_CONTACTS:
        if contacts <= sizes.most:
            yield GrowingPresence(f"S5-growth-{contacts}", False, contacts, sizes.growth, "a + b·n ± 25 %")
    for occupants in GROWING_ROOMS:
        if occupants <= sizes.most:
            yield GrowingRoom(f"S6-growth-{occupants}", False, occupants, sizes.growth, "a + b·n ± 25 %")
    for subscribers in GROWING_NODES:
        if subscribers <= sizes.most:
            yield GrowingPublishing(
                f"S11-growth-{subscribers}", False, subscribers, sizes.growth, "a + b·n ± 25 %"
            )
