"""How an operation says that it was not done."""


class OperationError(Exception):
    """An operation that was not done: a stable *id* for machines, and one line for people with what to do about it."""

    def __init__(self, id: str, message: str):
        super().__init__(message)
        self.id = id
        self.message = message
