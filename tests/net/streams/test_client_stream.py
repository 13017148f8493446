"""A client's stream: one stanza at a time, in order; its end, and what is left when its connection is lost."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core import events
from xmppd.core.events import Traffic
from xmppd.core.session import Session
from xmppd.core.stations import ACTING, BLOCKING, NOTING
from xmppd.net.streams.client_stream import ABORT_AFTER_S
from xmppd.net.streams.inlet import QUEUE_BEFORE_PAUSE
from xmppd.stanza.errors import StreamError
from xmppd.testing.client import NS_STREAM, Client
from xmppd.testing.server import MemoryCarrier, MemoryServer, now

ROMEO, JULIET = "romeo@localhost/orchard", "juliet@localhost/balcony"


class StreamTestCase(SynchronousTestCase):
    """Romeo's messages called "slow" wait for `answers`."""

    def setUp(self) -> None:
        """Log both in."""
        self.world = MemoryServer()
        self.hooks = self.world.server.hosts["localhost"].hooks
        self.romeo, self.juliet = self.world.logged_in(ROMEO), self.world.logged_in(JULIET)
        self.answers: list[Deferred[None]] = []
        self.hooks.add(events.CLIENT_STANZA, self.handle, BLOCKING)

    def handle(self, traffic: Traffic) -> Deferred[None] | None:
        """Wait where the id says so."""
        if traffic.stanza.id != "slow":
            return None
        self.answers.append(Deferred())
        return self.answers[-1]

    def message(self, *ids: str) -> None:
        """Have romeo send messages, all in one piece."""
        self.romeo.send("".join(f"<message to='{JULIET}' id='{id}'/>" for id in ids))

    def heard(self, client: Client | None = None) -> list[str | None]:
        """Give the ids of what juliet, or another, has got since the last call."""
        inbox = (client or self.juliet).inbox
        ids = [element.get("id") for element in inbox]
        inbox.clear()
        return ids

    def carrier(self, client: Client) -> MemoryCarrier:
        """Give the connection of *client*."""
        assert isinstance(client.carrier, MemoryCarrier)
        return client.carrier

    def session(self, full_jid: str) -> Session:
        """Give the session that is bound to it."""
        session = self.world.server.registry.get(full_jid)
        assert session is not None
        return session


class OrderTests(StreamTestCase):
    """One stanza at a time."""

    def test_what_follows_waits(self) -> None:
        """What came behind a stanza that is being handled is handled after it, in order; others do not wait."""
        self.message("1", "slow", "2", "slow", "3")
        self.message("4")
        self.assertEqual(self.heard(), ["1"])
        self.juliet.send(f"<message to='{ROMEO}' id='aside'/>")
        self.assertEqual(self.heard(self.romeo), ["aside"])
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow", "2"])
        self.answers[1].callback(None)
        self.assertEqual(self.heard(), ["slow", "3", "4"])

    def test_end_of_the_stream_waits_too(self) -> None:
        """What was sent before the end tag is handled before the stream ends."""
        self.message("slow", "1")
        self.romeo.send("</stream:stream>")
        self.assertTrue(self.romeo.is_connected)
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow", "1"])
        self.assertFalse(self.romeo.is_connected)

    def test_stream_error_waits_too(self) -> None:
        """So is what was sent before something that ends the stream."""
        self.message("slow", "1")
        self.romeo.send("<foo/>")
        self.assertEqual(len(self.romeo.inbox), 0)
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow", "1"])
        self.assertEqual(self.romeo.inbox[0].tag, f"{NS_STREAM}error")

    def test_nothing_after_an_error(self) -> None:
        """Behind what ends the stream nothing is executed."""
        self.message("slow")
        self.romeo.send(f"<message from='{JULIET}'/>")
        self.message("1")
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow"])

    def test_long_queue_needs_no_deep_stack(self) -> None:
        """Many stanzas whose handlers answer at once are handled in a loop."""
        self.message("slow", *(["at once"] * (QUEUE_BEFORE_PAUSE - 2)))
        many = self.romeo
        self.hooks.add(events.CLIENT_STANZA, lambda traffic: _done(), ACTING)
        self.message(*(["at once"] * 5_000))
        self.answers[0].callback(None)
        self.assertEqual(len(self.heard()), 5_000 + QUEUE_BEFORE_PAUSE - 1)
        self.assertTrue(many.is_connected)


class PauseTests(StreamTestCase):
    """A client that sends faster than its stanzas are handled is not read."""

    def is_paused(self) -> bool:
        """Whether romeo's connection is read."""
        return self.carrier(self.romeo)._transport.is_paused

    def test_pause_and_resume(self) -> None:
        """At `QUEUE_BEFORE_PAUSE` stanzas that wait, until none does."""
        self.message("slow", *map(str, range(QUEUE_BEFORE_PAUSE - 1)))
        self.assertFalse(self.is_paused())
        self.message("last")
        self.assertTrue(self.is_paused())
        self.message("held back")
        self.answers[0].callback(None)
        self.assertFalse(self.is_paused())
        self.assertEqual(self.heard()[-2:], ["last", "held back"])

    def test_paused_while_it_waits_again(self) -> None:
        """It is not read on before the queue is empty."""
        self.message("slow", "slow", *map(str, range(QUEUE_BEFORE_PAUSE)))
        self.answers[0].callback(None)
        self.assertTrue(self.is_paused())
        self.answers[1].callback(None)
        self.assertFalse(self.is_paused())


class FailureTests(StreamTestCase):
    """Bugs in handlers."""

    def test_bug_in_a_handler(self) -> None:
        """It is logged once, its sender gets internal-server-error, and the stream goes on."""

        def handle(traffic: Traffic) -> None:
            if traffic.stanza.id == "bug":
                raise ZeroDivisionError

        self.hooks.add(events.CLIENT_STANZA, handle, ACTING)
        self.message("1", "bug", "2")
        self.assertEqual(self.heard(), ["1", "2"])
        (error,) = self.romeo.inbox
        self.assertEqual((error.get("type"), error.get("id"), error.get("to")), ("error", "bug", ROMEO))
        self.assertEqual(error[0][0].tag, "{urn:ietf:params:xml:ns:xmpp-stanzas}internal-server-error")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_bug_after_waiting(self) -> None:
        """The same where the handler has waited; what follows is handled."""
        self.message("slow", "1")
        self.answers[0].errback(ZeroDivisionError())
        self.assertEqual(self.heard(), ["1"])
        self.assertEqual(self.romeo.inbox[0].get("id"), "slow")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_bug_in_the_negotiation(self) -> None:
        """RFC 6120 4.9.3.8: no stanza that could be answered, so the stream ends with internal-server-error."""

        def begin(*args: object) -> None:
            raise ZeroDivisionError

        self.patch(self.world.server.streams.authentication, "begin", begin)
        client = self.world.client("juliet@localhost/orchard")
        now(Deferred.fromCoroutine(client.secure()))
        client.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'/>")
        self.assertEqual(client.inbox[0][0].tag, "{urn:ietf:params:xml:ns:xmpp-streams}internal-server-error")
        self.assertFalse(client.is_connected)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)


class LossTests(StreamTestCase):
    """The connection is lost."""

    def test_session_goes_with_it(self) -> None:
        """Without a module that keeps it the session is destroyed, its resource free at once."""
        session = self.session(ROMEO)
        self.carrier(self.romeo).lose()
        self.assertIsNone(self.world.server.registry.get(ROMEO))
        self.assertFalse(session.is_connected)
        self.assertFalse(session.send("<presence/>"))
        self.assertEqual(len(self.world.factory.connections), 1)

    def test_what_was_received_is_handled(self) -> None:
        """Stanzas that wait when the connection is lost are still handled, and then the session ends."""
        self.message("slow", "1", "2")
        self.carrier(self.romeo).lose()
        self.assertIsNotNone(self.world.server.registry.get(ROMEO))
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow", "1", "2"])
        self.assertIsNone(self.world.server.registry.get(ROMEO))

    def test_session_may_be_kept(self) -> None:
        """SESSION_DETACHED: a module keeps it without a connection; what was not handled yet is forgotten."""
        kept: list[Session] = []

        def keep(session: Session) -> bool:
            kept.append(session)
            return True

        self.hooks.add(events.SESSION_DETACHED, keep, NOTING)
        session = self.session(ROMEO)
        self.message("slow", "1")
        self.carrier(self.romeo).lose()
        self.assertEqual(kept, [session])
        self.assertIs(self.world.server.registry.get(ROMEO), session)
        self.assertIsNone(session.conn)
        self.answers[0].callback(None)
        self.assertEqual(self.heard(), ["slow"])
        self.assertIs(self.world.server.registry.get(ROMEO), session)

    def test_half_a_stanza(self) -> None:
        """What is not complete when the connection is lost never happened."""
        self.romeo.send(f"<message to='{JULIET}' id='1'><body>he")
        self.carrier(self.romeo).lose()
        self.assertEqual(self.heard(), [])

    def test_nobody_is_kept_after_a_stream_error(self) -> None:
        """A stream that was ended is not one that may come back."""
        self.hooks.add(events.SESSION_DETACHED, lambda session: True, NOTING)
        self.romeo.send("<foo/>")
        self.assertIsNone(self.world.server.registry.get(ROMEO))


class EndTests(StreamTestCase):
    """How streams end from our side."""

    def test_close_waits_for_the_peer(self) -> None:
        """RFC 6120 4.4: our end tag, then the client's, or limits.close_timeout_s at most."""
        self.session(ROMEO).close()
        self.assertEqual(self.romeo.inbox[0].tag, f"{NS_STREAM}end")
        self.assertTrue(self.romeo.is_connected)
        self.message("too late")
        self.assertEqual(self.heard(), [])
        self.romeo.send("</stream:stream>")
        self.assertFalse(self.romeo.is_connected)
        self.session(JULIET).close()
        self.world.clock.advance(5.0)
        self.assertFalse(self.juliet.is_connected)

    def test_client_that_does_not_read(self) -> None:
        """A connection that cannot be dropped politely is aborted after a while."""
        transport = self.carrier(self.romeo)._transport
        aborted: list[str] = []
        self.patch(transport, "loseConnection", lambda: None)
        self.patch(transport, "abortConnection", lambda: aborted.append("aborted"))
        self.session(ROMEO).close("policy-violation")
        self.world.clock.advance(ABORT_AFTER_S - 0.1)
        self.assertEqual(aborted, [])
        self.world.clock.advance(0.1)
        self.assertEqual(aborted, ["aborted"])

    def test_shutdown(self) -> None:
        """RFC 6120 4.9.3.20: every stream gets system-shutdown and its end tag, also one without a header yet.

        promises#polite-end.
        """
        new = self.world.client("mercutio@localhost/x")
        ended: list[Any] = []
        self.world.factory.shutdown().addCallback(ended.append)
        for client in (self.romeo, self.juliet, new):
            error, end = client.inbox
            self.assertEqual(error[0].tag, "{urn:ietf:params:xml:ns:xmpp-streams}system-shutdown")
            self.assertEqual(end.tag, f"{NS_STREAM}end")
            self.assertFalse(client.is_connected)
        self.assertEqual(len(ended), 1)
        self.assertEqual(len(self.world.server.registry), 0)

    def test_log(self) -> None:
        """However a stream ends, the log has one line of it, with the reason."""
        logged: list[LogEvent] = []
        observer = cast(ILogObserver, logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        ends: dict[str, Callable[[Client], object]] = {
            "closed by the client": lambda client: client.send("</stream:stream>"),
            "connection lost": lambda client: self.carrier(client).lose(),
            "unsupported-stanza-type": lambda client: client.send("<foo/>"),
            "conflict": lambda client: self.session("benvolio@localhost/street").close("conflict"),
            "policy-violation (enough)": lambda client: self.session("benvolio@localhost/street").close(
                StreamError("policy-violation", "enough")
            ),
            "closed by the server": lambda client: self.session("benvolio@localhost/street").close(),
        }
        for reason, end in ends.items():
            client = self.world.logged_in("benvolio@localhost/street")
            logged.clear()
            end(client)
            self.carrier(client).lose()
            said = [formatEvent(event) for event in logged if event.get("stream")]
            self.assertEqual(said, [f"Stream ended: {reason}"])

    def test_lines_that_nobody_hears_are_not_made(self) -> None:
        """A login has none where only warnings are written, nor has its end."""
        asked: set[str] = set()

        def hears(level: str) -> bool:
            asked.add(level)
            return False

        self.world.factory.server = replace(self.world.server.streams, hears=hears)
        logged: list[LogEvent] = []
        observer = cast(ILogObserver, logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)
        client = self.world.logged_in("benvolio@localhost/street")
        self.assertTrue(client.is_connected)
        client.send("</stream:stream>")
        self.assertEqual([formatEvent(event) for event in logged if event.get("stream")], [])
        self.assertEqual(asked, {"debug", "info"})

    def test_ids_of_streams(self) -> None:
        """RFC 6120 4.7.3: each header of ours has another id, that behind SASL too."""
        client = self.world.client("mercutio@localhost/x")
        seen, received = bytearray(), client.received

        def hear(data: bytes) -> None:
            seen.extend(data)
            received(data)

        self.patch(client, "received", hear)
        self.successResultOf(Deferred.fromCoroutine(client.log_in()))
        ids = re.findall(rb"<stream:stream [^>]*\bid='([^']+)'", bytes(seen))
        self.assertEqual((len(ids), len(set(ids))), (3, 3))


def _done() -> Deferred[None]:
    done: Deferred[None] = Deferred()
    done.callback(None)
    return done
