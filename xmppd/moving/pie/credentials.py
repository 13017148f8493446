"""What XEP-0227 says of an account itself: SCRAM credentials (3.3), and in our own namespace when it was made."""

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterator
from typing import Final

from xmppd.moving.model import Account
from xmppd.moving.pie import names
from xmppd.stanza.element import Element
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import parse_stamp, stamp_of
from xmppd.stream.sasl.credentials import HASHES, Credentials, ScramKeys, key_bytes

_PREFIX: Final = "SCRAM-"
READ: Final = frozenset(((names.SCRAM, "scram-credentials"), (names.OURS, "account")))


class Facts:
    """What is known of an account so far."""

    def __init__(self, jid: JID, password: str | None):
        self._jid = jid
        self._password = password
        self._keys: dict[str, ScramKeys] = {}
        self._created_at: float | None = None
        self._is_disabled = False

    @property
    def has_keys(self) -> bool:
        """Whether there is what somebody can log in with."""
        return bool(self._keys) or self._password is not None

    def read(self, element: Element) -> None:
        """Take one of the elements `READ`; ValueError."""
        if element.ns == names.OURS:
            created = element.get("created")
            self._created_at = None if created is None else parse_stamp(created)
            self._is_disabled = element.get("disabled") == "true"
            return
        hash_name = (element.get("mechanism") or "").removeprefix(_PREFIX)
        if hash_name not in HASHES:
            raise ValueError(f"the mechanism {element.get('mechanism')!r} is not known")
        self._keys[hash_name] = _keys(hash_name, element)

    def account(self) -> Account:
        """Give the account; keys count for more than a password."""
        keys = Credentials(self._keys) if self._keys else None
        password = self._password if keys is None else None
        return Account(self._jid, keys, password, self._created_at, self._is_disabled)


def written(account: Account) -> Iterator[Element]:
    """Give the elements for an account."""
    for hash_name, keys in sorted((account.credentials or {}).items()):
        parts = (
            ("iter-count", str(keys.iterations)),
            ("salt", _base64(keys.salt)),
            ("server-key", _base64(keys.server_key)),
            ("stored-key", _base64(keys.stored_key)),
        )
        children = [Element(name, names.SCRAM, None, [text]) for name, text in parts]
        yield Element("scram-credentials", names.SCRAM, {"mechanism": _PREFIX + hash_name}, children)
    attrs = {} if account.created_at is None else {"created": stamp_of(account.created_at)}
    if account.is_disabled:
        attrs["disabled"] = "true"
    if attrs:
        yield Element("account", names.OURS, attrs)


def _keys(hash_name: str, element: Element) -> ScramKeys:
    iterations = (element.child_text("iter-count") or "").strip()
    if not iterations.isdigit() or not int(iterations):
        raise ValueError("no number of iterations")
    salt, stored_key, server_key = (_bytes(element, name) for name in ("salt", "stored-key", "server-key"))
    size = key_bytes(hash_name)
    if len(stored_key) != size and len(stored_key) == len(_encoded(bytes(size))):
        # COMPAT(ejabberd before 23.10): what it had in base64 already it has encoded once more
        salt, stored_key, server_key = (_decoded(each) for each in (salt, stored_key, server_key))
    if len(stored_key) != size or len(server_key) != size or not salt:
        raise ValueError(f"a key of the wrong length for {hash_name}")
    return ScramKeys(salt, int(iterations), stored_key, server_key)


def _bytes(element: Element, name: str) -> bytes:
    return _decoded((element.child_text(name) or "").encode())


def _decoded(data: bytes) -> bytes:
    try:
        return b64decode(b"".join(data.split()), validate=True)
    except Error as error:
        raise ValueError(f"not base64: {error}") from error


def _encoded(data: bytes) -> bytes:
    return b64encode(data)


def _base64(data: bytes) -> str:
    return _encoded(data).decode()
