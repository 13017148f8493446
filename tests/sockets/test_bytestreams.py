"""A file through the proxy (XEP-0065), over real sockets: nothing before the requester asks, all of it afterwards."""

import asyncio
import hashlib
import random
from xml.etree.ElementTree import Element, SubElement

from slixmpp.exceptions import IqError
from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.process import shared_server
from tests.sockets.test_slixmpp import ALICE, BOB, PASSWORDS, TIMEOUT_S, SlixmppClient

NS = "{http://jabber.org/protocol/bytestreams}"
PROXY = "proxy.localhost"
OPTIONS = f"""
[bytestreams]
listen = ["127.0.0.1:0"]
[components."{PROXY}"]
module = "bytestreams"
[components."{PROXY}".modules.bytestreams]
host = "127.0.0.1"
bytes_per_s = 0
"""
FILE = random.Random(65).randbytes(3_000_000)


class ProxyTests(SynchronousTestCase):
    """A running server."""

    def test_a_file(self) -> None:
        """Found, connected to by both, begun by the requester alone, and ended by the one who has sent it all."""
        server = shared_server(OPTIONS, tuple(PASSWORDS.items()))

        async def script() -> None:
            alice, bob = (SlixmppClient(f"{jid}/x", PASSWORDS[jid], server) for jid in (ALICE, BOB))
            for client in (alice, bob):
                self.assertEqual(await client.log_in(), "session_start")
            found = (await _ask(alice, "get", Element(f"{NS}query"))).find(f".//{NS}streamhost")
            assert found is not None
            self.assertEqual(found.get("jid"), PROXY)
            place = found.get("host"), int(found.get("port") or 0)
            key = hashlib.sha1(f"s5b{alice.boundjid.full}{bob.boundjid.full}".encode()).hexdigest()
            taking, giving = await _connected(place, key), await _connected(place, key)
            for client, target in ((bob, alice), (alice, alice)):
                with self.assertRaises(IqError):
                    await _ask(client, "set", _activation(target.boundjid.full))
            await _ask(alice, "set", _activation(bob.boundjid.full))
            giving[1].write(FILE)
            giving[1].write_eof()
            self.assertEqual(await asyncio.wait_for(taking[0].read(), TIMEOUT_S), FILE)
            for client in (alice, bob):
                await client.leave()

        asyncio.run(asyncio.wait_for(script(), 2 * TIMEOUT_S))


def _activation(target: str) -> Element:
    query = Element(f"{NS}query", {"sid": "s5b"})
    SubElement(query, f"{NS}activate").text = target
    return query


async def _ask(client: SlixmppClient, type: str, query: Element) -> Element:
    request = client.make_iq_get(ito=PROXY) if type == "get" else client.make_iq_set(ito=PROXY)
    request.append(query)
    answer = await request.send(timeout=TIMEOUT_S)  # type: ignore[no-untyped-call]  # slixmpp's own
    xml: Element = answer.xml
    return xml


async def _connected(
    place: tuple[str | None, int], key: str
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*place)
    writer.write(b"\x05\x01\x00")
    assert await reader.readexactly(2) == b"\x05\x00"
    name = key.encode()
    writer.write(b"\x05\x01\x00\x03" + bytes((len(name),)) + name + b"\x00\x00")
    assert (
        await reader.readexactly(7 + len(name))
        == b"\x05\x00\x00\x03" + bytes((len(name),)) + name + b"\x00\x00"
    )
    return reader, writer
