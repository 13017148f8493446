"""The way from Prosody and ejabberd: data made by those servers themselves, people who find what they had.

The short form, with four people. ``python -m tests.moving`` is the long one, with fifty.
"""

from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.moving.arriving import arrive
from tests.moving.others import Ejabberd, Other, Prosody, has_lua_sqlite
from tests.temporary import temporary_folder

PEOPLE = 5


class LeavingTests(SynchronousTestCase):
    """Each other server, and each way out of it."""

    def leave(self, other: Other) -> None:
        """Live there for a while."""
        self.addCleanup(other.stop)
        other.start()
        other.town.live()

    def folder(self) -> Path:
        """Give a folder."""
        return temporary_folder(self)

    def test_prosody(self) -> None:
        """promises#moving-in: its own files, with keys of SHA-1."""
        if not Prosody.is_here():
            raise SkipTest("prosody is not installed")
        prosody = Prosody(self.folder(), PEOPLE)
        self.leave(prosody)
        prosody.stop()
        arrive(self.folder(), prosody.town, "prosody", prosody.data)

    def test_prosody_with_sqlite(self) -> None:
        """promises#moving-in: the same in SQLite, with passwords in the clear."""
        if not Prosody.is_here() or not has_lua_sqlite():
            raise SkipTest("prosody or lua-dbi-sqlite3 is not installed")
        prosody = Prosody(self.folder(), PEOPLE, "sql", "internal_plain")
        self.leave(prosody)
        prosody.stop()
        arrive(self.folder(), prosody.town, "prosody", prosody.data / "prosody.sqlite", "--hash", "SHA-1")

    def test_ejabberd(self) -> None:
        """promises#moving-in: its dump, which has all; its export, which lacks archives, nodes and rooms."""
        if not Ejabberd.is_here():
            raise SkipTest("ejabberd is not installed")
        ejabberd = Ejabberd(self.folder(), PEOPLE)
        self.leave(ejabberd)
        dump, export = ejabberd.dump(), ejabberd.export()
        ejabberd.stop()
        arrive(self.folder(), ejabberd.town, "ejabberd", dump)
        arrive(self.folder(), ejabberd.town, "ejabberd", export, has_all=False)
