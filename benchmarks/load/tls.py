"""The client's side of TLS: version 1.3 only, the server's self-made certificate taken as it is."""

import ssl


def client_context() -> ssl.SSLContext:
    """Make a context that always does a full handshake (no session is kept)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
