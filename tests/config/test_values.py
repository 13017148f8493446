"""Whether a value of the file is what the type of an option says: `xmppd.config.values`."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Any, Literal

from twisted.trial.unittest import SynchronousTestCase

from xmppd.config.fields import (
    AfterValidator,
    BeforeValidator,
    Field,
    FolderValidator,
    Mistake,
    SecretStr,
)
from xmppd.config.values import KEY, Invalid, check_of

HERE = Path("/etc/xmppd")
NAN = float("nan")


def even(number: int) -> int:
    """Refuse odd numbers."""
    if number % 2:
        raise Mistake("config.odd", "it is odd", "write an even one")
    return number


class ValuesTests(SynchronousTestCase):
    """`check_of`."""

    def given(self, kind: Any, value: object) -> Any:
        """What the program has of a value."""
        return check_of(kind)(value, HERE)

    def wrong(self, kind: Any, value: object) -> list[tuple[tuple[str | int, ...], str, object]]:
        """Path, identifier and value of each mistake."""
        invalid = self.assertRaises(Invalid, check_of(kind), value, HERE)
        return [(each.path, each.mistake.id, each.value) for each in invalid.wrong]

    def test_types_are_exact(self) -> None:
        """Nothing is taken for what it is not, but a whole number for a number."""
        kinds: dict[Any, object] = {str: "a", int: 1, float: 1.5, bool: True}
        for kind in kinds:
            for other, value in kinds.items():
                if kind is other or (kind is float and other is int):
                    self.assertEqual(self.given(kind, value), value)
                else:
                    self.assertEqual(self.wrong(kind, value), [((), "config.wrong-type", value)])
        self.assertIs(type(self.given(float, 5)), float)

    def test_choice(self) -> None:
        """One of some texts; ``True`` is no 1, and what there is is told."""
        self.assertEqual(self.given(Literal["a", "b"], "b"), "b")
        self.assertEqual(self.wrong(Literal[1], True), [((), "config.bad-value", True)])
        invalid = self.assertRaises(Invalid, check_of(Literal["a", "b", "c"]), "d", HERE)
        self.assertEqual(invalid.wrong[0].mistake.remedy, 'write "a", "b" or "c"')

    def test_one_type_or_another(self) -> None:
        """The first that takes it; where none does it is wrong as the first sees it."""
        kind = Literal["*"] | tuple[str, ...] | None
        self.assertEqual([self.given(kind, each) for each in ("*", ["a"], None)], ["*", ("a",), None])
        self.assertEqual(self.wrong(kind, 5), [((), "config.bad-value", 5)])
        self.assertEqual(self.wrong(str | None, 5), [((), "config.wrong-type", 5)])

    def test_list(self) -> None:
        """It becomes a tuple; each item that is wrong is told with its place."""
        self.assertEqual(self.given(tuple[int, ...], [1, 2]), (1, 2))
        self.assertEqual(
            self.wrong(tuple[int, ...], [1, "b", 3, True]),
            [((1,), "config.wrong-type", "b"), ((3,), "config.wrong-type", True)],
        )
        self.assertEqual(self.wrong(tuple[int, ...], "ab"), [((), "config.wrong-type", "ab")])

    def test_table(self) -> None:
        """Keys and values are looked at, both where both are wrong."""
        key = Annotated[str, Field(max_length=3)]
        self.assertEqual(self.given(dict[key, int], {"abc": 1}), {"abc": 1})
        self.assertEqual(
            self.wrong(dict[key, int], {"long": "x", "b": True}),
            [
                (("long", KEY), "config.bad-value", "long"),
                (("long",), "config.wrong-type", "x"),
                (("b",), "config.wrong-type", True),
            ],
        )

    def test_bounds(self) -> None:
        """Of numbers, told with the number as it was written; what is no number is within none."""
        for field, right, value in (
            (Field(ge=1), 1, 0),
            (Field(gt=1), 2, 1),
            (Field(le=1), 1, 2),
            (Field(lt=1), 0, 1),
        ):
            self.assertEqual(self.given(Annotated[int, field], right), right)
            self.assertEqual(self.wrong(Annotated[int, field], value), [((), "config.out-of-range", value)])
            self.assertEqual(self.wrong(Annotated[float, field], NAN)[0][1], "config.out-of-range")
        ((_, _, shown),) = self.wrong(Annotated[float, Field(gt=0)], -1)
        self.assertIs(type(shown), int)

    def test_bounds_and_nothing(self) -> None:
        """Where there may be nothing, nothing is within all bounds."""
        self.assertIsNone(self.given(Annotated[int | None, Field(ge=1)], None))
        self.assertEqual(self.wrong(Annotated[int, Field(ge=1)] | None, 0), [((), "config.out-of-range", 0)])

    def test_texts(self) -> None:
        """Their length, and what they look like."""
        for field, right, value in (
            (Field(min_length=2), "ab", "a"),
            (Field(max_length=2), "ab", "abc"),
            (Field(pattern="^a"), "ab", "ba"),
        ):
            self.assertEqual(self.given(Annotated[str, field], right), right)
            self.assertEqual(self.wrong(Annotated[str, field], value), [((), "config.bad-value", value)])

    def test_before_and_after(self) -> None:
        """What makes a value comes before the type is looked at, what judges it comes after."""
        kind = Annotated[int, BeforeValidator(lambda value: len(str(value))), AfterValidator(even)]
        self.assertEqual(self.given(kind, "ab"), 2)
        self.assertEqual(self.wrong(kind, "abc"), [((), "config.odd", "abc")])
        self.assertEqual(self.wrong(Annotated[int, AfterValidator(even)], "x")[0][1], "config.wrong-type")

    def test_folder(self) -> None:
        """Relative paths begin in the folder of the file."""
        kind = Annotated[Path, FolderValidator(lambda value, folder: folder / str(value))]
        self.assertEqual(self.given(kind, "a.pem"), HERE / "a.pem")

    def test_other_classes(self) -> None:
        """What a validator has made is taken, and nothing else."""
        self.assertEqual(self.given(IPv4Network, IPv4Network("10.0.0.0/8")), IPv4Network("10.0.0.0/8"))
        self.assertEqual(self.wrong(IPv4Network, "10.0.0.0/8"), [((), "config.wrong-type", "10.0.0.0/8")])

    def test_secret(self) -> None:
        """It shows in nothing, and can be had."""
        secret = self.given(SecretStr, "hush")
        self.assertNotIn("hush", f"{secret} {secret!r} {[secret]}")
        self.assertEqual((secret.get_secret_value(), secret), ("hush", SecretStr("hush")))
        self.assertEqual(self.wrong(SecretStr, 5), [((), "config.wrong-type", 5)])

    def test_what_nobody_understands(self) -> None:
        """A type that there is not, and what another library says of one: told to its author, not passed over."""
        self.assertRaises(TypeError, check_of, "int")
        self.assertRaises(TypeError, check_of, Annotated[int, "at least 1"])
