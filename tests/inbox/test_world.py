"""A few lives, and orders of events that once lost or doubled messages; the long form: ``python -m tests.inbox``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.inbox.lives import NURSE, live, quick_passwords
from tests.inbox.world import CARBONS, JULIET, MAX_S, SLOW_DISK_S, World

SEEDS = 6
STEPS = 25
ENABLE = CARBONS.format("enable")


class WorldTests(SynchronousTestCase):
    """The server against the model."""

    def test_lives(self) -> None:
        """promises#one-record: whatever happens, nothing is lost, doubled, or out of order."""
        with quick_passwords():
            for seed in range(SEEDS):
                live(seed, STEPS)
        self.flushLoggedErrors()

    def test_what_is_routed_later_may_find_another_device(self) -> None:
        """RFC 6121 8.5.3.1: by its full JID a message goes to who is connected, before presence brings what waits."""
        with quick_passwords():
            world = World(("plain", "resumable"), nurses=1)
            world.slow_disk(0.0, SLOW_DISK_S)
            world.say("chat", NURSE)
            world.slow_disk(0.0, 0.0)
            world.say("chat", 1)
            world.connect(1, False, "<presence/>")
            self.assertEqual([each.id for each in world.devices[1].got], ["1", "0"])
            world.finish()

    def test_a_carbon_speaks_for_who_had_it(self) -> None:
        """XEP-0280 6: the message itself waits for who takes messages, and who cannot resume is new when it comes."""
        with quick_passwords():
            world = World(("counting",))
            world.connect(0, False, ENABLE + "<presence><priority>-1</priority></presence>")
            world.say()
            world.acknowledge(0)
            world.time(MAX_S)
            world.kill()
            world.connect(0, False, "<presence/>")
            self.assertEqual([each.id for each in world.devices[0].got], ["0"])
            world.finish()

    def test_who_has_what_cannot_be_stored(self) -> None:
        """With a broken disk messages are given all the same, and a killed server does not know of it."""
        with quick_passwords():
            world = World(("resumable", "counting"))
            world.say()
            world.connect(1, False, "<presence/>")
            world.connect(0, False, "<presence/>")
            world.time(1.0)
            world.broken_disk(True, False)
            world.lose(1)
            world.look()
            self.assertEqual([each.id for each in world.devices[0].got], ["0"])
            world.kill()
            world.connect(0, False, "<presence/>")
            self.assertEqual([each.id for each in world.devices[0].got], ["0", "0"])
            world.finish()
        self.flushLoggedErrors()


class OrdersTests(SynchronousTestCase):
    """Each was played on the code before the inbox, and lost or doubled a message there."""

    def got(self, world: World, device: int) -> list[str]:
        """Give what a device has got, and see to it that nothing is lost at the end."""
        got = [each.id for each in world.devices[device].got]
        world.finish()
        return got

    def test_a_copy_that_was_never_sent(self) -> None:
        """Who has enabled carbons was not available when the message came: it has no copy, and gets the message."""
        world = World(("resumable", "plain"))
        world.connect(1, False, ENABLE)
        world.say()
        world.connect(0, False, "<presence/>")
        world.send(1, "<presence/>")
        world.lose(0)
        world.time(MAX_S + 1)
        self.assertEqual(self.got(world, 1), ["0"])

    def test_a_copy_of_who_was_available_before(self) -> None:
        """The same where it was available before and was not any more."""
        world = World(("resumable", "plain"))
        world.connect(1, False, ENABLE + "<presence/><presence type='unavailable'/>")
        world.say()
        world.connect(0, False, "<presence/>")
        world.lose(0)
        world.time(MAX_S + 1)
        world.send(1, "<presence/>")
        world.time(1)
        self.assertEqual(self.got(world, 1), ["0"])

    def test_what_copies_share(self) -> None:
        """One is being handed what waits while a message of a third comes for it and an equal: nobody gets it twice."""
        world = World(("resumable", "resumable", "resumable"))
        world.say(times=3)
        world.slow_disk(SLOW_DISK_S, 0.0)
        world.connect(0, False, "<presence/>")
        world.connect(1, False, "<presence/>")
        world.connect(2, False, "<presence><priority>5</priority></presence>")
        world.say()
        world.slow(0, True)
        world.lose(2)
        world.time(MAX_S + 1)
        world.say()
        world.slow(0, False)
        world.time(1)
        world.lose(0)
        world.time(MAX_S + 1)
        world.finish()
        ids = [each.id for each in world.devices[1].got]
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_volatile_copy_behind_stored_messages(self) -> None:
        """Who is being handed what waits gets a volatile message as an equal does, and its session times out."""
        world = World(("resumable", "resumable", "resumable"))
        world.connect(2, False, "<presence/>")
        world.say("chat", 0, 110)
        world.kill()
        world.connect(0, False, "<presence/>")
        world.connect(2, True, "<presence/>")
        world.say("no-store")
        world.lose(2)
        self.assertEqual(self.got(world, 0).count("110"), 1)

    def behind(self) -> World:
        """A slow reader is being handed what waits when a message comes for it and for an equal."""
        world = World(("plain", "plain"))
        world.say(times=3)
        world.connect(0, False, "<presence><priority>-1</priority></presence>")
        world.slow(0, True)
        world.send(0, "<presence/>")
        return world

    def test_what_waits_behind_stored_messages(self) -> None:
        """promises#none-in-memory-alone: both connections are lost, and it is there at the next login."""
        world = self.behind()
        world.say()
        world.lose(0)
        world.finish()
        self.assertEqual([each.id for each in world.last[JULIET].got], ["0", "1", "2", "3"])

    def test_killed_while_it_waits(self) -> None:
        """promises#none-in-memory-alone: nor is it lost, or out of order, where the server is killed in between."""
        world = self.behind()
        world.say(times=3)
        world.kill()
        world.finish()
        self.assertEqual([each.id for each in world.last[JULIET].got], ["0", "1", "2", "3", "4", "5"])
