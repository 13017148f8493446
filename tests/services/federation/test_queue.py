"""The queue of a pair of domains: what waits, what goes back, and when it is tried again."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.net.streams.s2s.two import CAPULET, MONTAGUE, Two
from xmppd.core.outgoing import Service
from xmppd.net.streams.s2s import acks
from xmppd.services.federation.backoff import Backoff
from xmppd.services.federation.outbound import Item
from xmppd.services.federation.pair import SLICE, Pair
from xmppd.services.federation.rows import STORE
from xmppd.storage.interface import Append, Decided, part_of
from xmppd.testing.peers import PeerServer
from xmppd.testing.server import now

OWNER = part_of(CAPULET, MONTAGUE)
WAITING = 3 * SLICE


class QueueTests(Two):
    """Juliet's server, while Romeo's is not there."""

    s2s = "retry_min_s = 10\nretry_max_s = 20\nqueue_stanzas = 10\nqueue_age_s = 60"

    def rows(self) -> int:
        """Give how many messages the disk holds."""
        count = now(self.capulet.storage.count(STORE, OWNER))
        assert isinstance(count, int)
        return count

    def test_messages_wait_in_order_and_on_disk(self) -> None:
        """promises#outgoing-messages: a durable message is in the durable queue, and leaves it when it has arrived."""
        self.montague.vanish()
        for index in range(3):
            self.say(str(index))
        self.assertEqual((self.came(self.juliet), self.rows()), ([], 3))
        self.montague.listen()
        self.settle(20)
        self.assertEqual(self.came(self.romeo), [f"message chat {index}" for index in range(3)])
        self.assertEqual(self.rows(), 0)

    def test_what_is_not_durable_comes_back(self) -> None:
        """RFC 6120 10.4: the sender of an IQ hears at once."""
        self.montague.vanish()
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle()
        (answer,) = self.came(self.juliet)
        self.assertIn("iq error", answer)
        self.assertIn("does not answer", answer)

    def test_while_it_is_left_alone(self) -> None:
        """A new stanza does not shorten the pause; one that does not keep comes back with what failed."""
        self.montague.vanish()
        self.say("one")
        attempts = len(self.network.dialled)
        self.say("two")
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle(1)
        self.assertEqual(len(self.network.dialled), attempts)
        self.assertIn("iq error", self.came(self.juliet)[0])
        self.settle(10)
        self.assertGreater(len(self.network.dialled), attempts)

    def test_after_its_age_a_message_comes_back(self) -> None:
        """With the reason, and from the disk too."""
        self.montague.vanish()
        self.say("one")
        self.settle(70)
        (answer,) = self.came(self.juliet)
        self.assertIn("message error", answer)
        self.assertIn("does not answer", answer)
        self.assertEqual(self.rows(), 0)

    def test_the_bound(self) -> None:
        """One more stanza than there may be is refused."""
        self.montague.vanish()
        for index in range(11):
            self.say(str(index))
        self.assertEqual(len(self.came(self.juliet)), 1)
        self.assertEqual(self.rows(), 10)

    def test_a_new_start_goes_on(self) -> None:
        """What waits outlives the server."""
        self.montague.vanish()
        self.say("one")
        self.capulet.vanish()
        self.montague.listen()
        self.capulet = PeerServer(self.capulet.text, self.network, self.capulet.storage)
        self.settle(10)
        self.assertEqual(self.came(self.romeo), ["message chat one"])
        self.assertEqual(self.rows(), 0)

    def test_a_broken_connection_loses_nothing(self) -> None:
        """What the kernel has not taken goes to the front of the queue."""
        self.say("one")
        self.came(self.romeo)
        wire = next(
            wire for wire in self.network.wires if wire.peer is not None and wire.address == "127.0.0.1"
        )
        wire.is_frozen = True
        for index in range(3):
            self.say(str(index))
        self.montague.break_connections()
        self.settle(30)
        self.assertEqual(self.came(self.romeo), [f"message chat {index}" for index in range(3)])

    def freeze(self) -> None:
        """What goes to Romeo's server gets no further, and nobody there answers whoever connects."""
        (address,) = self.network.names[MONTAGUE]
        for wire in self.network.wires:
            wire.is_frozen = wire.peer is not None
        self.network.listening[address, 5269] = lambda peer: None
        self.network.silent.add(address)

    def test_a_peer_that_hangs(self) -> None:
        """Its connection stays, and nothing comes of it: the sender hears of it in the end."""
        self.say("one")
        self.came(self.romeo)
        self.freeze()
        self.say("two")
        self.settle(50)
        self.assertEqual(self.came(self.juliet), [])
        self.settle(120)
        (answer,) = self.came(self.juliet)
        self.assertIn("has stopped answering", answer)
        self.assertEqual((self.came(self.romeo), self.rows()), ([], 0))

    def test_a_peer_that_hangs_and_does_not_acknowledge(self) -> None:
        """The same without XEP-0198, where the kernel does not take what is written."""
        self.patch(acks, "OFFER", None)
        self.test_a_peer_that_hangs()

    def test_nobody_has_such_a_name(self) -> None:
        """Without an address all comes back at the first attempt to look, and with remote-server-not-found."""
        self.network.names.pop(MONTAGUE)
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle()
        self.assertIn("has no address", self.came(self.juliet)[0])
        self.say("one")
        self.assertIn("message error", self.came(self.juliet)[0])
        self.assertEqual(self.rows(), 0)

    def test_only_one_of_its_hosts_has_a_name(self) -> None:
        """It does not answer; so the message waits for it, whichever of them is tried last."""
        self.montague.vanish()
        for first, second in ((MONTAGUE, "nobody.example"), ("nobody.example", MONTAGUE)):
            records = (Service(0, 0, 5269, first), Service(1, 0, 5269, second))
            self.network.records[f"_xmpp-server._tcp.{MONTAGUE}"] = records
            self.say("one")
            self.settle(30)
            self.assertEqual(self.came(self.juliet), [])
        self.assertEqual(self.rows(), 2)

    def test_no_name_server_answers(self) -> None:
        """Then the message waits."""
        self.network.is_nameless = True
        self.say("one")
        self.network.is_nameless = False
        self.settle(10)
        self.assertEqual(self.came(self.romeo), ["message chat one"])

    def test_the_domain_serves_no_others(self) -> None:
        """RFC 2782: "." as the target is final."""
        self.network.records[f"_xmpp-server._tcp.{MONTAGUE}"] = (Service(0, 0, 5269, ""),)
        self.say("one")
        self.assertIn("serves no other servers", self.came(self.juliet)[0])
        self.assertEqual(self.rows(), 0)

    def test_a_mute_peer(self) -> None:
        """One that never answers is left after connect_timeout_s; who waits hears it."""
        (address,) = self.network.names[MONTAGUE]
        self.network.listening[address, 5269] = lambda peer: None
        self.network.silent.add(address)
        self.juliet.send(f"<iq to='{MONTAGUE}' id='p' type='get'><ping xmlns='urn:xmpp:ping'/></iq>")
        self.settle(25)
        self.assertEqual(len(self.came(self.juliet)), 1)

    def test_an_idle_stream_is_closed_and_found_again(self) -> None:
        """Only an empty queue's."""
        self.say("one")
        self.settle(700)
        self.assertEqual(self.capulet.peers.connections.streams, [])
        self.assertEqual(self.capulet.peers.federation.pairs, {})
        self.say("two")
        self.assertEqual(self.came(self.romeo), ["message chat one", "message chat two"])


class BehindTests(Two):
    """Much comes while what has waited is still leaving: that must not go on for ever."""

    s2s = "retry_min_s = 1\nretry_max_s = 1"

    def setUp(self) -> None:
        """There is a stream, and more waits than leaves in one turn."""
        super().setUp()
        self.montague.vanish()
        for index in range(WAITING):
            self.send(index)
        self.settle(0)
        self.numbered: list[int] = []
        self.held: list[Callable[[], None]] | None = []
        rows = self.capulet.peers.federation.rows
        number = rows.number

        def counting(ours: str, theirs: str, items: list[Item], then: Decided) -> None:
            self.numbered.append(len(items))
            call = partial(number, ours, theirs, items, then)
            call() if self.held is None else self.held.append(call)

        self.patch(rows, "number", counting)

    def send(self, index: int) -> None:
        """Juliet says a number, and nobody has a turn."""
        self.juliet.send(f"<message to='romeo@{MONTAGUE}/orchard' type='chat'><body>{index}</body></message>")

    def go_on(self) -> Pair:
        """The disk is slow: let a stream come about, and Juliet say as much again."""
        self.montague.listen()
        self.settle(2)
        pair = self.capulet.peers.federation.pair(CAPULET, MONTAGUE)
        self.assertIsNotNone(pair.carrier)
        for index in range(WAITING, 2 * WAITING):
            self.send(index)
        self.settle(0)
        self.assertEqual(len(pair.queue), 2 * WAITING)
        return pair

    def flow(self) -> None:
        """The disk is done: let all of it leave."""
        held, self.held = self.held or [], None
        for call in held:
            call()
        self.settle(30)

    def heard(self) -> list[str]:
        """Give what Romeo has heard."""
        return [each.removeprefix("message chat ") for each in self.came(self.romeo)]

    def test_what_was_promised_is_numbered_as_it_comes(self) -> None:
        """Its row says which it will be, in its sender's transaction; none is written anew."""
        self.juliet.send("<enable xmlns='urn:xmpp:sm:3'/>")
        self.go_on()
        self.flow()
        self.assertEqual(self.heard(), list(map(str, range(2 * WAITING))))
        self.assertEqual(sum(self.numbered), WAITING)
        self.assertEqual(now(self.capulet.storage.count(STORE, OWNER)), 0)

    def test_what_nobody_was_promised_is_in_memory(self) -> None:
        """There is a stream to leave by, so that it needs no row."""
        appended: list[object] = []
        keeping = self.capulet.peers.federation.rows.keeping

        def noted(*words: Any) -> Append:
            appended.append(words)
            return keeping(*words)

        self.patch(self.capulet.peers.federation.rows, "keeping", noted)
        self.go_on()
        self.flow()
        self.assertEqual(self.heard(), list(map(str, range(2 * WAITING))))
        self.assertEqual(appended, [])

    def test_something_goes_back_before(self) -> None:
        """Then those behind are others than was foreseen, and say so before they leave."""
        self.juliet.send("<enable xmlns='urn:xmpp:sm:3'/>")
        pair = self.go_on()
        pair.confirmed([pair.queue[WAITING]])
        self.flow()
        self.assertEqual(self.heard(), [str(index) for index in range(2 * WAITING) if index != WAITING])
        self.assertGreater(sum(self.numbered), WAITING)
        self.assertEqual(now(self.capulet.storage.count(STORE, OWNER)), 0)


class PolicyTests(Two):
    """Domains that are not talked to."""

    s2s = f'block = ["{MONTAGUE}"]'

    def test_blocked(self) -> None:
        """Neither out nor in."""
        self.say("one")
        self.assertIn("does not talk to", self.came(self.juliet)[0])
        self.answer("two")
        self.assertEqual(self.came(self.juliet), [])
        self.assertEqual(self.capulet.peers.federation.counters.received, 0)


class ReloadTests(Two):
    """A policy that comes with a reload."""

    def test_cut(self) -> None:
        """What goes to a domain that is blocked now ends, and what waits goes back."""
        self.say("one")
        server = self.capulet.server
        blocking = server.config.s2s.model_copy(update={"block": (MONTAGUE,)})
        server.take(server.config.model_copy(update={"s2s": blocking}))
        self.settle(10)
        self.assertEqual(self.capulet.peers.federation.pairs, {})
        self.assertEqual(self.capulet.peers.connections.streams, [])
        self.say("two")
        self.assertIn("does not talk to", self.came(self.juliet)[0])


class AllowTests(Two):
    """Domains that alone are talked to."""

    s2s = 'allow = ["verona.example"]'

    def test_nobody_else(self) -> None:
        """One that is not named is refused."""
        self.say("one")
        self.assertIn("does not talk to", self.came(self.juliet)[0])


class BackoffTests(Two):
    """`Backoff`."""

    def test_doubles_with_jitter_up_to_the_most(self) -> None:
        """Between half of what is due and all of it."""
        for random, expected in ((0.0, [5, 10, 20, 20]), (1.0, [10, 20, 40, 40])):
            backoff = Backoff(lambda random=random: random)  # type: ignore[misc]  # bound at once
            self.assertEqual([backoff.next_s(10, 40) for _ in range(4)], expected)


class LoopbackTests(Two):
    """DNS answers that lead to this machine, or to this server."""

    def test_loopback(self) -> None:
        """Not unless that is allowed."""
        self.network.names[MONTAGUE] = ("127.0.0.1", "::1", "::ffff:127.0.0.1", "0.0.0.0")
        self.say("one")
        self.assertEqual(self.network.dialled, [])
        self.settle(1_000)
        self.assertIn("of this machine", self.came(self.juliet)[0])

    def test_ourselves(self) -> None:
        """Where this server listens nobody else is."""
        self.network.names[MONTAGUE] = self.network.names[CAPULET]
        self.say("one")
        self.assertEqual(self.network.dialled, [])


class ReloadInTests(Two):
    """The same of what comes in."""

    def test_cut(self) -> None:
        """A stream of a domain that is blocked now ends, and nothing more of it is delivered."""
        self.answer("one")
        self.came(self.juliet)
        server = self.capulet.server
        blocking = server.config.s2s.model_copy(update={"block": (MONTAGUE,)})
        server.take(server.config.model_copy(update={"s2s": blocking}))
        self.settle(10)
        self.assertEqual(self.capulet.peers.connections.streams, [])
        self.answer("two")
        self.settle(10)
        self.assertEqual(self.came(self.juliet), [])
