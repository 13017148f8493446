"""Delayed Delivery: XEP-0203 2.0, the mark of what is delivered later than it came."""

from xmppd.stanza.element import escape_attr
from xmppd.stanza.layout import ChildName
from xmppd.stanza.stamps import parse_stamp, stamp_of
from xmppd.stanza.stanza import Stanza

NS_DELAY = "urn:xmpp:delay"
DELAY: ChildName = (NS_DELAY, "delay")


def delay_xml(at: float, from_: str = "") -> bytes:
    """Write the mark: *at* in seconds since 1970, *from_* is who held it back."""
    by = f" from='{escape_attr(from_)}'" if from_ else ""
    return f"<delay xmlns='{NS_DELAY}'{by} stamp='{stamp_of(at)}'/>".encode()


def delayed(stanza: Stanza, at: float, host: str) -> Stanza:
    """Give *stanza*, which came *at* or earlier, as *host* delivers it late: with one mark of the host."""
    at = came_at(stanza, at, host)
    return without_delay_of(stanza, host).with_last(delay_xml(at, host), DELAY)


def without_delay_of(stanza: Stanza, from_: str) -> Stanza:
    """Give *stanza* without the marks of *from_*, before it is delivered later once more."""
    if DELAY not in stanza.child_names:
        return stanza
    children = list(stanza.element.elements())
    return stanza.without(
        lambda ns, name, index: (ns, name) == DELAY and children[index].get("from") == from_
    )


def came_at(stanza: Stanza, at: float, host: str) -> float:
    """Give when *stanza* came to *host*: *at*, or earlier where a mark of the host says so."""
    if DELAY in stanza.child_names:
        for child in stanza.element.elements():
            if (child.ns, child.name) == DELAY and child.get("from") == host:
                try:
                    return min(at, parse_stamp(child.get("stamp") or ""))
                except ValueError:
                    break
    return at
