"""For pytest alone, which collects all tests before it runs the first; not in ``tests``, which is loaded later."""

import gc


def pytest_collection_finish() -> None:
    """What was loaded stays: no search for garbage looks at it again; tests bring about thousands of them."""
    gc.collect()
    gc.freeze()
