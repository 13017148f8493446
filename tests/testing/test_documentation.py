"""docs/testing.rst: its examples are run as they stand there."""

import re
import unittest
from pathlib import Path
from textwrap import dedent
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from xmppd.testing.script import BadScript
from xmppd.testing.stage import play

PAGE = Path(xmppd.__file__).parent.parent / "docs" / "testing.rst"
_CODE = re.compile(r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", re.MULTILINE)


class DocumentationTests(SynchronousTestCase):
    """The page for authors of modules."""

    def test_examples(self) -> None:
        """All of them together are a module and its tests, which pass."""
        names: dict[str, Any] = {"__name__": "example_of_the_page"}
        for code in _CODE.findall(PAGE.read_text()):
            exec(compile(dedent(code), str(PAGE), "exec"), names)
        cases = [
            each for each in names.values() if isinstance(each, type) and issubclass(each, unittest.TestCase)
        ]
        result = unittest.TestResult()
        for case in cases:
            unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
        self.assertEqual(result.errors + result.failures, [])
        self.assertGreaterEqual(result.testsRun, 2)

    def test_mistakes_are_told_by_line(self) -> None:
        """What is no step, and what was not expected, is found by its line."""
        with self.assertRaisesRegex(BadScript, "dialogue, line 2: 'romeo sings' is no step"):
            play("romeo is romeo@localhost/x\nromeo sings")
        with self.assertRaisesRegex(AssertionError, "dialogue, line 3: nothing came"):
            play("romeo is romeo@localhost/x\nromeo logs in\nromeo receives <presence/>")
