"""Waiting with a deadline. Nothing here is told to sleep and hope."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

# Only how often a condition is looked at; no test depends on it.
INTERVAL_S = 0.01


def wait_for(what: str, condition: Callable[[], T | None], seconds: float = 10.0) -> T:
    """Calls ``condition`` until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(INTERVAL_S)
