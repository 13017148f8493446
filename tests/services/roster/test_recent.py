"""What is kept of rosters that nobody uses."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.services.roster.items import Roster, RosterItem
from xmppd.services.roster.recent import KEPT_CONTACTS, ROSTER_CONTACTS, RecentRosters


def roster(number: int, contacts: int = 0) -> Roster:
    """The roster of an account, with so many contacts."""
    made = Roster(f"user{number}@localhost")
    for contact in range(contacts):
        made.put(f"contact{contact}@localhost", RosterItem(f"contact{contact}@localhost"))
    return made


class RecentRostersTests(SynchronousTestCase):
    """`RecentRosters`."""

    def setUp(self) -> None:
        """None are kept."""
        self.recent = RecentRosters()

    def kept(self, *numbers: int) -> list[bool]:
        """Which of these accounts' rosters are kept."""
        return [f"user{number}@localhost" in self.recent._kept for number in numbers]

    def test_the_bound_is_one_of_contacts(self) -> None:
        """However many accounts come, and however many contacts they have, no more is kept."""
        for number in range(KEPT_CONTACTS // ROSTER_CONTACTS + 50):
            self.recent.use(roster(number))
        self.assertEqual(
            (len(self.recent), self.recent.contacts), (KEPT_CONTACTS // ROSTER_CONTACTS, KEPT_CONTACTS)
        )
        self.recent.use(roster(-1, KEPT_CONTACTS // 2))
        self.assertLessEqual(self.recent.contacts, KEPT_CONTACTS)
        self.recent.use(roster(-2, KEPT_CONTACTS))
        self.assertEqual((len(self.recent), self.recent.contacts), (0, 0))

    def test_who_was_used_last_goes_last(self) -> None:
        """Being used again counts, and is counted once."""
        big = KEPT_CONTACTS // 2 - 2 * ROSTER_CONTACTS
        first, second = roster(1, big), roster(2, big)
        for one in (first, second, first):
            self.recent.use(one)
        self.assertEqual(self.recent.contacts, 2 * (big + ROSTER_CONTACTS))
        self.recent.use(roster(3, big))
        self.assertEqual(self.kept(1, 2, 3), [True, False, True])

    def test_one_that_has_grown(self) -> None:
        """What was added when it was kept last is taken away, whatever it has become."""
        growing = roster(1)
        self.recent.use(growing)
        growing.put(
            "more@localhost",
            RosterItem("more@localhost"),
        )
        self.recent.use(growing)
        self.assertEqual(self.recent.contacts, ROSTER_CONTACTS + 1)
        growing.put("more@localhost", None)
        self.recent.forget(growing.owner)
        self.recent.forget(growing.owner)
        self.assertEqual((self.kept(1), self.recent.contacts), ([False], 0))

    def test_all_can_be_forgotten(self) -> None:
        """Then nothing is kept, and the count begins anew."""
        self.recent.use(roster(1, 5))
        self.recent.clear()
        self.assertEqual((len(self.recent), self.recent.contacts), (0, 0))
