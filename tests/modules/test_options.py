"""What operators write into ``[modules.NAME]``: wrong types are told, and in our words."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.settings import known_modules
from xmppd.config.findings import Finding
from xmppd.config.model import Config
from xmppd.config.modules import check_modules
from xmppd.config.read import examine_text

WRONG: dict[Any, str] = {int: '"5"', float: "true", bool: '"yes"', str: "5"}
"""For a type a value that is easily taken for it."""


def findings_of(text: str) -> list[Finding]:
    """What is wrong with the modules of a configuration."""
    config = examine_text(text, "FILE", {}).config
    assert isinstance(config, Config)
    return check_modules(config, known_modules())


class OptionsTests(SynchronousTestCase):
    """Options of the modules that there are."""

    def test_types_are_exact(self) -> None:
        """No text or switch is taken for a number, and no number or text for a switch."""
        for name, module in known_modules().items():
            for key, field in (module.options.model_fields if module.options else {}).items():
                if field.annotation not in WRONG:
                    continue
                with self.subTest(module=name, option=key):
                    (found,) = findings_of(f"[modules.{name}]\n{key} = {WRONG[field.annotation]}\n")
                    self.assertEqual((found.id, found.place), ("config.wrong-type", "FILE:2"))

    def test_lists(self) -> None:
        """A list is a list as everywhere in the file."""
        self.assertEqual(findings_of('[modules.contact]\nabuse = ["mailto:a@b.example"]\n'), [])
        (found,) = findings_of('[modules.contact]\nabuse = ["x", 5]\n')[1:]
        self.assertEqual(found.id, "config.wrong-type")

    def test_groups(self) -> None:
        """What is wrong with the members of a group is one line, and names each that is."""
        right = '[modules.groups.groups]\nA = "*"\nB = ["Romeo@a.example"]\n'
        self.assertEqual(findings_of(right), [])
        wrong = '[modules.groups.groups]\nA = "x"\nB = ["romeo", "a b@c", "d@e.example"]\nC = 5\n'
        found = findings_of(wrong)
        self.assertEqual([f.place for f in found], ["FILE:2", "FILE:3", "FILE:4"])
        self.assertEqual([f.id for f in found], ["config.wrong-type", "config.bad-jid", "config.wrong-type"])
        self.assertIn("'romeo': an account is wanted", found[1].why)
        self.assertIn("'a b@c': it has ' ' (space)", found[1].why)
