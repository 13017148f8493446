"""A light XML element: names with their namespaces, attributes, children; no parents, no prefixes.

It is written canonically: ``xmlns`` only where it differs from the parent's, attributes in namespaces
under prefixes made for the purpose. No function here recurses, so that depth costs no stack.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from xml.parsers import expat

from xmppd.stanza import ns as namespaces
from xmppd.stanza.markup import SEPARATOR, attr_names, escape_attr, escape_text, split_name, write_attrs

__all__ = ["Element", "FixedElement", "escape_attr", "escape_text", "parse_element"]

_NO_PREFIXES: Final[Mapping[str, str]] = {}
_XML_SPACE: Final = " \t\r\n"
_CLIENT_OPENING: Final = f"<x xmlns='{namespaces.CLIENT}'>".encode()


class Element:
    """An XML element; ``attrs`` has plain names, ``xml:lang`` or Clark names (``{namespace}name``)."""

    __slots__ = ("attrs", "children", "name", "ns")

    def __init__(
        self,
        name: str,
        ns: str = "",
        attrs: Mapping[str, str] | None = None,
        children: "Iterable[Element | str]" = (),
    ) -> None:
        self.name = name
        self.ns = ns
        self.attrs: dict[str, str] = dict(attrs) if attrs else {}
        self.children: list[Element | str] = list(children)

    @property
    def text(self) -> str:
        """The character data directly inside this element, in one piece."""
        return "".join([child for child in self.children if isinstance(child, str)])

    def elements(self) -> "Iterator[Element]":
        """The child elements, in order."""
        return (child for child in self.children if isinstance(child, Element))

    def child(self, name: str, ns: str | None = None) -> "Element | None":
        """The first child element of that name in *ns* (in this element's own namespace if None)."""
        namespace = self.ns if ns is None else ns
        for child in self.children:
            if isinstance(child, Element) and child.name == name and child.ns == namespace:
                return child
        return None

    def child_text(self, name: str, ns: str | None = None) -> str | None:
        """The text of that child, or None where there is no such child."""
        child = self.child(name, ns)
        return None if child is None else child.text

    def get(self, attr: str, default: str | None = None) -> str | None:
        """The value of the attribute *attr*, or *default*."""
        return self.attrs.get(attr, default)

    def to_bytes(self, parent_ns: str = "") -> bytes:
        """This element as UTF-8, to stand where *parent_ns* is the default namespace."""
        out: list[str] = []
        todo: list[tuple[Element | str, str | None]] = [(self, parent_ns)]
        while todo:
            item, scope = todo.pop()
            if scope is None:
                out.append(str(item))
            elif isinstance(item, str):
                out.append(escape_text(item))
            else:
                _write(item, scope, out, todo)
        return "".join(out).encode("utf-8")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Element):
            return NotImplemented
        todo = [(self, other)]
        while todo:
            left, right = todo.pop()
            if left.name != right.name or left.ns != right.ns or left.attrs != right.attrs:
                return False
            mine, theirs = _content(left), _content(right)
            if len(mine) != len(theirs):
                return False
            for one, two in zip(mine, theirs, strict=True):
                if isinstance(one, Element) and isinstance(two, Element):
                    todo.append((one, two))
                elif isinstance(one, Element) or isinstance(two, Element) or one != two:
                    return False
        return True

    __hash__ = None  # type: ignore[assignment]  # it can change, so it must not be a key

    def __repr__(self) -> str:
        return f"<Element {self.to_bytes().decode()}>"


class FixedElement(Element):
    """An element that never changes once it was made, such as a stream feature: it is written once.

    For what is sent to every stream as it stands; its bytes are kept for the namespace it was last written in.
    """

    __slots__ = ("_parent_ns", "_written")

    def __init__(
        self,
        name: str,
        ns: str = "",
        attrs: Mapping[str, str] | None = None,
        children: "Iterable[Element | str]" = (),
    ) -> None:
        super().__init__(name, ns, attrs, children)
        self._parent_ns = ""
        self._written = super().to_bytes()

    def to_bytes(self, parent_ns: str = "") -> bytes:
        """As of any element."""
        if parent_ns != self._parent_ns:
            self._written, self._parent_ns = super().to_bytes(parent_ns), parent_ns
        return self._written


def parse_element(
    data: bytes, parent_ns: str = namespaces.CLIENT, prefixes: Mapping[str, str] = _NO_PREFIXES
) -> Element:
    """The one element that *data* holds, read where *parent_ns* is the default namespace.

    *prefixes* are the other declarations in force around it. White space around the element is
    allowed, comments are dropped, DTDs are refused. Raises ValueError for anything else.
    """
    reader = _Reader()
    parser = expat.ParserCreate("utf-8", SEPARATOR, intern=None)
    parser.buffer_text = True
    try:
        parser.Parse(_opening(parent_ns, prefixes), False)
        parser.StartElementHandler = reader.start
        parser.EndElementHandler = reader.end
        parser.CharacterDataHandler = reader.data
        parser.Parse(data, False)
        parser.Parse(b"</x>", True)
    except expat.ExpatError as error:
        raise ValueError(f"not an XML element: {error}") from None
    return reader.result()


class _Reader:
    """Builds a tree from expat's events; the outermost element is the wrapper of `parse_element`."""

    __slots__ = ("open", "wrapper")

    def __init__(self) -> None:
        self.wrapper = Element("x")
        self.open = [self.wrapper]

    def start(self, name: str, attrs: dict[str, str]) -> None:
        namespace, local = split_name(name)
        element = Element(local, namespace, attr_names(attrs) if attrs else None)
        self.open[-1].children.append(element)
        self.open.append(element)

    def end(self, _name: str) -> None:
        self.open.pop()

    def data(self, text: str) -> None:
        self.open[-1].children.append(text)

    def result(self) -> Element:
        children = list(self.wrapper.elements())
        if len(children) != 1 or self.wrapper.text.strip(_XML_SPACE):
            raise ValueError("not exactly one XML element")
        return children[0]


def _opening(parent_ns: str, prefixes: Mapping[str, str]) -> bytes:
    """The start tag of the wrapper."""
    if parent_ns == namespaces.CLIENT and not prefixes:
        return _CLIENT_OPENING
    around = "".join(f" xmlns:{prefix}='{escape_attr(uri)}'" for prefix, uri in prefixes.items())
    return f"<x xmlns='{escape_attr(parent_ns)}'{around}>".encode()


def _write(
    element: Element, scope: str, out: list[str], todo: "list[tuple[Element | str, str | None]]"
) -> None:
    """Write the start tag of *element* and plan its content and end tag."""
    name, inside, declaration = element.name, scope, ""
    if element.ns == namespaces.XML:  # the one namespace that cannot be a default
        name = f"xml:{name}"
    elif element.ns != scope:
        inside = element.ns
        declaration = f" xmlns='{escape_attr(inside)}'"
    attrs = write_attrs(element.attrs) if element.attrs else ""
    if not any(element.children):  # an empty text is none
        out.append(f"<{name}{declaration}{attrs}/>")
        return
    out.append(f"<{name}{declaration}{attrs}>")
    todo.append((f"</{name}>", None))
    todo.extend([(child, inside) for child in reversed(element.children)])


def _content(element: Element) -> list[Element | str]:
    """The children with neighbouring texts joined and empty ones dropped."""
    joined: list[Element | str] = []
    for child in element.children:
        if isinstance(child, str) and joined and isinstance(joined[-1], str):
            joined[-1] += child
        elif child != "":
            joined.append(child)
    return joined
