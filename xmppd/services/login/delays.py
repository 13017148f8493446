"""Slows down who guesses passwords: failed logins counted by address, answers delayed, nobody locked out."""

from collections.abc import Callable

from xmppd.core.rate_limit import RateLimit

GOOD_LOGIN_DELAY_S = 1.0
"""What a correct login from an address that failed often waits, where nothing else is said."""
FAILURE_DELAYS_S = (2.0, 5.0, 10.0)
"""What a failure waits, by how often the number that is free has been used up; the last holds for all beyond."""


class LoginDelays:
    """Gives the seconds by which an answer is to be delayed."""

    def __init__(
        self,
        failures: RateLimit,
        free: Callable[[], int],
        delay_s: Callable[[], float] = lambda: GOOD_LOGIN_DELAY_S,
    ):
        """*free()* failures of an address within the window of *failures* cost nothing.

        *delay_s()* is what a correct login waits after more of them.
        """
        self._failures = failures
        self._free = free
        self._delay_s = delay_s

    def failed(self, address: str) -> float:
        """Count a failure; give the delay of its answer in seconds."""
        beyond = self._failures.count(address) // max(1, self._free())
        return 0.0 if beyond == 0 else FAILURE_DELAYS_S[min(beyond, len(FAILURE_DELAYS_S)) - 1]

    def succeeded(self, address: str) -> float:
        """Give the delay of a correct login's answer in seconds: none for an address that has not failed often."""
        times = self._failures.times(address)
        return self._delay_s() if times and times >= self._free() else 0.0
