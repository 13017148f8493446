"""A client as its user and the operator see it, and what was taken from one that is revoked."""

from dataclasses import dataclass

from xmppd.core.session import Session


@dataclass(frozen=True, slots=True)
class Client:
    """One client of an account, with its sessions; times are seconds since 1970."""

    id: str
    software: str
    device: str
    tag: str
    first_seen: float
    last_seen: float
    address: str
    resource: str
    """That of its sessions, or the last that it had."""
    knows_password: bool
    token_expires_at: float | None
    sessions: tuple[Session, ...]

    @property
    def called(self) -> str:
        """What it calls itself: its program, or its tag, and its device."""
        name = self.software or self.tag
        return f"{name} ({self.device})" if self.device else name

    @property
    def is_secure(self) -> bool:
        """Whether it is under TLS; one that is away was, since nobody tells who it is but under TLS (XEP-0388 2.1)."""
        return all(session.is_secure for session in self.sessions)


@dataclass(frozen=True, slots=True)
class Revoked:
    """What was taken from a client."""

    had_token: bool
    knows_password: bool
    ended: tuple[str, ...]
    """The full JIDs of its sessions."""
