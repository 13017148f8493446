"""Slows down who guesses passwords: failed logins counted by address, answers delayed, nobody locked out.

Of IPv6 a whole /64 network counts as one address.
"""

from collections.abc import Callable
from dataclasses import dataclass

from xmppd.core.networks import network_of

MAX_ADDRESSES = 10_000
"""Addresses remembered at most; the oldest is forgotten first."""
GOOD_LOGIN_DELAY_S = 1.0
"""What a correct login from a throttled address waits, where nothing else is said."""
FAILURE_DELAYS_S = (2.0, 5.0, 10.0)
"""What a failure waits, by how often the allowance has been used up; the last holds for all beyond."""


@dataclass(slots=True)
class _Failures:
    count: int
    since: float


class Throttle:
    """Failures by address within a window; gives the seconds by which an answer is to be delayed."""

    def __init__(
        self,
        now: Callable[[], float],
        allowance: Callable[[], int],
        window_s: Callable[[], float],
        delay_s: Callable[[], float] = lambda: GOOD_LOGIN_DELAY_S,
    ):
        """*allowance()* failures within *window_s()* seconds are free; *now* is any steady clock.

        *delay_s()* is what a correct login from a throttled address waits.
        """
        self._now = now
        self._allowance = allowance
        self._window_s = window_s
        self._delay_s = delay_s
        self._failures: dict[str, _Failures] = {}

    def __len__(self) -> int:
        return len(self._failures)

    def failed(self, address: str) -> float:
        """Count a failure; give the delay of its answer in seconds."""
        key = network_of(address)
        known = self._recent(key)
        if known is None:
            known = self._failures[key] = _Failures(0, self._now())
            if len(self._failures) > MAX_ADDRESSES:
                del self._failures[next(iter(self._failures))]
        known.count += 1
        beyond = known.count // max(1, self._allowance())
        return 0.0 if beyond == 0 else FAILURE_DELAYS_S[min(beyond, len(FAILURE_DELAYS_S)) - 1]

    def succeeded(self, address: str) -> float:
        """Give the delay of a correct login's answer in seconds: none for an address that has not failed often."""
        known = self._recent(network_of(address))
        return self._delay_s() if known is not None and known.count >= self._allowance() else 0.0

    def _recent(self, key: str) -> _Failures | None:
        known = self._failures.get(key)
        if known is not None and self._now() - known.since > self._window_s():
            del self._failures[key]
            return None
        return known
