"""A configuration of a server that disturbs no other, and what a start makes of it."""

from twisted.trial.unittest import SynchronousTestCase

from tests.environment import NET
from tests.temporary import temporary_folder
from xmppd.tap import Options, makeService

PATIENCE_S = 20.0


class TapTestCase(SynchronousTestCase):
    """A configuration of a server that disturbs no other."""

    def setUp(self) -> None:
        self.folder = temporary_folder(self)
        self.data = self.folder / "data"
        self.file = self.folder / "xmppd.toml"
        self.write()

    def write(self, *lines: str, listen: str = "127.0.0.1:0", storage: str = "sqlite:xmppd.sqlite") -> None:
        """Write the configuration, with *lines* in front of its tables."""
        text = [f'data_dir = "{self.data}"', *lines]
        text += ["[c2s]", f'listen = ["{listen}"]', 'direct_tls_listen = ["127.0.0.1:0"]']
        text += [
            "[storage]",
            f'url = "{storage}"',
            "[limits]",
            "close_timeout_s = 1.0",
            "shutdown_timeout_s = 1.0",
            "[http]",
            "listen = []",
            NET.rstrip(),
        ]
        self.file.write_text("\n".join(text))

    def parsed(self, *arguments: str) -> Options:
        """Give the options, parsed."""
        options = Options()  # type: ignore[no-untyped-call]
        options.parseOptions(["--config", str(self.file), *arguments])
        return options

    def refusal(self, *arguments: str) -> str:
        """Give the words with which a start is refused before the fork."""
        options = self.parsed(*arguments)
        refused = self.assertRaises(SystemExit, makeService, options)
        self.assertNotIn("\n", str(refused.code))
        return str(refused.code)
