"""What stands at ``/`` where no web client is installed: which server this is, and how to get in."""

from html import escape

from xmppd.core.http import HttpRequest, HttpResponse
from xmppd.net.http.pages import page


def front_page(request: HttpRequest) -> HttpResponse:
    """Give a short page about the domain."""
    name = escape(request.host)
    html = (
        f"<p>Accounts here look like <b>alice@{name}</b>. Any XMPP client can use them: "
        '<a href="https://xmpp.org/software/?platform=all-platforms">choose one</a>.</p>'
    )
    if request.is_secure and not request.base_url.startswith(
        "https:"
    ):  # whoever sees it sits at this machine
        html += "<p>To chat in the browser, right here, type <code>xmppctl web install</code>.</p>"
    return page(f"{request.host} is an XMPP server", html)
