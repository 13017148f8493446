r"""The language of the dialogues: one line a step, read into `Step` records.

::

    # What is shown, with its section. The first comment lines are the test's docstring.
    romeo is romeo@localhost/garden          an account with a client (the account is made first)
    gateway is the component sms.localhost   a program that connects as a service (XEP-0114)
    romeo logs in                            header, TLS where the carrier has it, SASL, bind (component: handshake)
    romeo connects                           the connection alone, nothing is sent
    romeo opens                              sends a stream header
    romeo begins TLS                         after <proceed/>
    romeo secures                            connects, header, TLS where it is offered, header: SASL may begin
    romeo authenticates                      the same, SASL, header: a resource may be bound
    romeo sends <presence/>                  one line, or an indented block of XML after "sends:"
    romeo sends bytes \xff<                  what is no text, with Python's escapes
    juliet receives <presence from='…'/>     exactly this next, in whatever order of attributes
    juliet receives <stream:stream id='…'>   the header that came last is this
    juliet receives nothing                  and nothing more has come
    juliet ignores                           forget what has come
    romeo closes                             sends the end of the stream
    romeo disconnects                        the connection is lost
    juliet is disconnected                   the server has closed the connection
    30 seconds pass
    server: [c2s]                            a line of TOML for the configuration
    stages: memory tcp                       where it can be played, if not in memory, over TCP and under TLS

In what is received, ``{any}`` stands for any text, ``{name=any}`` for any text that is remembered, ``{name}`` for
what was remembered, in what is sent too; a last child ``<any/>`` stands for any children. In what is sent,
``{a*300}`` stands for 300 letters, and ``{id shows SECRET}`` for a component's handshake.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

_STEPS = (
    ("is the component", re.compile(r"(?P<who>\w+) is the component (?P<what>\S+)$")),
    ("is", re.compile(r"(?P<who>\w+) is (?P<what>\S+@\S+)$")),
    ("logs in", re.compile(r"(?P<who>\w+) logs in$")),
    ("connects", re.compile(r"(?P<who>\w+) connects$")),
    ("opens", re.compile(r"(?P<who>\w+) opens$")),
    ("begins TLS", re.compile(r"(?P<who>\w+) begins TLS$")),
    ("secures", re.compile(r"(?P<who>\w+) secures$")),
    ("authenticates", re.compile(r"(?P<who>\w+) authenticates$")),
    ("sends bytes", re.compile(r"(?P<who>\w+) sends bytes:?(?P<what> .+)$", re.DOTALL)),
    ("sends", re.compile(r"(?P<who>\w+) sends:?(?P<what> .+)?$", re.DOTALL)),
    ("receives nothing", re.compile(r"(?P<who>\w+) receives nothing$")),
    ("receives", re.compile(r"(?P<who>\w+) receives:?(?P<what> .+)?$", re.DOTALL)),
    ("ignores", re.compile(r"(?P<who>\w+) ignores$")),
    ("closes", re.compile(r"(?P<who>\w+) closes$")),
    ("disconnects", re.compile(r"(?P<who>\w+) disconnects$")),
    ("is disconnected", re.compile(r"(?P<who>\w+) is disconnected$")),
    ("pass", re.compile(r"(?P<what>[\d.]+) seconds? pass(?:es)?$")),
)


STAGES = frozenset(("memory", "tcp", "tls"))
"""Where a dialogue can be played: in memory, over TCP with STARTTLS, under TLS from the first byte."""


COUNTED = "urn:xmpp:sm:3"
"""Where stanzas are counted (XEP-0198): the pings by which a dialogue keeps its order over sockets would count too."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its verb, who does it, with what; and its line for messages."""

    verb: str
    who: str
    what: str
    line: int


@dataclass(frozen=True, slots=True)
class Script:
    """A dialogue as it was read."""

    name: str
    doc: str
    options: str
    stages: frozenset[str]
    steps: tuple[Step, ...]


class BadScript(Exception):
    """A line that means nothing."""


def read_script(path: Path) -> Script:
    """Read the dialogue in a file; `BadScript` names the line that cannot be understood."""
    return parse_script(path.read_text(), path.stem)


def parse_script(dialogue: str, name: str = "dialogue") -> Script:
    """Read a dialogue, which may be indented as a whole; `BadScript` names the line that cannot be understood."""
    doc: list[str] = []
    options: list[str] = []
    steps: list[Step] = []
    stages = STAGES
    for line, text in _logical_lines(dedent(dialogue)):
        if text.startswith("#"):
            if not steps:
                doc.append(text.lstrip("# "))
            continue
        if text.startswith("server: "):
            options.append(text.removeprefix("server: "))
            continue
        if text.startswith("stages: "):
            stages = frozenset(text.removeprefix("stages: ").split())
            continue
        steps.append(_step(name, line, text))
    if any(step.verb == "pass" or COUNTED in step.what for step in steps):
        stages &= {"memory"}
    return Script(name, " ".join(doc), "\n".join(options), stages, tuple(steps))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Give the lines with their numbers; indented ones belong to the line before them."""
    pending: tuple[int, str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if line[:1].isspace() and line.strip() and pending is not None:
            pending = (pending[0], pending[1] + " " + line.strip())
            continue
        if pending is not None:
            yield pending
        pending = (number, line.rstrip()) if line.strip() else None
    if pending is not None:
        yield pending


def _step(name: str, line: int, text: str) -> Step:
    for verb, pattern in _STEPS:
        match = pattern.match(text)
        if match is not None:
            given = match.groupdict()
            return Step(verb, given.get("who") or "", (given.get("what") or "").strip(), line)
    raise BadScript(f"{name}, line {line}: {text!r} is no step")
