"""A dialogue sees all that is due, and no more."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.testing.client import Client
from xmppd.testing.runner import Runner
from xmppd.testing.script import parse_script
from xmppd.testing.server import now
from xmppd.testing.stage import MemoryStage

MESSAGE = b"<message from='localhost'/>"


class LateStage(MemoryStage):
    """Whoever connects is sent a message some turns after it has sent anything, or some time after."""

    def __init__(self, delay_s: float, turns: int):
        super().__init__("")
        self._delay_s, self._turns = delay_s, turns

    def connect(self, client: Client) -> None:
        """Open the connection, and look at what the client sends."""
        super().connect(client)
        carrier: Any = client.carrier
        write = carrier.write

        def sent(data: bytes) -> None:
            write(data)
            if data == b"<presence/>":
                self._later(client, self._turns)

        carrier.write = sent

    def _later(self, client: Client, turns: int) -> None:
        if turns:
            self.server.clock.callLater(self._delay_s, self._later, client, turns - 1)
        else:
            client.received(MESSAGE)


def play(text: str, delay_s: float = 0.0, turns: int = 1) -> None:
    """Play *text* after the login of one client whose message is late."""
    script = parse_script(
        f"romeo is romeo@localhost/garden\nromeo logs in\nromeo sends <presence/>\nromeo receives <presence>"
        f"<any/></presence>\n{text}".replace("<presence>", "<presence from='{any}' to='{any}'>")
    )
    now(Deferred.fromCoroutine(Runner(script, LateStage(delay_s, turns)).run()))


class SettlingTests(SynchronousTestCase):
    """What is due comes before what is asked."""

    def test_nothing_means_nothing_in_a_later_turn_either(self) -> None:
        """A delivery that waits for the next turn of the reactor is not nothing."""
        for turns in (1, 2, 5):
            with self.assertRaisesRegex(AssertionError, "line 5: romeo received"):
                play("romeo receives nothing", turns=turns)

    def test_nothing_leaves_the_clock_alone(self) -> None:
        """What is due later has not come."""
        play("romeo receives nothing\n0.5 seconds pass\nromeo receives nothing", delay_s=1.0)

    def test_a_later_turn_is_soon_enough(self) -> None:
        """What is expected may come in a later turn, as it does over sockets."""
        play("romeo receives <message from='localhost'/>\nromeo receives nothing", turns=3)

    def test_a_later_moment_is_too_late(self) -> None:
        """What is expected now is not awaited."""
        with self.assertRaisesRegex(AssertionError, "line 5: nothing came"):
            play("romeo receives <message from='localhost'/>", delay_s=1.0)

    def test_what_is_ignored_is_all_that_is_due(self) -> None:
        """Who ignores what has come does not see the rest of it afterwards."""
        play("romeo ignores\nromeo receives nothing", turns=3)

    def test_time_passes_moment_by_moment(self) -> None:
        """What leads to something else in a second does so, however much time passes at once."""
        play("3.5 seconds pass\nromeo receives <message from='localhost'/>", delay_s=1.0, turns=3)
