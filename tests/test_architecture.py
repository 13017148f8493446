"""The import rule of docs/architecture.rst: downward, never sideways, never in a circle, without escapes."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
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
IMPORTS = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class Source:
    """What the tests ask of a file; its tree would take a second to make anew for each, and much memory to keep."""

    path: Path
    room: str
    lines: int
    imports: tuple[str, ...]
    """Dotted names; for ``from a import b``, ``a.b``."""
    inner_imports: tuple[int, ...]
    """The lines of those inside a function."""
    functions: tuple[tuple[int, str, int], ...]
    """Line, name, and how many lines long without its docstring."""
    anys: int
    checks_types: bool
    """Whether it says TYPE_CHECKING."""

    @property
    def name(self) -> str:
        """Its path in the package."""
        return str(self.path.relative_to(ROOT))


@cache
def _sources() -> tuple[Source, ...]:
    """Read each file of the package."""
    return tuple(_read(path) for path in sorted(ROOT.rglob("*.py")) if path != ROOT / "__init__.py")


def _read(path: Path) -> Source:
    text = path.read_text()
    nodes = list(ast.walk(ast.parse(text)))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    inner = {node for function in functions for node in ast.walk(function) if isinstance(node, IMPORTS)}
    return Source(
        path,
        path.relative_to(ROOT).parts[0].removesuffix(".py"),
        len(text.splitlines()),
        tuple(name for node in nodes for name in _imported(node)),
        tuple(sorted(node.lineno for node in inner)),
        tuple((node.lineno, node.name, _length(node)) for node in functions),
        sum(isinstance(node, ast.Name) and node.id == "Any" for node in nodes),
        "TYPE_CHECKING" in text,
    )


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


class ArchitectureTests(SynchronousTestCase):
    """Held over every file of the package."""

    def test_every_room_is_known(self) -> None:
        """A new package or top-level file needs a row in the table above, and in the documentation."""
        self.assertEqual({source.room for source in _sources()} - MAY_IMPORT.keys(), set())

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
            f"{source.name} imports {name}"
            for source in _sources()
            for name in source.imports
            if name.startswith("xmppd.")
            and name.split(".")[1] not in {source.room, "__version__"}
            and name.split(".")[1] not in MAY_IMPORT[source.room]
        ]
        self.assertEqual(wrong, [])

    def test_modules_do_not_import_each_other(self) -> None:
        """A module says what it requires and talks by hooks or services."""
        wrong = []
        for source in _sources():
            is_module = source.room == "modules"
            parts = source.path.relative_to(ROOT / "modules").parts if is_module else ()
            for name in source.imports:
                if parts and name.startswith("xmppd.modules.") and name.split(".")[2] != parts[0]:
                    wrong.append(f"{source.name} imports {name}")
        self.assertEqual(wrong, [])

    def test_an_operators_tools_build_no_server(self) -> None:
        """But for the login that ``xmppctl check`` tries."""
        builders = {
            source.name
            for source in _sources()
            for name in source.imports
            if source.room == "admin" and name.startswith("xmppd.server.")
        }
        self.assertEqual(builders, {"admin/check/login.py"})

    def test_groups_of_services_import_what_others_offer(self) -> None:
        """A group of services imports from groups above it only, and only what they offer."""
        order, wrong = list(GROUPS_OF_SERVICES), []
        for source in _sources():
            if source.room != "services" or source.path == ROOT / "services" / "parts.py":
                continue
            group = source.path.relative_to(ROOT / "services").parts[0]
            above = order[: order.index(group)] if source.path.parent.name == group else order
            for name in source.imports:
                other, file = [*name.split("."), "", "", ""][2:4]
                if not name.startswith("xmppd.services.") or other == group or other not in order:
                    continue
                if other not in above or file not in GROUPS_OF_SERVICES[other]:
                    wrong.append(f"{source.name} imports {name}")
        self.assertEqual(wrong, [])

    def test_every_group_of_services_builds_itself(self) -> None:
        """Each has a ``parts.py``, and a row in the table above in the order of building."""
        folders = {path.parent.name for path in (ROOT / "services").glob("*/__init__.py")}
        built = [call.__module__.split(".")[2] for call in GROUPS]
        self.assertEqual((folders, built), (set(GROUPS_OF_SERVICES), list(GROUPS_OF_SERVICES)))

    def test_types_are_known(self) -> None:
        """``Any`` stands where a foreign library or a JSON text gives no type: at most four times in 1,000 lines."""
        anys, lines = (
            sum(counts) for counts in zip(*((each.anys, each.lines) for each in _sources()), strict=True)
        )
        self.assertLessEqual(anys * 1_000 / lines, MAX_ANY)

    def test_no_escape_from_the_rule(self) -> None:
        """Neither TYPE_CHECKING nor an import inside a function, except where a program must start fast."""
        wrong = []
        for source in _sources():
            if source.checks_types:
                wrong.append(f"{source.name}: TYPE_CHECKING")
            if source.room not in ("admin", "tap"):
                wrong += [
                    f"{source.name}:{line}: an import inside a function" for line in source.inner_imports
                ]
        self.assertEqual(wrong, [])

    def test_lower_rooms_know_no_network(self) -> None:
        """`stanza` and `stream` know no Twisted; sockets and TLS are for `net` and above."""
        wrong = []
        for source in _sources():
            tops = {name.split(".")[0] for name in source.imports}
            if source.room in NO_TWISTED and tops & {"twisted", "zope"}:
                wrong.append(f"{source.name} imports twisted")
            if source.room not in ("net", "admin", "server", "tap") and tops & FORBIDDEN_BELOW_NET:
                wrong.append(f"{source.name} imports {sorted(tops & FORBIDDEN_BELOW_NET)}")
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
        for source in _sources():
            if source.lines > MAX_FILE_LINES:
                wrong.append(f"{source.name}: {source.lines} lines")
            for line, name, length in source.functions:
                if length > MAX_FUNCTION_LINES:
                    wrong.append(f"{source.name}:{line} {name}: {length} lines")
        self.assertEqual(wrong, [])

    def test_sizes_of_tests(self) -> None:
        """A file of tests past its size becomes two; what both need stands beside them under a name of its own."""
        here = Path(__file__).parent
        sizes = {path: len(path.read_text().splitlines()) for path in here.rglob("*.py")}
        wrong = [f"{path.relative_to(here)}: {size}" for path, size in sizes.items() if size > MAX_FILE_LINES]
        self.assertEqual(wrong, [])
