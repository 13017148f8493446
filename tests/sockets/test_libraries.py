"""Clients' libraries in C and C++ against a real server: gloox and libstrophe, where they are installed."""

from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.interop.programs import JULIET, PASSWORD, ROMEO, build, outcome, start
from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder

BEST = {"gloox": "SCRAM-SHA-1-PLUS", "libstrophe": "SCRAM-SHA-512"}
"""The best mechanism of each: gloox binds it by tls-unique alone, so on TLS 1.2."""


class LibraryTests(SynchronousTestCase):
    """Each logs in by the best mechanism that it has, talks both ways, is refused with a wrong password, logs out."""

    def converse(self, library: str) -> None:
        """Let two talk, and a third guess a password."""
        folder: Path = temporary_folder(self)
        program = build(library, folder)
        if program is None:
            raise SkipTest(f"{library} or a compiler is not installed")
        server = ServerProcess(folder, accounts=((ROMEO, PASSWORD), (JULIET, PASSWORD)))
        self.addCleanup(server.stop)
        port = server.ports["STARTTLS"]
        juliet = start(program, port, f"{JULIET}/balcony", ROMEO)
        romeo = start(program, port, f"{ROMEO}/orchard", JULIET, "ask")
        for process, jid, text in (
            (romeo, f"{ROMEO}/orchard", "answer"),
            (juliet, f"{JULIET}/balcony", "ask"),
        ):
            status, said = outcome(process)
            self.assertEqual((status, said.get("in"), said.get("got")), (0, [jid], [text]), said)
            self.assertEqual((said.get("mechanism"), "out" in said), ([BEST[library]], True), said)
        status, said = outcome(start(program, port, f"{ROMEO}/orchard", JULIET, "ask", "wrong"))
        self.assertEqual((status, "refused" in said, "in" in said), (2, True, False), said)

    def test_gloox(self) -> None:
        """The only type of channel binding that it knows is tls-unique (RFC 5929 3)."""
        self.converse("gloox")

    def test_libstrophe(self) -> None:
        """It goes from one SCRAM to the next where one is refused."""
        self.converse("libstrophe")
