"""The order of a run: for each scenario, for each repetition, each server in turn, fresh and alone."""

import gc
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.load.loop import LoadError, Loop
from benchmarks.results import Measured, Run
from benchmarks.scenarios.base import Figures, Scenario
from benchmarks.servers.base import Profile, Server, Unsupported
from benchmarks.servers.certificate import Certificate, make_certificate
from benchmarks.servers.process import StartFailed
from benchmarks.table import number

PROBLEMS = (LoadError, StartFailed, Unsupported, OSError, sqlite3.Error, subprocess.SubprocessError)
"""What spoils one scenario for one server; the others go on."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the command line asks for."""

    scenarios: Sequence[Scenario]
    servers: Sequence[type[Server]]
    repeat: int
    with_pep: bool


def carry_out(plan: Plan) -> Run:
    """Measure everything; an interrupt ends the run early, with what was found so far."""
    present = [server for server in plan.servers if not server.missing()]
    run = Run({server.name: server.version() for server in present})
    run.missing = {server.name: why for server in plan.servers if (why := server.missing())}
    for name, why in run.missing.items():
        _say(f"{name} is left out: {why}")
    run.notes = list(_notes(plan, present))
    with tempfile.TemporaryDirectory(prefix="xmppd-benchmarks-") as name:
        scratch = Path(name)
        certificate = make_certificate(scratch)
        try:
            for scenario in plan.scenarios:
                run.measured.append(Measured(scenario.key, scenario.title, scenario.rows))
                _repeat(plan, scenario, present, run.measured[-1], scratch, certificate)
        except KeyboardInterrupt:
            _say("interrupted; the servers are stopped")
    return run


def _notes(plan: Plan, servers: Sequence[type[Server]]) -> Iterator[str]:
    yield f"Medians of up to {plan.repeat} repetitions with their range, each on a fresh server."
    profiles = {scenario.needs().profile for scenario in plan.scenarios}
    yield from (
        f"Modules, {profile.name.lower()}: {profile.value}." for profile in Profile if profile in profiles
    )
    for server in servers:
        if lacking := server.lacks():
            yield f"{server.name} does not have yet: {', '.join(lacking)}."
    if Profile.DURABLE in profiles:
        yield from (f"Durability of {server.name} in S2 and S9: {server.durability}." for server in servers)


def _repeat(
    plan: Plan,
    scenario: Scenario,
    servers: Sequence[type[Server]],
    measured: Measured,
    scratch: Path,
    certificate: Certificate,
) -> None:
    for repetition in range(min(plan.repeat, scenario.most_repeats)):
        for server_type in servers:
            if server_type.name in measured.reasons:
                continue
            needs = scenario.needs()
            needs = replace(needs, pep=needs.pep or plan.with_pep)
            folder = Path(tempfile.mkdtemp(prefix=f"{server_type.name}-", dir=scratch))
            server = server_type(folder, needs, certificate)
            _once(scenario, server, measured, repetition)


def _once(scenario: Scenario, server: Server, measured: Measured, repetition: int) -> None:
    try:
        if server.needs.turns and not server.times_turns:
            raise Unsupported("its turns cannot be timed from outside")
        server.prepare()
        server.start()
        figures = _load(scenario, server)
    except PROBLEMS as problem:
        measured.reasons[server.name] = f"{problem or type(problem).__name__}{server.last_words()}"
        _say(f"{scenario.key} {server.name}: {measured.reasons[server.name]}")
        return
    finally:
        server.stop()
    measured.add(server.name, figures)
    shown = ", ".join(f"{name} {number(value)}" for name, value in figures.items())
    _say(f"{scenario.key} {server.name} [{repetition + 1}]: {shown}")


def _load(scenario: Scenario, server: Server) -> Figures:
    loop = Loop(time.monotonic() + scenario.deadline_s)
    gc.collect()
    gc.disable()
    try:
        return scenario.run(server, loop)
    finally:
        gc.enable()
        loop.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
