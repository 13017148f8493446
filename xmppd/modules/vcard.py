"""vcard-temp: XEP-0054, of accounts. Everybody may read a vCard, only its owner writes it.

Whether an account is unknown or has no vCard cannot be told apart from the answer (3.3).
"""

from xmppd.core.domains.strangers import refused
from xmppd.core.events import IQRequest
from xmppd.core.module import XEP, Module, iq
from xmppd.core.waiting import deferred
from xmppd.services.profile.vcards import VCards
from xmppd.stanza.errors import StanzaError

NS = "vcard-temp"


class VCardTemp(Module):
    """Keeps and shows vCards."""

    name = "vcard"
    summary = "vcard-temp"
    xep = XEP(54, "1.3.0")
    features = (NS,)
    account_features = (NS,)
    uses = (VCards,)

    def start(self) -> None:
        """Find the service."""
        self._vcards = self.api.services[VCards]

    @iq("get", NS, "vCard", to="account")
    @deferred
    async def on_get(self, request: IQRequest) -> bytes:
        """XEP-0054 3.1 and 3.3: one's own vCard, or another's."""
        vcard = await self._vcards.get(request.target.bare)
        if vcard is None:
            raise StanzaError("item-not-found") if request.is_own else refused()
        return vcard

    @iq("set", NS, "vCard", to="own")
    def on_set(self, request: IQRequest) -> object:
        """XEP-0054 3.2: the whole vCard in place of the one before."""
        return self._vcards.set(request.sender, request.raw_payload)
