"""What goes back to the sender of a stanza, and how its way goes on where a handler waits.

Answers never walk back up the stack: an IQ handler gives a payload or raises `StanzaError`, and `Replies` alone turns
that into a reply.
"""

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.core import events
from xmppd.core.domains.door import Door
from xmppd.core.events import IQAnswerer, IQRequest, Traffic
from xmppd.core.hooks import Hook, ask_behind
from xmppd.core.host import Host, Hosts
from xmppd.core.session import Session
from xmppd.core.waiting import Waiting, is_there
from xmppd.stanza.errors import StanzaError, StreamError
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Change, StorageError

T = TypeVar("T", bound=Traffic)
A = TypeVar("A")


class Replies:
    """Results and errors for senders, wherever they are."""

    _log = Logger()

    def __init__(self, hosts: Hosts, route: Callable[[Stanza], Waiting]):
        """*route* takes a reply to a sender that is no client of this process."""
        self._hosts = hosts
        self._route = route

    def refuse(self, stanza: Stanza, error: StanzaError, origin: Session | None = None) -> None:
        """Send *error* back to the sender; silently nothing where an error must not be answered (RFC 6120 8.3.1)."""
        if stanza.type == "error" or (stanza.name == "iq" and stanza.type == "result"):
            return
        reply = stanza.error_reply(error)
        self._reply(reply, origin)
        if origin is not None and origin.jid is not None and stanza.name == "message":
            refused = Traffic(reply, origin.jid, origin.jid, origin)
            self._hosts[origin.jid.domainpart].hooks.notify(events.MESSAGE_REFUSED, refused)

    def handle(self, handler: IQAnswerer, host: Host, traffic: Traffic) -> Waiting:
        """Have *handler* answer an IQ get or set, and send what it gives as the result; `StanzaError` as it raises."""
        request = IQRequest(traffic.stanza, traffic.sender, traffic.target, traffic.origin, host)
        answer = handler(request)
        if answer is not None and isinstance(answer, Deferred):  # an abstract class, which is slow to ask
            if not is_there(answer):
                return answer.addCallback(lambda payload: self._answer(traffic, payload)).addErrback(
                    self.failed, traffic
                )
            answer = answer.result
        self._answer(traffic, answer)
        return None

    # -- handlers that take a stanza, or do not -----------------------------------------------------------------------

    def ask(self, host: Host, hook: Hook[T], traffic: T, go_on: Callable[[T], Waiting]) -> Waiting:
        """Ask the handlers of *hook*; unless one of them deals with the stanza, *go_on* with it.

        As `Hooks.ask`, without a call: every stanza is asked about several times.
        """
        handlers = host.hooks.by_hook.get(hook, ())
        for position, handler in enumerate(handlers):
            answer = handler(traffic)
            if answer is None:  # as nearly always, and to ask what kind of answer it is would cost more
                continue
            if isinstance(answer, Deferred):
                return self.after(ask_behind(answer, handlers[position + 1 :], traffic), traffic, go_on)
            return None if answer else go_on(traffic)
        return go_on(traffic)

    def give(self, door: Door, traffic: Traffic, go_on: Callable[[Traffic], Waiting]) -> Waiting:
        """Give a stanza to *door*; unless that takes it, *go_on* with it."""
        taken = door.take(traffic)
        if taken is True:
            return None
        if isinstance(taken, Deferred):
            return self.after(taken, traffic, go_on)
        return go_on(traffic)

    def after(self, answer: Deferred[A], traffic: T, go_on: Callable[[T], Waiting]) -> Deferred[None]:
        """When *answer* is there and says nothing, or False, *go_on*."""
        return answer.addCallback(lambda taken: None if taken else go_on(traffic)).addErrback(
            self.failed, traffic
        )

    def done(self, answer: object, traffic: Traffic) -> Waiting:
        """Whatever *answer* is, it ends the way of the stanza, at once or later."""
        return answer.addErrback(self.failed, traffic) if isinstance(answer, Deferred) else None

    def failed(self, failure: Failure, traffic: Traffic) -> None:
        """What waited has failed: the sender hears it, and what the stanza changed on the recipient's side is undone.

        A `StreamError` goes on to the stream.
        """
        error = failure.value
        if isinstance(error, StorageError):
            traffic.changes.clear()
            error = StanzaError("resource-constraint", "The server cannot do this now", type="wait")
        if not isinstance(error, StanzaError):
            if isinstance(error, StreamError):
                failure.raiseException()
            self._log.failure(
                "A stanza could not be handled: {name} {type}",
                failure,
                name=traffic.stanza.name,
                type=traffic.stanza.type,
            )
            error = StanzaError("internal-server-error")
            traffic.changes.clear()
        self.refused(traffic, error)

    def refused(self, traffic: Traffic, error: StanzaError) -> None:
        """The recipient's side has refused a stanza: what it changed there is undone, the sender hears it."""
        traffic.changes[:] = _changes_of_sender(traffic)
        traffic.undo()
        self.refuse(traffic.stanza, error, traffic.origin)

    # -- the rest -----------------------------------------------------------------------------------------------------

    def _answer(self, traffic: Traffic, payload: object) -> None:
        reply = traffic.stanza.result(*(() if payload is None else (payload,)))
        self._reply(reply, traffic.origin)

    def _reply(self, reply: Stanza, origin: Session | None) -> None:
        if origin is not None:
            origin.send(reply if reply.to else reply.replace(to=origin.full_jid))
        elif reply.to is not None:
            self._route(reply)


def _changes_of_sender(traffic: Traffic) -> list[Change]:
    """Give what stays of a stanza that its recipient's side refuses: its sender has sent it (XEP-0313 6.1.1)."""
    own = traffic.sender.bare
    return [] if own == traffic.target.bare else [each for each in traffic.changes if each.owner == own]
