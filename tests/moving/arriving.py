"""The move itself: an import as an operator runs it, a server on what came of it, people who look for what they had."""

import json
from pathlib import Path
from typing import Any

from tests import forked
from tests.moving.arrived import Arrived
from tests.moving.others import DOMAIN, ROOMS
from tests.moving.people import Town
from tests.sockets.process import ServerProcess

OPTIONS = f"""require_tls = false
allow_plain_without_tls = true
[hosts."{DOMAIN}"]
[components."{ROOMS}"]
module = "muc"
"""


def xmppctl(folder: Path, *words: object) -> str:
    """Run xmppctl on the data in *folder*; AssertionError where it fails."""
    config = folder / "move.toml"
    config.write_text(f'data_dir = "{folder / "data"}"\n[c2s]\n{OPTIONS}')
    done = forked.xmppctl("--config", config, *words, folder=folder)
    assert done.returncode == 0, done
    return done.stdout


def arrive(
    folder: Path, town: Town, kind: str, source: Path, *options: str, has_all: bool = True
) -> dict[str, Any]:
    """Import *source*, start a server, have everybody look; gives the report of the import."""
    report: dict[str, Any] = json.loads(xmppctl(folder, "import", kind, source, "--json", *options))
    assert report["carried"]["accounts"] == town.people, report
    assert report["not_carried"] == {}, report
    server = ServerProcess(folder, OPTIONS)
    try:
        port = server.ports["STARTTLS"]
        arrived = Arrived(town, port, has_all=has_all)
        for number in range(town.people):
            arrived.look(number)
    finally:
        server.stop()
    _round(folder)
    return report


def _round(folder: Path) -> None:
    """Out, in elsewhere, and out again: the same."""
    first, elsewhere = folder / "first.xml", folder / "elsewhere"
    elsewhere.mkdir()
    xmppctl(folder, "export", first)
    xmppctl(elsewhere, "import", "xep0227", first)
    xmppctl(elsewhere, "export", elsewhere / "second.xml")
    assert first.read_bytes() == (elsewhere / "second.xml").read_bytes()
