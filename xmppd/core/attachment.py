"""What others keep with a session: each a constant that says its type."""

from typing import Generic, TypeVar

T = TypeVar("T")


class Attachment(Generic[T]):
    """A key for `Session.attach` and `Session.attached`: its name, and the type of what is kept under it.

    What is kept is found by the name: it outlives the reload of the file that declares the constant.
    """

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name
