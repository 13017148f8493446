"""A file by a client of others, go-sendxmpp: it finds the service, gets a slot, and sends what is fetched as it was."""

import http.client
import shutil
import subprocess
from unittest import skipUnless
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import PATIENCE_S, shared_server
from tests.sockets.test_slixmpp import ALICE, PASSWORDS
from tests.temporary import temporary_folder
from xmppd.admin.control.client import ControlClient

PROGRAM = "go-sendxmpp"
HERE, SERVICE = "127.0.0.1", "upload.localhost"
OPTIONS = f"""
[http]
listen = ["127.0.0.1:0"]
[components."{SERVICE}"]
module = "upload"
[components."{SERVICE}".modules.upload]
keep_free_bytes = 0
"""
NAME = "tr_s_cool.txt"
"""As the client says it."""


@skipUnless(shutil.which(PROGRAM), f"{PROGRAM} is not installed")
class UploadTests(SynchronousTestCase):
    """A running server."""

    def test_upload(self) -> None:
        """XEP-0363 4, 7."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))
        file = temporary_folder(self) / "très cool.txt"
        file.write_text("of a client of others\n")
        place = f"localhost:{server.ports['STARTTLS']}"
        command = [
            PROGRAM,
            "-n",
            "-u",
            ALICE,
            "-p",
            PASSWORDS[ALICE],
            "-j",
            place,
            "--http-upload",
            str(file),
            ALICE,
        ]
        sent = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
        )
        self.assertEqual(sent.returncode, 0, sent.stderr)
        control = ControlClient.connect(server.folder / "data")
        rows = control.call("upload.list", {"jid": ALICE})
        (row,) = (row for row in rows if row["name"] == NAME)  # other tests have this server, too
        control.close()
        connection = http.client.HTTPConnection(HERE, server.ports["HTTP"], timeout=PATIENCE_S)
        self.addCleanup(connection.close)
        connection.request(
            "GET", f"/upload/{row['id']}/{quote(row['name'], safe='')}", headers={"Host": "localhost"}
        )
        response = connection.getresponse()
        self.assertEqual((response.status, response.read()), (http.client.OK, file.read_bytes()))
