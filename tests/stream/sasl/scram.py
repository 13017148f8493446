"""A mechanism of SCRAM as a server makes it, and what it knows."""

from collections.abc import Mapping

from tests.stream.sasl.client import REALM
from xmppd.stream.sasl.credentials import derive
from xmppd.stream.sasl.scram import ChannelBinding, Decoys, Scram

PASSWORD = "pencil"
BINDINGS = {"tls-exporter": b"\x00exported\xff", "tls-server-end-point": b"hash of the certificate"}
KEYS = derive(PASSWORD, iterations=8, random=lambda size: b"salt" * (size // 4))
DECOYS = Decoys(b"secret", 8)
NONCE = "3rfcNHYJY1ZVvWVs7j"


def scram(
    hash_name: str = "SHA-1",
    *,
    is_plus: bool = False,
    is_offered: bool = False,
    nonce: str = NONCE,
    bindings: Mapping[str, bytes] = BINDINGS,
    downgrade: str | None = None,
) -> Scram:
    """A mechanism as a server makes it."""
    binding = ChannelBinding(bindings, is_plus, is_offered or is_plus)
    return Scram(hash_name, REALM, DECOYS, nonce=lambda: nonce, binding=binding, downgrade=downgrade)
