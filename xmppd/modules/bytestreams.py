"""SOCKS5 Bytestreams: XEP-0065 1.8.2, the proxy: a service of its own: ``[components."NAME"] module = "bytestreams"``.

Here is what goes over XMPP: where the proxy is (4), and that a stream may begin (5.2.3). Which connections belong
together is in `xmppd.services.bytestreams`; where they come in says ``[bytestreams]``. Not covered: UDP (8).
"""

from typing import Annotated, Final, Literal

from xmppd.config.fields import Field
from xmppd.core.events import IQRequest
from xmppd.core.host import Identity
from xmppd.core.module import XEP, Options, iq
from xmppd.core.roles import Roles
from xmppd.core.service import Service
from xmppd.services.bytestreams.bytestreams import Bytestreams, NotConnected, Relaying
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID

NS: Final = "http://jabber.org/protocol/bytestreams"
SID_CHARS: Final = 256


class BytestreamsOptions(Options):
    """``[modules.bytestreams]``, or of one component ``[components."NAME".modules.bytestreams]``."""

    host: Annotated[str | None, Field(examples=["proxy.example.org"])] = None
    """What clients are told to connect to, a name or an IP address; without it the name of the component."""
    allow: Literal["anybody", "local", "members", "admins"] = "local"
    """Who may have a file relayed: anybody, the accounts of this server, its members, or the admins."""
    bytes_per_s: Annotated[int, Field(ge=0)] = 2_097_152
    """What flows in one direction of a stream within a second; 0 is no limit."""
    streams: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Streams at the same time."""
    idle_s: Annotated[float, Field(gt=0)] = 300.0
    """A stream in which nothing moves for so long ends."""
    wait_s: Annotated[float, Field(gt=0)] = 180.0
    """Who has connected is sent away unless the stream begins within this time."""


class BytestreamsService(Service):
    """Tells where the proxy is, and lets streams begin."""

    name = "bytestreams"
    summary = "SOCKS5 Bytestreams (proxy)"
    xep = XEP(65, "1.8.2", "the proxy, over TCP")
    identities = (Identity("proxy", "bytestreams", "File transfers"),)
    features = (NS,)
    requires = ("disco",)
    options = BytestreamsOptions
    uses = (Bytestreams, Roles)
    opt: BytestreamsOptions

    def start(self) -> None:
        """Find the services, and open the door."""
        super().start()
        self._streams, self._roles = self.api.services[Bytestreams], self.api.services[Roles]
        options = self.opt
        self._streams.serve(Relaying(options.bytes_per_s, options.idle_s, options.wait_s, options.streams))
        self.at_end(lambda: self._streams.serve(None))

    @iq("get", NS, "query")
    def on_query(self, request: IQRequest) -> Element:
        """Where the proxy is (4)."""
        self._check(request)
        name = self.api.host.name
        attrs = {"jid": name, "host": self.opt.host or name, "port": str(self._streams.port)}
        return Element("query", NS, children=[Element("streamhost", NS, attrs)])

    @iq("set", NS, "query")
    def on_activate(self, request: IQRequest) -> None:
        """A stream may begin (5.2.3): who asks is the requester, since the hash is made of the address that it has."""
        self._check(request)
        sid = request.payload.get("sid") or ""
        target = request.payload.child_text("activate")
        if not 0 < len(sid) <= SID_CHARS or not target:
            raise StanzaError("bad-request", "A stream and its target are needed")
        try:
            jid = JID.parse(target)
        except InvalidJID as error:
            raise StanzaError("jid-malformed", str(error)) from error
        try:
            self._streams.activate(sid, request.sender.full, jid.full)
        except NotConnected as error:
            if error.parties:
                raise StanzaError("not-allowed", "The other party is not connected") from error
            raise StanzaError("item-not-found", "Nobody has connected for this stream of yours") from error

    def _check(self, request: IQRequest) -> None:
        if not self._roles.may_make(self.api.host, request.sender, self.opt.allow):
            raise StanzaError("forbidden", type="auth")
        if self._streams.port is None:
            raise StanzaError("not-allowed", "The proxy is not listening")
