"""What the server is made of: the versions of Python and of the libraries that it really uses."""

import platform
import sqlite3

from cryptography import __version__ as cryptography_version
from OpenSSL import SSL
from OpenSSL import __version__ as pyopenssl_version

from twisted import __version__ as twisted_version
from xmppd.admin.control.answers import Versions


def library_versions() -> Versions:
    """Give them; ``openssl`` is the one that TLS goes through, pyOpenSSL's, which may be another than Python's own."""
    return {
        "python": platform.python_version(),
        "twisted": twisted_version,
        "pyopenssl": pyopenssl_version,
        "cryptography": cryptography_version,
        "openssl": _openssl_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def _openssl_version() -> str:
    """Of ``OpenSSL 4.0.3 29 Sep 2026``."""
    return SSL.SSLeay_version(SSL.SSLEAY_VERSION).decode("ascii", "replace").split()[1]
