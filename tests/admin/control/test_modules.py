"""Control commands about modules."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench


class ModuleTests(SynchronousTestCase):
    """`module.list`, `load`, `unload`, `reload`, `hooks`."""

    def setUp(self) -> None:
        """Two hosts with the default modules."""
        self.bench = ControlBench()

    def module(self, name: str, **args: Any) -> dict[str, Any]:
        """Give a module's row of the list."""
        found = {row["name"]: row for row in self.bench.do("module.list", **args)}
        row: dict[str, Any] = found[name]
        return row

    def test_list(self) -> None:
        """Name, summary, XEPs and the hosts of each known module."""
        row = self.module("ping")
        self.assertEqual(row["xeps"], [199])
        self.assertEqual(row["hosts"], ["localhost", "example.org"])
        self.assertTrue(row["summary"])
        self.assertEqual(self.module("ping", host="localhost")["hosts"], ["localhost"])

    def test_unload_and_load(self) -> None:
        """A module goes and comes back, on one host or all; only where it was missing is told."""
        one = self.bench.do("module.unload", name="ping", host="localhost")
        self.assertEqual(one, {"name": "ping", "hosts": ["localhost"]})
        self.assertEqual(self.module("ping")["hosts"], ["example.org"])
        self.assertEqual(self.bench.do("module.load", name="ping")["hosts"], ["localhost"])
        self.assertEqual(self.bench.do("module.unload", name="ping")["hosts"], ["localhost", "example.org"])

    def test_reload(self) -> None:
        """The module's file is read anew on every host that has it."""
        before = self.bench.server.hosts["localhost"].modules["ping"]
        self.assertEqual(self.bench.do("module.reload", name="ping")["hosts"], ["localhost", "example.org"])
        self.assertIsNot(self.bench.server.hosts["localhost"].modules["ping"], before)

    def test_hooks(self) -> None:
        """Each chain in calling order, of one host or all, as the running server has it."""
        links = self.bench.do("module.hooks", host="localhost")
        chain = [(link["station"], link["module"]) for link in links if link["hook"] == "message-delivering"]
        self.assertEqual(
            chain,
            [("archiving", "mam"), ("waking", "push"), ("recording", "offline"), ("copying", "carbons")],
        )
        self.assertEqual({link["host"] for link in links}, {"localhost"})
        self.assertEqual(
            {link["host"] for link in self.bench.do("module.hooks")}, {"localhost", "example.org"}
        )
        self.bench.do("module.unload", name="carbons", host="localhost")
        self.assertNotIn(
            "carbons", {link["module"] for link in self.bench.do("module.hooks", host="localhost")}
        )

    def test_unknown_module(self) -> None:
        """One line, with how to see what is there."""
        id, message = self.bench.refusal("module.load", name="pong")
        self.assertEqual(id, "module-error")
        self.assertIn("there is no module pong", message)
        self.assertIn("xmppctl module list", message)
        self.assertIn("is not loaded on any host", self.bench.refusal("module.unload", name="pong")[1])

    def test_loaded_already(self) -> None:
        """Loading what is loaded is refused, not repeated."""
        self.assertIn("is loaded already on every host", self.bench.refusal("module.load", name="ping")[1])

    def test_required_by_another(self) -> None:
        """A module that others require stays."""
        id, message = self.bench.refusal("module.unload", name="disco", host="localhost")
        self.assertEqual(id, "module-error")
        self.assertIn("disco is required by", message)

    def test_host_that_is_not_served(self) -> None:
        """As everywhere."""
        self.assertEqual(self.bench.refusal("module.load", name="ping", host="x")[0], "unknown-host")
