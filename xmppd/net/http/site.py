"""Who answers a request: the domain that is meant, and the handler of its path.

A domain is meant by its name, or by the name in its ``external_url``. Names that belong to several (the server's
``external_url``, ``localhost``, a bare address) mean the first domain that has something at the path, those with
accounts first. A name that is nobody's is refused (RFC 9110 15.5.20), so that no page of another site gets in by a
name that it has made point here. What is for the server as a whole answers under any of these.
"""

import ipaddress
import re
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from xmppd.config.http import Http
from xmppd.config.model import is_local
from xmppd.core.environment import CurrentConfiguration
from xmppd.core.host import Host, Hosts
from xmppd.core.http import Found, HttpError, HttpHandler, HttpResponse, RequestLost, Route, Routes
from xmppd.core.networks import is_among
from xmppd.core.web import WebAddresses, configured_url, hostname_of
from xmppd.net.http.heads import Heads
from xmppd.net.http.later import LATER, Answers
from xmppd.net.http.pages import error_response, prefers_json
from xmppd.net.http.proxies import FORWARDING, Asker, asker_of
from xmppd.net.http.request import Request
from xmppd.stanza.jid import JID, InvalidJID

PREFLIGHT_S: Final = 86_400
LOCALHOST: Final = "localhost"
WELL_KNOWN: Final = "/.well-known/"
REMEMBERED: Final = 256
"""Names and addresses for which is remembered what they mean, until the configuration changes."""
_AUTHORITY: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:/@?#\s]*)(?::(\d{1,5}))?")


class Site:
    """All that is answered by HTTP."""

    _log = Logger()

    def __init__(self, hosts: Hosts, current: CurrentConfiguration, addresses: WebAddresses) -> None:
        self._hosts = hosts
        self._current = current
        self._addresses = addresses
        self.heads = Heads()
        self.routes = Routes()
        """What is for the server as a whole."""
        self.anywhere = Routes()
        """What answers under any name, also such as are nobody's; below `WELL_KNOWN` alone."""
        self._remembered_of: object = None
        self._domains: dict[str, list[Host]] = {}
        self._names: dict[str, str] = {}
        self._near: dict[str, tuple[bool, bool, Asker]] = {}

    @property
    def options(self) -> Http:
        """The options that hold now."""
        return self._current.config.http

    def identify(self, request: Request, peer: str, is_tls: bool) -> None:
        """Fill in who asks, how it came, and what its address is called."""
        is_here, is_proxy, asker = self._peer(peer)
        if is_proxy and not FORWARDING.isdisjoint(request.headers):
            asker = asker_of(peer, request.headers, self.options.trusted_proxies)
        request.asker = asker
        request.client, request.peer = asker.address, peer
        request.is_https = is_tls or asker.scheme == "https"
        stays_here = is_here and not asker.is_behind_proxy
        request.is_secure = request.is_https or stays_here

    def respond(self, request: Request, exchange: Answers) -> None:
        """Have *request* answered; *exchange* gets the response, now or later."""
        request.exchange = exchange
        try:
            answer = self._handle(request)
            if not isinstance(answer, Deferred) and answer is not LATER:
                answer = self._checked(answer, request)
        except Exception:  # noqa: BLE001 - the net of HTTP requests
            answer = self._failed(Failure(), request)
        request.exchange = None
        if isinstance(answer, Deferred):
            answer.addCallback(self._checked, request).addErrback(self._failed, request)
            answer.addCallback(exchange.answer)
        elif answer is not LATER:
            exchange.answer(answer)

    def _checked(self, response: HttpResponse, request: Request) -> HttpResponse:
        if request.route is not None and request.route.has_cors:
            response = _with_cors(response)
        self.heads.check(response.headers)
        return response

    def _handle(self, request: Request) -> HttpResponse | Deferred[HttpResponse]:
        found = self._find(request)
        route, handler = self._choose(request, found)
        request.route, request.parameters = route, found.parameters
        return _preflight(found) if handler is None else handler(request)

    def _find(self, request: Request) -> Found:
        if not request.path.isascii():
            raise HttpError(400)
        name, authority = self._authority(request)
        request.authority = authority
        if request.path.startswith(WELL_KNOWN):
            found = self.anywhere.find(request.path)
            if found is not None:
                return found
        domains = self._meant(name)
        if not domains:
            raise HttpError(421)
        scheme = "https" if request.is_https else "http"
        for domain in domains:
            found = domain.routes.find(request.path)
            if found is not None:
                break
        else:
            domain, found = domains[0], self.routes.find(request.path)
        request.host = domain.name
        request.base_url = configured_url(self._current.config, domain.name) or f"{scheme}://{authority}"
        if request.is_secure and not request.is_https and not self._stays_here(request, name):
            request.is_secure = False
        if found is None:
            raise HttpError(404)
        return found

    def _stays_here(self, request: Request, name: str) -> bool:
        """Whether what comes from this machine, in the clear and by no proxy that says so, never was on a network.

        By a name that others know it may come through a proxy that says nothing, which is taken for one without TLS,
        unless the configuration says that the domain is reached by it.
        """
        return _is_for_this_machine(name) or request.base_url.startswith("https:")

    def _authority(self, request: Request) -> tuple[str, str]:
        """Give the name that is asked for, prepared, and what stands in its place in a URL."""
        text = request.asker.host or request.headers.get("host", "")
        scheme, mark, rest = request.path.partition("://")
        if mark and scheme.lower() in ("http", "https"):  # RFC 9112 3.2.2: before the header
            text, slash, path = rest.partition("/")
            request.path = slash + path or "/"
        name = self._names.get(text)
        if name is None:
            found = _AUTHORITY.fullmatch(text)
            if found is None:
                raise HttpError(400)
            name = _prepared(found[1] or LOCALHOST)  # HTTP/1.0 need not say it
            if len(self._names) < REMEMBERED:
                self._names[text] = name
        return name, text or LOCALHOST

    def _peer(self, peer: str) -> tuple[bool, bool, Asker]:
        """Say whether *peer* is on this machine, whether it is a proxy that is trusted, and who asks if it is none."""
        self._forget()
        known = self._near.get(peer)
        if known is None:
            is_proxy = is_among(peer, self.options.trusted_proxies)
            known = is_local_address(peer), is_proxy, Asker(peer, None, None, False)
            if len(self._near) < REMEMBERED:
                self._near[peer] = known
        return known

    def _meant(self, name: str) -> list[Host]:
        self._forget()
        known = self._domains.get(name)
        if known is None:
            known = self.domains(name)
            if known and len(self._domains) < REMEMBERED:
                self._domains[name] = known
        return known

    def _forget(self) -> None:
        """Another configuration may mean something else."""
        config = self._current.config
        if config is not self._remembered_of:
            self._remembered_of = config
            self._domains.clear()
            self._near.clear()
            self._names.clear()

    def domains(self, name: str) -> list[Host]:
        """Give the domains that the (prepared) name in a Host header may mean, the likeliest first."""
        config = self._current.config
        by_name = self._hosts.get(name)
        if by_name is not None and name != LOCALHOST:
            return [by_name]
        in_order = sorted(self._hosts, key=lambda host: not host.has_accounts)
        urls = {host: configured_url(config, host.name) for host in in_order}
        meant = [host for host in in_order if (url := urls[host]) and hostname_of(url) == name]
        if not meant and _is_for_this_machine(name):
            meant = sorted(in_order, key=lambda host: host is not by_name) if by_name else in_order
        return meant

    def _choose(self, request: Request, found: Found) -> tuple[Route, HttpHandler | None]:
        method = "GET" if request.method == "HEAD" else request.method
        chosen = found.methods.get(method)
        if chosen is not None:
            return chosen
        if method == "OPTIONS":
            return next(iter(found.methods.values()))[0], None
        raise HttpError(405, headers={"Allow": found.allowed})

    def _failed(self, failure: Failure, request: Request) -> HttpResponse:
        error = failure.value
        if isinstance(error, RequestLost):
            error = HttpError(400)
        if not isinstance(error, HttpError):
            self._log.failure(
                "A request could not be answered: {method} {route}",
                failure,
                method=request.method,
                route="" if request.route is None else request.route.pattern,
                peer=request.client,
            )
            error = HttpError(500)
        return self.refusal(error, request)

    def refusal(self, error: HttpError, request: Request) -> HttpResponse:
        """Give the response for *error*; pages of other sites see it where they may ask."""
        route = request.route
        is_json = prefers_json(request.headers.get("accept", "")) or (route is not None and route.has_json)
        response = error_response(error, is_json=is_json)
        return _with_cors(response) if route is not None and route.has_cors else response

    def is_proxy(self, peer: str) -> bool:
        """Whether *peer* is a proxy that is trusted, so that the limits of an address are not for it."""
        return self._peer(peer)[1]


def _preflight(found: Found) -> HttpResponse:
    """What OPTIONS is told (RFC 9110 9.3.7), and a browser about pages of other sites."""
    headers = {"Allow": found.allowed}
    if any(route.has_cors for route, _ in found.methods.values()):
        headers |= {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": found.allowed,
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
            "Access-Control-Max-Age": str(PREFLIGHT_S),
        }
    return HttpResponse(204, headers)


def _with_cors(response: HttpResponse) -> HttpResponse:
    more = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    return HttpResponse(response.status, {**more, **response.headers}, response.body)


def _prepared(name: str) -> str:
    if name.startswith("["):
        return name.strip("[]")
    try:
        return JID.parse(name).domainpart
    except InvalidJID:
        return name.lower()


def is_local_address(peer: str) -> bool:
    """Whether *peer* is an address of this machine alone."""
    try:
        return ipaddress.ip_address(peer).is_loopback
    except ValueError:
        return False


def _is_for_this_machine(name: str) -> bool:
    """Whether a name cannot be one that somebody else has made point here."""
    if is_local(name):
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
