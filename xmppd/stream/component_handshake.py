"""The handshake of components: XEP-0114 3, "jabber:component:accept". Pure: no streams, no files."""

from hashlib import sha1
from hmac import compare_digest


def handshake_of(stream_id: str, secret: bytes) -> str:
    """Give what a component that knows *secret* shows on the stream with this id: 40 hexadecimal digits, lower case."""
    return sha1(stream_id.encode() + secret).hexdigest()  # the id makes it good for one stream alone


def is_right(shown: str, stream_id: str, secret: bytes) -> bool:
    """Say whether *shown* proves that *secret* is known; in a time that tells nothing. No secret, no proof.

    White space around it and upper case are forgiven: they prove the same.
    """
    digits = shown.strip().lower().encode()
    return bool(secret) and compare_digest(digits, handshake_of(stream_id, secret).encode())
