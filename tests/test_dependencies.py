"""What is declared of other libraries is true: lowest versions, locked ones, and the private names that are touched."""

import ast
import re
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from unittest import skipUnless

from OpenSSL import SSL
from twisted.internet import reactor
from twisted.internet.abstract import FileDescriptor
from twisted.internet.epollreactor import EPollReactor
from twisted.names.client import Resolver
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.trial.unittest import SynchronousTestCase

import xmppd
from tests.checkout import ROOT
from xmppd.net.transport import tls_socket

PACKAGE = Path(xmppd.__file__).parent
PRIVATE = re.compile(r"_[a-z]\w*")
FOR_DEVELOPERS = ("test", "dev")
IMPORTED_AS = {"pillow": "PIL", "pyjwt": "jwt", "pyopenssl": "OpenSSL", "zope-interface": "zope"}
OF_PYTHON = {"_asdict", "_exit", "_make", "_replace"}
"""They begin with an underscore and are public: of named tuples and of os."""
OF_LIBRARIES = {
    "_ssl": "xmppd reads and writes through it, a quarter faster (net/transport/tls_socket.py)",
    "_raise_ssl_error": "xmppd turns OpenSSL's answers into pyOpenSSL's errors by it (net/transport/tls_socket.py)",
    "_util": "xmppd calls OpenSSL by its lib and ffi (net/transport/tls_socket.py)",
    "_tempDataLen": "xmppd counts by it what waits in Twisted's transport (net/transport/stock_bounds.py)",
    "_appSendBuffer": "xmppd counts by it what waits for Twisted's TLS (net/transport/twisted_transport.py)",
    "_poller": "xmppd's reactor polls it (net/transport/reactor.py)",
    "_selectables": "xmppd's reactor finds descriptors in it (net/transport/reactor.py)",
    "_reads": "xmppd's reactor gives its memory back (net/transport/reactor.py)",
    "_writes": "xmppd's reactor gives its memory back (net/transport/reactor.py)",
    "_doReadOrWrite": "xmppd's reactor leaves rare events to it (net/transport/reactor.py)",
    "_disconnectSelectable": "xmppd's reactor ends connections by it (net/transport/reactor.py)",
    "_parseCall": "xmppd stops Twisted's look at resolv.conf by it (net/dns.py)",
}
"""Private names of libraries, and what each is for: where one is gone, that is what fails."""


def trees() -> Iterator[ast.Module]:
    """Give every file of the package."""
    for file in PACKAGE.rglob("*.py"):
        yield ast.parse(file.read_text())


def requirements() -> dict[str, str]:
    """Give the lowest version of each library that setup.cfg declares for who runs a server, with all extras."""
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    lines = config["options"]["install_requires"].split("\n")
    for name, extra in config["options.extras_require"].items():
        if name not in FOR_DEVELOPERS:
            lines += extra.split("\n")
    return {
        _name(name): version.strip() for name, _, version in (line.partition(">=") for line in lines if line)
    }


def _name(written: str) -> str:
    """As PEP 503 compares them."""
    return re.sub(r"[-_.]+", "-", written.partition("[")[0].strip()).lower()


def _pinned(file: Path) -> dict[str, str]:
    lines = [line.split(";")[0].rstrip("\\ ") for line in file.read_text().splitlines()]
    pairs = [line.partition("==") for line in lines if "==" in line and not line.startswith((" ", "#"))]
    return {_name(name): version.split()[0] for name, _, version in pairs}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))


class VersionTests(SynchronousTestCase):
    """setup.cfg, the lowest versions, and the locked ones."""

    def test_lowest(self) -> None:
        """What CI tries at its lowest is what setup.cfg says."""
        self.assertEqual(_pinned(ROOT / "requirements" / "lowest.txt"), requirements())

    def test_locked(self) -> None:
        """What ``make install`` takes is within what setup.cfg says, and each file of it is known by its hash."""
        file = ROOT / "requirements" / "locked.txt"
        locked = _pinned(file)
        for name, lowest in requirements().items():
            self.assertGreaterEqual(_numbers(locked[name]), _numbers(lowest), name)
        self.assertEqual(file.read_text().count("=="), len(locked))
        for each in re.split(r"\n(?=\S)", file.read_text().strip()):
            self.assertTrue(each.startswith("#") or "--hash=sha256:" in each, each)

    def test_what_is_imported_is_declared(self) -> None:
        """Also what comes with another library today."""
        named = {IMPORTED_AS.get(name, name.replace("-", "_")) for name in requirements()}
        found = {name.partition(".")[0] for tree in trees() for name in _imported(tree)}
        self.assertEqual(
            found - sys.stdlib_module_names - {"xmppd"} - named, set(), "imported and not declared"
        )
        self.assertEqual(named - found, set(), "declared and imported by nobody")


def _imported(tree: ast.Module) -> Iterator[str]:
    """Also what is loaded only where it is needed, by ``importlib``."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name))]):
                yield name
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


class PrivateNameTests(SynchronousTestCase):
    """A private name of a library may go with any release: then it is this that fails, and says for what it was."""

    def test_each_is_known(self) -> None:
        """A name that begins with an underscore is of our own, or stands in the table above."""
        ours: set[str] = set()
        touched: set[str] = set()
        for tree in trees():
            ours |= set(_defined(tree))
            touched |= {name for name in _touched(tree) if PRIVATE.fullmatch(name)}
        unknown = touched - ours - OF_PYTHON - OF_LIBRARIES.keys()
        self.assertEqual(unknown, set(), "a library's private names, which the table does not have")
        self.assertEqual(OF_LIBRARIES.keys() - touched - {"_util"}, set(), "touched by nobody any more")

    def test_pyopenssl(self) -> None:
        """Its connection, and the functions of OpenSSL that it was built with."""
        connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
        self.there(connection, "_ssl", "_raise_ssl_error")
        self.assertTrue(tls_socket.HAS_RAW_CALLS, f"OpenSSL._util lacks something: {OF_LIBRARIES['_util']}")
        self.assertTrue(
            tls_socket.HAS_HANDSHAKE_CALLS, "tls-unique is offered no more: net/transport/tls_socket.py"
        )

    def test_twisted(self) -> None:
        """Its transport, its TLS, and its resolver."""
        self.there(FileDescriptor(reactor), "_tempDataLen", "dataBuffer", "offset")
        self.there_in(TLSMemoryBIOFactory.protocol, "_appSendBuffer")
        self.there_in(Resolver, "_parseCall")

    @skipUnless(hasattr(__import__("select"), "epoll"), "there is no epoll")
    def test_reactor(self) -> None:
        """What our reactor changes of Twisted's."""
        self.there_in(EPollReactor, "_poller", "_selectables", "_reads", "_writes")
        self.there(EPollReactor, "_doReadOrWrite", "_disconnectSelectable")

    def there(self, owner: object, *names: str) -> None:
        """*owner* has them."""
        for name in names:
            self.assertTrue(
                hasattr(owner, name), f"{owner!r} has no {name} any more: {OF_LIBRARIES.get(name)}"
            )

    def there_in(self, owner: type, *names: str) -> None:
        """The code of *owner* and of what it is built on has them; to make one would be too much."""
        known = {name for base in owner.__mro__ for each in vars(base).values() for name in _names_of(each)}
        for name in names:
            self.assertIn(name, known, f"{owner.__name__} has no {name} any more: {OF_LIBRARIES[name]}")


def _names_of(function: object) -> tuple[str, ...]:
    code = getattr(function, "__code__", None)
    return () if code is None else code.co_names


def _defined(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.arg(arg=name):
                yield name


def _touched(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name):
                yield name
            case ast.Call(
                func=ast.Name(id="getattr" | "hasattr"), args=[_, ast.Constant(value=str(name)), *_]
            ):
                yield name
            case ast.ImportFrom(module=str(module)):
                yield from (part for part in module.split("."))
                yield from (alias.name for alias in node.names)
