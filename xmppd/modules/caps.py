"""Entity capabilities of the server: XEP-0115, as a stream feature, so that clients need not ask disco anew.

The capabilities of clients are kept by the presence of their sessions; asking for unknown ones is not done here.
"""

from base64 import b64encode
from hashlib import sha1

from xmppd.core.module import XEP, Module, on
from xmppd.services.disco import NODE_INFO, Info, host_info
from xmppd.stanza.element import Element
from xmppd.stream.features import StreamFeature, StreamState

NS = "http://jabber.org/protocol/caps"
NODE = "https://xmppd.example/"


class Caps(Module):
    """Announces the hash of the server's disco#info, and answers disco for it."""

    name = "caps"
    summary = "Entity Capabilities (of the server)"
    xep = XEP(115, "1.6.0")
    features = (NS,)
    requires = ("disco",)

    def stream_features(self) -> tuple[StreamFeature, ...]:
        """XEP-0115 6.3: after authentication, in the stream features."""
        return (
            StreamFeature(name="caps", needs=StreamState.AUTHENTICATED, offer=lambda stream: self._element()),
        )

    def _element(self) -> Element:
        version = verification_string(host_info(self.api.host))
        return Element("c", NS, {"hash": "sha-1", "node": NODE, "ver": version})

    @on(NODE_INFO)
    def on_node_info(self, info: Info) -> bool | None:
        """XEP-0115 6.2: disco#info of ``node#ver`` is that of the host."""
        if info.target.localpart is not None or not info.node.startswith(NODE + "#"):
            return None
        known = host_info(info.host)
        if info.node != f"{NODE}#{verification_string(known)}":
            return None
        info.identities, info.features, info.forms = known.identities, known.features, known.forms
        return True


def verification_string(info: Info) -> str:
    """Give the hash of XEP-0115 5.1 over identities, features and forms."""
    parts = sorted(f"{i.category}/{i.type}/{i.lang}/{i.name}" for i in info.identities)
    parts += sorted(info.features)
    for form in sorted(info.forms, key=_form_type):
        parts.append(_form_type(form))
        fields = [f for f in form.elements() if f.name == "field" and f.get("var") != "FORM_TYPE"]
        for field in sorted(fields, key=lambda f: f.get("var") or ""):
            parts.append(field.get("var") or "")
            parts += sorted(value.text for value in field.elements() if value.name == "value")
    text = "".join(part.replace("<", "&lt;") + "<" for part in parts)
    return b64encode(sha1(text.encode(), usedforsecurity=False).digest()).decode()


def _form_type(form: Element) -> str:
    for field in form.elements():
        if field.get("var") == "FORM_TYPE":
            return field.child_text("value") or ""
    return ""
