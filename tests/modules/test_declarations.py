"""What a module's class body declares is what its code does."""

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd.modules


class UsesTests(SynchronousTestCase):
    """`Module.uses`."""

    def test_every_service_that_is_reached_is_named(self) -> None:
        """And none that is not; also those that a module reaches only when somebody asks it something."""
        for path in sorted(Path(xmppd.modules.__path__[0]).rglob("*.py")):
            tree = ast.parse(path.read_text())
            for cls in (node for node in tree.body if isinstance(node, ast.ClassDef)):
                if any(isinstance(base, ast.Name) and base.id == "Module" for base in cls.bases):
                    self.assertEqual(_declared(cls), _reached(cls), f"{path.name}: {cls.name}.uses")


def _declared(cls: ast.ClassDef) -> set[str]:
    for node in cls.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "uses":
            assert isinstance(node.value, ast.Tuple)
            return {ast.unparse(element) for element in node.value.elts}
    return set()


def _reached(cls: ast.ClassDef) -> set[str]:
    return {
        ast.unparse(node.slice)
        for node in ast.walk(cls)
        if isinstance(node, ast.Subscript) and ast.unparse(node.value).endswith("services")
    }
