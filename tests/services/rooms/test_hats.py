"""Hats of a room as values."""

import json

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.hats import (
    MAX_HATS,
    MAX_WEARERS,
    MAX_WORN,
    NO_HATS,
    Hat,
    TooMany,
    from_mapping,
    to_mapping,
)


class HatsTests(SynchronousTestCase):
    """`Hats`."""

    def test_changes(self) -> None:
        """Each change gives others and leaves these as they are; who wears what is destroyed wears it no more."""
        hats = NO_HATS.made("urn:host", Hat("Host", "12.5")).made("urn:guest", Hat("Guest"))
        worn = hats.assigned("ann@a", "urn:guest").assigned("ann@a", "urn:host").assigned("bob@a", "urn:host")
        self.assertEqual(worn.of("ann@a"), [("urn:guest", Hat("Guest")), ("urn:host", Hat("Host", "12.5"))])
        self.assertEqual((hats.of("ann@a"), NO_HATS.known), ([], {}))
        self.assertIs(worn.assigned("bob@a", "urn:host"), worn)
        self.assertEqual(worn.destroyed("urn:host").worn, {"ann@a": ("urn:guest",)})
        self.assertEqual(
            worn.unassigned("ann@a", "urn:guest").unassigned("bob@a", "urn:host").worn,
            {"ann@a": ("urn:host",)},
        )
        self.assertEqual(from_mapping(json.loads(json.dumps(to_mapping(worn)))), worn)

    def test_digest(self) -> None:
        """3: it is another with other hats, whoever wears them, and in whatever order they were made."""
        one, two = NO_HATS.made("urn:a", Hat("A")), NO_HATS.made("urn:b", Hat("B"))
        both = one.made("urn:b", Hat("B"))
        self.assertEqual(NO_HATS.digest, "")
        self.assertEqual(len({one.digest, two.digest, both.digest, both.made("urn:b", Hat("C")).digest}), 4)
        self.assertEqual(both.digest, two.made("urn:a", Hat("A")).assigned("ann@a", "urn:a").digest)

    def test_bounds(self) -> None:
        """So many hats, so many for each, so many who wear any; what is there can still be changed."""
        hats = NO_HATS
        for number in range(MAX_HATS):
            hats = hats.made(f"urn:{number}", Hat("x"))
        self.assertRaises(TooMany, hats.made, "urn:more", Hat("x"))
        self.assertEqual(hats.made("urn:0", Hat("y")).known["urn:0"].title, "y")
        for number in range(MAX_WORN):
            hats = hats.assigned("ann@a", f"urn:{number}")
        self.assertRaises(TooMany, hats.assigned, "ann@a", "urn:50")
        for number in range(MAX_WEARERS - 1):
            hats = hats.assigned(f"{number}@a", "urn:0")
        self.assertRaises(TooMany, hats.assigned, "more@a", "urn:0")
        self.assertEqual(len(hats.assigned("0@a", "urn:1").of("0@a")), 2)
