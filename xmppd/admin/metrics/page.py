"""The page that Prometheus scrapes: the numbers of `table`, in its text format or in OpenMetrics."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.core import (
    Metric as Family,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector
from twisted.web.server import Site

from xmppd.admin.metrics.measured import Measured, Sessions
from xmppd.admin.metrics.site import monitoring_site
from xmppd.admin.metrics.table import TABLE, Metric
from xmppd.core.waiting import deferred
from xmppd.storage.histogram import Histogram

INFINITE = "+Inf"


class _Once(Collector):
    """Gives the families of one scrape."""

    def __init__(self, server: Measured, sessions: Sessions):
        self._server = server
        self._sessions = sessions

    def collect(self) -> Iterator[Family]:
        """Give all families."""
        for metric in TABLE:
            yield _family(metric, self._server, self._sessions)


@deferred
async def page(server: Measured, accept: str) -> tuple[bytes, str]:
    """Give the page and its content type, by what the ``Accept`` header says.

    Waits a few turns where there are many sessions; else it is there at once.
    """
    sessions = Sessions(Counter())
    waiting = server.turns.run(sessions.count(list(server.registry)))
    if waiting is not None:
        await waiting
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(server, sessions))
    encode, content_type = _encoder(accept)
    return encode(registry), content_type


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """What makes no sense to the library asks for nothing special (RFC 9110 12.5.1)."""
    try:
        return choose_encoder(accept)
    except (TypeError, ValueError):
        return choose_encoder("")


def monitoring(server: Measured, obstacles: Callable[[], Sequence[str]]) -> Site:
    """Give the site that has the page; *obstacles* gives why the server is not ready, nothing where it is."""
    return monitoring_site(lambda accept: page(server, accept), obstacles)


def _family(metric: Metric, server: Measured, sessions: Sessions) -> Family:
    samples = metric.read(server, sessions)
    if metric.kind == "histogram":
        histograms = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
        for labels, value in samples:
            assert isinstance(value, Histogram)
            buckets = [(_bound(bound), count) for bound, count in value.cumulative()]
            histograms.add_metric(labels, buckets, value.total)
        return histograms
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.text, labels=metric.labels)
    for labels, value in samples:
        assert not isinstance(value, Histogram)
        family.add_metric(labels, value)
    return family


def _bound(bound: float | None) -> str:
    return INFINITE if bound is None else str(float(bound))
