"""Accounts without a running server: what a removal does to contacts."""

from typing import Any

from twisted.internet.defer import execute
from twisted.trial.unittest import SynchronousTestCase

from tests.memory import now
from xmppd.admin.control import users
from xmppd.admin.control.commands import Commands, commands_in
from xmppd.admin.control.names import account_address
from xmppd.admin.xmppctl.store import _parts
from xmppd.core.config.read import parse
from xmppd.services.roster import STORE
from xmppd.services.roster_items import RosterItem, decode, encode
from xmppd.storage.interface import Put
from xmppd.storage.memory import MemoryStorage

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"


class StorePartsTests(SynchronousTestCase):
    """`xmppctl user del` straight on the store."""

    def test_contacts_lose_the_account(self) -> None:
        """A contact on this server has the account as one without subscriptions afterwards; all else is gone."""
        config, _ = parse('[hosts."localhost"]\n', "x.toml")
        assert config is not None
        storage = MemoryStorage()
        parts = _parts(config, storage)
        self.patch(parts.accounts, "_in_thread", execute)
        commands = Commands(parts, commands_in(users))

        def do(command: str, **args: Any) -> Any:
            return now(commands.run(command, args, lambda content: None))

        for jid, contact in ((ROMEO, JULIET), (JULIET, ROMEO)):
            now(parts.accounts.create(account_address(parts.hosts, jid), "x"))
            now(storage.commit(Put(STORE, jid, contact, encode(RosterItem(contact, None, "both")))))
        self.assertEqual(do("user.del", jid=ROMEO), {"jid": ROMEO, "ended": []})
        self.assertEqual(now(storage.get_all(STORE, ROMEO)), {})
        stored = now(storage.get_all(STORE, JULIET))
        self.assertEqual(decode(ROMEO, stored[ROMEO]).subscription, "none")
