"""The module API: what a module is, how it says what it does, and the door through which it reaches the server.

A module is a class in a file of its own in `xmppd.modules`. Its class body declares everything: the XEP it implements,
its features, its options, what it requires, and its handlers. Disco, the README's table, option validation, loading
and unloading follow from these declarations::

    class Ping(Module):
        name = "ping"
        summary = "XMPP Ping"
        xep = XEP(199, "2.0.1")
        features = (NS,)

        @iq("get", NS, "ping", to=("host", "account"))
        def on_ping(self, request: IQRequest) -> None:
            ...
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from xmppd.config.kinds import ACCOUNTS_ONLY, DomainKind
from xmppd.config.table import Table
from xmppd.core.environment import InThread
from xmppd.core.hooks import AnyHook, Hook, Station
from xmppd.core.host import Host, Identity, IQKey
from xmppd.core.http import Route
from xmppd.core.registry import SessionRegistry
from xmppd.core.router import Router
from xmppd.core.services import Services
from xmppd.core.session import ClientFeature
from xmppd.core.timers import Timers
from xmppd.core.web import WebAddresses
from xmppd.storage.interface import Storage

P = TypeVar("P")
H = TypeVar("H", bound=Callable[..., object])

_DECLARED = "_xmppd_declared"


class Options(Table):
    """The options of a module without any; others derive from it. They stand under ``[modules.NAME]``.

    Types are exact: ``"5"`` and ``true`` are no numbers. What is said of a value stands in ``Annotated``
    (`xmppd.config.fields`).
    """


@dataclass(frozen=True, slots=True)
class XEP:
    """A specification that a module implements: its number and version, and what is left out of it."""

    number: int
    version: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class IQHandler:
    """A method that answers an IQ, found by its `keys`."""

    keys: tuple[IQKey, ...]


@dataclass(frozen=True, slots=True)
class HookHandler:
    """A method that joins a hook, at one of its stations where it has any."""

    hook: AnyHook
    station: Station | None


@dataclass(frozen=True, slots=True)
class HttpDeclaration:
    """A method that answers HTTP requests at the paths of its `route`."""

    route: Route


Declaration = IQHandler | HookHandler | HttpDeclaration


def iq(type: str, ns: str, name: str, to: str | tuple[str, ...] = "host") -> Callable[[H], H]:
    """Declare that a method answers IQs of *type* with the payload ``{ns}name`` to these kinds of target.

    The method takes an `IQRequest` and gives the payload of the result (an `Element`, bytes, or None for an empty
    result), or a Deferred of it, or raises `StanzaError`. "account" handlers see requests of strangers too: ask
    `IQRequest.is_own`, and raise `xmppd.core.domains.strangers.refused` for who has no right to an answer; "own" ones
    see the account's owner only. "resource" ones see a request
    before the client that it is for: they give nothing, or a Deferred of it, or raise `StanzaError` to keep it away.
    "node" is a bare address at a service, such as a room (`xmppd.core.service`).
    """
    kinds = (to,) if isinstance(to, str) else to
    return _declare(IQHandler(tuple((type, ns, name, kind) for kind in kinds)))


def on(hook: Hook[P], station: Station | None = None) -> Callable[[H], H]:
    """Declare that a method handles *hook* at *station*; None for a hook whose handlers have no order."""
    return _declare(HookHandler(hook, station))


def http(method: str, pattern: str, *, cors: bool = False, json: bool = False) -> Callable[[H], H]:
    """Declare that a method answers HTTP requests of *method* at *pattern*, as ``"/invite/{token}"`` (`Route`).

    It takes an `HttpRequest` and gives an `HttpResponse`, or a Deferred of it, or raises `HttpError`. It sees the
    requests for its own domain only. HEAD comes with GET, and is not declared; with *cors* pages of any other site may
    ask, and OPTIONS tells them so; with *json* errors are told in JSON.
    """
    return _declare(HttpDeclaration(Route(method, pattern, cors, json)))


def _declare(declaration: Declaration) -> Callable[[H], H]:
    def mark(method: H) -> H:
        method.__dict__.setdefault(_DECLARED, []).append(declaration)
        return method

    return mark


@dataclass(frozen=True, slots=True)
class ModuleAPI:
    """What a module reaches: its host, and the parts of the server."""

    host: Host
    router: Router
    registry: SessionRegistry
    timers: Timers
    storage: Storage
    services: Services
    now: Callable[[], float]
    """Wall time in seconds."""
    web: WebAddresses
    """Where the web side of each domain is reached."""
    in_thread: InThread
    """Calls a function in a thread, for what would hold up everybody."""


class Module:
    """Base of all modules: one instance for each domain that has it loaded."""

    name: ClassVar[str]
    summary: ClassVar[str]
    xep: ClassVar[XEP | tuple[XEP, ...] | None] = None
    for_hosts: ClassVar[frozenset[DomainKind]] = ACCOUNTS_ONLY
    """The kinds of domain that it serves; `xmppd.config.kinds` has the usual sets."""
    identities: ClassVar[tuple[Identity, ...]] = ()
    """What a domain is that has it loaded (XEP-0030 3.1), besides server/im for a host with accounts."""
    features: ClassVar[tuple[str, ...]] = ()
    account_features: ClassVar[tuple[str, ...]] = ()
    requires: ClassVar[tuple[str, ...]] = ()
    """The modules that have to be there, by name."""
    uses: ClassVar[tuple[type, ...]] = ()
    """The services that it reaches, by class; `ModuleAPI.services` has these alone."""
    options: ClassVar[type[Options]] = Options
    is_default: ClassVar[bool] = True
    """Whether it is loaded unless the configuration says otherwise."""
    opt: Options
    """Its options for this domain; a module with options of its own annotates it with their class."""
    _declarations: ClassVar[tuple[tuple[Declaration, str], ...]] = ()
    """What its methods declare, each with the method's name."""

    def __init_subclass__(cls) -> None:
        """Gather what the methods of a module declare, its bases' too."""
        cls._declarations = tuple(
            (declaration, attribute)
            for attribute in dir(cls)
            for declaration in getattr(getattr(cls, attribute), _DECLARED, ())
        )

    def __init__(self, api: ModuleAPI, options: Options):
        """*options* is an instance of the class's `options`, already validated. Nothing outside is touched here."""
        self.api = api
        self.opt = options
        self.rank = 0
        """Its place in the order of loading; a reload keeps it."""
        self.offered: tuple[ClientFeature, ...] = ()
        """What `stream_features` gave when it was loaded."""
        self.is_started = False
        self.endings: list[Callable[[], object]] = []

    def start(self) -> None:
        """Run when all handlers are in place. Does not wait. What it raises undoes the load."""

    def stop(self) -> None:
        """Run before the handlers go, after a `start` that has succeeded. Does not wait."""

    def at_end(self, undo: Callable[[], object]) -> None:
        """Have *undo* called when this module goes, the last first, or when its start fails half-way."""
        self.endings.append(undo)

    def handle(self, hook: Hook[P], handler: Callable[[P], object], station: Station | None = None) -> None:
        """Have *handler* called while this module is there: for what `start` finds wanted, so that nobody else pays."""
        hooks = self.api.host.hooks
        hooks.add(hook, handler, station, module=self.name, rank=self.rank)
        self.at_end(lambda: hooks.remove(hook, handler))

    @classmethod
    def may_be_service(cls) -> bool:
        """Whether a component can be this module: a domain of its own has a purpose and an identity by it."""
        serves = DomainKind.SERVICE in cls.for_hosts
        return serves and (DomainKind.ACCOUNTS not in cls.for_hosts or bool(cls.identities))

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Give what this module adds to stream negotiation."""
        return ()

    def handlers(self) -> Iterator[tuple[Declaration, Callable[..., object]]]:
        """Give what this module's methods declare, each with the bound method."""
        for declaration, attribute in self._declarations:
            yield declaration, getattr(self, attribute)
