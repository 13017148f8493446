"""vCards and private data: what is stored, and how much of it."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.profile.private_data import KEY_CHARS, PrivateData
from xmppd.services.profile.vcards import VCARD_CHANGED, VCards
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.server import MemoryServer, now

ROMEO = JID.parse("romeo@localhost")
LIMITS = "[limits]\nvcard_bytes = 1_000\nprivate_bytes = 1_000\n"


class VCardTests(SynchronousTestCase):
    """`VCards`."""

    def setUp(self) -> None:
        """A server that keeps vCards of 1,000 bytes."""
        self.memory = MemoryServer(LIMITS)
        self.vcards = self.memory.server.services[VCards]

    def test_raw_bytes(self) -> None:
        """A vCard comes back byte for byte, and others hear that it has changed."""
        changed: list[JID] = []
        self.memory.server.hosts["localhost"].hooks.add(VCARD_CHANGED, changed.append)
        vcard = b"<vCard xmlns='vcard-temp'>\n<FN>\xc3\xa9</FN><!-- --></vCard>"
        now(self.vcards.set(ROMEO.with_resource("orchard"), vcard))
        self.assertEqual(now(self.vcards.get("romeo@localhost")), vcard)
        self.assertEqual(changed, [ROMEO])

    def test_limit(self) -> None:
        """One that is larger than vcard_bytes is refused, and the one before stays."""
        now(self.vcards.set(ROMEO, b"x" * 1_000))
        error = self.failureResultOf(self.vcards.set(ROMEO, b"y" * 1_001), StanzaError)
        self.assertEqual(error.value.condition, "policy-violation")
        self.assertEqual(now(self.vcards.get("romeo@localhost")), b"x" * 1_000)

    def test_disk_full(self) -> None:
        """What cannot be stored is refused with resource-constraint (wait), and nobody hears of a change."""
        romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.memory.storage.failing = StorageFull("the disk is full")
        romeo.send("<iq type='set' id='v'><vCard xmlns='vcard-temp'><FN>R</FN></vCard></iq>")
        answer = romeo.inbox.popleft()
        error = answer.find("{jabber:client}error")
        assert error is not None
        self.assertEqual((answer.get("id"), error.get("type")), ("v", "wait"))
        self.assertIsNotNone(error.find("{urn:ietf:params:xml:ns:xmpp-stanzas}resource-constraint"))


class PrivateDataTests(SynchronousTestCase):
    """`PrivateData`."""

    def setUp(self) -> None:
        """A server that keeps 1,000 bytes for each account."""
        self.data = MemoryServer(LIMITS).server.services[PrivateData]

    def refused(self, data: dict[str, bytes | None]) -> str:
        """Give the condition with which *data* is refused."""
        return self.failureResultOf(self.data.set(ROMEO, data), StanzaError).value.condition  # type: ignore[no-any-return]  # an exception

    def test_limit_of_all_together(self) -> None:
        """All data of an account have one limit; what is replaced does not count, nothing of a refused set is kept."""
        now(self.data.set(ROMEO, {"{a}a": b"x" * 600}))
        self.assertEqual(self.refused({"{b}b": b"", "{c}c": b"y" * 400}), "policy-violation")
        self.assertIsNone(now(self.data.get("romeo@localhost", "{b}b")))
        now(self.data.set(ROMEO, {"{a}a": b"z" * 990}))
        self.assertEqual(now(self.data.get("romeo@localhost", "{a}a")), b"z" * 990)

    def test_shrinking_is_always_possible(self) -> None:
        """An account above its limit, after that was lowered, may take away and make smaller."""
        memory = MemoryServer()
        data = memory.server.services[PrivateData]
        now(data.set(ROMEO, {"{a}a": b"x" * 5_000, "{b}b": b"x"}))
        host = memory.server.hosts["localhost"]
        limits = host.settings.limits.model_copy(update={"private_bytes": 1_000})
        host.settings = host.settings.model_copy(update={"limits": limits})
        now(data.set(ROMEO, {"{a}a": b"x" * 4_000}))
        now(data.set(ROMEO, {"{a}a": None}))
        self.assertIsNone(now(data.get("romeo@localhost", "{a}a")))

    def test_long_name(self) -> None:
        """A name that no program gives is refused."""
        self.assertEqual(self.refused({"x" * (KEY_CHARS + 1): b""}), "not-acceptable")
