"""The command ``xmppd``: the server in the foreground."""

import sys
from collections.abc import Sequence

from xmppd.admin.descriptors import open_standard_descriptors
from xmppd.admin.postponed import postpone


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the server until it is stopped; wrong usage is one line and status 1."""
    open_standard_descriptors("xmppd")
    postpone()
    from xmppd.admin.foreground import run  # not before: it imports Twisted

    run(sys.argv[1:] if arguments is None else arguments)


if __name__ == "__main__":
    main()
