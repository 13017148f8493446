"""What ``xmppctl check`` says of ``[rights]``."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

TEXT = """[rights]
"user.list" = "member"
"room.*" = "member"
"user.lst" = "member"
[hosts."a.example".rights]
"rooms.*" = "admin"
[hosts."b.example".rights]
"nothing like it" = "king"
"""


class RightsTests(SynchronousTestCase):
    """``rights`` of the server and of domains."""

    def test_unknown(self) -> None:
        """Each name that is none once, where it stands, with the nearest; and a role that is none."""
        found = check_text(temporary_folder(self), TEXT, None, "config")
        self.assertEqual(
            [(each.id, each.place.rpartition(":")[2]) for each in found if each.severity == "error"],
            [
                ("config.unknown-operation", "4"),
                ("config.unknown-operation", "6"),
                ("config.bad-value", "8"),
            ],
        )
        self.assertIn('did you mean "user.list"?', str(found[0]))
        self.assertIn('did you mean "room.*"?', str(found[2]))
