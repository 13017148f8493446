"""Data forms: XEP-0004 2.13.1 with the form types of XEP-0068; what is submitted, and what is offered."""

from collections.abc import Iterable, Mapping
from typing import Final

from xmppd.stanza.element import Element

NS: Final = "jabber:x:data"
FORM_TYPE: Final = "FORM_TYPE"
_TRUE: Final = frozenset(("1", "true"))
_FALSE: Final = frozenset(("0", "false"))


class Submission:
    """A form as it was filled in: the values of each field, by the field's ``var``."""

    __slots__ = ("form_type", "type", "values")

    def __init__(self, type: str, values: Mapping[str, tuple[str, ...]]) -> None:
        self.type = type
        self.values = dict(values)
        self.form_type = self.first(FORM_TYPE)

    def first(self, var: str) -> str | None:
        """Give the first value of a field; None where there is none."""
        values = self.values.get(var)
        return values[0] if values else None

    def all(self, var: str) -> tuple[str, ...]:
        """Give all values of a field."""
        return self.values.get(var, ())

    def flag(self, var: str) -> bool | None:
        """Give a boolean field (XEP-0004 3.3); None where it is not there, or not filled in.

        Raises ValueError for anything else.
        """
        value = (self.first(var) or "").strip()
        if not value:
            return None
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise ValueError(f"{var} is neither true nor false")


def submission_in(parent: Element) -> Submission | None:
    """Read the form in *parent*, if there is one; what is only there to be read by people is passed over.

    XEP-0004 3.2: a field may leave out its type, and one of the type "fixed" its ``var``. Raises ValueError for a
    field of another type without ``var``, and for two with the same.
    """
    form = parent.child("x", NS)
    if form is None:
        return None
    values: dict[str, tuple[str, ...]] = {}
    for field in form.elements():
        if (field.ns, field.name) != (NS, "field") or _is_for_reading(field):
            continue
        var = field.get("var")
        if var is None or var in values:
            raise ValueError("each field of a form needs a var of its own")
        values[var] = tuple(
            child.text for child in field.elements() if child.name == "value" and child.ns == NS
        )
    return Submission(form.get("type") or "", values)


def _is_for_reading(field: Element) -> bool:
    """Whether a field has nothing to fill in (XEP-0004 3.3): without ``var`` it may be one that has lost its type."""
    type = field.get("type")
    return type == "fixed" or (type is None and field.get("var") is None)


def field(
    var: str, type: str, values: Iterable[str] = (), *, label: str = "", extra: Iterable[Element] = ()
) -> Element:
    """Make a field of a form."""
    attrs = {"type": type, "var": var}
    if label:
        attrs["label"] = label
    content = [Element("value", NS, children=[value]) for value in values]
    return Element("field", NS, attrs, [*content, *extra])


def form(
    type: str, form_type: str, fields: Iterable[Element], *, title: str = "", instructions: str = ""
) -> Element:
    """Make a form of a type ("form", "submit", "result"), beginning with its hidden FORM_TYPE (XEP-0068 4), if any."""
    kind = [field(FORM_TYPE, "hidden", (form_type,))] if form_type else []
    return Element("x", NS, {"type": type}, [*_heading(title, instructions), *kind, *fields])


def choice(var: str, options: Iterable[tuple[str, str]], *, label: str = "") -> Element:
    """Make a required field of which one value is chosen, out of (value, label) each (XEP-0004 3.2, 3.3)."""
    shown = [
        Element("option", NS, {"label": text}, [Element("value", NS, children=[value])])
        for value, text in options
    ]
    return field(var, "list-single", label=label, extra=[Element("required", NS), *shown])


def table(columns: Mapping[str, str], rows: Iterable[Iterable[str]], *, title: str = "") -> Element:
    """Make a result of several items (XEP-0004 3.4): *columns* are labels by ``var``, *rows* their values in order."""
    reported = [
        Element("field", NS, {"label": label, "type": "text-single", "var": var})
        for var, label in columns.items()
    ]
    items = [
        Element("item", NS, children=[_value(var, text) for var, text in zip(columns, row, strict=True)])
        for row in rows
    ]
    children = [*_heading(title, ""), Element("reported", NS, children=[*reported]), *items]
    return Element("x", NS, {"type": "result"}, [*children])


def _value(var: str, text: str) -> Element:
    return Element("field", NS, {"var": var}, [Element("value", NS, children=[text] if text else [])])


def _heading(title: str, instructions: str) -> list[Element]:
    told = (("title", title), ("instructions", instructions))
    return [Element(name, NS, children=[text]) for name, text in told if text]
