"""What strangers get who ask an account by IQ: the same whether there is such an account or not (RFC 6120 13.11).

For accounts that there are not RFC 6121 8.5.1 has service-unavailable, so that is what a stranger gets for whatever it
has no right to, though the specification of a request may prefer another condition where the account is known:

=====================================  ==========================  ==================================================
request                                a stranger gets             what else might be said of an account that is there
=====================================  ==========================  ==================================================
roster get, set                        service-unavailable         forbidden (RFC 6121 2.3.3)
private data, vCard set                service-unavailable         forbidden (XEP-0049 2.1 allows both; XEP-0054 3.2)
archive, preferences                   service-unavailable         forbidden (XEP-0313 8.1, should)
last activity, of resources too        service-unavailable         forbidden (XEP-0012 3, 4)
carbons                                service-unavailable         not-allowed (XEP-0280 4, 5)
block list, push, clients, password    service-unavailable         forbidden, or nothing
ping                                   service-unavailable         the same (XEP-0199 4.3)
disco#info                             service-unavailable         the same (XEP-0030 8)
disco#items                            an empty list               the same (XEP-0030 8: of who is not there, too)
nodes (pubsub)                         service-unavailable         item-not-found (XEP-0060 6.5.9: a node says more)
vCard get                              the vCard, if there is one  service-unavailable (XEP-0054 3.3)
whatever nobody handles                service-unavailable         the same (RFC 6121 8.5.2.1.3)
=====================================  ==========================  ==================================================

Who a stranger is depends on the request: to an "own" handler everybody but the owner is one, "account" handlers find
out for themselves and raise `refused`. For an account that there is not no handler is asked, but for those in
`ANSWERED`.
"""

from typing import Final

from xmppd.stanza.errors import StanzaError

ANSWERED: Final = frozenset((("get", "http://jabber.org/protocol/disco#items", "query"),))
"""Requests that are no error for an account that there is not: their handler answers as it does to a stranger."""


def refused() -> StanzaError:
    """Make the error that a stranger gets."""
    return StanzaError("service-unavailable")
