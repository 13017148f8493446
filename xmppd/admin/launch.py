"""The command ``xmppd``: the server in the foreground, as ``twistd -n --pidfile= xmppd`` starts it."""

import sys
from collections.abc import Sequence

from twisted.python.usage import UsageError
from twisted.scripts import twistd

TWISTD_OPTIONS = ("--nodaemon", "--pidfile=", "xmppd")
"""No ``twistd.pid``, which would hinder a second server in the same folder: the data folder has a lock."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until it is stopped; wrong usage is one line and status 1."""
    config = twistd.ServerOptions()  # type: ignore[attr-defined, no-untyped-call]  # Twisted's, untyped
    try:
        config.parseOptions([*TWISTD_OPTIONS, *(sys.argv[1:] if arguments is None else arguments)])
    except UsageError as error:
        raise SystemExit(f"xmppd: {error}; xmppd --help shows what there is") from error
    twistd.runApp(config)


if __name__ == "__main__":
    main()
