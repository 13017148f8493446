"""Base64 to the letter (RFC 4648 4), as RFC 6120 6.4 and RFC 5802 5.1 demand it."""

import binascii


def decode(text: str) -> bytes:
    """What *text* encodes: padded, nothing outside the alphabet, no stray bits. ValueError otherwise."""
    encoded = text.encode("ascii")
    data = binascii.a2b_base64(encoded, strict_mode=True)
    if binascii.b2a_base64(data, newline=False) != encoded:
        raise ValueError("not the one right base64 encoding")
    return data


def encode(data: bytes) -> str:
    """*data* in base64, without line breaks."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")
