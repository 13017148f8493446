"""Two clients by slixmpp-omemo exchange keys over a server, and encrypted messages both ways.

``omemo_talk.py PORT CERTIFICATE JID PASSWORD JID PASSWORD``: a line ``got TEXT`` for each message that was decrypted,
then ``node NAME ID …`` for what each account has of keys. It runs with a Python that has ``slixmpp-omemo``.
"""

# mypy: ignore-errors
# what it imports is in another Python alone

import asyncio
import sys

from omemo.storage import Just, Nothing, Storage
from slixmpp import ClientXMPP
from slixmpp.plugins import register_plugin
from slixmpp_omemo import XEP_0384, TrustLevel

PATIENCE_S = 30.0
NODES = ("eu.siacs.conversations.axolotl.devicelist", "urn:xmpp:omemo:2:devices", "urn:xmpp:omemo:2:bundles")


class InMemory(Storage):
    """Keys that are forgotten."""

    def __init__(self):
        super().__init__(disable_cache=True)
        self._values = {}

    async def _load(self, key):
        return Just(self._values[key]) if key in self._values else Nothing()

    async def _store(self, key, value):
        self._values[key] = value

    async def _delete(self, key):
        self._values.pop(key, None)


class Keys(XEP_0384):
    """The plugin, which trusts whatever it sees."""

    default_config = {"fallback_message": "This message is encrypted."}

    def plugin_init(self):
        self._kept = InMemory()
        super().plugin_init()

    @property
    def storage(self):
        return self._kept

    @property
    def _btbv_enabled(self):
        return True

    async def _prompt_manual_trust(self, manually_trusted, identifier):
        manager = await self.get_session_manager()
        for device in manually_trusted:
            await manager.set_trust(device.bare_jid, device.identity_key, TrustLevel.TRUSTED.name)


register_plugin(Keys)


class Talker(ClientXMPP):
    """One client."""

    def __init__(self, jid, password, certificate):
        super().__init__(jid, password)
        self.ca_certs = certificate
        self.messages = asyncio.Queue()
        self.is_in = asyncio.Event()
        for name in ("xep_0060", "xep_0163", "xep_0115", "xep_0030", "xep_0380", "xep_0334"):
            self.register_plugin(name)
        self.register_plugin("xep_0384", module=sys.modules[__name__])
        self.add_event_handler("session_start", lambda event: self.is_in.set())
        self.add_event_handler("message", self._heard)

    def _heard(self, stanza):
        if self["xep_0384"].is_encrypted(stanza):
            self.messages.put_nowait(stanza)

    async def come(self, port):
        self.connect("127.0.0.1", port)
        await asyncio.wait_for(self.is_in.wait(), PATIENCE_S)
        self.send_presence()
        await self.get_roster()
        await self["xep_0384"].get_session_manager()

    async def say(self, to, text):
        stanza = self.make_message(mto=to, mtype="chat")
        stanza["body"] = text
        encrypted, errors = await self["xep_0384"].encrypt_message(stanza, to)
        assert encrypted is not None and not errors, errors
        assert text not in str(encrypted)
        encrypted.send()

    async def hear(self):
        stanza = await asyncio.wait_for(self.messages.get(), PATIENCE_S)
        message, _ = await self["xep_0384"].decrypt_message(stanza)
        print("got", message["body"], flush=True)


async def main(port, certificate, jid, password, other_jid, other_password):
    """Talk both ways, twice: the second time by the session that the first has made."""
    one, other = Talker(jid, password, certificate), Talker(other_jid, other_password, certificate)
    for each in (one, other):
        await each.come(int(port))
    for text in ("first", "second"):
        await one.say(other.boundjid, f"{text} from one")
        await other.hear()
        await other.say(one.boundjid, f"{text} from other")
        await one.hear()
    for owner, reader in ((one, other), (other, one)):
        for node in NODES:
            found = await reader["xep_0060"].get_items(owner.boundjid.bare, node)
            print("node", node, *(each["id"] for each in found["pubsub"]["items"]), flush=True)
    for each in (one, other):
        await each.disconnect()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
