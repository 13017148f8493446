"""What a start prints: where the server is reached, where its data are, and what to type next."""

import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xmppd.net.tls.certificates import Certificate

_WIDTH = 14
_MOST_HOSTS = 8


@dataclass(frozen=True, slots=True)
class Banner:
    """The facts of one start."""

    version: str
    certificates: Mapping[str, Certificate]
    """By host, the default first."""
    listening: Sequence[str]
    data_dir: Path
    log_file: Path | None
    config_file: str | None
    xmppctl: str = "xmppctl"
    """The command as it can be typed here."""
    chat: str | None = None
    """Where the chat in the browser is; None where there is none."""

    def lines(self) -> Iterator[str]:
        """Give a few lines for people."""
        yield f"xmppd {self.version}"
        yield from _rows("listening on", self.listening or ("nothing",))
        yield from _rows("data in", (str(self.data_dir),))
        if self.log_file is not None:
            yield from _rows("log in", (str(self.log_file),))
        yield from _rows("certificates", self._certificates())
        yield from _rows("next, type", (self.next_command(),))
        if self.chat is not None:
            yield from _rows("then open", (self.chat,))

    def next_command(self) -> str:
        """Give what makes the first account."""
        config = "" if self.config_file is None else f"--config {shlex.quote(self.config_file)} "
        return f"{self.xmppctl} {config}user add alice@{next(iter(self.certificates))}"

    def _certificates(self) -> Iterator[str]:
        for host, certificate in list(self.certificates.items())[:_MOST_HOSTS]:
            made = " (made here)" if certificate.files.is_self_made else ""
            yield f"{host}{made} SHA-256 {certificate.fingerprint}"
        if len(self.certificates) > _MOST_HOSTS:
            yield f"and {len(self.certificates) - _MOST_HOSTS} more"


def typed(name: str, here: Path, interpreter: Path) -> str:
    """Give what to type for the command *name*: itself where the PATH has it, else the one beside *interpreter*."""
    beside = interpreter.parent / name
    on_path = any(os.access(os.path.join(folder, name), os.X_OK) for folder in os.get_exec_path())
    if on_path or not beside.exists():
        return name
    return shlex.quote(str(beside.relative_to(here) if beside.is_relative_to(here) else beside))


def _rows(title: str, values: Iterable[str]) -> Iterator[str]:
    for number, value in enumerate(values):
        yield f"  {title if number == 0 else '':{_WIDTH}}{value}"
