"""``doap.xml``: what the server is and speaks, for programs (DOAP with XEP-0453), made from what the modules declare.

``python -m xmppd.admin.xep_table`` writes it anew; a test holds it to that.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

import xmppd.modules
from xmppd.admin.xep_table import Row, rows
from xmppd.core.loader import find_modules

FILE: Final = Path(__file__).parents[2] / "doap.xml"
HEAD: Final = """<?xml version="1.0" encoding="UTF-8"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://usefulinc.com/ns/doap#"
         xmlns:xmpp="https://linkmauve.fr/ns/xmpp-doap#">
  <Project>
    <name>xmppd</name>
    <shortdesc xml:lang="en">An XMPP server on Twisted, which loses nothing that it acknowledged</shortdesc>
    <programming-language>Python</programming-language>
    <os>Linux</os>
    <os>FreeBSD</os>
    <license rdf:resource="https://spdx.org/licenses/MIT"/>
    <category rdf:resource="https://linkmauve.fr/ns/xmpp-doap#category-server"/>
"""
TAIL: Final = """  </Project>
</rdf:RDF>
"""
RFC: Final = '    <implements rdf:resource="https://www.rfc-editor.org/info/rfc{}"/>\n'
XEP: Final = """    <implements>
      <xmpp:SupportedXep>
        <xmpp:xep rdf:resource="https://xmpp.org/extensions/xep-{}.html"/>
        <xmpp:status>{}</xmpp:status>
{}      </xmpp:SupportedXep>
    </implements>
"""


def doap(found: Iterable[Row]) -> str:
    """Give the file of these specifications."""
    return HEAD + "".join(map(_implements, found)) + TAIL


def current() -> str:
    """Give the file as it has to be now."""
    return doap(rows(find_modules(xmppd.modules).values()))


def _implements(row: Row) -> str:
    """One with a note is partial, as far as XEP-0453 has words for it."""
    if row.id.startswith("RFC"):
        return RFC.format(row.id.partition(" ")[2])
    more = f"        <xmpp:version>{escape(row.version)}</xmpp:version>\n" if row.version else ""
    more += f'        <xmpp:note xml:lang="en">{escape(row.note)}</xmpp:note>\n' if row.note else ""
    return XEP.format(row.id.removeprefix("XEP-"), "partial" if row.note else "complete", more)
