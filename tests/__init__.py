"""Tests of xmppd; the folders mirror those of the package.

``XMPPD_TEST_REACTOR=xmppd`` runs them on our own reactor, ``epoll`` or another name on one of Twisted's; without it
Twisted chooses. It is installed here, before any test module can import one.
"""

import os

from twisted.application.reactors import installReactor

if wanted := os.environ.get("XMPPD_TEST_REACTOR"):
    installReactor(wanted)
