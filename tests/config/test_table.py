"""A table of the configuration as a class: `xmppd.config.table`."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from xmppd.admin.settings import known_modules
from xmppd.config.fields import Field, Mistake
from xmppd.config.options import Document, HostSettings
from xmppd.config.section import FilePath
from xmppd.config.table import Table
from xmppd.config.values import Invalid, check_of

HERE = Path("/etc/xmppd")


class Below(Table):
    """A table in a table."""

    file: FilePath | None = None
    size: Annotated[int, Field(ge=1)] = 1


class Above(Table):
    """One with each kind of option."""

    kind: ClassVar = "no option"
    name: str
    word: str = "a"
    below: Below = Below()
    many: dict[str, Below] = {}

    def check_whole(self) -> None:
        """The word is not the name."""
        if self.word == self.name:
            raise Mistake("config.same", "word and name are the same", "change one")


class Open(Above, is_open=True):
    """One that may have more."""

    word: str = "b"
    last: bool = False


def tables(kind: Any) -> Iterator[type[Table]]:
    """Give a table and all that stand in it."""
    yield kind
    for field in kind.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Table):
            yield from tables(field.annotation)


class TableTests(SynchronousTestCase):
    """`Table`."""

    def wrong(self, kind: type[Table], table: object) -> list[tuple[tuple[str | int, ...], str]]:
        """Path and identifier of each mistake."""
        invalid = self.assertRaises(Invalid, kind.model_validate, table, HERE)
        return [(each.path, each.mistake.id) for each in invalid.wrong]

    def test_fields(self) -> None:
        """Those of the base first; one that is said again keeps its place; what is no option is none."""
        self.assertEqual(list(Open.model_fields), ["name", "word", "below", "many", "last"])
        self.assertEqual([each.is_needed for each in Open.model_fields.values()], [True, *[False] * 4])
        self.assertEqual((Above.model_fields["word"].default, Open.model_fields["word"].default), ("a", "b"))

    def test_values(self) -> None:
        """What the file has, what holds without it, and paths from the folder of the file."""
        table = Above.model_validate({"name": "x", "below": {"file": "y"}, "many": {"z": {"size": 2}}}, HERE)
        self.assertEqual((table.name, table.word, table.below.size), ("x", "a", 1))
        self.assertEqual((table.below.file, table.many), (HERE / "y", {"z": Below(size=2)}))

    def test_mistakes(self) -> None:
        """All of them at once, in the order of the options, then what there is not."""
        self.assertEqual(
            self.wrong(Above, {"below": {"size": 0, "sise": 1}, "word": 5, "wrod": "a", "many": {"z": 5}}),
            [
                (("name",), "config.missing-key"),
                (("word",), "config.wrong-type"),
                (("below", "size"), "config.out-of-range"),
                (("below", "sise"), "config.unknown-key"),
                (("many", "z"), "config.wrong-type"),
                (("wrod",), "config.unknown-key"),
            ],
        )
        self.assertEqual(self.wrong(Above, 5), [((), "config.wrong-type")])

    def test_as_a_whole(self) -> None:
        """What fits each for itself and not together is told of the table."""
        self.assertEqual(self.wrong(Above, {"name": "a"}), [((), "config.same")])
        self.assertRaises(Invalid, Above, name="a")

    def test_more(self) -> None:
        """Keys that are no options are kept where that is allowed."""
        table = Open.model_validate({"name": "x", "else": [1]}, HERE)
        self.assertEqual(table.model_extra, {"else": [1]})
        self.assertEqual(Open(name="x").model_extra, {})
        self.assertNotEqual(table, Open(name="x"))

    def test_nothing_changes(self) -> None:
        """But a copy may have other values."""
        table = Above(name="x", word="y")
        self.assertRaises(AttributeError, setattr, table, "word", "z")
        self.assertEqual(table.model_copy({"word": "z"}), Above(name="x", word="z"))
        self.assertEqual((table.word, copy.deepcopy(table)), ("y", table))
        self.assertNotEqual(table, Open(name="x", word="y"))

    def test_defaults_are_right(self) -> None:
        """What holds where the file says nothing is what the file could say: of all tables that there are."""
        models = [each.options for each in known_modules().values() if each.options is not None]
        found = [table for model in (Document, HostSettings, *models) for table in tables(model)]
        checked = 0
        for table in found:
            for name, field in table.model_fields.items():
                if not field.is_needed:
                    with self.subTest(table=table.__name__, option=name):
                        kind: Any = field.annotation
                        whole = Annotated[(kind, *field.metadata)] if field.metadata else kind
                        self.assertEqual(check_of(whole)(field.default, HERE), field.default)
                        checked += 1
        self.assertGreater(checked, 200)

    def test_as_pydantic_has_it(self) -> None:
        """Bounds in the place of the default would be no bounds: told to the author of a module."""
        with self.assertRaises(TypeError):

            class Wrong(Table):
                number: int = Field(ge=1)  # type: ignore[assignment]  # what is refused
