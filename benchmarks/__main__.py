"""``python -m benchmarks``: one command, one table; it shows promises#speed and promises#memory."""

import argparse
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from benchmarks.run import Plan, carry_out
from benchmarks.scenarios.base import Scenario
from benchmarks.scenarios.catalogue import FULL, QUICK, all_scenarios
from benchmarks.servers.base import Server
from benchmarks.servers.ejabberd import Ejabberd
from benchmarks.servers.prosody import Prosody
from benchmarks.servers.xmppd import Xmppd, XmppdOnTwisted
from benchmarks.table import render

USUAL = (Xmppd, Prosody, Ejabberd)
SERVERS: dict[str, type[Server]] = {server.name: server for server in (*USUAL, XmppdOnTwisted)}


def main() -> int:
    """Measure, print the table, write the files asked for."""
    options = _options()
    _raise_descriptor_limit()
    signal.signal(signal.SIGTERM, _interrupt)
    sizes = QUICK if options.quick else FULL
    chosen = _chosen(list(all_scenarios(sizes)), options.scenarios, options.growth)
    if not chosen:
        print("no scenario has such a name; see --list", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{scenario.key:24}{scenario.title}" for scenario in all_scenarios(sizes)))
        return 0
    plan = Plan(chosen, [SERVERS[name] for name in options.servers], options.repeat, options.pep)
    run = carry_out(plan)
    table = render(run)
    print(table)
    for path in options.output:
        path.write_text(run.to_json() if path.suffix == ".json" else table)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scenarios", type=_names, default=[], help="names or beginnings: S1,S3-tls")
    parser.add_argument(
        "--servers", type=_servers, default=[server.name for server in USUAL], help=", ".join(SERVERS)
    )
    parser.add_argument("--repeat", type=int, default=5, help="repetitions of each (default 5)")
    parser.add_argument("--quick", action="store_true", help="shorter windows, fewer sessions")
    parser.add_argument("--growth", action="store_true", help="also (or, by name, only) the growth runs")
    parser.add_argument("--pep", action="store_true", help="personal eventing on, on all servers")
    parser.add_argument("--list", action="store_true", help="list the scenarios and end")
    parser.add_argument("--output", type=Path, action="append", default=[], help="FILE.rst or FILE.json")
    return parser.parse_args()


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _servers(text: str) -> list[str]:
    if unknown := [name for name in _names(text) if name not in SERVERS]:
        raise argparse.ArgumentTypeError(f"unknown server {unknown[0]}; known: {', '.join(SERVERS)}")
    return _names(text)


def _chosen(scenarios: Sequence[Scenario], names: Sequence[str], growth: bool) -> list[Scenario]:
    """Pick by name or by its first part; growth runs only when asked for."""
    return [
        scenario
        for scenario in scenarios
        if (growth or not scenario.is_growth or scenario.key in names)
        and (not names or scenario.key in names or scenario.key.split("-")[0] in names)
    ]


def _raise_descriptor_limit() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
