"""For which hashes of SCRAM the accounts of a host have keys: those that came from elsewhere may lack some.

Which hash an account has is not known when mechanisms are offered (RFC 6120 6.3.3), and many clients take the strongest
and give up when that fails. So a host offers what all of its accounts can use, until the last of them has the others,
too: by another password, by a login with PLAIN, or by an upgrade (XEP-0480).
"""

from collections import Counter
from collections.abc import Iterable

from xmppd.services.accounts.stored import LACKING
from xmppd.storage.interface import Storage
from xmppd.storage.pages import all_owners
from xmppd.stream.sasl.credentials import HASHES


class Lacking:
    """Which accounts lack keys, by bare JID."""

    def __init__(self) -> None:
        self._lacking: dict[str, frozenset[str]] = {}
        self._counts: dict[str, Counter[str]] = {}
        self._hashes: dict[str, tuple[str, ...]] = {}

    def __contains__(self, bare_jid: str) -> bool:
        return bare_jid in self._lacking

    def put(self, bare_jid: str, hash_names: Iterable[str]) -> None:
        """An account lacks these from now on, and no others."""
        before, after = self._lacking.pop(bare_jid, frozenset()), frozenset(hash_names)
        if after:
            self._lacking[bare_jid] = after
        host = bare_jid.rpartition("@")[2]
        counts = self._counts.setdefault(host, Counter())
        counts.update(after)
        counts.subtract(before)
        fewest = min(counts[name] for name in HASHES)
        self._hashes[host] = tuple(name for name in HASHES if counts[name] == fewest)

    def hashes(self, host: str) -> tuple[str, ...]:
        """Give the hashes that all accounts of *host* have keys for, the strongest first.

        Where there is none, those that the fewest lack: there PLAIN alone is for all.
        """
        return self._hashes.get(host, HASHES)


async def read_lacking(storage: Storage) -> Lacking:
    """Read which accounts lack keys. Waits; `StorageError`."""
    lacking = Lacking()
    for host in await all_owners(storage, LACKING):
        for username, value in (await storage.get_all(LACKING, host)).items():
            lacking.put(f"{username}@{host}", value.decode().split())
    return lacking
