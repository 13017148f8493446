"""The README's table of specifications."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

import xmppd.modules
from xmppd.admin.xep_table import BEGIN, END, README, TITLES, Row, _declared, rows, table, with_table
from xmppd.core.loader import find_modules
from xmppd.core.module import XEP, Module


def module(name: str, *xeps: XEP, is_default: bool = True) -> type[Module]:
    """Give a module class that declares *xeps*."""
    declared: dict[str, Any] = {
        "name": name,
        "summary": f"About {name}",
        "xep": xeps,
        "is_default": is_default,
    }
    return type(name, (Module,), declared)


class TableTests(SynchronousTestCase):
    """What is made of what modules declare."""

    def test_rows(self) -> None:
        """A row for each specification, in order; several modules make one row, RFCs stand first."""
        got = rows(
            [
                module("uptime", XEP(12, "2.0")),
                module("ping", XEP(199, "2.0.1"), is_default=False),
                module("last", XEP(12, "2.0", "of accounts"), XEP(9_999, "1.0")),
            ],
            [Row("RFC 6120", "Core", "", "core"), Row("XEP-0199", "XMPP Ping", "", "net", "early")],
        )
        self.assertEqual(
            got,
            [
                Row("RFC 6120", "Core", "", "core"),
                Row("XEP-0012", "Last Activity", "2.0", "last, uptime", "of accounts"),
                Row("XEP-0199", "XMPP Ping", "2.0.1", "net, ping", "early; off by default"),
                Row("XEP-9999", "About last", "1.0", "last"),
            ],
        )

    def test_text(self) -> None:
        """A simple table of reStructuredText, without blanks at the ends of lines."""
        written = table([module("ping", XEP(199, "2.0.1"))], [])
        lines = written.splitlines()
        self.assertEqual(lines[0], lines[2])
        self.assertEqual(lines[0], lines[-1])
        self.assertEqual(lines[3].split(), ["XEP-0199", "XMPP", "Ping", "2.0.1", "ping"])
        self.assertFalse([line for line in lines if line != line.rstrip()])

    def test_marks(self) -> None:
        """What stands between the marks is replaced, once and for all; without marks there is no place."""
        text = f"before\n{BEGIN}\nold\n{END}\nafter\n"
        once = with_table(text, "new\n")
        self.assertEqual(once, f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n")
        self.assertEqual(with_table(once, "new\n"), once)
        self.assertRaises(ValueError, with_table, "no marks", "new")


class ReadmeTests(SynchronousTestCase):
    """``README.rst`` itself."""

    def test_titles(self) -> None:
        """Each specification that a module declares has its title."""
        modules = find_modules(xmppd.modules).values()
        numbers = {xep.number for cls in modules for xep in _declared(cls)}
        self.assertEqual(numbers - TITLES.keys(), set())

    def test_fresh(self) -> None:
        """The table is what the modules say now; if not: python -m xmppd.admin.xep_table."""
        text = README.read_text(encoding="utf-8")
        written = with_table(text, table(find_modules(xmppd.modules).values()))
        self.assertEqual(text, written, "write it anew: python -m xmppd.admin.xep_table")
