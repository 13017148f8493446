"""A third-party client over BOSH: Strophe in node (XEP-0124, XEP-0206).

It is looked for in the folder that ``XMPPD_NODE_MODULES`` names, with what it needs outside of a browser::

    npm install strophe.js @xmldom/xmldom ws saxes
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder

SCRIPT = Path(__file__).with_name("strophe.mjs")
ROMEO, PASSWORD = "romeo@localhost", "a secret of theirs"
OPTIONS = '[http]\nlisten = ["127.0.0.1:0"]\nbosh_wait_s = 1\n'
PATIENCE_S = 60


class StropheTests(SynchronousTestCase):
    """A server as it ships, but that no request waits for more than a second."""

    def test_a_session(self) -> None:
        """Login, messages, a silence in which requests come and go, a question, an end."""
        modules = Path(os.environ.get("XMPPD_NODE_MODULES", ""))
        if shutil.which("node") is None or not (modules / "strophe.js").is_dir():
            raise SkipTest("node is missing, or Strophe is not in XMPPD_NODE_MODULES")
        server = ServerProcess(temporary_folder(self), OPTIONS, ((ROMEO, PASSWORD),))
        self.addCleanup(server.stop)
        url = f"http://localhost:{server.ports['HTTP']}/http-bind"
        ran = subprocess.run(
            ["node", str(SCRIPT), str(modules), url, ROMEO, PASSWORD],
            check=False,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        told = json.loads(ran.stdout.strip().splitlines()[-1])
        self.assertEqual(told["heard"], ["one & <two>", "zwölf", "after a silence"], told)
        self.assertTrue(told["jid"].startswith(f"{ROMEO}/"))
        self.assertTrue(told["pong"])
        self.assertEqual(told["states"][-1], "DISCONNECTED")
        self.assertGreater(told["posts"], 8)
