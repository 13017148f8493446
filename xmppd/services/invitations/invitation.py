"""What an invitation is, how it is stored, and the URI that stands for it (XEP-0379, XEP-0401, XEP-0445)."""

import json
from base64 import b32encode
from dataclasses import asdict, dataclass, replace
from enum import Enum
from hashlib import blake2b
from typing import Any, Final, Self
from urllib.parse import quote

TOKEN_BYTES: Final = 16
"""128 bits; XEP-0379 6.1 asks for 80."""
ID_CHARS: Final = 32


class Kind(Enum):
    """What an invitation is for."""

    ACCOUNT = "account"
    """An account is made by it (XEP-0401 3.5)."""
    CONTACT = "contact"
    """Somebody becomes a contact of who invites, and may make an account where that is said (XEP-0401 3.2)."""
    RESET = "reset"
    """The owner of an account sets a new password by it."""


_PAGES: Final = {Kind.ACCOUNT: "register", Kind.CONTACT: "invite", Kind.RESET: "reset"}


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation. The token that opens it is told once and stored nowhere: `id` is made from it, and not back."""

    host: str
    id: str
    kind: Kind
    created_at: float
    """Seconds since 1970, as all times here."""
    expires_at: float
    username: str = ""
    """The name of the account: of RESET the one whose password it is, of ACCOUNT one that is kept for it, if any."""
    inviter: str = ""
    """The localpart of who has invited; "" is an administrator."""
    uses: int = 1
    """How often it can still be used."""
    may_register: bool = False
    """Of CONTACT: whether an account can be made by it."""
    is_introduced: bool = True
    """Whether a new account and who has invited become contacts."""
    groups: tuple[str, ...] = ()
    """The groups in the roster of a new account of the contacts that it gets by this."""
    contacts: tuple[str, ...] = ()
    """The contacts that a new account gets besides who has invited: bare JIDs."""

    @property
    def makes_accounts(self) -> bool:
        """Whether an account can be made by it."""
        return self.kind is Kind.ACCOUNT or (self.kind is Kind.CONTACT and self.may_register)

    @property
    def of(self) -> str:
        """The bare JID of the account that it belongs to, with which it goes; "" where it belongs to the host alone."""
        local = self.username if self.kind is Kind.RESET else self.inviter
        return f"{local}@{self.host}" if local else ""

    @property
    def inviter_jid(self) -> str:
        """The bare JID of who has invited; "" for an administrator."""
        return f"{self.inviter}@{self.host}" if self.inviter else ""

    @property
    def introduced(self) -> tuple[str, ...]:
        """The bare JIDs of the contacts that a new account gets, who has invited first."""
        own = (self.inviter_jid,) if self.inviter and self.is_introduced else ()
        return (*own, *(jid for jid in self.contacts if jid not in own))

    def used(self) -> Self | None:
        """Give it after one more use; None where that was the last."""
        return replace(self, uses=self.uses - 1) if self.uses > 1 else None

    def uri(self, token: str) -> str:
        """Give the ``xmpp:`` URI for *token* (XEP-0379 3.2, XEP-0401 3.2, XEP-0445 2); "" for a reset: it has none."""
        if self.kind is Kind.CONTACT:
            ibr = ";ibr=y" if self.may_register else ""
            return f"xmpp:{_quoted(self.inviter)}@{self.host}?roster;preauth={token}{ibr}"
        if self.kind is Kind.ACCOUNT:
            local = f"{_quoted(self.username)}@" if self.username else ""
            return f"xmpp:{local}{self.host}?register;preauth={token}"
        return ""

    def path(self, token: str) -> str:
        """Give the path of the page for *token*."""
        return f"/{_PAGES[self.kind]}/{token}"

    def to_json(self) -> bytes:
        """Give all but host and id, as it is stored."""
        values = {key: value for key, value in asdict(self).items() if key not in ("host", "id")}
        return json.dumps({**values, "kind": self.kind.value}, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, host: str, id: str, data: bytes) -> Self:
        """Read what `to_json` gave; ValueError."""
        try:
            values: dict[str, Any] = json.loads(data)
            values.update((key, tuple(map(str, values.get(key, ())))) for key in ("groups", "contacts"))
            return cls(host, id, Kind(values.pop("kind")), **values)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not an invitation: {error!r}") from error


def new_token(random_text: str) -> str:
    """Give a token of lower-case letters and digits, made from unguessable text (XEP-0401 3.2, XEP-0379 6.1)."""
    return b32encode(_hash(random_text, "token", TOKEN_BYTES)).decode().rstrip("=").lower()


def id_of(token: str) -> str:
    """Give the id of the invitation that *token* opens, whatever text that is."""
    return _hash(token, "id", ID_CHARS // 2).hex()


def _hash(text: str, purpose: str, size: int) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=size, person=purpose.encode()).digest()


def _quoted(localpart: str) -> str:
    return quote(localpart, safe="!$*.+-_~")
