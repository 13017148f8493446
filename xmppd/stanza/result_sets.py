"""Result Set Management: XEP-0059 1.0; which page is asked for, and which was given."""

from typing import Final, NamedTuple

from xmppd.stanza.element import Element

NS: Final = "http://jabber.org/protocol/rsm"


class PageRequest(NamedTuple):
    """The page that is asked for: what stands behind `after`, or before `before`, at most `max` items."""

    max: int | None = None
    after: str | None = None
    before: str | None = None
    """The empty text asks for the last page (2.5)."""
    start_index: int | None = None


def page_request_in(parent: Element) -> PageRequest:
    """Read the ``<set/>`` in *parent*; without one everything is asked for. Raises ValueError for bad numbers."""
    request = parent.child("set", NS)
    if request is None:
        return PageRequest()
    return PageRequest(
        _number(request.child_text("max")),
        request.child_text("after") or None,
        request.child_text("before"),
        _number(request.child_text("index")),
    )


def page_element(first: str | None = None, last: str | None = None, count: int | None = None) -> Element:
    """Make the ``<set/>`` that says what was given: the ids of first and last item, how many there are in all."""
    children: list[Element | str] = []
    for name, value in (("first", first), ("last", last), ("count", None if count is None else str(count))):
        if value is not None:
            children.append(Element(name, NS, children=[value]))
    return Element("set", NS, None, children)


def _number(text: str | None) -> int | None:
    if text is None:
        return None
    text = text.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise ValueError(f"{text!r} is no number of items")
    return int(text)


_DIGITS: Final = 18
