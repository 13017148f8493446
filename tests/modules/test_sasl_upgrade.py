"""Upgrade tasks: XEP-0480, for an account that came with the keys of SHA-1 alone."""

import hashlib
from base64 import b64decode, b64encode
from xml.etree.ElementTree import Element

from twisted.trial.unittest import SynchronousTestCase

from tests.net.streams.test_sasl2 import scram
from xmppd.services.accounts.accounts import CREDENTIALS
from xmppd.stanza.jid import JID
from xmppd.storage.interface import Put
from xmppd.stream.sasl.credentials import derive
from xmppd.testing.sasl2 import BIND, SASL2, SASL2Login, condition_of, data_of, identity_of, request, token_of
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")
PASSWORD = "open sesame"
SALT = "{urn:xmpp:scram-upgrade:0}salt"


def upgrade(*hash_names: str) -> str:
    """Ask for tasks."""
    return "".join(
        f"<upgrade xmlns='urn:xmpp:sasl:upgrade:0'>UPGR-SCRAM-{name}</upgrade>" for name in hash_names
    )


class UpgradeTests(SynchronousTestCase):
    """The tasks, one after another."""

    def setUp(self) -> None:
        """An account with one hash."""
        self.server = MemoryServer()
        self.client = SASL2Login(self.server)
        credentials = derive(PASSWORD, hash_names=("SHA-1",))
        now(self.server.storage.commit(Put(CREDENTIALS, ROMEO.bare, "", credentials.to_json())))

    def hashes(self) -> set[str]:
        """Give the hashes that the account has keys for."""
        return set(now(self.server.server.accounts.credentials(ROMEO)))

    def next(self, task: str) -> Element:
        """Begin a task, and give its salt."""
        (came,) = self.client.send(f"<next xmlns='urn:xmpp:sasl:2' task='{task}'/>")
        salt = came.find(SALT)
        assert salt is not None, came.tag
        return salt

    def give(self, salt: Element, algorithm: str) -> list[Element]:
        """Give the salted password, and give what has come."""
        iterations = int(salt.get("iterations", ""))
        salted = hashlib.pbkdf2_hmac(algorithm, PASSWORD.encode(), b64decode(salt.text or ""), iterations)
        return self.hash(b64encode(salted).decode())

    def hash(self, text: str) -> list[Element]:
        """Give a salted password."""
        return self.client.send(
            f"<task-data xmlns='urn:xmpp:sasl:2'><hash xmlns='urn:xmpp:scram-upgrade:0'>{text}</hash></task-data>"
        )

    def test_two_upgrades(self) -> None:
        """3: the server's signature comes with the first <continue/>; after the last task the client is in."""
        side, came = scram(self.client, "SCRAM-SHA-1", upgrade("SHA-256", "SHA-512") + BIND)
        self.assertEqual([element.text for element in came[0].iter(f"{SASL2}task")], ["UPGR-SCRAM-SHA-512"])
        self.assertTrue(side.verify(data_of(came[0])))
        came = self.give(self.next("UPGR-SCRAM-SHA-512"), "sha512")
        self.assertEqual([element.text for element in came[0].iter(f"{SASL2}task")], ["UPGR-SCRAM-SHA-256"])
        came = self.give(self.next("UPGR-SCRAM-SHA-256"), "sha256")
        self.assertTrue(identity_of(came).startswith("romeo@localhost/Phone/"))
        self.assertIsNone(came[0].find(f"{SASL2}additional-data"))
        self.assertEqual(self.hashes(), {"SHA-1", "SHA-256", "SHA-512"})
        for mechanism in ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            self.client = SASL2Login(self.server)
            self.assertEqual(identity_of(scram(self.client, mechanism)[1]), "romeo@localhost")

    def test_what_is_there_is_not_asked_for(self) -> None:
        """A client that asks each time is let in at once once there is nothing to do; unknown tasks are let pass."""
        came = self.client.by_password(upgrade("SHA-1", "SHA3-512"))
        self.assertEqual(identity_of(came), "romeo@localhost")

    def test_what_is_no_salted_password(self) -> None:
        """One of the wrong length, or no base64, fails the login; nothing is stored, the stream lives on."""
        for text in ("", "AAAA", "=", "€"):
            self.client.by_password(upgrade("SHA-256"))
            self.next("UPGR-SCRAM-SHA-256")
            self.assertEqual(condition_of(self.hash(text)), "malformed-request")
            if text == "AAAA":
                self.client = SASL2Login(self.server)
        self.assertEqual(self.hashes(), {"SHA-1"})

    def test_out_of_turn(self) -> None:
        """Data before the task, another task than the one that is due, a response: each fails the login."""
        for text in (
            "<task-data xmlns='urn:xmpp:sasl:2'/>",
            "<next xmlns='urn:xmpp:sasl:2' task='UPGR-SCRAM-SHA-512'/>",
            "<response xmlns='urn:xmpp:sasl:2'/>",
        ):
            client = SASL2Login(self.server)
            client.by_password(upgrade("SHA-256"))
            self.assertEqual(condition_of(client.send(text)), "malformed-request")

    def test_nothing_inline_before_the_last_task(self) -> None:
        """XEP-0484 3.3, XEP-0386 3.2: neither a token nor a resource before all tasks are done."""
        came = self.client.by_password(upgrade("SHA-256") + BIND + request())
        self.assertEqual([element.tag for element in came], [f"{SASL2}continue"])
        self.assertEqual(len(self.server.server.registry), 0)
        came = self.give(self.next("UPGR-SCRAM-SHA-256"), "sha256")
        self.assertTrue(token_of(came))

    def test_a_token_is_no_password(self) -> None:
        """Who logs in by a token cannot set keys."""
        token = token_of(self.client.by_password(request()))
        came = SASL2Login(self.server).by_token(token, upgrade("SHA-256"))
        self.assertEqual(identity_of(came), "romeo@localhost")

    def test_password_changed_meanwhile(self) -> None:
        """Keys of the old password are not kept beside those of the new one."""
        self.client.by_password(upgrade("SHA-256"))
        salt = self.next("UPGR-SCRAM-SHA-256")
        now(self.server.server.accounts.set_password(ROMEO, "another"))
        self.give(salt, "sha256")
        keys = now(self.server.server.accounts.credentials(ROMEO))["SHA-256"]
        self.assertNotEqual(keys.salt, b64decode(salt.text or ""))
