"""The README's table of what the server speaks, made from what the modules declare: it is never out of date.

``python -m xmppd.admin.xep_table`` writes it anew, between the two marks in ``README.rst``, and ``doap.xml`` with it; a
test holds them to that.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import xmppd.modules
from xmppd.core.loader import find_modules
from xmppd.core.module import XEP, Module

BEGIN, END = ".. xeps-begin", ".. xeps-end"
README: Final = Path(__file__).parents[2] / "README.rst"


class Row(NamedTuple):
    """A specification: its id, title and version, where it is done, and what is to be said of it."""

    id: str
    name: str
    version: str
    where: str
    note: str = ""


CORE: Final = (
    Row("RFC 6120", "XMPP: Core", "", "core, net", "clients and servers"),
    Row("RFC 6121", "XMPP: Instant Messaging and Presence", "", "core, services"),
    Row("RFC 7622", "XMPP: Address Format", "", "stanza"),
    Row("RFC 7590", "Use of TLS in XMPP", "", "net"),
    Row("RFC 5802", "SCRAM, with RFC 7677", "", "stream", "SHA-1, SHA-256 and SHA-512, each also -PLUS"),
    Row("RFC 9525", "Service Identity in TLS", "", "net", "certificates of servers"),
    Row("RFC 7628", "SASL for OAuth: OAUTHBEARER", "", "stream", "where auth is oauth"),
    Row("RFC 9266", "Channel Bindings for TLS 1.3", "", "net", "and those of RFC 5929"),
    Row("RFC 7395", "XMPP over WebSocket", "", "stream, net", "with RFC 6455 and RFC 7692 by websockets"),
    Row("XEP-0004", "Data Forms", "2.13.2", "stanza"),
    Row("XEP-0068", "Field Standardization for Data Forms", "1.3.0", "stanza"),
    Row("XEP-0082", "XMPP Date and Time Profiles", "1.1.1", "stanza"),
    Row("XEP-0114", "Jabber Component Protocol", "1.6", "net", "components that connect (accept)"),
    Row(
        "XEP-0124",
        "Bidirectional-streams Over Synchronous HTTP (BOSH)",
        "1.11.2",
        "stream, net",
        "one stream a session",
    ),
    Row("XEP-0156", "Discovering Alternative XMPP Connection Methods", "1.4.0", "net", "XRD and JSON"),
    Row("XEP-0175", "Best Practices for Use of SASL ANONYMOUS", "1.2", "stream"),
    Row(
        "XEP-0178",
        "Best Practices for Use of SASL EXTERNAL with Certificates",
        "1.2",
        "net",
        "of clients and servers",
    ),
    Row("XEP-0185", "Dialback Key Generation and Validation", "1.0", "stream"),
    Row("XEP-0205", "Best Practices to Discourage Denial of Service Attacks", "1.0.2", "core, net"),
    Row("XEP-0206", "XMPP Over BOSH", "1.4", "stream, net"),
    Row("XEP-0220", "Server Dialback", "1.1.1", "stream, net"),
    Row("XEP-0288", "Bidirectional Server-to-Server Connections", "1.0.1", "net", "one pair of domains each"),
    Row(
        "XEP-0368",
        "SRV records for XMPP over TLS",
        "1.1.0",
        "net",
        "direct TLS for clients and servers, both ways",
    ),
    Row("XEP-0440", "SASL Channel-Binding Type Capability", "1.0.0", "net"),
    Row("XEP-0474", "SASL SCRAM Downgrade Protection", "0.5.0", "stream"),
)
"""What is done outside the modules."""

TITLES: Final = {
    4: "Data Forms",
    12: "Last Activity",
    13: "Flexible Offline Message Retrieval",
    16: "Privacy Lists",
    30: "Service Discovery",
    33: "Extended Stanza Addressing",
    45: "Multi-User Chat",
    48: "Bookmarks",
    49: "Private XML Storage",
    50: "Ad-Hoc Commands",
    54: "vcard-temp",
    55: "Jabber Search",
    59: "Result Set Management",
    60: "Publish-Subscribe",
    65: "SOCKS5 Bytestreams",
    68: "Field Standardization for Data Forms",
    77: "In-Band Registration",
    82: "XMPP Date and Time Profiles",
    84: "User Avatar",
    85: "Chat State Notifications",
    92: "Software Version",
    100: "Gateway Interaction",
    106: "JID Escaping",
    114: "Jabber Component Protocol",
    115: "Entity Capabilities",
    122: "Data Forms Validation",
    124: "Bidirectional-streams Over Synchronous HTTP (BOSH)",
    128: "Service Discovery Extensions",
    133: "Service Administration",
    138: "Stream Compression",
    153: "vCard-Based Avatars",
    156: "Discovering Alternative XMPP Connection Methods",
    157: "Contact Addresses for XMPP Services",
    160: "Best Practices for Handling Offline Messages",
    163: "Personal Eventing Protocol",
    175: "Best Practices for Use of SASL ANONYMOUS",
    178: "Best Practices for Use of SASL EXTERNAL with Certificates",
    184: "Message Delivery Receipts",
    185: "Dialback Key Generation and Validation",
    191: "Blocking Command",
    198: "Stream Management",
    199: "XMPP Ping",
    202: "Entity Time",
    203: "Delayed Delivery",
    205: "Best Practices to Discourage Denial of Service Attacks",
    206: "XMPP Over BOSH",
    215: "External Service Discovery",
    220: "Server Dialback",
    222: "Persistent Storage of Public Data via PubSub",
    223: "Persistent Storage of Private Data via PubSub",
    225: "Component Connections",
    227: "Portable Import/Export Format for XMPP-IM Servers",
    231: "Bits of Binary",
    237: "Roster Versioning",
    248: "PubSub Collection Nodes",
    249: "Direct MUC Invitations",
    280: "Message Carbons",
    288: "Bidirectional Server-to-Server Connections",
    292: "vCard4 Over XMPP",
    297: "Stanza Forwarding",
    307: "Unique Room Names for Multi-User Chat",
    313: "Message Archive Management",
    317: "Hats",
    318: "Best Practices for Client Initiated Presence Probes",
    333: "Displayed Markers",
    334: "Message Processing Hints",
    352: "Client State Indication",
    355: "Namespace Delegation",
    356: "Privileged Entity",
    357: "Push Notifications",
    359: "Unique and Stable Stanza IDs",
    363: "HTTP File Upload",
    368: "SRV records for XMPP over TLS",
    377: "Blocking Command Reports",
    379: "Pre-Authenticated Roster Subscription",
    384: "OMEMO Encryption",
    386: "Bind 2",
    388: "Extensible SASL Profile",
    390: "Entity Capabilities 2.0",
    397: "Instant Stream Resumption",
    398: "User Avatar to vCard-Based Avatars Conversion",
    401: "Ad-hoc Account Invitation Generation",
    402: "PEP Native Bookmarks",
    410: "MUC Self-Ping (Schrödinger's Chat)",
    411: "Bookmarks Conversion",
    421: "Occupant identifiers for semi-anonymous MUCs",
    424: "Message Retraction",
    425: "Moderated Message Retraction",
    428: "Fallback Indication",
    431: "Full Text Search in MAM",
    433: "Extended Channel Search",
    440: "SASL Channel-Binding Type Capability",
    441: "Message Archive Management Preferences",
    444: "Message Reactions",
    445: "Pre-Authenticated In-Band Registration",
    455: "Service Outage Status",
    461: "Message Replies",
    474: "SASL SCRAM Downgrade Protection",
    478: "Stream Limits Advertisement",
    480: "SASL Upgrade Tasks",
    484: "Fast Authentication Streamlining Tokens",
    485: "PubSub Server Information",
    486: "MUC Avatars",
    489: "Reporting Account Affiliations",
    490: "Message Displayed Synchronization",
    492: "Chat notification settings",
    494: "Client Access Management",
    500: "MUC Slow Mode",
    502: "MUC Activity Indicator",
}
"""The titles of specifications that modules declare by number."""


def rows(modules: Iterable[type[Module]], core: Iterable[Row] = CORE) -> list[Row]:
    """Give a row for each specification, by its number, RFCs first; what several modules do is one row."""
    merged = {row.id: row for row in core}
    for module in sorted(modules, key=lambda cls: cls.name):
        for xep in _declared(module):
            found = _row(module, xep)
            known = merged.get(found.id)
            merged[found.id] = found if known is None else _merged(known, found)
    return [merged[id] for id in sorted(merged)]


def table(modules: Iterable[type[Module]], core: Iterable[Row] = CORE) -> str:
    """Give the table as reStructuredText."""
    cells = [("Specification", "Title", "Version", "Where", "Note"), *rows(modules, core)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in (rule, lines[0], rule, *lines[1:], rule)) + "\n"


def with_table(text: str, written: str) -> str:
    """Give *text* with *written* between the two marks; ValueError where they are missing."""
    before, begin, rest = text.partition(BEGIN + "\n")
    _, end, after = rest.partition(END + "\n")
    if not begin or not end:
        raise ValueError(f"there is no {BEGIN} or no {END}")
    return f"{before}{begin}\n{written}\n{end}{after}"


def _declared(module: type[Module]) -> tuple[XEP, ...]:
    declared = module.xep
    if declared is None:
        return ()
    return (declared,) if isinstance(declared, XEP) else declared


def _row(module: type[Module], xep: XEP) -> Row:
    notes = [note for note in (xep.note, "" if module.is_default else "off by default") if note]
    title = TITLES.get(xep.number, module.summary)
    return Row(f"XEP-{xep.number:04}", title, xep.version, module.name, "; ".join(notes))


def _merged(one: Row, other: Row) -> Row:
    notes = dict.fromkeys(note for note in (one.note, other.note) if note)
    version = max(one.version, other.version)
    return Row(one.id, one.name, version, f"{one.where}, {other.where}", "; ".join(notes))


def main() -> None:
    """Write the table into the README, and the same for programs."""
    from xmppd.admin import doap  # it is made of these rows

    text = README.read_text(encoding="utf-8")
    written = with_table(text, table(find_modules(xmppd.modules).values()))
    README.write_text(written, encoding="utf-8")
    doap.FILE.write_text(doap.current(), encoding="utf-8")
    print(f"{README.name} is {'as it was' if text == written else 'written anew'}", file=sys.stderr)


if __name__ == "__main__":
    main()
