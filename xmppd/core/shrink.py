"""Dicts and sets keep the memory of the most they ever held until they are emptied."""

from typing import Any


def shrink(*collections: dict[Any, Any] | set[Any]) -> None:
    """Empty each and fill it again, the same object in the same order, so that it takes the memory of what it holds."""
    for collection in collections:
        held: Any = collection.copy()
        collection.clear()
        collection.update(held)
