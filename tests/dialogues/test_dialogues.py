"""Every dialogue as a test, played in memory.

With ``XMPPD_DIALOGUES=tcp`` or ``tls`` in the environment they are played over loopback sockets instead, where steps
that let time pass are left out; with ``XMPPD_TEST_TRANSPORT=twisted`` over Twisted's own transport.
"""

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SkipTest, TestCase

from tests.dialogues.services import SERVICES
from tests.dialogues.socket_stage import SocketStage
from xmppd.testing.runner import Runner, Stage
from xmppd.testing.script import Script, read_script
from xmppd.testing.server import MemoryServer
from xmppd.testing.stage import MemoryStage

FOLDER = Path(__file__).parent
STAGE = os.environ.get("XMPPD_DIALOGUES", "memory")


class DialogueTests(TestCase):
    """One test for each file beside this one."""


def _test(script: Script) -> Any:
    def test(self: DialogueTests) -> Deferred[None]:
        if STAGE not in script.stages:
            raise SkipTest(f"not to be played over {STAGE}")
        if STAGE == "memory":
            return Deferred.fromCoroutine(_play(self, script, _stage(script)))
        return Deferred.fromCoroutine(play_over_sockets(self, script, STAGE))

    test.__doc__ = script.doc
    return test


def _stage(script: Script) -> MemoryStage:
    return MemoryStage("", MemoryServer(script.options, modules=SERVICES))


async def _play(case: TestCase, script: Script, stage: Stage) -> None:
    runner = Runner(script, stage)
    case.addCleanup(runner.finish)
    await runner.run()


async def play_over_sockets(case: TestCase, script: Script, stage: str) -> None:
    """Play *script* over loopback sockets: *stage* is "tcp" or "tls"."""
    sockets = SocketStage(case, script.options, is_direct_tls=stage == "tls")
    case.addCleanup(sockets.stop)
    await _play(case, script, sockets)


for _path in sorted(FOLDER.rglob("*.txt")):
    _name = "_".join(_path.relative_to(FOLDER).with_suffix("").parts).replace("-", "_")
    setattr(DialogueTests, f"test_{_name}", _test(read_script(_path)))
