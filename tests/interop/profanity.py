"""Profanity, driven in tmux, against a real server: contacts, presence, offline messages; and with slixmpp.

Not part of the suite. It needs Debian's ``profanity`` and ``tmux``, takes about half a minute, and is run by hand::

    python -m tests.interop.profanity             says each step and what was seen; status 1 where something was not
    python -m tests.interop.profanity --screens   shows the last screens too

It starts a server of its own on ports that the system chooses, under a temporary folder, with accounts made by
xmppctl; each profanity has its own home there and trusts the self-made certificate (``tls trust``).
"""

import argparse
import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from slixmpp import JID

from tests.sockets.process import ServerProcess
from tests.sockets.test_slixmpp import SlixmppClient

PATIENCE_S = 15.0
LOOK_S = 0.1
WIDTH, HEIGHT = 140, 45
PASSWORD = "open sesame"
ROMEO, JULIET, NURSE = "romeo@localhost", "juliet@localhost", "nurse@localhost"
SETTINGS = """
[ui]
splash=false
[notifications]
message=off
[connection]
reconnect=0
"""
OPTIONS = "[modules.sm]\nmax_s = 2"
"""A connection that is lost is missed soon: profanity speaks XEP-0198."""


class NotSeen(Exception):
    """A screen did not show what it should."""


class Profanity:
    """One profanity in a tmux of its own socket; its screen is text."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        home = folder / name
        config = home / ".config" / "profanity"
        config.mkdir(parents=True)
        (config / "profrc").write_text(SETTINGS)
        self._socket = str(folder / "tmux")
        environment = {
            **os.environ,
            "HOME": str(home),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local"),
            "LANG": "C.UTF-8",
            "TERM": "xterm-256color",
        }
        command = "; ".join(
            f"export {key}='{environment[key]}'"
            for key in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "LANG")
        )
        self._tmux(
            "-f",
            "/dev/null",
            "new-session",
            "-d",
            "-s",
            name,
            "-x",
            str(WIDTH),
            "-y",
            str(HEIGHT),
            f"{command}; exec profanity",
            environment=environment,
        )

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        self._tmux("send-keys", "-t", self.name, "-l", line)
        self._tmux("send-keys", "-t", self.name, "Enter")

    def screen(self) -> str:
        """Give the screen as it is now."""
        return self._tmux("capture-pane", "-p", "-t", self.name)

    def see(self, pattern: str, count: int = 1) -> None:
        """Wait until the screen shows what matches *pattern*, so often; `NotSeen`."""
        deadline = time.monotonic() + PATIENCE_S
        while len(re.findall(pattern, self.screen())) < count:
            if time.monotonic() > deadline:
                raise NotSeen(f"{self.name} does not show {pattern!r}:\n{self.screen()}")
            time.sleep(LOOK_S)
        print(f"  {self.name} shows {pattern!r}")

    def log_in(self, address: str, server: ServerProcess) -> None:
        """Connect with STARTTLS, trusting the certificate."""
        self.type(f"/connect {address} server 127.0.0.1 port {server.ports['STARTTLS']} tls trust")
        self.see("Enter password|password:")
        self.type(PASSWORD)
        self.see(f"{re.escape(address)}/\\S+ logged in successfully")

    def end(self) -> None:
        """End it with its session."""
        self._tmux("kill-session", "-t", self.name, check=False)

    def _tmux(self, *arguments: str, environment: dict[str, str] | None = None, check: bool = True) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            check=check,
        )
        return done.stdout


def befriend(romeo: Profanity, juliet: Profanity) -> None:
    """Each asks, each allows; both learn it and see the other online."""
    say("they add each other as contacts")
    for asking, asked, name in ((romeo, juliet, ROMEO), (juliet, romeo, JULIET)):
        other = JULIET if name == ROMEO else ROMEO
        asking.type(f"/sub request {other}")
        asking.see(f"Sent subscription request to {other}")
        asked.see(f"Received authorization request from {name}")
        asked.type(f"/sub allow {name}")
        asked.see(f"Accepted subscription for {name}")
        asking.see(f"Subscription received from {other}")
        asking.see(rf"\+\+ {other} \(\S+\) is online")


def come_and_go(romeo: Profanity, juliet: Profanity, server: ServerProcess) -> None:
    """Away, offline, online again; one closes its stream, the other's terminal is killed."""
    say("they see each other come and go")
    juliet.type('/status set away "gone for tea"')
    romeo.see(rf'\+\+ {JULIET} \(\S+\) is away, "gone for tea"')
    juliet.type("/disconnect")
    romeo.see(rf"-- {JULIET} \(\S+\) is offline")
    juliet.log_in(JULIET, server)
    romeo.see(rf"\+\+ {JULIET} \(\S+\) is online", 2)
    juliet.see(rf"\+\+ {ROMEO} \(\S+\) is online", 2)
    juliet.end()
    romeo.see(rf"-- {JULIET} \(\S+\) is offline", 2)


def offline_message(romeo: Profanity, folder: Path, server: ServerProcess) -> Profanity:
    """A message for who is away is there when she comes back; gives her new profanity."""
    say("a message while the other is away")
    romeo.type(f"/msg {JULIET} But soft! <what> & light?")
    romeo.see("me: But soft! <what> & light")
    juliet = Profanity(folder, "juliet-again")
    juliet.log_in(JULIET, server)
    juliet.see(rf"<< chat message: {ROMEO}")
    juliet.type("/win 2")
    juliet.see("But soft! <what> & light")
    juliet.type("Romeo, Romeo!")
    romeo.see("Romeo, Romeo!")
    romeo.type("/win 1")
    return juliet


async def with_slixmpp(romeo: Profanity, server: ServerProcess) -> None:
    """A client of another kind: both add each other, both see each other, messages go both ways."""
    say("slixmpp and profanity")
    nurse = SlixmppClient(f"{NURSE}/kitchen", PASSWORD, server)
    seen: asyncio.Queue[str] = asyncio.Queue()
    nurse.add_event_handler("changed_status", lambda presence: seen.put_nowait(presence["from"].bare))
    if await nurse.log_in() != "session_start":
        raise NotSeen("slixmpp could not log in")
    await nurse.get_roster()
    await nurse.be_available()
    nurse.send_presence_subscription(ROMEO)
    await off(romeo.see, f"Received authorization request from {NURSE}")
    await off(romeo.type, f"/sub allow {NURSE}")
    await off(romeo.type, f"/sub request {NURSE}")
    while await asyncio.wait_for(seen.get(), PATIENCE_S) != ROMEO:
        pass
    print("  slixmpp sees romeo@localhost")
    await off(romeo.see, rf"\+\+ {NURSE} \(kitchen\) is online")
    nurse.send_message(JID(ROMEO), "Madam!", mtype="chat")
    await off(romeo.see, f"<< chat message: {NURSE}")
    await off(romeo.type, f"/msg {NURSE} What say'st thou, my dear nurse?")
    message = await nurse.next_message()
    while not message["body"]:  # chat states
        message = await nurse.next_message()
    print(f"  slixmpp got {message['body']!r}")
    await off(romeo.type, "/win 1")
    await nurse.leave()
    await off(romeo.see, rf"-- {NURSE} \(kitchen\) is offline")


async def off(function: Callable[[str], None], text: str) -> None:
    """Call what waits for a screen in a thread, so that slixmpp goes on."""
    await asyncio.to_thread(function, text)


@contextmanager
def scene() -> Iterator[tuple[Path, ServerProcess]]:
    """Give a folder and a server that are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="xmppd-interop-") as name:
        folder = Path(name)
        (folder / "server").mkdir()
        accounts = tuple((address, PASSWORD) for address in (ROMEO, JULIET, NURSE))
        server = ServerProcess(folder / "server", OPTIONS, accounts)
        try:
            yield folder, server
        finally:
            server.stop()


def say(text: str) -> None:
    """Announce a step."""
    print(text, flush=True)


def main() -> int:
    """Play it all; 0 where everything was seen."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--screens", action="store_true", help="show the last screens too")
    show = parser.parse_args().screens
    with scene() as (folder, server):
        terminals = [Profanity(folder, "romeo"), Profanity(folder, "juliet")]
        romeo, juliet = terminals
        try:
            say("they log in")
            romeo.log_in(ROMEO, server)
            juliet.log_in(JULIET, server)
            befriend(romeo, juliet)
            come_and_go(romeo, juliet, server)
            terminals.append(offline_message(romeo, folder, server))
            asyncio.run(with_slixmpp(romeo, server))
            say("all was seen")
        except (NotSeen, TimeoutError) as error:
            say(f"FAILED: {error}")
            return 1
        finally:
            for terminal in terminals:
                if show:
                    print(terminal.screen())
                terminal.end()
    return 0


if __name__ == "__main__":
    sys.exit(main())
