"""What a transport costs: CPU of an echo of 183 bytes and memory of an idle connection, for each transport and reactor.

Run ``python benchmarks/transport_echo.py``; one table comes out. The server runs in a process of its own; its CPU
time is read from ``/proc/PID/schedstat`` and its memory from ``/proc/PID/smaps_rollup``, so this needs Linux.
"""

import argparse
import gc
import importlib
import itertools
import os
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet import protocol
from twisted.internet.ssl import PrivateCertificate

from xmppd.net.tls.self_signed import make_self_signed

MESSAGE = b"<message to='bob@localhost/phone' type='chat' id='m1'><body>" + b"x" * 106 + b"</body></message>"
CONNECTIONS = 50
IDLE_CONNECTIONS = 2000


def make_certificate(folder: Path) -> Path:
    """A self-made P-256 certificate with its key, in one PEM file."""
    certificate, key, pem = folder / "server.crt", folder / "server.key", folder / "server.pem"
    make_self_signed("localhost", certificate, key, datetime.now(UTC))
    pem.write_bytes(key.read_bytes() + certificate.read_bytes())
    return pem


class Echo(protocol.Protocol):
    """Sends back what comes."""

    __slots__ = ("connected", "factory", "transport")

    def dataReceived(self, data: bytes) -> None:
        """Send *data* back."""
        self.transport.write(data)  # type: ignore[union-attr]  # connected by now


def run_server(transport: str, reactor_name: str, pem: str | None) -> None:
    """Serve until killed; the port is the first line of standard output."""
    reactors = {"xmppd": "xmppd.net.transport.reactor", "twisted": "twisted.internet.epollreactor"}
    importlib.import_module(reactors[reactor_name]).install()
    reactor: Any = importlib.import_module("twisted.internet.reactor")
    factory: Any = protocol.Factory.forProtocol(Echo)
    listen = listen_twisted if transport == "twisted" else listen_own
    print(listen(reactor, factory, pem), flush=True)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20000, 50, 50)
    reactor.run()


def listen_twisted(reactor: Any, factory: Any, pem: str | None) -> int:
    """Listen with Twisted's transport."""
    if pem is None:
        return int(reactor.listenTCP(0, factory, 1024, "127.0.0.1").getHost().port)
    certificate = PrivateCertificate.loadPEM(Path(pem).read_bytes())
    return int(reactor.listenSSL(0, factory, certificate.options(), 1024, "127.0.0.1").getHost().port)


def listen_own(reactor: Any, factory: Any, pem: str | None) -> int:
    """Listen with ours."""
    flush = importlib.import_module("xmppd.net.transport.flush")
    serve = importlib.import_module("xmppd.net.transport.choice").serve
    context = None
    if pem is not None:
        context = SSL.Context(SSL.TLS_SERVER_METHOD)
        importlib.import_module("xmppd.net.transport.tls_socket").prepare_context(context)
        context.use_certificate_file(pem)
        context.use_privatekey_file(pem)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    listener.setblocking(False)
    queue = flush.flush_queue_of(reactor)

    class Acceptor:
        def fileno(self) -> int:
            return listener.fileno()

        def doRead(self) -> None:
            for _ in range(64):
                try:
                    sock, addr = listener.accept()
                except BlockingIOError:
                    return
                serve(sock, addr, factory, reactor, queue, tls=context)

        def connectionLost(self, reason: object) -> None:
            listener.close()

        def logPrefix(self) -> str:
            return "acceptor"

    reactor.addReader(Acceptor())
    return int(listener.getsockname()[1])


class Server:
    """A server process and what it has used."""

    def __init__(self, transport: str, reactor: str, pem: Path | None) -> None:
        arguments = [sys.executable, __file__, "--server", transport, reactor, *([str(pem)] if pem else [])]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE)
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def cpu_us(self) -> float:
        """CPU time so far, microseconds."""
        return int(Path(f"/proc/{self.process.pid}/schedstat").read_text().split()[0]) / 1000

    def memory_kib(self) -> int:
        """Private memory now, KiB."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private"))

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def connect(port: int, tls: bool) -> Any:
    """A blocking client connection."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not tls:
        return sock
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(sock)


def echo_cpu(server: Server, tls: bool, messages: int, burst: int) -> float:
    """CPU microseconds a message: each of the connections has *burst* messages on the way at a time."""
    selector = selectors.DefaultSelector()
    socks = [connect(server.port, tls) for _ in range(CONNECTIONS)]
    size = len(MESSAGE) * burst
    missing = {}
    for sock in socks:
        sock.sendall(MESSAGE)
        while len(sock.recv(65536)) < len(MESSAGE):
            pass
        selector.register(sock, selectors.EVENT_READ)
    start, done = server.cpu_us(), 0
    for sock in socks:
        send_burst(sock, burst)
        missing[sock] = size
    while done < messages:
        for key, _ in selector.select():
            got = len(key.fileobj.recv(65536))  # type: ignore[union-attr]  # a socket
            missing[key.fileobj] -= got
            if missing[key.fileobj] == 0:
                done += burst
                missing[key.fileobj] = size
                send_burst(key.fileobj, burst)
    cost = (server.cpu_us() - start) / done
    for sock in socks:
        sock.close()
    return cost


def send_burst(sock: Any, burst: int) -> None:
    """Send the messages one by one, as clients do."""
    for _ in range(burst):
        sock.sendall(MESSAGE)


def idle_kib(server: Server, tls: bool) -> float:
    """KiB of the server for an idle connection that has spoken once."""
    before = server.memory_kib()
    socks = []
    for _ in range(IDLE_CONNECTIONS):
        sock = connect(server.port, tls)
        sock.sendall(MESSAGE)
        while len(sock.recv(65536)) < len(MESSAGE):
            pass
        socks.append(sock)
    time.sleep(0.2)
    cost = (server.memory_kib() - before) / IDLE_CONNECTIONS
    for sock in socks:
        sock.close()
    return cost


def main() -> None:
    """Measure all, print a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--server", nargs="+", help=argparse.SUPPRESS)
    parser.add_argument("--messages", type=int, default=20000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--no-memory", action="store_true")
    options = parser.parse_args()
    if options.server:
        run_server(options.server[0], options.server[1], options.server[2] if options.server[2:] else None)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure_all(make_certificate(Path(folder)), options)


def measure_all(pem: Path, options: argparse.Namespace) -> None:
    """One row for each of the eight kinds of server."""
    print(
        f"{'':8} {'transport':10} {'reactor':8} {'us single':>10} {'us burst 10':>12} {'KiB idle':>9}",
        flush=True,
    )
    for tls, transport, reactor in itertools.product((False, True), ("twisted", "own"), ("twisted", "xmppd")):
        server = Server(transport, reactor, pem if tls else None)
        try:
            idle = float("nan") if options.no_memory else idle_kib(server, tls)
            single = [echo_cpu(server, tls, options.messages, 1) for _ in range(options.repeat)]
            burst = [echo_cpu(server, tls, options.messages, 10) for _ in range(options.repeat)]
        finally:
            server.stop()
        row = f"{'tls' if tls else 'plain':8} {transport:10} {reactor:8} {statistics.median(single):10.1f}"
        print(f"{row} {statistics.median(burst):12.1f} {idle:9.1f}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
