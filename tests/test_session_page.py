"""The page of the session names tests that there are."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
NAMED = re.compile(r"``(test_\w+)(…?)``")
DEFINED = re.compile(r"^    def (test_\w+)\(", re.MULTILINE)


class SessionPageTests(SynchronousTestCase):
    """``docs/session.rst``."""

    def test_every_row_has_its_test(self) -> None:
        """A test that is renamed takes its row along; each row of the table has one."""
        page = (ROOT / "docs/session.rst").read_text(encoding="utf-8")
        files = re.findall(r"``(tests/[\w/]+\.py)``", page)
        defined = {name for file in files for name in DEFINED.findall((ROOT / file).read_text())}
        named = NAMED.findall(page)
        missing = [
            name + dots
            for name, dots in named
            if name not in defined and not (dots and any(each.startswith(name) for each in defined))
        ]
        self.assertEqual(missing, [])
        self.assertGreater(len(named), 30)
