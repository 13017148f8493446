"""What a SASL2 login carries besides the authentication (XEP-0388 1.0.4, XEP-0386 1.1.0), and how modules join.

The stream drives a login through these stations, each a hook of the host:

1. `OFFERING`, each time the stream features are made: what can be asked for;
2. `LOGIN_BEGINNING`, with ``<authenticate/>``: what is malformed is refused here; FAST gives its own exchange;
3. `LOGIN_TASKS`, when it is known who the client is: what it must do before it is let in;
4. `LOGIN_SUCCEEDED`, before ``<success/>`` is sent: inline features do their work and put in their results, in the
   order of the stations `ISSUING` (a token), `RESUMING`, `BINDING`;
5. `BINDING_INLINE`, from within the binding (XEP-0386): what the session starts with.

Nothing is written to the session between 4 and ``<success/>`` (XEP-0388 2.4): what comes for it meanwhile waits.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from xmppd.core.hooks import Hook, Station
from xmppd.core.host import Host
from xmppd.core.session import Session, SessionStream
from xmppd.core.stations import NOTING
from xmppd.services.login.authentication import Circumstances
from xmppd.stanza.element import Element
from xmppd.stream.sasl.steps import Success

NS_SASL2: Final = "urn:xmpp:sasl:2"
NS_BIND2: Final = "urn:xmpp:bind:0"
WITH_PASSWORD: Final = ("SCRAM-", "PLAIN")
"""How the names of mechanisms begin that show a password."""
GATHERING: Final = Station("gathering", "Puts in what can be asked for inline.", is_shared=True)
CHECKING: Final = Station(
    "checking", "Reads what else is asked for, and refuses what is malformed.", is_shared=True
)
AUTHENTICATING: Final = Station("authenticating", "Gives the exchange, where it is not the mechanism's own.")
ISSUING: Final = Station(
    "issuing", "Stores a token, first, so that stanzas of the session need not wait for it."
)
RESUMING: Final = Station("resuming", "Resumes a session, which comes before the binding (XEP-0198 9.2).")
BINDING: Final = Station(
    "binding", "Binds a resource (XEP-0386), and offers it with all that was gathered for it."
)


class UserAgent(NamedTuple):
    """What a client tells of itself (XEP-0388 2.3): texts for its user alone; *id* is its UUID, in lower case."""

    id: str = ""
    software: str = ""
    device: str = ""


class Task(Protocol):
    """Something that a client has to do before it is let in (XEP-0388 2.6.3)."""

    @property
    def name(self) -> str:
        """The task's name."""

    def begin(self, request: Element) -> list[Element]:
        """The client begins, with ``<next/>``: give what it needs to know. `SaslError` ends the login."""

    def go_on(self, data: Element) -> Deferred[None]:
        """Take the client's ``<task-data/>``; fires when the task is done. `SaslError` ends the login."""


class Exchange(Protocol):
    """An authentication exchange."""

    def start(self, initial: bytes | None) -> Deferred[bytes | Success]:
        """Take the initial response; give a challenge or the success. Fails with `SaslError`."""

    def respond(self, data: bytes) -> Deferred[bytes | Success]:
        """Take the next response."""


class Offer:
    """What the stream features say can be asked for inline."""

    __slots__ = ("bind", "bindings", "inline", "upgrades")

    def __init__(self, bindings: Sequence[str]):
        self.bindings = bindings
        """The types of channel binding that this connection has."""
        self.inline: list[Element] = []
        """The children of ``<inline/>``."""
        self.bind: list[str] = []
        """Features that `BINDING_INLINE` takes (XEP-0386 3.1)."""
        self.upgrades: list[str] = []
        """Names of upgrade tasks (XEP-0480 2.1)."""


class Login:
    """One SASL2 login, from ``<authenticate/>`` to ``<success/>``."""

    __slots__ = (
        "after",
        "agent",
        "began",
        "given",
        "host",
        "is_by_token",
        "is_resumed",
        "mechanism",
        "request",
        "results",
        "session",
        "stream",
        "tag",
        "tasks",
        "token",
        "username",
    )

    def __init__(
        self,
        stream: SessionStream,
        session: Session,
        given: Circumstances,
        request: Element,
        agent: UserAgent,
    ):
        self.stream = stream
        """The stream that logs in, for who takes it over (XEP-0198)."""
        self.session = session
        """The session; a resumption puts the resumed one here."""
        self.given = given
        self.host: Host = given.host
        self.request = request
        """``<authenticate/>``, with what is asked for inline."""
        self.mechanism = request.get("mechanism") or ""
        self.agent = agent
        self.began = 0
        """How many clients had been revoked when it began (`xmppd.services.login.clients`)."""
        self.username = ""
        """Who it is, from `LOGIN_TASKS` on."""
        self.tag = ""
        """The tag of the bind request, as far as it can be part of a resource (XEP-0386 3.2.1)."""
        self.is_by_token = False
        """Whether no password was shown, but a token."""
        self.token: Any = None
        """What FAST knows of this login."""
        self.is_resumed = False
        """Set by a resumption: nothing is bound then, and no features are sent (XEP-0198 9.2)."""
        self.tasks: list[Task] = []
        self.results: list[Element] = []
        """What ``<success/>`` tells of the inline features."""
        self.after: list[Callable[[], object]] = []
        """Called in order when ``<success/>``, and the features where they are due, were written."""

    @property
    def is_by_password(self) -> bool:
        """Whether a password was shown, and no token or certificate."""
        return self.mechanism.startswith(WITH_PASSWORD)

    @property
    def bare_jid(self) -> str:
        """The account's address, once `username` is there."""
        return f"{self.username}@{self.host.name}"


class InlineBind:
    """A resource that was bound inline, and what its session starts with (XEP-0386 3.2)."""

    __slots__ = ("bound", "login", "request", "session")

    def __init__(self, login: Login, request: Element):
        self.login = login
        self.session = login.session
        self.request = request
        """``<bind/>``: its children of other namespaces are what is asked for."""
        self.bound: list[Element] = []
        """The children of ``<bound/>``."""


OFFERING = Hook[Offer](
    "login-offering",
    "Notified when stream features with SASL2 are made: its handlers put in what can be asked for inline. That depends "
    "on nothing but the payload and the handler's options: the features are kept.",
    GATHERING,
    BINDING,
)
LOGIN_BEGINNING = Hook[Login](
    "login-beginning",
    "Asked when a client begins to log in by SASL2. An answer is the exchange that authenticates it, in place of the "
    "mechanism's own; `SaslError` refuses the login.",
    NOTING,
    CHECKING,
    AUTHENTICATING,
)
LOGIN_TASKS = Hook[Login](
    "login-tasks",
    "Notified when a client has shown who it is: its handlers add the tasks that it has to do (XEP-0388 2.6.3).",
)
LOGIN_SUCCEEDED = Hook[Login](
    "login-succeeded",
    "Notified when a client is let in and before it is told: inline features do their work, and put in their results.",
    NOTING,
    ISSUING,
    RESUMING,
    BINDING,
)
BINDING_INLINE = Hook[InlineBind](
    "binding-inline",
    "Notified when a resource has been bound inline and before the client is told: its handlers start what is asked "
    "for, and may put something into what the client is told.",
)
