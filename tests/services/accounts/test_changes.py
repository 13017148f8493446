"""Which accounts have changed lately."""

from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.directory import AccountMark
from xmppd.services.accounts import changes as changes_module
from xmppd.services.accounts.changes import AccountChanges


class AccountChangesTests(SynchronousTestCase):
    """`AccountChanges`."""

    def test_since(self) -> None:
        """Changes after a number count, of that account alone."""
        changes = AccountChanges()
        changes.note("a")
        begun = changes.mark
        self.assertFalse(changes.is_changed_since("a", begun))
        changes.note("a")
        self.assertTrue(changes.is_changed_since("a", begun))
        self.assertFalse(changes.is_changed_since("b", begun))
        self.assertFalse(changes.is_changed_since("a", changes.mark))

    def test_bound(self) -> None:
        """What is forgotten may have changed, as seen from before it was forgotten."""
        self.patch(changes_module, "KEPT", 3)
        changes = AccountChanges()
        for number in range(5):
            changes.note(str(number))
        self.assertEqual(len(changes), 3)
        self.assertTrue(changes.is_changed_since("0", AccountMark(0)))
        self.assertTrue(changes.is_changed_since("another", AccountMark(1)))
        self.assertFalse(changes.is_changed_since("another", AccountMark(2)))
