"""Upgrade of what is stored for SCRAM: XEP-0480 0.2.0, for accounts that came from a server with fewer hashes.

A client that asks for it, and has shown a password, gives the salted password of a hash that the account lacks; the
keys of the other hashes stay. Who logged in by a token or a certificate may not: it could set a password by this.
"""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.module import XEP, Module, on
from xmppd.core.waiting import deferred
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.login.login import GATHERING, LOGIN_TASKS, OFFERING, Login, Offer
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stream.sasl import base64
from xmppd.stream.sasl.credentials import ITERATIONS, Credentials, Salted, new_salt
from xmppd.stream.sasl.steps import SaslError

NS: Final = "urn:xmpp:sasl:upgrade:0"
NS_SCRAM: Final = "urn:xmpp:scram-upgrade:0"
TASKS: Final = {"UPGR-SCRAM-SHA-512": "SHA-512", "UPGR-SCRAM-SHA-256": "SHA-256"}
"""The task's name → SCRAM's name of the hash."""


class SaslUpgrade(Module):
    """Asks clients for the keys that an account lacks."""

    name = "sasl_upgrade"
    summary = "SASL Upgrade Tasks"
    xep = XEP(480, "0.2.0")
    uses = (Accounts,)

    def start(self) -> None:
        """Find the service."""
        self._accounts = self.api.services[Accounts]

    @on(OFFERING, GATHERING)
    def on_offering(self, offer: Offer) -> None:
        """Say what can be upgraded (2.1): the same to all, so that it tells nothing about an account."""
        if self.api.host.settings.auth != "anonymous":
            offer.upgrades.extend(TASKS)

    @on(LOGIN_TASKS)
    def on_tasks(self, login: Login) -> object:
        """Add what the client asked for and the account lacks (2.2)."""
        asked = {child.text.strip() for child in login.request.elements() if child.ns == NS}
        hash_names = [hash_name for task, hash_name in TASKS.items() if task in asked]
        if not hash_names or not login.is_by_password:
            return None
        return self._add_tasks(login, hash_names)

    @deferred
    async def _add_tasks(self, login: Login, hash_names: list[str]) -> None:
        jid = JID(login.username, login.host.name, None)
        known = await self._accounts.credentials(jid)
        if known is None:
            return
        login.tasks.extend(
            ScramUpgrade(self._accounts, jid, hash_name, known)
            for hash_name in hash_names
            if hash_name not in known
        )


class ScramUpgrade:
    """One upgrade of one account (3): a salt for a salted password."""

    __slots__ = ("_accounts", "_hash_name", "_jid", "_known", "_salt", "name")

    def __init__(self, accounts: Accounts, jid: JID, hash_name: str, known: Credentials):
        """*known* is what the account has now."""
        self.name = f"UPGR-SCRAM-{hash_name}"
        self._accounts = accounts
        self._jid = jid
        self._hash_name = hash_name
        self._known = known
        self._salt = new_salt()

    def begin(self, request: Element) -> list[Element]:
        """Give salt and iterations."""
        salt = base64.encode(self._salt)
        return [Element("salt", NS_SCRAM, {"iterations": str(ITERATIONS)}, [salt])]

    def go_on(self, data: Element) -> Deferred[None]:
        """Take the salted password; SaslError for what is none. Waits for the commit."""
        text = (data.child_text("hash", NS_SCRAM) or "").strip()
        try:
            salted = Salted(self._hash_name, self._salt, ITERATIONS, base64.decode(text))
        except ValueError:
            raise SaslError("malformed-request", "Not a salted password of this hash") from None
        return self._accounts.add_keys(self._jid, salted, self._known)
