"""The server against the model, as hypothesis plays it: what breaks is made small, and printed as a program."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from twisted.trial.unittest import SynchronousTestCase

from tests.inbox.device import KINDS
from tests.inbox.lives import (
    DELAYS,
    FAULTS,
    FIRST_TEXTS,
    MESSAGES,
    NURSE,
    SECONDS,
    TEXTS,
    TIMES,
    quick_passwords,
)
from tests.inbox.world import World

LIVES = settings(max_examples=4, stateful_step_count=15, deadline=None, database=None)
DEVICES = 3
DEVICE = st.integers(0, DEVICES - 1)


class Lives(RuleBasedStateMachine):
    """Whatever happens, in whatever order; `World` looks after each step, and at the end."""

    @initialize(
        kinds=st.tuples(*[st.sampled_from(KINDS)] * DEVICES),
        has_archive=st.booleans(),
        nurses=st.integers(0, 1),
    )
    def begin(self, kinds: tuple[str, ...], has_archive: bool, nurses: int) -> None:
        """A server, and clients that have not come yet."""
        self.world = World(kinds, has_archive=has_archive, nurses=nurses)

    @rule(
        kind=st.sampled_from(MESSAGES), to=st.none() | DEVICE | st.just(NURSE), times=st.sampled_from(TIMES)
    )
    def say(self, kind: str, to: int | None, times: int) -> None:
        """Romeo writes."""
        self.world.say(kind, to, times)

    @rule(device=DEVICE, is_fresh=st.booleans(), text=st.sampled_from(FIRST_TEXTS))
    def connect(self, device: int, is_fresh: bool, text: str) -> None:
        """A client comes."""
        self.world.connect(device, is_fresh, text)

    @rule(device=DEVICE, text=st.sampled_from(TEXTS))
    def send(self, device: int, text: str) -> None:
        """A client changes its mind, or asks for the archive."""
        self.world.send(device, text)

    @rule(device=DEVICE)
    def acknowledge(self, device: int) -> None:
        """A client says what it has."""
        self.world.acknowledge(device)

    @rule(device=DEVICE, is_slow=st.booleans())
    def slow(self, device: int, is_slow: bool) -> None:
        """A client reads slowly, or goes on."""
        self.world.slow(device, is_slow)

    @rule(device=DEVICE, is_lost=st.booleans())
    def go(self, device: int, is_lost: bool) -> None:
        """A client goes, or is gone."""
        (self.world.lose if is_lost else self.world.leave)(device)

    @rule()
    def sender(self) -> None:
        """Romeo comes back."""
        self.world.sender()

    @rule(seconds=st.sampled_from(SECONDS))
    def time(self, seconds: float) -> None:
        """Time passes."""
        self.world.time(seconds)

    @rule(delays=st.sampled_from(DELAYS))
    def slow_disk(self, delays: tuple[float, float]) -> None:
        """The disk is slow, or as quick as ever."""
        self.world.slow_disk(*delays)

    @rule(faults=st.sampled_from(FAULTS))
    def broken_disk(self, faults: tuple[bool, bool]) -> None:
        """The disk breaks, or is mended."""
        self.world.broken_disk(*faults)

    @rule(is_killed=st.booleans())
    def start_anew(self, is_killed: bool) -> None:
        """The server ends, and starts again."""
        (self.world.kill if is_killed else self.world.restart)()

    def teardown(self) -> None:
        """Nothing is lost."""
        if hasattr(self, "world"):
            self.world.finish()


class StatefulTests(SynchronousTestCase):
    """promises#one-record, played by hypothesis."""

    def test_lives(self) -> None:
        """Nothing is lost, doubled, or out of order."""
        with quick_passwords():
            run_state_machine_as_test(Lives, settings=LIVES)
        self.flushLoggedErrors()
