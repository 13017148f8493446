"""Modules that come and go, each with something of its own that may go wrong."""

from functools import partial
from typing import ClassVar

from twisted.internet.defer import Deferred

from xmppd.core import events
from xmppd.core.events import IQRequest, Traffic
from xmppd.core.hooks import Hook
from xmppd.core.http import HttpRequest, HttpResponse
from xmppd.core.module import Module, Options, http, iq, on
from xmppd.core.session import ClientFeature
from xmppd.stream.features import StreamFeature

POKED = Hook[str]("poked", "Asked by these tests.")
NS = "urn:example:poke"


class Base(Module):
    """A module that others require."""

    name = "base"
    summary = "Base"


class PokeOptions(Options):
    """Options of `Poke`."""

    answer: str = "ouch"


class Poke(Module):
    """A module with one of everything."""

    name = "poke"
    summary = "Poke"
    requires = ("base",)
    options = PokeOptions
    opt: PokeOptions
    stopped = 0

    @iq("get", NS, "poke", to=("host", "own"))
    def on_poke(self, request: IQRequest) -> None:
        """Answer a poke."""

    @http("GET", "/poke/{who}")
    def on_web_poke(self, request: HttpRequest) -> HttpResponse:
        """Answer a poke by HTTP."""
        return HttpResponse(200)

    @on(POKED)
    def on_poked(self, who: str) -> str:
        """Answer the hook."""
        return f"{self.opt.answer}, {who}"

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Offer one."""
        return (StreamFeature(name="poke"),)

    def stop(self) -> None:
        """Count."""
        type(self).stopped += 1


class Twin(Module):
    """Answers the same IQ as `Poke`."""

    name = "twin"
    summary = "Twin"

    @iq("get", NS, "poke")
    def on_poke(self, request: IQRequest) -> None:
        """Answer a poke too."""


class WebTwin(Module):
    """Answers the same requests of HTTP as `Poke`."""

    name = "webtwin"
    summary = "Web twin"

    @http("GET", "/poke/{anybody}")
    def on_web_poke(self, request: HttpRequest) -> HttpResponse:
        """Answer a poke by HTTP too."""
        return HttpResponse(200)


class Given:
    """A service."""


class Needy(Module):
    """Uses the one service that there is, and declares it."""

    name = "needy"
    summary = "Needy"
    uses = (Given,)

    def start(self) -> None:
        """Find it, and try for what is not declared."""
        self.given = self.api.services[Given]
        self.api.services[Poke]


class Missing(Module):
    """Uses a service that is not there."""

    name = "missing"
    summary = "Missing"
    uses = (Poke,)


class Failing(Module):
    """Takes something at its start and fails after it."""

    name = "failing"
    summary = "Failing"
    requires = ("poke",)
    taken: ClassVar[list[str]] = []

    @on(POKED)
    def on_poked(self, who: str) -> None:
        """Hear of it."""

    def start(self) -> None:
        """Take two things, then fail."""
        for name in ("a", "b"):
            self.taken.append(name)
            self.at_end(partial(self.taken.remove, name))
        self.handle(POKED, self.taken.append)
        raise RuntimeError("no\nluck")


class Choosy(Module):
    """Handles a hook where its options say so."""

    name = "choosy"
    summary = "Choosy"

    def start(self) -> None:
        """They do."""
        self.handle(POKED, lambda who: f"not now, {who}")


class Waiting(Module):
    """Waits in `start`."""

    name = "waiting"
    summary = "Waiting"

    def start(self) -> Deferred[None]:  # type: ignore[override]  # that is its mistake
        """Give what `start` must not give."""
        return Deferred()


class Lost(Module):
    """Joins a hook at a station that it does not have."""

    name = "lost"
    summary = "Lost"

    @iq("get", NS, "lost")
    def on_lost(self, request: IQRequest) -> None:
        """Answer."""

    @on(events.CLIENT_STANZA)
    def on_stanza(self, traffic: Traffic) -> None:
        """Hear of it."""


class Left(Module):
    """Half of a circle."""

    name = "left"
    summary = "Left"
    requires = ("right",)


class Right(Module):
    """The other half."""

    name = "right"
    summary = "Right"
    requires = ("left",)
