"""Prosody's stores: what each means, in files and in SQLite, and what is told of the rest."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.moving import model
from xmppd.moving.model import Account, NotCarried, Piece
from xmppd.moving.prosody.files import decoded, encoded
from xmppd.moving.prosody.reader import ProsodySource
from xmppd.moving.source import SourceError
from xmppd.services.pubsub.options import AccessModel
from xmppd.services.rooms.roles import Affiliation

KEYS = '{ ["salt"] = "s"; ["iteration_count"] = 10; ["stored_key"] = "%s"; ["server_key"] = "%s"; }'
SHA_1, SHA_256 = 40, 64


class FilesTests(SynchronousTestCase):
    """A data folder made by hand."""

    def setUp(self) -> None:
        """One account."""
        self.folder = temporary_folder(self)
        self.write("a.example", "accounts", "juliet", KEYS % ("0" * SHA_1, "1" * SHA_1))

    def write(self, host: str, store: str, user: str, table: str) -> None:
        """Write a table."""
        file = self.folder / encoded(host) / store / f"{encoded(user)}.dat"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"return {table};\n")

    def read(self) -> list[Piece]:
        """Give all pieces."""
        return list(ProsodySource.at(self.folder).pieces())

    def one(self, kind: type) -> Any:
        """Give the only piece of a kind."""
        (found,) = [piece for piece in self.read() if type(piece) is kind]
        return found

    def test_names(self) -> None:
        """Every character of a name that is no letter or digit is escaped, byte by byte."""
        for name in ("a.example", "josé", "a\\20b", "x_y", "ü@/"):
            self.assertEqual(decoded(encoded(name)), name)
        self.assertEqual(encoded("a_b.é"), "a%5fb%2e%c3%a9")

    def test_keys(self) -> None:
        """Their length says of which hash they are; one that is none is told, and the account is not made up."""
        self.assertEqual(set(self.one(Account).credentials), {"SHA-1"})
        self.write("a.example", "accounts", "juliet", KEYS % ("0" * SHA_256, "1" * SHA_256))
        self.assertEqual(set(self.one(Account).credentials), {"SHA-256"})
        for keys in (("0" * 10, "1" * 10), ("x" * SHA_1, "1" * SHA_1)):
            self.write("a.example", "accounts", "juliet", KEYS % keys)
            self.assertEqual([type(piece) for piece in self.read()], [NotCarried])

    def test_older_and_newer(self) -> None:
        """Pending requests as names alone (before 0.12), disabled accounts and the last login (since 13)."""
        self.write(
            "a.example", "accounts", "juliet", '{ ["password"] = "x"; ["disabled"] = true; ["created"] = 5; }'
        )
        self.write(
            "a.example", "roster", "juliet", '{ [false] = { ["pending"] = { ["r@b.example"] = true; }; }; }'
        )
        self.write("a.example", "lastlog2", "juliet", '{ ["login"] = { ["timestamp"] = 7; }; }')
        account = self.one(Account)
        self.assertEqual((account.password, account.is_disabled, account.created_at), ("x", True, 5.0))
        self.assertEqual(self.one(model.Request).stanza.to_bytes().count(b"type='subscribe'"), 1)
        self.assertEqual(self.one(model.LastSeen).at, 7.0)

    def test_archive_rules(self) -> None:
        """The default stands under false, choices under addresses."""
        rules = '{ [false] = "roster"; ["a@b.example"] = true; ["c@b.example"] = false; }'
        self.write("a.example", "archive_prefs", "juliet", rules)
        found = self.one(model.ArchiveRules)
        self.assertEqual(
            (found.default, found.always, found.never), ("roster", {"a@b.example"}, {"c@b.example"})
        )

    def test_nodes(self) -> None:
        """Options that mean something here; those that do not are told."""
        config = (
            '{ ["access_model"] = "open"; ["max_items"] = "max"; ["notify_items"] = false; ["magic"] = 1; }'
        )
        self.write("a.example", "pep", "juliet", f'{{ ["n"] = {{ ["config"] = {config}; }}; }}')
        options = self.one(model.Node).options
        self.assertEqual(
            (options.access_model, options.max_items, options.deliver_notifications),
            (AccessModel.OPEN, None, False),
        )
        self.assertEqual(self.one(NotCarried).kind, "options of nodes")

    def test_rooms(self) -> None:
        """Affiliations beside the options, as since 0.11, or in a table of their own; reserved nicks; a password."""
        data = '["_data"] = { ["password"] = "p"; ["hidden"] = true; ["whois"] = "anyone"; ["odd"] = 1; };'
        more = '["o@a.example"] = "owner"; ["_affiliation_data"] = '
        more += '{ ["o@a.example"] = { ["reserved_nickname"] = "n"; }; };'
        old = '["_affiliations"] = { ["b.example"] = "outcast"; };'
        self.write("rooms.a.example", "config", "play", f"{{ {data} {more} {old} }}")
        room = self.one(model.Room)
        self.assertEqual(
            (room.settings.password, room.settings.is_public, room.settings.whois, room.creator),
            ("p", False, "anyone", "o@a.example"),
        )
        self.assertEqual(room.affiliations["o@a.example"], (Affiliation.OWNER, "n", ""))
        self.assertEqual(room.affiliations["b.example"].affiliation, Affiliation.OUTCAST)
        self.assertEqual(self.one(NotCarried), NotCarried("options of rooms", "odd of play@rooms.a.example"))

    def test_what_is_left(self) -> None:
        """Stores that mean nothing here, rosters of nobody: told, each with whose it is."""
        self.write("a.example", "cloud_notify", "juliet", '{ ["x"] = 1; }')
        self.write("a.example", "roster", "nobody", "{ }")
        left = [piece for piece in self.read() if isinstance(piece, NotCarried)]
        self.assertEqual(
            left,
            [
                NotCarried("rosters of nobody's account", "nobody@a.example"),
                NotCarried("data of Prosody's store cloud_notify", "juliet@a.example"),
            ],
        )

    def test_broken_files(self) -> None:
        """What cannot be read is told with the file, and all else is read."""
        self.write("a.example", "roster", "juliet", "{ [")
        self.write(
            "a.example",
            "vcard",
            "juliet",
            '{ ["name"] = "vCard"; ["attr"] = { ["xmlns"] = "vcard-temp"; }; }',
        )
        archive = self.folder / "a%2eexample" / "archive"
        archive.mkdir()
        (archive / "juliet.list").write_text('item({\n\t["name"] = "message";\n});\nitem({\n')
        kinds = [type(piece) for piece in self.read()]
        self.assertEqual(kinds, [Account, NotCarried, model.VCard, NotCarried, NotCarried])

    def test_no_characters_that_xml_has_not(self) -> None:
        """A control character in a stanza would make an archive page that no client can read."""
        (self.folder / "a%2eexample" / "offline").mkdir()
        item = 'item({\n\t"a\\000b";\n\t["name"] = "message";\n\t["when"] = 1;\n});\n'
        (self.folder / "a%2eexample" / "offline" / "juliet.list").write_text(item)
        self.assertIn("U+0000", self.one(NotCarried).example)

    def test_files_and_sqlite(self) -> None:
        """``storage = { archive = "sql" }``: what is in the folder, and what the database beside has."""
        with closing(sqlite3.connect(self.folder / "prosody.sqlite")) as database:
            database.execute('CREATE TABLE prosody (host, "user", store, "key", type, value)')
            columns = 'sort_id INTEGER PRIMARY KEY, host, "user", store, "key", "when", "with", type, value'
            database.execute(f"CREATE TABLE prosodyarchive ({columns})")
            message = "<message from='r@b.example/o' to='juliet@a.example'><body>x</body></message>"
            kept = ("a.example", "juliet", "archive", "k", 5, "r@b.example", "xml", message)
            database.execute("INSERT INTO prosodyarchive VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", kept)
            for user in ("juliet", "romeo"):
                row = ("a.example", user, "accounts", "password", "string", "other")
                database.execute("INSERT INTO prosody VALUES (?, ?, ?, ?, ?, ?)", row)
            roster = json.dumps({"subscription": "to", "groups": {}})
            row = ("a.example", "romeo", "roster", "juliet@a.example", "json", roster)
            database.execute("INSERT INTO prosody VALUES (?, ?, ?, ?, ?, ?)", row)
            database.commit()
        juliet, archived, romeo, contact = self.read()
        assert isinstance(juliet, Account) and isinstance(romeo, Account)
        self.assertEqual((juliet.password, romeo.password), (None, "other"))
        assert isinstance(archived, model.Archived) and isinstance(contact, model.Contact)
        self.assertEqual((archived.id, archived.with_resource), ("k", "o"))
        self.assertEqual(contact.item.subscription, "to")

    def test_what_is_none(self) -> None:
        """An empty folder, another database, a text."""
        empty, text = temporary_folder(self), self.folder / "text"
        text.write_text("hello" * 1_000)
        for path in (empty, text, Path("/nonexistent")):
            self.assertRaises(SourceError, ProsodySource.at, path)
