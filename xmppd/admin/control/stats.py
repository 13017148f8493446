"""The control command about what the server has done since its start: the numbers of the metrics, for people."""

from collections import Counter
from typing import Final, TypedDict

from xmppd.admin.control.parts import ControlParts
from xmppd.admin.metrics.measured import Sessions
from xmppd.admin.metrics.table import TABLE, Metric
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.storage.histogram import Histogram

PLACES: Final = 6


class Number(TypedDict):
    """One number."""

    name: str
    of: str
    """What it is about, in the metric's own labels."""
    value: float
    text: str
    """What it says."""


@does("stats")
@deferred
async def stats(parts: ControlParts, about: str | None = None) -> list[Number]:
    """Give all numbers, or those whose name or labels hold a word; of a histogram how often and how much on average.

    Waits a few turns where there are many sessions.
    """
    server = parts.measured
    assert server is not None, "this command is a running server's"
    sessions = Sessions(Counter())
    waiting = server.turns.run(sessions.count(list(server.registry)))
    if waiting is not None:
        await waiting
    found = [
        each
        for metric in TABLE
        for labels, value in metric.read(server, sessions)
        for each in _numbers(metric, labels, value)
    ]
    return [each for each in found if about is None or about in f"{each['name']} {each['of']}"]


def _numbers(metric: Metric, labels: tuple[str, ...], value: float | Histogram) -> list[Number]:
    name = metric.name.removeprefix("xmppd_")
    of = ", ".join(filter(None, labels))
    if not isinstance(value, Histogram):
        return [{"name": name, "of": of, "value": _rounded(value), "text": metric.text}]
    times = sum(value.counts)
    mean = value.total / times if times else 0.0
    return [
        {"name": name, "of": "times", "value": times, "text": metric.text},
        {"name": name, "of": "on average", "value": _rounded(mean), "text": metric.text},
    ]


def _rounded(value: float) -> float:
    return int(value) if value == int(value) else round(value, PLACES)
