"""Two clients by slixmpp-omemo: their keys over the nodes of their accounts, and messages that only they can read.

The library is in no list of ours, since it brings a dozen others: ``XMPPD_OMEMO_PYTHON`` names a Python that has it.
"""

import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.sockets.process import shared_server
from tests.sockets.test_slixmpp import ALICE, BOB, PASSWORDS

PROGRAM = Path(__file__).parents[1] / "interop" / "omemo_talk.py"
PATIENCE_S = 90.0


class OMEMOTests(SynchronousTestCase):
    """XEP-0384, by another implementation."""

    def test_both_ways(self) -> None:
        """Device lists and bundles of both namespaces are had by the other, and what is sealed with them arrives."""
        python = os.environ.get("XMPPD_OMEMO_PYTHON", sys.executable)
        if subprocess.run(
            [python, "-c", "import slixmpp_omemo"], capture_output=True, check=False
        ).returncode:
            raise SkipTest("slixmpp-omemo is not installed; XMPPD_OMEMO_PYTHON names a Python that has it")
        server = shared_server("# of these tests alone", tuple(PASSWORDS.items()))
        clients = (f"{ALICE}/a", PASSWORDS[ALICE], f"{BOB}/b", PASSWORDS[BOB])
        talk = subprocess.run(
            [python, str(PROGRAM), str(server.ports["STARTTLS"]), str(server.certificate), *clients],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        said = talk.stdout.splitlines()
        self.assertEqual(
            [line for line in said if line.startswith("got ")],
            ["got first from one", "got first from other", "got second from one", "got second from other"],
            talk.stderr[-2000:],
        )
        nodes = [line.split() for line in said if line.startswith("node ")]
        self.assertEqual(len(nodes), 6)
        for _, node, *ids in nodes:
            self.assertTrue(ids, node)
