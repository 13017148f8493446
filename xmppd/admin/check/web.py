"""``web.*``: whether web clients find a domain and may log in there: addresses, TLS, host-meta (XEP-0156).

Fetches ``https://DOMAIN/.well-known/host-meta.json`` of each domain that has a web address for others, as clients do.
"""

import json
from collections.abc import Iterator
from typing import Final

from xmppd.admin.check.subject import Subject
from xmppd.admin.check.uploads import check_upload_stores
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.model import is_local
from xmppd.core.web import configured_url, hostname_of

PATH: Final = "/.well-known/host-meta.json"
_RELATIONS: Final = ("urn:xmpp:alt-connections:websocket", "urn:xmpp:alt-connections:xbosh")
_FOUND: Final = 200


def check_web(subject: Subject) -> Iterator[Finding]:
    """Look at what the configuration says, and at what the web server of each domain answers."""
    yield from _plain(subject)
    yield from check_upload_stores(subject)
    config = subject.config
    for name in config.hosts:
        url = configured_url(config, name)
        if is_local(name) or (url is None and not config.http.tls_listen):
            continue
        place = config.source.place(config.table_of(name))
        why = _what_is_wrong(subject, name, url or f"https://{name}")
        if why is not None:
            remedy = (
                f"have the web server of {name} pass /.well-known/host-meta and host-meta.json to this one, with Host, "
                "or leave this check out with --offline"
            )
            yield Finding("web.host-meta", "warning", place, f"https://{name}{PATH}", why, remedy)


def _plain(subject: Subject) -> Iterator[Finding]:
    """Addresses by which passwords would cross the network in the clear, or nobody could log in."""
    config = subject.config
    urls: list[tuple[KeyPath, str | None]] = [(("http",), config.http.external_url)]
    urls += [(config.table_of(domain.name), domain.external_url) for domain in config.domains]
    for table, url in urls:
        if url is not None and url.startswith("http:") and not is_local(hostname_of(url)):
            path = (*table, "external_url")
            why = "browsers would send passwords and messages without TLS"
            remedy = "write https:, and have a proxy or http.tls_listen end TLS"
            yield Finding(
                "web.plain", "warning", config.source.place(path), f'external_url = "{url}"', why, remedy
            )
    for index, address in enumerate(config.http.listen):
        if not address.is_loopback:
            place = config.source.place(("http", "listen", index))
            why = "it is reached from other machines without TLS, so that nobody may log in by it"
            remedy = (
                "list it under http.tls_listen, or listen on 127.0.0.1 and [::1] behind a proxy that ends TLS"
            )
            yield Finding("web.open", "warning", place, f'"{address}" in http.listen', why, remedy)


def _what_is_wrong(subject: Subject, name: str, url: str) -> str | None:
    try:
        status, body = subject.machine.fetch(f"https://{name}{PATH}")
    except OSError as problem:
        return f"web clients that look for the domain get no answer: {problem}"
    if status != _FOUND:
        return f"web clients that look for the domain get {status}"
    try:
        links = {link["rel"]: link["href"] for link in json.loads(body)["links"]}
    except (ValueError, KeyError, TypeError):
        return "what web clients get there is no host-meta"
    told = [links[relation] for relation in _RELATIONS if relation in links]
    if not told:
        return "it names neither a WebSocket nor BOSH"
    behind = url.partition("://")[2]
    other = next((href for href in told if href.partition("://")[2].partition("/")[0] != behind), None)
    return None if other is None else f"it leads to {other}, and this server is to be at {url}"
