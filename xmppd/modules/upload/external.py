"""Slots of another program that takes files: addresses that this server signs, as mod_http_upload_external has it.

What is signed is the path below the address of that program and the size, with a secret that both know; the signature
is the query ``v``. Such programs are there for several web servers.
"""

import hmac

from xmppd.modules.upload.names import in_url
from xmppd.services.uploads.uploads import Wanted


def external_slot(url: str, secret: str, random: str, wanted: Wanted) -> tuple[str, str]:
    """Give where a file is put and where it is fetched; *random* is what nobody guesses."""
    path = f"{random}/{wanted.filename}"
    signature = hmac.digest(secret.encode(), f"{path} {wanted.size}".encode(), "sha256").hex()
    address = f"{url.rstrip('/')}/{random}/{in_url(wanted.filename)}"
    return f"{address}?v={signature}", address
