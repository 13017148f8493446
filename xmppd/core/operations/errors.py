"""How an operation says that it was not done."""

from typing import Final

ENDED: Final = "ended"
"""The id of what had no end, and has ended since who asked has gone."""


class OperationError(Exception):
    """An operation that was not done: a stable *id* for machines, and one line for people with what to do about it."""

    def __init__(self, id: str, message: str):
        super().__init__(message)
        self.id = id
        self.message = message
