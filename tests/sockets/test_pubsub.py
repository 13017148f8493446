"""A third-party client, slixmpp, with nodes: its plugins for pubsub, avatars and bookmarks."""

import asyncio
from hashlib import sha1
from typing import Any

from slixmpp.exceptions import IqError
from slixmpp.xmlstream import ET
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import shared_server
from tests.sockets.test_slixmpp import ALICE, BOB, PASSWORDS, TIMEOUT_S, SlixmppClient

SERVICE = "pubsub.localhost"
OPTIONS = f'[components."{SERVICE}"]\nmodule = "pubsub"\n'
IMAGE = b"\x89PNG\r\n\x1a\nnot quite an image"


class Reader(SlixmppClient):
    """A client that knows nodes, and keeps what it is told of them."""

    def __init__(self, address: str, server: Any):
        super().__init__(address, PASSWORDS[address.partition("/")[0]], server)
        self.plugins: Any = self.plugin
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        for name in ("xep_0060", "xep_0163", "xep_0084", "xep_0048", "xep_0049", "xep_0054"):
            self.register_plugin(name)
        self.add_event_handler("pubsub_publish", self.told.put_nowait)

    async def hears(self) -> str:
        """Give the name of the node of the next item that it is told of."""
        message = await asyncio.wait_for(self.told.get(), TIMEOUT_S)
        return str(message["pubsub_event"]["items"]["node"])


class SlixmppPubSubTests(SynchronousTestCase):
    """XEP-0060, XEP-0163, XEP-0084 and XEP-0048 as another implementation understands them."""

    def test_service(self) -> None:
        """A node is made, subscribed, published to, read and deleted."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))

        async def script() -> None:
            alice, bob = Reader(f"{ALICE}/a", server), Reader(f"{BOB}/b", server)
            for client in (alice, bob):
                assert await client.log_in() == "session_start"
                await client.be_available()
            owner, reader = alice.plugins["xep_0060"], bob.plugins["xep_0060"]
            await owner.create_node(SERVICE, "news")
            config = await owner.get_node_config(SERVICE, "news")
            form = config["pubsub_owner"]["configure"]["form"]
            form["type"] = "submit"
            form["values"] = {**form["values"], "pubsub#title": "News"}
            await owner.set_node_config(SERVICE, "news", form)
            await reader.subscribe(SERVICE, "news")
            payload = ET.fromstring(
                "<entry xmlns='urn:example:entry'><title>One &lt;&amp;&gt; ✓</title></entry>"
            )
            await owner.publish(SERVICE, "news", id="1", payload=payload)
            self.assertEqual(await bob.hears(), "news")
            items = await reader.get_items(SERVICE, "news")
            (item,) = items["pubsub"]["items"]["substanzas"]
            self.assertEqual(item["payload"].findtext("{urn:example:entry}title"), "One <&> ✓")
            with self.assertRaises(IqError):
                await reader.publish(SERVICE, "news", id="2", payload=payload)
            await owner.delete_node(SERVICE, "news")
            await alice.leave()
            await bob.leave()

        asyncio.run(script())

    def test_account(self) -> None:
        """Its avatar and its bookmarks, by PEP and by private XML and vCard."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))

        async def script() -> None:
            alice = Reader(f"{ALICE}/a", server)
            assert await alice.log_in() == "session_start"
            await alice.be_available()
            avatars, digest = alice.plugins["xep_0084"], sha1(IMAGE).hexdigest()
            await avatars.publish_avatar(IMAGE)
            await avatars.publish_avatar_metadata([{"id": digest, "type": "image/png", "bytes": len(IMAGE)}])
            got = await avatars.retrieve_avatar(alice.boundjid.bare, digest)
            self.assertEqual(got["pubsub"]["items"]["item"]["avatar_data"]["value"], IMAGE)
            bookmarks = alice.plugins["xep_0048"].stanza.Bookmarks()
            bookmarks.add_conference("coven@rooms.localhost", "alice", autojoin=True)
            await alice.plugins["xep_0048"].set_bookmarks(bookmarks, method="xep_0049")
            found = await alice.plugins["xep_0048"].get_bookmarks(method="xep_0049")
            (room,) = found["private"]["bookmarks"]["conferences"]
            self.assertEqual((room["jid"], room["nick"]), ("coven@rooms.localhost", "alice"))
            await alice.leave()

        asyncio.run(script())
