"""Some dialogues that are always played over TCP and under TLS too, whatever ``XMPPD_DIALOGUES`` says of the others."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.dialogues.test_dialogues import FOLDER, play_over_sockets
from xmppd.testing.script import read_script

CHOSEN = (
    "rfc6120/4.4-closing-handshake",
    "rfc6120/4.9.3.14-stanza-too-big",
    "rfc6120/4.9.3.9-forged-from",
    "rfc6120/5.4.3.3-bytes-behind-starttls",
    "rfc6120/6.5.10-not-authorized",
    "rfc6120/7.7.2.2-conflict-replace",
    "rfc6121/8.5.3.1-message-to-full-jid",
)
"""Of each kind one: ends, limits, errors, STARTTLS, SASL, binding, delivery."""


class SocketTests(TestCase):
    """Loopback sockets, the transports and TLS of the real server."""

    timeout = 30


def _test(name: str, stage: str) -> Any:
    script = read_script(FOLDER / f"{name}.txt")

    def test(self: SocketTests) -> Deferred[None]:
        return Deferred.fromCoroutine(play_over_sockets(self, script, stage))

    test.__doc__ = f"Over {stage}: {script.doc}"
    return test if stage in script.stages else None


for _name in CHOSEN:
    for _stage in ("tcp", "tls"):
        if (_case := _test(_name, _stage)) is not None:
            setattr(SocketTests, f"test_{_name.replace('/', '_').replace('-', '_')}_{_stage}", _case)
