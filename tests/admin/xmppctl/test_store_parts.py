"""Accounts without a running server: what becomes of contacts and of tokens."""

from typing import Any

from twisted.internet.defer import execute
from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.control import users
from xmppd.admin.control.names import account_address
from xmppd.admin.operations.catalogue import SUBJECTS
from xmppd.admin.xmppctl.store import _parts
from xmppd.config.read import parse
from xmppd.core.operations.running import Operations, runnable_in
from xmppd.services.login.client_records import ClientRecord, Token
from xmppd.services.login.clients import STORE as CLIENTS
from xmppd.services.roster.items import RosterItem, decode, encode
from xmppd.services.roster.roster import STORE
from xmppd.storage.interface import Put
from xmppd.storage.memory import MemoryStorage
from xmppd.testing.server import now

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"


class StorePartsTests(SynchronousTestCase):
    """`xmppctl user` straight on the store."""

    def setUp(self) -> None:
        """A store with nothing in it."""
        config, _ = parse('[hosts."localhost"]\n', "x.toml")
        assert config is not None
        self.storage = MemoryStorage()
        self.parts = _parts(config, self.storage)
        self.patch(self.parts.accounts, "_in_thread", execute)
        self.commands = Operations()
        self.commands.add(self.parts, runnable_in(SUBJECTS, users))

    def do(self, command: str, **args: Any) -> Any:
        """Do a command."""
        return now(self.commands.run(command, args, lambda content: None))

    def test_contacts_lose_the_account(self) -> None:
        """A contact on this server has the account as one without subscriptions afterwards; all else is gone."""
        for jid, contact in ((ROMEO, JULIET), (JULIET, ROMEO)):
            now(self.parts.accounts.create(account_address(self.parts.hosts, jid), "x"))
            now(self.storage.commit(Put(STORE, jid, contact, encode(RosterItem(contact, None, "both")))))
        self.assertEqual(self.do("user.del", jid=ROMEO), {"jid": ROMEO, "ended": []})
        self.assertEqual(now(self.storage.get_all(STORE, ROMEO)), {})
        stored = now(self.storage.get_all(STORE, JULIET))
        self.assertEqual(decode(ROMEO, stored[ROMEO]).subscription, "none")

    def test_tokens_end_with_the_password(self) -> None:
        """Nobody comes in by a token of before, though no server has seen the change."""
        now(self.parts.accounts.create(account_address(self.parts.hosts, ROMEO), "x"))
        token = Token("secret", "HT-SHA-256-NONE", 0.0, 1e12)
        record = ClientRecord("phone", 0.0, 0.0, knows_password=True, current=token)
        now(self.storage.commit(Put(CLIENTS, ROMEO, "phone", record.to_json())))
        self.do("user.passwd", jid=ROMEO, password="another")
        (data,) = now(self.storage.get_all(CLIENTS, ROMEO)).values()
        kept = ClientRecord.from_json(data)
        self.assertEqual((kept.tokens, kept.knows_password), ([], False))
