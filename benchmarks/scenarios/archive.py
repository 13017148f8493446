"""Archive paging (XEP-0313): pages of 50 from the end of a long archive, backwards."""

import re
import time

from benchmarks.load.client import Client, Script
from benchmarks.load.login import Account, expect, user_name
from benchmarks.load.loop import LoadError, Loop
from benchmarks.measure import Stopwatch, percentile
from benchmarks.scenarios.base import MS_A_SECOND, P99, Figures, Row, Scenario
from benchmarks.servers.base import Needs, Profile, Server

PAGE = 50
LAST_SEEN = re.compile(rb"<first[^>]*>([^<]+)</first>")
RESULT_END = b"</forwarded>"
WARM_UP_PAGES = 5


class Paging(Scenario):
    """Issue pages one after the other, each before the first entry of the page before."""

    deadline_s = 300.0
    most_repeats = 3

    def __init__(self, key: str, entries: int, pages: int) -> None:
        super().__init__(key, with_tls=False)
        self.title = f"S9 a page of {PAGE} from an archive of {entries:,}"
        self.rows = (
            Row("cpu_ms", "ms a page", "< 20"),
            Row("first_ms", "ms CPU, the first page", is_main=False),
            P99,
        )
        self.entries = entries
        self.pages = pages

    def needs(self) -> Needs:
        """One user with a long archive."""
        return Needs(Profile.DURABLE, accounts=2, archived=self.entries)

    def run(self, server: Server, loop: Loop) -> Figures:
        """Read backwards from the end."""
        (connection,) = self.log_in(server, loop, [Account(user_name(0))])
        loop.settle()
        reader = _Reader(loop, connection)
        watch = Stopwatch(server.pid)
        reader.read()
        first = watch.read()
        for _ in range(WARM_UP_PAGES):
            reader.read()
        latencies_s: list[float] = []
        watch = Stopwatch(server.pid)
        for _ in range(self.pages):
            started = time.perf_counter()
            reader.read()
            latencies_s.append(time.perf_counter() - started)
        cost = watch.read()
        return {
            "cpu_ms": cost.server_s / self.pages * MS_A_SECOND,
            "first_ms": first.server_s * MS_A_SECOND,
            "p99_ms": percentile(latencies_s, 99) * MS_A_SECOND,
        }


class _Reader:
    """Asks for the page before the last one."""

    __slots__ = ("_before", "_connection", "_is_over", "_loop")

    def __init__(self, loop: Loop, connection: Client) -> None:
        self._loop = loop
        self._connection = connection
        self._before = b""
        self._is_over = False
        connection.on_script_end = self._over

    def read(self) -> None:
        """Read one page whole."""
        self._is_over = False
        self._connection.run(self._page())
        self._loop.run_until(lambda: self._is_over, "reading a page")

    def _over(self) -> None:
        self._is_over = True

    def _page(self) -> Script:
        self._connection.send(
            b"<iq type='set' id='page'><query xmlns='urn:xmpp:mam:2' queryid='q'>"
            b"<set xmlns='http://jabber.org/protocol/rsm'><max>%d</max><before>%b</before></set></query></iq>"
            % (PAGE, self._before)
        )
        page = yield (b"</iq>",)
        expect(page, b"</fin>")
        found = LAST_SEEN.search(page)
        if page.count(RESULT_END) != PAGE or found is None:
            raise LoadError(f"a page had {page.count(RESULT_END)} entries")
        self._before = found.group(1)
