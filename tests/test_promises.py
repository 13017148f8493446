"""The names of docs/promises.rst: those that tests say are there, and each promise has something that shows it."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd

ROOT = Path(xmppd.__file__).parent.parent
PAGE = ROOT / "docs" / "promises.rst"
TO_COME = "Of what is to come"
_ANCHOR = re.compile(r"^\.\. _([a-z0-9-]+):$", re.MULTILINE)
_NAMED = re.compile(r"promises#([a-z0-9-]+)")
_ELSEWHERE = re.compile(r"\b(PROMISES|DESIGN|FRAME|FEATURES|STYLE)(\.md|: (?!Final)| \d|')")


def _texts(*folders: str) -> list[tuple[str, str]]:
    """Give the name and the text of each file of ours below *folders*."""
    return [
        (str(path.relative_to(ROOT)), path.read_text())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in (".py", ".txt", ".rst") and path != Path(__file__)
    ]


class PromisesTests(SynchronousTestCase):
    """Held over the sources."""

    def test_each_name_that_is_used_is_a_promise(self) -> None:
        """Who follows the name in a test finds what is promised."""
        anchors = set(_ANCHOR.findall(PAGE.read_text()))
        wrong = [
            f"{name}: promises#{anchor}"
            for name, text in _texts("tests", "benchmarks", "xmppd", "docs")
            for anchor in _NAMED.findall(text)
            if anchor not in anchors
        ]
        self.assertEqual(wrong, [])

    def test_each_promise_is_shown(self) -> None:
        """What is promised today has a test, or a measurement, that says its name."""
        today, _, _ = PAGE.read_text().partition(f"\n{TO_COME}\n")
        named = {anchor for _, text in _texts("tests", "benchmarks") for anchor in _NAMED.findall(text)}
        self.assertEqual(sorted(set(_ANCHOR.findall(today)) - named), [])

    def test_no_document_is_named_that_is_not_here(self) -> None:
        """A reader of the repository has all that its texts speak of."""
        wrong = [
            name for name, text in _texts("tests", "benchmarks", "xmppd", "docs") if _ELSEWHERE.search(text)
        ]
        self.assertEqual(wrong, [])
