"""The server in the foreground, as ``twistd -n --pidfile= xmppd`` starts it."""

from collections.abc import Callable, Iterator, Sequence

from twisted.python.usage import UsageError
from twisted.scripts import twistd

from twisted.plugins.xmppd_plugin import xmppd

TWISTD_OPTIONS = ("--nodaemon", "--pidfile=", "xmppd")
"""No ``twistd.pid``, which would hinder a second server in the same folder: the data folder has a lock."""


class LaunchOptions(twistd.ServerOptions):  # type: ignore[misc, name-defined]  # Twisted's, untyped
    """twistd's options with one subcommand: looking for those of others would load them all for good (1 MB)."""

    is_xmppd = True
    """So that help and errors call the command by its name."""

    @property
    def subCommands(self) -> Iterator[tuple[str, None, Callable[[], object], str]]:
        """As twistd asks for them."""
        self.loadedPlugins = {xmppd.tapname: xmppd}
        yield xmppd.tapname, None, xmppd.options, xmppd.description


def run(arguments: Sequence[str]) -> None:
    """Run the server until it is stopped; wrong usage is one line and status 1."""
    config = LaunchOptions()
    try:
        config.parseOptions([*TWISTD_OPTIONS, *arguments])
    except UsageError as error:
        raise SystemExit(f"xmppd: {_in_a_line(error)}; xmppd --help shows what there is") from error
    twistd.runApp(config)


def _in_a_line(error: UsageError) -> str:
    """Twisted ends one of its sentences, and does not say there that no arguments are taken."""
    return "it takes options alone" if str(error).startswith("Wrong number") else str(error).rstrip(".")
