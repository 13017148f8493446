"""A request whose head has come, as those see it who answer (`xmppd.core.http.HttpRequest`)."""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from twisted.internet.defer import Deferred, fail

from xmppd.core.http import HttpError, Route, Sink
from xmppd.net.http.body import Body, WholeBody
from xmppd.net.http.later import Answers
from xmppd.net.http.proxies import Asker

QUERY_FIELDS = 64
_NOTHING: Mapping[str, str] = {}
_NOBODY = Asker("", None, None, False)


class Request:
    """One request."""

    __slots__ = (
        "asker",
        "authority",
        "base_url",
        "body",
        "client",
        "content_length",
        "exchange",
        "headers",
        "host",
        "is_frequent",
        "is_https",
        "is_secure",
        "method",
        "parameters",
        "path",
        "peer",
        "query_text",
        "route",
    )

    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: Body | WholeBody) -> None:
        self.method = method
        self.path, _, self.query_text = target.partition("?")
        self.headers = headers
        self.body = body
        self.content_length = body.length
        self.parameters = _NOTHING
        self.host = self.client = self.base_url = ""
        self.authority = ""
        """The Host header, or what a proxy got as one: name and port."""
        self.peer = ""
        """The address of who has connected: a proxy's, or the client's."""
        self.is_secure = self.is_https = False
        self.is_frequent = False
        """Whether such requests are too many for a line of the log each."""
        self.route: Route | None = None
        """Who answers, once that is found; the log has its pattern, since paths may hold what is secret."""
        self.asker = _NOBODY
        self.exchange: Answers | None = None
        """Who writes the response; known while a handler is asked, which may keep it (`LATER`)."""

    @property
    def query(self) -> Mapping[str, str]:
        """The query, decoded; `HttpError` 400 where it has too many fields."""
        try:
            return dict(parse_qsl(self.query_text, keep_blank_values=True, max_num_fields=QUERY_FIELDS))
        except ValueError:
            raise HttpError(400) from None

    def forget_head(self) -> None:
        """Keep nothing of what came but what the response depends on: it may be long in coming."""
        self.headers = self.parameters = _NOTHING
        self.query_text = ""

    def whole(self, limit: int) -> bytes | None:
        """Give the whole body where it is there already; None where it is to be waited for, by `read`."""
        return self.body.whole(limit)

    def read(self, limit: int) -> Deferred[bytes]:
        """Give the whole body; fails with `HttpError` 413 beyond *limit* bytes."""
        try:
            return self.body.read(limit)
        except HttpError as error:
            return fail(error)

    def receive(self, sink: Sink) -> Deferred[int]:
        """Have *sink* take the body; fires with its size."""
        return self.body.receive(sink)
