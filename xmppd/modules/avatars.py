"""Avatars of old and new clients are the same: XEP-0398 1.0.0, between XEP-0084 and vCards, with the hash of XEP-0153.

A vCard's photo is made of the published avatar only where everybody may see that (XEP-0398 6); an avatar is published
of each photo that is put into a vCard. The image stays what it is, unless the operator wants it to be converted to PNG,
the one format that XEP-0084 demands (4.2.1): then that is the photo of the vCard, too.
"""

from base64 import b64decode, b64encode
from hashlib import sha1
from typing import Final, NamedTuple

from xmppd.core.bounded import Bounded
from xmppd.core.events import CLIENT_PRESENCE, Traffic
from xmppd.core.module import XEP, Module, Options, on
from xmppd.core.stations import NOTING
from xmppd.core.waiting import deferred, spawn
from xmppd.services.presence.presence import Presence
from xmppd.services.profile.pictures import Pictures
from xmppd.services.profile.vcards import VCARD_CHANGED, VCards
from xmppd.services.pubsub.changes import ITEMS_CHANGED, ItemsChanged
from xmppd.services.pubsub.items import NewItem, payload_of
from xmppd.services.pubsub.options import AccessModel
from xmppd.services.pubsub.personal import Personal
from xmppd.services.pubsub.publishing import Publishing
from xmppd.services.pubsub.reading import Reading
from xmppd.stanza.element import Element, parse_element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID
from xmppd.stanza.stanza import Stanza
from xmppd.storage.interface import Entry, StorageError

DATA: Final = "urn:xmpp:avatar:data"
METADATA: Final = "urn:xmpp:avatar:metadata"
NS_VCARD: Final = "vcard-temp"
NS_UPDATE: Final = "vcard-temp:x:update"
PNG: Final = "image/png"
OVERHEAD_BYTES: Final = 300
"""What an item takes beside its image."""
REMEMBERED: Final = 50_000
"""Of so many accounts the hash is in memory."""
SIGNATURES: Final = {
    b"\x89PNG": PNG,
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
"""How images begin."""


class AvatarOptions(Options):
    """What becomes of photos."""

    convert: bool = False
    """Whether a photo that a client puts into a vCard is converted to PNG, for clients that show nothing else; needs
    the library Pillow (``pip install 'xmppd[images]'``)."""


class Photo(NamedTuple):
    """An image with what both kinds of clients say of it."""

    image: bytes
    type: str

    @property
    def digest(self) -> str:
        """XEP-0084 4.2.1, XEP-0153 3.1: the id of the image."""
        return sha1(self.image, usedforsecurity=False).hexdigest()


class Avatars(Module):
    """Shows each kind of client the avatars of the other, and puts the hash into presence."""

    name = "avatars"
    summary = "Avatar Conversion"
    xep = (XEP(84, "1.1.4"), XEP(153, "1.1"), XEP(398, "1.0.0"))
    account_features = ("urn:xmpp:pep-vcard-conversion:0",)
    requires = ("pep", "vcard", "presence")
    uses = (Personal, Presence, Publishing, Reading, VCards)
    options = AvatarOptions
    opt: AvatarOptions

    def start(self) -> None:
        """Find the services; no hash is known yet."""
        services = self.api.services
        self._personal, self._presence, self._vcards = (
            services[Personal],
            services[Presence],
            services[VCards],
        )
        self._publishing, self._reading = services[Publishing], services[Reading]
        self._hashes: Bounded[str, str] = Bounded(REMEMBERED)
        self._pictures = Pictures(self.api.in_thread)

    # -- the hash in presence (XEP-0398 4) ----------------------------------------------------------------------------

    @on(CLIENT_PRESENCE, NOTING)
    def on_presence(self, traffic: Traffic) -> object:
        """Put the hash into available presence, directed or not, unless the client wants to show none."""
        stanza = traffic.stanza
        if stanza.type is not None or traffic.origin is None:
            return None
        owner = traffic.sender.bare
        digest = self._hashes.get(owner)
        if digest is None and not self._reading.may_have_nodes(owner):
            return None
        if digest is None:
            found: list[str] = []
            learning = self._learn(owner).addCallback(found.append)
            if not found:
                return learning.addCallback(lambda _: self._put(traffic, found[0]))
            digest = found[0]
        self._put(traffic, digest)
        return None

    def _put(self, traffic: Traffic, digest: str) -> None:
        if digest:
            traffic.stanza = with_hash(traffic.stanza, digest)

    @deferred
    async def _learn(self, owner: str) -> str:
        """Give the hash of an account's avatar, "" where it has none for all. Reads only where it has nodes."""
        try:
            found = await self._published(JID.of_prepared(owner))
        except StorageError:
            return ""  # presence goes on without it
        digest = "" if found is None else found.digest
        self._hashes.keep(owner, digest)
        return digest

    def _shown(self, owner: JID, digest: str) -> None:
        """Another hash holds: all who see the account's presence are shown it."""
        if self._hashes.get(owner.bare) == digest:
            return
        self._hashes.keep(owner.bare, digest)
        for session in self.api.registry.resources(owner.bare):
            if session.presence is not None:
                stanza = with_hash(session.presence, digest)
                told = self._presence.available(session, stanza, session.priority)
                if told is not None:
                    spawn("presence with another avatar", told)

    # -- from the nodes to the vCard (XEP-0398 3.1) -------------------------------------------------------------------

    @on(ITEMS_CHANGED)
    def on_items(self, changed: ItemsChanged) -> None:
        """Another avatar is published, or none any more."""
        if changed.node == METADATA:
            spawn("an avatar for the vCard", self._to_vcard(changed.owner))

    async def _to_vcard(self, owner: JID) -> None:
        await self.api.timers.wait()  # behind the result
        photo, metadata = await self._published(owner), await self._last(owner, METADATA)
        if photo is None and metadata is not None and _info(parse_element(metadata.stanza)) is not None:
            return self._shown(owner, "")  # an avatar that is not for everybody
        try:
            await self._vcards.change(owner, lambda vcard: _changed(vcard, photo))
        except StanzaError:
            return None  # the image is too large for a vCard
        return self._shown(owner, "" if photo is None else photo.digest)

    async def _published(self, owner: JID) -> Photo | None:
        """Give the avatar that everybody may see; None where there is none, or not for everybody."""
        realm = self._personal.realm(owner)
        metadata = await self._last(owner, METADATA)
        info = None if metadata is None else _info(parse_element(metadata.stanza))
        if info is None:
            return None
        try:
            page = await self._reading.items(realm, owner, DATA, (info.get("id") or "",))
            image = b64decode(parse_element(page.entries[0].stanza).text)
        except (StanzaError, ValueError):
            return None
        if page.node.options.access_model != AccessModel.OPEN:
            return None
        return Photo(image, info.get("type") or PNG)

    async def _last(self, owner: JID, node: str) -> Entry | None:
        try:
            return await self._reading.last(await self._reading.find(self._personal.realm(owner), node))
        except StanzaError:
            return None

    # -- from the vCard to the nodes (XEP-0398 3.2) -------------------------------------------------------------------

    @on(VCARD_CHANGED)
    def on_vcard(self, owner: JID) -> None:
        """A vCard was changed: its photo is the avatar."""
        spawn("an avatar from a vCard", self._from_vcard(owner))

    async def _from_vcard(self, owner: JID) -> None:
        await self.api.timers.wait()  # behind the result
        given = await self._photo(owner)
        photo = await self._as_png(owner, given)
        if photo is None or await self._photo(owner) != given:
            return  # there is another one by now, whose turn comes
        metadata = await self._last(owner, METADATA)
        info = None if metadata is None else _info(parse_element(metadata.stanza))
        if info is None or info.get("id") != photo.digest:
            await self._publish(owner, photo)
        elif photo != given:
            await self._to_vcard(owner)  # the same photo as before, which is a PNG there too

    async def _as_png(self, owner: JID, photo: Photo | None) -> Photo | None:
        """Give a photo as PNG, where that is wanted and can be done."""
        if photo is None or photo.type == PNG or not self.opt.convert:
            return photo
        in_base64 = self._personal.realm(owner).limits.pubsub_payload_bytes - OVERHEAD_BYTES
        png = await self._pictures.png_of(photo.image, in_base64 * 3 // 4)
        return photo if png is None else Photo(png, PNG)

    async def _publish(self, owner: JID, photo: Photo) -> None:
        realm, digest = self._personal.realm(owner), photo.digest
        data = Element("data", DATA, children=[b64encode(photo.image).decode()])
        shown = {"id": digest, "type": photo.type, "bytes": str(len(photo.image))}
        metadata = Element("metadata", METADATA, children=[Element("info", METADATA, shown)])
        open_to_all = {"pubsub#access_model": (AccessModel.OPEN.value,)}
        try:
            for node, element in ((DATA, data), (METADATA, metadata)):
                is_new = await self._last(owner, node) is None
                item = NewItem(digest, payload_of(element), node)
                await self._publishing.publish(realm, owner, node, item, open_to_all if is_new else None)
        except StanzaError:
            return  # a node of this name is configured otherwise, or the image is too large for an item

    async def _photo(self, owner: JID) -> Photo | None:
        stored = await self._vcards.get(owner.bare)
        return None if stored is None else photo_of(parse_element(stored))


def with_hash(presence: Stanza, digest: str) -> Stanza:
    """Put *digest* into presence in place of another; an empty ``<photo/>`` stays (XEP-0153 3.1)."""
    update = presence.child("x", NS_UPDATE)
    photo = None if update is None else update.child("photo")
    if photo is not None and not photo.text.strip():
        return presence
    told = f"<x xmlns='{NS_UPDATE}'><photo>{digest}</photo></x>".encode()
    rest = presence.without(lambda ns, name, _: (ns, name) == (NS_UPDATE, "x")) if update else presence
    return rest.with_last(told, (NS_UPDATE, "x"))


def photo_of(vcard: Element) -> Photo | None:
    """Give the photo in a vCard (XEP-0153 3.2), None where there is none that can be shown."""
    element = vcard.child("PHOTO")
    encoded = None if element is None else element.child_text("BINVAL")
    try:
        image = b64decode("".join((encoded or "").split()), validate=True)
    except ValueError:
        return None
    type = next((type for start, type in SIGNATURES.items() if image.startswith(start)), "")
    return Photo(image, type) if type else None


def with_photo(vcard: Element, photo: Photo | None) -> Element:
    """Give a vCard with another photo, or without one."""
    rest = [child for child in vcard.children if not (isinstance(child, Element) and child.name == "PHOTO")]
    if photo is None:
        return Element(vcard.name, vcard.ns, vcard.attrs, rest)
    type = Element("TYPE", NS_VCARD, children=[photo.type])
    image = Element("BINVAL", NS_VCARD, children=[b64encode(photo.image).decode()])
    return Element(
        vcard.name, vcard.ns, vcard.attrs, [*rest, Element("PHOTO", NS_VCARD, None, [type, image])]
    )


def _changed(vcard: Element | None, photo: Photo | None) -> Element | None:
    """Give a vCard with another photo; None where it has that one."""
    known = None if vcard is None else photo_of(vcard)
    if photo == known or (photo is not None and known is not None and known.digest == photo.digest):
        return None
    return with_photo(vcard or Element("vCard", NS_VCARD), photo)


def _info(metadata: Element) -> Element | None:
    """XEP-0398 3.1: what stands for an image that is published here, not elsewhere."""
    for info in metadata.elements():
        if info.name == "info" and info.get("id") and not info.get("url"):
            return info
    return None
