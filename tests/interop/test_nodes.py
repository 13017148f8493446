"""Personal eventing between xmppd and Debian's Prosody and ejabberd: events, avatars and OMEMO bundles, both ways."""

import base64
import hashlib
from collections.abc import Callable
from typing import Final
from xml.etree.ElementTree import Element, fromstring

from tests.interop.others import Ejabberd, Prosody
from tests.interop.test_others import Interop
from tests.sockets.client import PlainClient

NS: Final = "http://jabber.org/protocol/pubsub"
INFO: Final = "http://jabber.org/protocol/disco#info"
TUNE: Final = "http://jabber.org/protocol/tune"
DATA, METADATA = "urn:xmpp:avatar:data", "urn:xmpp:avatar:metadata"
OLD_OMEMO, NEW_OMEMO = "eu.siacs.conversations.axolotl", "urn:xmpp:omemo:2"
WANTED: Final = (TUNE, METADATA, f"{OLD_OMEMO}.devicelist", f"{NEW_OMEMO}:devices")
FEATURES: Final = (INFO, *(f"{node}+notify" for node in WANTED))
IMAGE: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8
DIGEST: Final = hashlib.sha1(IMAGE, usedforsecurity=False).hexdigest()
AVATAR: Final = f"<data xmlns='{DATA}'>{base64.b64encode(IMAGE).decode()}</data>"
ABOUT_IT: Final = (
    f"<metadata xmlns='{METADATA}'><info id='{DIGEST}' type='image/png' bytes='{len(IMAGE)}'/></metadata>"
)
KEYS: Final = "<ik>AAEC</ik><spk id='1'>AwQF</spk><spks>BgcI</spks><prekeys><pk id='1'>CQoL</pk></prekeys>"


class Nodes(Interop):
    """What is published at one server, and seen at the other."""

    def eventing(self) -> None:
        """XEP-0163 4, XEP-0084 4, XEP-0384 5: whoever publishes, and whoever is told."""
        ours, theirs = self.start()
        with ours.client() as juliet, theirs.client() as romeo:
            for client in (juliet, romeo):
                client.send("<iq id='roster' type='get'><query xmlns='jabber:iq:roster'/></iq><presence/>")
            for one, other in ((juliet, romeo), (romeo, juliet)):
                one.send(f"<presence to='{other.bare}' type='subscribe'/>")
                other.presence("subscribe")
                other.send(f"<presence to='{one.bare}' type='subscribed'/>")
                one.presence("subscribed")
            for one, other in ((juliet, romeo), (romeo, juliet)):
                self._events(one, other)
                self._avatar(one, other)
                self._omemo(one, other)

    def _events(self, one: PlainClient, other: PlainClient) -> None:
        """The last item when a client comes that wants it, and each later one."""
        self._publish(one, TUNE, "current", f"<tune xmlns='{TUNE}'><title>Overture</title></tune>")
        caps = f"<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='c' ver='{_ver()}'/>"
        other.send(f"<presence>{caps}</presence>")
        self.assertEqual(self._event(other, one, TUNE).findtext(f".//{{{TUNE}}}title"), "Overture")
        self._publish(one, TUNE, "current", f"<tune xmlns='{TUNE}'><title>Finale</title></tune>")
        told = self._event(other, one, TUNE, lambda event: event.findtext(f".//{{{TUNE}}}title") == "Finale")
        self.assertIsNotNone(told)

    def _avatar(self, one: PlainClient, other: PlainClient) -> None:
        """The image is had by its hash, once it is told of."""
        self._publish(one, DATA, DIGEST, AVATAR)
        self._publish(one, METADATA, DIGEST, ABOUT_IT)
        (info,) = self._event(other, one, METADATA).iter(f"{{{METADATA}}}info")
        id = info.get("id") or ""
        got = self._items(other, one, DATA, f"<item id='{id}'/>").findtext(f".//{{{DATA}}}data") or ""
        self.assertEqual(base64.b64decode(got), IMAGE)

    def _omemo(self, one: PlainClient, other: PlainClient) -> None:
        """Device lists and bundles of both namespaces, which everybody may have."""
        old = f"<list xmlns='{OLD_OMEMO}'><device id='31415'/></list>"
        new = f"<devices xmlns='{NEW_OMEMO}'><device id='31415'/></devices>"
        bundle = f"<bundle xmlns='{{}}'>{KEYS}</bundle>"
        for devices, list_, bundles, id, ns in (
            (f"{OLD_OMEMO}.devicelist", old, f"{OLD_OMEMO}.bundles:31415", "current", OLD_OMEMO),
            (f"{NEW_OMEMO}:devices", new, f"{NEW_OMEMO}:bundles", "31415", NEW_OMEMO),
        ):
            self._publish(one, bundles, id, bundle.format(ns), access_model="open")
            self._publish(one, devices, "current", list_, access_model="open")
            (device,) = self._event(other, one, devices).iter(f"{{{ns}}}device")
            self.assertEqual(device.get("id"), "31415")
            (got,) = self._items(other, one, bundles).iter(f"{{{ns}}}bundle")
            wanted = fromstring(bundle.format(ns))
            self.assertEqual([(each.tag, each.text) for each in got], [(e.tag, e.text) for e in wanted])

    def _publish(self, one: PlainClient, node: str, id: str, payload: str, **options: str) -> None:
        fields = "".join(f"<field var='pubsub#{k}'><value>{v}</value></field>" for k, v in options.items())
        form_type = f"<field var='FORM_TYPE' type='hidden'><value>{NS}#publish-options</value></field>"
        form = f"<publish-options><x xmlns='jabber:x:data' type='submit'>{form_type}{fields}</x></publish-options>"
        publish = (
            f"<publish node='{node}'><item id='{id}'>{payload}</item></publish>{form if options else ''}"
        )
        one.send(f"<iq id='publish' type='set'><pubsub xmlns='{NS}'>{publish}</pubsub></iq>")
        answer = self._next(one, lambda each: each.get("id") == "publish")
        self.assertEqual(answer.get("type"), "result", node)

    def _items(self, one: PlainClient, other: PlainClient, node: str, items: str = "") -> Element:
        query = f"<pubsub xmlns='{NS}'><items node='{node}'>{items}</items></pubsub>"
        one.send(f"<iq id='items' type='get' to='{other.bare}'>{query}</iq>")
        answer = self._next(one, lambda each: each.get("id") == "items")
        self.assertEqual(answer.get("type"), "result", node)
        return answer

    def _event(
        self,
        one: PlainClient,
        other: PlainClient,
        node: str,
        is_wanted: Callable[[Element], bool] = lambda event: True,
    ) -> Element:
        """Give what *one* is told of a node of the *other*."""

        def is_it(each: Element) -> bool:
            items = next(each.iter(f"{{{NS}#event}}items"), None)
            is_of_node = items is not None and items.get("node") == node and each.get("from") == other.bare
            return is_of_node and is_wanted(each)

        return self._next(one, is_it)

    def _next(self, client: PlainClient, is_wanted: Callable[[Element], bool]) -> Element:
        """Give what is wanted; who asks meanwhile what the client can do is answered."""
        while True:
            found = client.receive(lambda each: _is_question(each) or is_wanted(each))
            if not _is_question(found):
                return found
            attrs = f"type='result' id='{found.get('id')}' to='{found.get('from') or client.bare}'"
            query = next(found.iter(f"{{{INFO}}}query"))
            node = f" node='{query.get('node')}'" if query.get("node") else ""
            client.send(f"<iq {attrs}><query xmlns='{INFO}'{node}>{_client()}</query></iq>")


class ProsodyNodesTests(Nodes):
    """With Prosody."""

    class other(Prosody):  # noqa: N801 - a server of the base class, by the name that it has there
        """With personal eventing."""

        modules = ("pep",)

    def test_eventing(self) -> None:
        """Events, avatars, bundles."""
        self.eventing()


class EjabberdNodesTests(Nodes):
    """With ejabberd."""

    target = "127.0.0.1"

    class other(Ejabberd):  # noqa: N801
        """With personal eventing."""

        more = "  mod_caps: {}\n  mod_pubsub: {plugins: [flat, pep]}\n"

    def test_eventing(self) -> None:
        """Events, avatars, bundles."""
        self.eventing()


def _is_question(element: Element) -> bool:
    return element.get("type") == "get" and next(element.iter(f"{{{INFO}}}query"), None) is not None


def _client() -> str:
    features = "".join(f"<feature var='{each}'/>" for each in FEATURES)
    return f"<identity category='client' type='pc' name='c'/>{features}"


def _ver() -> str:
    """XEP-0115 5.1."""
    text = "client/pc//c<" + "".join(f"{each}<" for each in sorted(FEATURES))
    return base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()
