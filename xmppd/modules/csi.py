"""Client State Indication: XEP-0352 1.0.0. What is held back is in the tables of `xmppd.stanza.importance`.

A client is active when its stream begins, and again when it is resumed. Nobody but the server learns which it is.
"""

from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.core import events
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.session import ClientFeature, Session, SessionStream
from xmppd.core.stations import NOTING
from xmppd.services.login.login import BINDING_INLINE, GATHERING, OFFERING, InlineBind, Offer
from xmppd.services.stream_management.csi_queue import Bounds, activate, deactivate, held_back
from xmppd.stanza.element import Element, FixedElement
from xmppd.stream.features import StreamFeature, StreamState

NS: Final = "urn:xmpp:csi:0"
KIB: Final = 1024


class CSIOptions(Options):
    """``[modules.csi]``."""

    held_stanzas: Annotated[int, Field(ge=1)] = 1_000
    """So many stanzas are held back for an inactive client; one more, and it is sent all of them."""
    held_bytes: Annotated[int, Field(ge=10_000)] = 512 * KIB
    """Their size."""


class CSI(Module):
    """Spares inactive clients what they need not hear at once."""

    name = "csi"
    summary = "Client State Indication"
    xep = XEP(352, "1.0.0")
    options = CSIOptions
    opt: CSIOptions

    def start(self) -> None:
        """Read the bounds."""
        self._bounds = Bounds(self.opt.held_stanzas, self.opt.held_bytes)

    def stop(self) -> None:
        """Nothing is held back any more."""
        for session in self.api.registry:
            if session.host == self.api.host.name:
                activate(session)

    def stream_features(self) -> tuple[ClientFeature, ...]:
        """Offer it once the client is authenticated (4.1); it is used once a resource is bound."""
        offered = FixedElement("csi", NS)
        return (
            StreamFeature(
                name=self.name,
                needs=StreamState.AUTHENTICATED,
                offer=lambda stream: offered,
                priority=50,
            ),
            StreamFeature(
                name="csi-state",
                needs=StreamState.BOUND,
                handles={(NS, "active"): self._on_active, (NS, "inactive"): self._on_inactive},
            ),
        )

    def _on_active(self, stream: SessionStream, element: Element) -> None:
        """4.2, 5.1: all that was held back is sent before anything else is done for the client."""
        activate(stream.session)

    def _on_inactive(self, stream: SessionStream, element: Element) -> None:
        """4.2: from now on."""
        deactivate(stream.session, self._bounds)

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """A session can begin inactive (XEP-0386 3.1)."""
        offer.bind.append(NS)

    @on(BINDING_INLINE)
    def on_binding(self, inline: InlineBind) -> None:
        """Begin inactive where the client asks for it (XEP-0386 3.2): no answer is due."""
        if inline.request.child("inactive", NS) is not None:
            deactivate(inline.session, self._bounds)

    @on(events.SESSION_DETACHED, NOTING)
    def on_detached(self, session: Session) -> None:
        """Without a connection nothing is flushed."""
        held = held_back(session)
        if held is not None:
            held.is_detached = True

    @on(events.SESSION_RESUMED)
    def on_resumed(self, session: Session) -> None:
        """5.2: a resumed stream begins active."""
        activate(session)
