"""The parts of a server, as they are put together."""

from twisted.internet.defer import execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.config.read import parse
from xmppd.server import World, build
from xmppd.storage.memory import MemoryStorage


class SteadyTimeTests(SynchronousTestCase):
    """Time on a reactor whose ``seconds`` is wall time, as Twisted's own have it."""

    def test_timers_do_not_follow_the_wall_clock(self) -> None:
        """A wall clock that is set forward brings no timer forward: the steady one decides."""
        config, _ = parse("", "test.toml")
        assert config is not None
        wall, steady, rung = Clock(), [100.0], list[float]()
        world = World(wall, wall.seconds, execute, lambda size: "text", b"secret", lambda: steady[0])
        server = build(config, MemoryStorage(), world)
        server.timers.add(30.0, lambda now, timer, param: rung.append(now))
        steady[0] = 101.0
        wall.advance(3600.0)
        self.assertEqual(rung, [])
        steady[0] = 130.0
        wall.advance(29.0)
        self.assertEqual(rung, [130.0])
