"""Ports are bound, accepted from, and survive a shortage of file descriptors."""

import errno
import os
import resource
import socket
from typing import Any

from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase

from tests.net.transport.listening import FakeReactor, Lines
from xmppd.config.section import Address
from xmppd.net.transport.listen import (
    ACCEPTS_A_TURN,
    CALM_S,
    RETRY_S,
    DescriptorShortage,
    Listener,
    ListenError,
    bind,
    bind_all,
    raise_descriptor_limit,
)

LOOPBACK = Address("127.0.0.1", 0)


class BindingTests(SynchronousTestCase):
    """Before the fork."""

    def bound(self, address: Address) -> socket.socket:
        """Listen, until the test is over."""
        sock = bind(address)
        self.addCleanup(sock.close)
        return sock

    def test_socket_options(self) -> None:
        """Accepted sockets have TCP_NODELAY and keepalive without a system call of their own."""
        listening = self.bound(LOOPBACK)
        with socket.create_connection(listening.getsockname()):
            accepted, _ = listening.accept()
            with accepted:
                self.assertTrue(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
                self.assertTrue(accepted.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))
        self.assertFalse(listening.getblocking())

    def test_port_in_use(self) -> None:
        """One line says which port, why, and what to change; nothing stays bound."""
        taken = Address("127.0.0.1", self.bound(LOOPBACK).getsockname()[1])
        before = set(os.listdir("/proc/self/fd"))
        error = self.assertRaises(ListenError, bind_all, [LOOPBACK, taken], "c2s.listen")
        expected = (
            f"cannot listen on {taken}: the port is in use by another program; free it or change c2s.listen"
        )
        self.assertEqual(str(error), expected)
        self.assertEqual(set(os.listdir("/proc/self/fd")), before)

    def test_address_of_another_machine(self) -> None:
        """An address that this machine does not have is no mystery either."""
        error = self.assertRaises(ListenError, bind, Address("192.0.2.1", 0))
        self.assertIn("this machine does not have the address", str(error))

    def test_same_port_on_both_versions_of_ip(self) -> None:
        """``[::]`` means version 6 only, so that 0.0.0.0 may stand beside it with the same port."""
        first = self.bound(Address("::", 0))
        self.bound(Address("0.0.0.0", first.getsockname()[1]))

    def test_missing_ipv6_is_left_out_where_nobody_asked_for_it(self) -> None:
        """The default addresses suit a machine without IPv6; addresses that somebody wrote must be there."""
        absent = Address("2001:db8::1", 0)
        sockets = bind_all([LOOPBACK, absent], is_ipv6_optional=True)
        self.assertEqual(len(sockets), 1)
        sockets[0].close()
        self.assertRaises(ListenError, bind_all, [absent])

    def test_descriptor_limit_is_raised(self) -> None:
        """The soft limit becomes the hard one."""
        self.addCleanup(
            resource.setrlimit, resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE)
        )
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        self.assertEqual(raise_descriptor_limit(), hard)
        self.assertEqual(resource.getrlimit(resource.RLIMIT_NOFILE), (hard, hard))


class ListenerTestCase(SynchronousTestCase):
    """A listener, with a reactor that does only what the test says."""

    def setUp(self) -> None:
        self.reactor = FakeReactor()
        self.shortage = DescriptorShortage(self.reactor, 1_000_000)
        self.accepted: list[socket.socket] = []
        self.addCleanup(self.close)
        self.listener = self.listen()

    def listen(self) -> Listener:
        """Give a listener that has started."""
        listener = Listener(bind(LOOPBACK), self.reactor, self.accept, self.shortage)
        self.addCleanup(listener.stop_accepting)
        listener.startService()
        return listener

    def accept(self, sock: socket.socket, peer: tuple[Any, ...]) -> None:
        """Keep what was accepted."""
        self.accepted.append(sock)

    def connect(self, count: int = 1) -> None:
        """Connect so many clients."""
        for _ in range(count):
            sock = socket.create_connection((self.listener.address.host, self.listener.address.port))
            self.addCleanup(sock.close)

    def close(self) -> None:
        """Close what was accepted."""
        for sock in self.accepted:
            sock.close()


class ListenerTests(ListenerTestCase):
    """Accepting."""

    def test_connections_from_before_the_start_are_accepted(self) -> None:
        """Between binding and the reactor's start, which a fork may lie between, the kernel keeps them."""
        self.connect(2)
        self.listener.doRead()
        self.assertEqual(len(self.accepted), 2)
        self.assertFalse(self.accepted[0].getblocking())

    def test_a_flood_leaves_time_for_others(self) -> None:
        """No more than so many are accepted at a time."""
        self.connect(ACCEPTS_A_TURN + 3)
        self.listener.doRead()
        self.assertEqual(len(self.accepted), ACCEPTS_A_TURN)
        self.listener.doRead()
        self.assertEqual(len(self.accepted), ACCEPTS_A_TURN + 3)

    def test_stopping_refuses_new_connections_only(self) -> None:
        """Listeners close first; what is connected goes on."""
        self.connect()
        self.listener.doRead()
        self.listener.stopService()
        self.assertEqual(self.reactor.readers, set())
        self.assertRaises(ConnectionRefusedError, self.connect)
        self.assertGreater(self.accepted[0].fileno(), 0)
        self.listener.stop_accepting()

    def test_a_bug_behind_the_port_does_not_make_it_deaf(self) -> None:
        """What fails for one connection is logged, closes that one, and the next is accepted."""
        self.connect(2)
        broken = True

        def accept(sock: socket.socket, peer: tuple[Any, ...]) -> None:
            nonlocal broken
            if broken:
                broken = False
                raise RuntimeError("one bad connection")
            self.accepted.append(sock)

        listener = Listener(self.listener._socket, self.reactor, accept, self.shortage)
        listener.doRead()
        self.assertEqual(len(self.accepted), 1)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_peer_that_went_away_is_passed_over(self) -> None:
        """An accept that fails for its peer's sake says nothing about the port."""
        self.listener._socket.close()
        self.listener._socket = FailingSocket(errno.ECONNABORTED)  # type: ignore[assignment]
        self.listener.doRead()
        self.assertIn(self.listener, self.reactor.readers)


class FailingSocket:
    """Cannot accept."""

    def __init__(self, number: int) -> None:
        self.number = number

    def accept(self) -> None:
        """Fail."""
        raise OSError(self.number, os.strerror(self.number))

    def fileno(self) -> int:
        """Look open."""
        return 0

    def close(self) -> None:
        """Do nothing."""


class ShortageTests(ListenerTestCase):
    """promises#floods: on EMFILE the server stops accepting, says so once, and resumes."""

    def test_emfile_stops_every_listener_and_is_said_once(self) -> None:
        """Two ports, one shortage, one line."""
        lines = self.lines()
        others = [self.listener, self.listen()]
        real = [listener._socket for listener in others]
        for listener in others:
            listener._socket = FailingSocket(errno.EMFILE)  # type: ignore[assignment]
            listener.doRead()
        self.assertEqual(self.reactor.readers, set())
        self.assertEqual(len(lines), 1)
        for listener, sock in zip(others, real, strict=True):
            listener._socket = sock
        self.connect()
        self.reactor.advance(RETRY_S)
        self.assertEqual(self.reactor.readers, set(others))
        self.listener.doRead()
        self.assertEqual(len(self.accepted), 1)

    def test_shortage_that_comes_and_goes_is_one_shortage(self) -> None:
        """It is over, and may be told of again, after a minute of calm."""
        lines = self.lines()
        for _ in range(3):
            self.listener._pause()
            self.reactor.advance(RETRY_S)
        self.assertEqual(len(lines), 1)
        self.reactor.advance(CALM_S)
        self.assertEqual(len(lines), 2)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.listener._pause()
        self.assertEqual(len(lines), 3)

    def test_the_last_descriptors_are_left_to_storage(self) -> None:
        """The listener pauses before the limit is reached, and until enough descriptors are free again."""
        self.connect(2)
        lowest = os.dup(0)
        os.close(lowest)
        self.listener._shortage = self.shortage = DescriptorShortage(self.reactor, (lowest + 1) * 4 // 3)
        self.listener.doRead()
        self.assertEqual(len(self.accepted), 2)
        self.assertEqual(self.reactor.readers, set())
        self.reactor.advance(RETRY_S)
        self.assertEqual(self.reactor.readers, set())
        self.close()
        self.reactor.advance(RETRY_S)
        self.assertEqual(self.reactor.readers, {self.listener})

    def test_stopping_during_a_shortage(self) -> None:
        """Nothing is left to happen afterwards."""
        self.listener._pause()
        self.listener.stopService()
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def lines(self) -> "Lines":
        """Collect what the shortage logs."""
        found = Lines()
        self.patch(DescriptorShortage, "_log", Logger("shortage", observer=found))
        return found
