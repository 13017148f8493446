"""What is stored of a room's settings is what they are."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.rooms.settings import (
    ALL_ROLES,
    ALLOW_PM,
    RoomSettings,
    decode,
    encode,
    from_mapping,
    to_mapping,
)

SETTINGS = st.builds(
    RoomSettings,
    name=st.text(max_size=20),
    is_persistent=st.booleans(),
    is_public=st.booleans(),
    password=st.text(max_size=8),
    allow_pm=st.sampled_from(sorted(ALLOW_PM)),
    max_users=st.integers(0, 1_000),
    presence_broadcast=st.lists(st.sampled_from(ALL_ROLES), unique=True).map(tuple),
    contacts=st.lists(st.just("a@b.example"), max_size=2).map(tuple),
)


class SettingsTests(SynchronousTestCase):
    """`to_mapping` and `from_mapping`."""

    @given(SETTINGS)
    def test_come_back(self, settings: RoomSettings) -> None:
        """Through JSON and back nothing has changed."""
        self.assertEqual(from_mapping(decode(encode(to_mapping(settings)))), settings)

    def test_defaults_take_no_room(self) -> None:
        """What is at its default is not stored, and what a newer program has added is passed over."""
        self.assertEqual(to_mapping(RoomSettings()), {})
        self.assertEqual(from_mapping({"is_flat": True}), RoomSettings())

    def test_wrong(self) -> None:
        """A room whose settings cannot be read is not taken for one with others."""
        self.assertRaises(ValueError, from_mapping, {"password": 7})
        self.assertRaises(ValueError, decode, b"[]")
        self.assertEqual(replace(RoomSettings(), whois="anyone").is_anonymous, False)
