"""What a server at rest has loaded, and what it has not (promises#memory)."""

import importlib
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.admin.postponed import CALLED, POSTPONED, Postponed, is_empty

UNUSED = (
    *(
        "argparse",
        "asyncio.base_events",
        "asyncio.streams",
        "cmd",
        "csv",
        "decimal",
        "email.parser",
        "http.client",
    ),
    *(
        "html.entities",
        "multiprocessing",
        "pprint",
        "ssl",
        "unittest",
        "urllib.request",
        "xml.dom",
        "xml.etree",
    ),
    *("zipfile", "zoneinfo"),
    *("twisted.conch", "twisted.mail", "twisted.names", "twisted.trial", "twisted.words"),
    *("twisted.internet.endpoints", "twisted.web.client", "twisted.web.server"),
    *("PIL", "click", "jinja2", "jwt", "ldap3", "prometheus_client", "pydantic", "rich", "segno"),
    *("xmppd.admin.backup", "xmppd.admin.check", "xmppd.admin.moving", "xmppd.admin.xmppctl"),
    *("xmppd.moving", "xmppd.net.elsewhere", "xmppd.net.socks5", "xmppd.testing"),
)
"""What a server as it ships has no use for; of ours, whole packages of which nothing is loaded."""
SHOWING = """
import json, signal, sys
from xmppd.admin.postponed import is_empty
def show(*_):
    modules = {name: is_empty(module) for name, module in sys.modules.items()}
    sys.__stdout__.write(json.dumps(modules) + "\\n")
    sys.__stdout__.flush()
signal.signal(signal.SIGUSR1, show)
from xmppd.admin.launch import main
main()
"""
"""The command, which shows what it has loaded when it is asked to."""
CONFIG = """\
data_dir = "data"
[hosts."localhost"]
[c2s]
listen = ["127.0.0.1:0"]
direct_tls_listen = ["127.0.0.1:0"]
[http]
listen = ["127.0.0.1:0"]
"""


class ServerTests(SynchronousTestCase):
    """A server that has nothing to do."""

    def modules(self) -> dict[str, bool]:
        """Its modules by their names, and whether each is empty."""
        folder = temporary_folder(self)
        (folder / "xmppd.toml").write_text(CONFIG)
        process = subprocess.Popen(
            [sys.executable, "-c", SHOWING, "--config", "xmppd.toml"],
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        while not process.stdout.readline().endswith(" Ready\n"):
            self.assertIsNone(process.poll(), "it has started")
        process.send_signal(signal.SIGUSR1)
        modules: dict[str, bool] = json.loads(process.stdout.readline())
        return modules

    def test_loads_what_it_uses(self) -> None:
        """Nothing of what others bring along and it has no use for, nor of what is turned off."""
        modules = self.modules()
        unused = [name for name in modules if any(f"{name}.".startswith(f"{each}.") for each in UNUSED)]
        self.assertEqual(unused, [])
        self.assertEqual({name for name, is_empty in modules.items() if is_empty}, set(POSTPONED))


class PostponedTests(SynchronousTestCase):
    """`Postponed`, in place of a package that notes when it is loaded."""

    def setUp(self) -> None:
        """The package is on the path."""
        folder = temporary_folder(self)
        self.package = folder / "of_later"
        self.package.mkdir()
        self.write("from of_later.inner import known\nown = 1\n")
        (self.package / "inner.py").write_text("known = object()\nother = 2\n")
        (self.package / "beside.py").write_text("from of_later import inner\n")
        sys.path.insert(0, str(folder))
        self.addCleanup(sys.path.remove, str(folder))
        self.addCleanup(self.forget)
        self.module = sys.modules["of_later"] = Postponed("of_later", {"known": "inner"})

    def write(self, text: str) -> None:
        """Write what the package has itself."""
        (self.package / "__init__.py").write_text(text)

    def forget(self) -> None:
        """Nothing of it stays."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "of_later"]:
            del sys.modules[name]

    def parts(self) -> Sequence[str]:
        """Which of its modules are loaded."""
        return sorted(name.partition(".")[2] for name in sys.modules if name.startswith("of_later."))

    def test_looking_loads_nothing(self) -> None:
        """Whoever goes through all modules asks for such names."""
        for name in ("__file__", "__path__", "__warningregistry__", "__wrapped__", "__dict__"):
            hasattr(self.module, name)
        self.assertEqual((self.parts(), is_empty(self.module)), ([], True))
        self.assertEqual(self.module.__file__, str(self.package / "__init__.py"))

    def test_known_names(self) -> None:
        """They are those of the inner module, which alone is loaded, and the same once all is."""
        known = getattr(importlib.import_module("of_later"), "known")  # noqa: B009 - as `from of_later import known`
        self.assertEqual((self.parts(), is_empty(self.module)), (["inner"], True))
        self.assertEqual((self.module.own, self.module.known), (1, known))

    def test_functions_that_are_called(self) -> None:
        """What stands for one loads all with the first call, and is it."""
        self.write("def double(number, times=2):\n    return number * times\n")
        module = sys.modules["of_later"] = Postponed("of_later", {"double": CALLED})
        double = module.double
        self.assertTrue(is_empty(module))
        self.assertEqual((double(3), double(3, times=3)), (6, 9))
        self.assertFalse(is_empty(module))

    def test_its_modules(self) -> None:
        """They can be imported, and import each other, without it."""
        importlib.import_module("of_later.beside")
        self.assertEqual((self.parts(), is_empty(self.module)), (["beside", "inner"], True))
        self.assertEqual(self.module.inner.other, 2)

    def test_another_name(self) -> None:
        """It is loaded then, into the same module, and is one like any other."""
        self.assertEqual(self.module.own, 1)
        self.assertFalse(is_empty(self.module))
        self.assertIs(sys.modules["of_later"], self.module)

    def test_no_such_name(self) -> None:
        """It is missed as ever, with all that there is loaded."""
        self.assertRaises(AttributeError, getattr, self.module, "missing")
        self.assertFalse(is_empty(self.module))

    def test_that_asks_itself(self) -> None:
        """A name that it asks of itself while it is loaded, and has not yet, is missed."""
        self.write("import of_later\nfound = getattr(of_later, 'own', 'not yet')\nown = 1\n")
        self.assertEqual((self.module.found, self.module.own), ("not yet", 1))

    def test_that_fails(self) -> None:
        """Its error is told each time, until it can be loaded."""
        self.write("1 / 0\n")
        for _ in range(2):
            self.assertRaises(ZeroDivisionError, getattr, self.module, "own")
        self.write("own = 'mended'\n")
        importlib.invalidate_caches()
        self.assertEqual(self.module.own, "mended")

    def test_threads(self) -> None:
        """Who asks while another loads it waits, and finds all of it."""
        self.write("import threading\nbegun.set()\ngo_on.wait(5)\nown = 1\n")
        begun, go_on = threading.Event(), threading.Event()
        vars(self.module).update(begun=begun, go_on=go_on)
        found: list[int] = []
        threads = [threading.Thread(target=lambda: found.append(self.module.own)) for _ in range(2)]
        threads[0].start()
        begun.wait(5)
        threads[1].start()
        go_on.set()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [1, 1])
