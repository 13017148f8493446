"""The import rule of docs/architecture.rst: downward, never sideways, never in a circle, without escapes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from xmppd.services.parts import GROUPS

ROOT = Path(xmppd.__file__).parent
MAY_IMPORT = {
    "stanza": set(),
    "stream": {"stanza"},
    "storage": {"stanza"},
    "config": {"stanza"},
    "core": {"stanza", "stream", "storage", "config"},
    "services": {"stanza", "stream", "storage", "config", "core"},
    "modules": {"stanza", "stream", "storage", "config", "core", "services"},
    "net": {"stanza", "stream", "storage", "config", "core", "services"},
    "moving": {"stanza", "stream", "storage", "services"},
    "server": {"stanza", "stream", "storage", "config", "core", "services", "modules", "net"},
    "admin": {
        "stanza",
        "stream",
        "storage",
        "config",
        "core",
        "services",
        "modules",
        "net",
        "moving",
        "server",
    },
    "__main__": {"admin"},
    "tap": {"stanza", "stream", "storage", "config", "core", "services", "modules", "net", "admin", "server"},
    "testing": {"stanza", "stream", "storage", "config", "core", "services", "modules", "net", "server"},
}
"""Row by row: a package and the packages of ours that it may import besides itself."""
GROUPS_OF_SERVICES: dict[str, set[str]] = {
    "roster": {"roster", "placing", "subscriptions", "subscription_states"},
    "accounts": {"accounts", "sessions"},
    "invitations": {"invitations"},
    "presence": {"presence", "blocking"},
    "archive": {"ids", "archive"},
    "inbox": {"inbox", "machine", "kept"},
    "stream_management": {"service"},
    "profile": set(),
    "components": {"components"},
    "discovery": {"disco", "capabilities", "commands"},
    "login": {"clients", "login"},
    "push": {"push"},
    "reports": {"reports"},
    "rooms": {"rooms"},
    "federation": {"federation", "contacts"},
    "pubsub": set(),
    "uploads": {"uploads"},
    "bytestreams": {"bytestreams"},
}
"""In the order of `xmppd.services.parts`: a group and the files of it that it offers to the groups below it.

A group imports only what groups above it offer, so that there is no circle. Files beside the groups follow the same
rule as a group of their own that may import from all; only ``services/parts.py`` knows the groups' ``parts``.
"""
NO_TWISTED = {"stanza", "stream"}
FORBIDDEN_BELOW_NET = {"socket", "ssl", "OpenSSL"}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 400, 40
MAX_ANY = 4


def _sources() -> Iterator[tuple[Path, str, ast.Module]]:
    """Give each file with the name of its room and its tree."""
    for path in sorted(ROOT.rglob("*.py")):
        if path == ROOT / "__init__.py":
            continue
        yield path, path.relative_to(ROOT).parts[0].removesuffix(".py"), ast.parse(path.read_text())


def _imports(tree: ast.Module) -> Iterator[str]:
    """Give the dotted names that a file imports; for ``from a import b``, ``a.b``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


class ArchitectureTests(SynchronousTestCase):
    """Held over every file of the package."""

    def test_every_room_is_known(self) -> None:
        """A new package or top-level file needs a row in the table above, and in the documentation."""
        self.assertEqual({room for _, room, _ in _sources()} - MAY_IMPORT.keys(), set())

    def test_the_picture_is_true(self) -> None:
        """The plan shows every room in a row of its own number, and a room imports from lower rows only."""
        plan = (ROOT.parent / "docs" / "architecture.rst").read_text()
        rows = {
            room: int(row)
            for room, row in re.findall(r"^     (\w+)(?:/|\.py) +row (\d) ", plan, re.MULTILINE)
        }
        rows["__main__"] = rows["tap"]
        self.assertEqual(rows.keys(), MAY_IMPORT.keys())
        drawn = re.findall(r"^   row (\d)   (.*)$", plan, re.MULTILINE)
        shown = {room: int(row) for row, line in drawn for room in re.findall(r"(\w+)(?:/|\.py)", line)}
        self.assertEqual(shown, rows)
        wrong = [(room, below) for room in rows for below in MAY_IMPORT[room] if rows[below] >= rows[room]]
        self.assertEqual(wrong, [])

    def test_the_files_of_the_plan_are_there(self) -> None:
        """What the plan names by its path is where it says."""
        plan = (ROOT.parent / "docs" / "architecture.rst").read_text()
        named = set(re.findall(r"``((?:\w+/)+(?:\w+\.py)?)[:`]", plan))
        gone = [
            path for path in sorted(named) if not (ROOT / path).exists() and not (ROOT.parent / path).exists()
        ]
        self.assertEqual(gone, [])

    def test_imports_go_down(self) -> None:
        """A package imports only what stands below it."""
        wrong = [
            f"{path.relative_to(ROOT)} imports {name}"
            for path, room, tree in _sources()
            for name in _imports(tree)
            if name.startswith("xmppd.")
            and name.split(".")[1] not in {room, "__version__"}
            and name.split(".")[1] not in MAY_IMPORT[room]
        ]
        self.assertEqual(wrong, [])

    def test_modules_do_not_import_each_other(self) -> None:
        """A module says what it requires and talks by hooks or services."""
        wrong = []
        for path, room, tree in _sources():
            parts = path.relative_to(ROOT / "modules").parts if room == "modules" else ()
            for name in _imports(tree):
                if parts and name.startswith("xmppd.modules.") and name.split(".")[2] != parts[0]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
        self.assertEqual(wrong, [])

    def test_an_operators_tools_build_no_server(self) -> None:
        """But for the login that ``xmppctl check`` tries."""
        builders = {
            path.relative_to(ROOT).as_posix()
            for path, room, tree in _sources()
            for name in _imports(tree)
            if room == "admin" and name.startswith("xmppd.server.")
        }
        self.assertEqual(builders, {"admin/check/login.py"})

    def test_groups_of_services_import_what_others_offer(self) -> None:
        """A group of services imports from groups above it only, and only what they offer."""
        order, wrong = list(GROUPS_OF_SERVICES), []
        for path, room, tree in _sources():
            if room != "services" or path == ROOT / "services" / "parts.py":
                continue
            group = path.relative_to(ROOT / "services").parts[0]
            above = order[: order.index(group)] if path.parent.name == group else order
            for name in _imports(tree):
                other, file = [*name.split("."), "", "", ""][2:4]
                if not name.startswith("xmppd.services.") or other == group or other not in order:
                    continue
                if other not in above or file not in GROUPS_OF_SERVICES[other]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {name}")
        self.assertEqual(wrong, [])

    def test_every_group_of_services_builds_itself(self) -> None:
        """Each has a ``parts.py``, and a row in the table above in the order of building."""
        folders = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
        built = [call.__module__.split(".")[2] for call in GROUPS]
        self.assertEqual((folders, built), (set(GROUPS_OF_SERVICES), list(GROUPS_OF_SERVICES)))

    def test_types_are_known(self) -> None:
        """``Any`` stands where a foreign library or a JSON text gives no type: at most four times in 1,000 lines."""
        anys = lines = 0
        for path, _, tree in _sources():
            anys += sum(isinstance(node, ast.Name) and node.id == "Any" for node in ast.walk(tree))
            lines += len(path.read_text().splitlines())
        self.assertLessEqual(anys * 1_000 / lines, MAX_ANY)

    def test_no_escape_from_the_rule(self) -> None:
        """Neither TYPE_CHECKING nor an import inside a function, except where a program must start fast."""
        wrong = []
        for path, room, tree in _sources():
            text = path.read_text()
            if "TYPE_CHECKING" in text:
                wrong.append(f"{path.relative_to(ROOT)}: TYPE_CHECKING")
            if room in ("admin", "tap"):
                continue
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    inner = [n for n in ast.walk(node) if isinstance(n, ast.Import | ast.ImportFrom)]
                    wrong += [
                        f"{path.relative_to(ROOT)}:{n.lineno}: an import inside a function" for n in inner
                    ]
        self.assertEqual(wrong, [])

    def test_lower_rooms_know_no_network(self) -> None:
        """`stanza` and `stream` know no Twisted; sockets and TLS are for `net` and above."""
        wrong = []
        for path, room, tree in _sources():
            tops = {name.split(".")[0] for name in _imports(tree)}
            if room in NO_TWISTED and tops & {"twisted", "zope"}:
                wrong.append(f"{path.relative_to(ROOT)} imports twisted")
            if room not in ("net", "admin", "server", "tap") and tops & FORBIDDEN_BELOW_NET:
                wrong.append(f"{path.relative_to(ROOT)} imports {sorted(tops & FORBIDDEN_BELOW_NET)}")
        self.assertEqual(wrong, [])

    def test_importing_the_plugin_target_loads_no_reactor(self) -> None:
        """twistd chooses the reactor after it has imported `xmppd.tap`."""
        program = "import sys, xmppd.tap; sys.exit('twisted.internet.reactor' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_server_loads_nothing_of_the_command_line(self) -> None:
        """click and rich cost time and memory, and stay in the process of xmppctl (decision 0004)."""
        program = "import sys, xmppd.tap; sys.exit(', '.join({'click', 'rich'} & set(sys.modules)) or 0)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_helps_to_test_needs_no_test_tool(self) -> None:
        """An author of a module chooses their own tools, and Twisted its reactor."""
        names = ", ".join(f"xmppd.testing.{path.stem}" for path in (ROOT / "testing").glob("[a-z]*.py"))
        tools = "{'pytest', 'hypothesis', 'twisted.internet.reactor'}"
        program = f"import sys, {names}; sys.exit(', '.join({tools} & set(sys.modules)) or 0)"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_files_and_functions_keep_their_size(self) -> None:
        """A file past its size becomes a folder, a function past its size two functions."""
        wrong = []
        for path, _, tree in _sources():
            lines = len(path.read_text().splitlines())
            if lines > MAX_FILE_LINES:
                wrong.append(f"{path.relative_to(ROOT)}: {lines} lines")
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    body = node.body[1:] if ast.get_docstring(node) else node.body
                    length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                    if length > MAX_FUNCTION_LINES:
                        wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}: {length} lines")
        self.assertEqual(wrong, [])
