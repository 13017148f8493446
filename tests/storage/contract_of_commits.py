"""What every storage must do with commits, and while some wait."""

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import CancelledError, Deferred

from tests.storage.contract_base import ALICE, BAD, BOB, StorageContract, archive, entry
from xmppd.storage.bounds import MAX_NAME_CHARS, MAX_VALUE_BYTES, PAUSE_CHANGES
from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    Change,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    InvalidChange,
    KeyRange,
    Put,
    Replace,
    Selection,
    StorageError,
    StorageFailed,
)


class CommitContract(StorageContract):
    """Order, atomicity, failure, bounds."""

    async def test_a_commit_happens_whole_or_not_at_all(self) -> None:
        """If one change cannot be made, none of its commit is, whatever their kinds and order."""
        await self.storage.commit(Put("s", ALICE, "old", b"1"), *archive(1, 2))
        before = await self.storage.read("archive", ALICE)
        changes: list[Change] = [
            Put("s", ALICE, "new", b"2"),
            Put("s", ALICE, "old", b"2"),
            Delete("s", ALICE, "old"),
            *archive(3),
            Replace("archive", ALICE, "id1", b"other"),
            DeleteEntries("archive", ALICE, ids=["id2"]),
            Append("queue", BOB, entry(1)),
            DeleteAll("s", ALICE),
            *archive(2, 4),
            DeleteOwner(ALICE),
            *archive(5),
            BAD,
        ]
        await self.assertFailure(self.storage.commit(*changes), InvalidChange)
        self.assertEqual(await self.storage.get_all("s", ALICE), {"old": b"1"})
        self.assertEqual(await self.storage.read("archive", ALICE), before)
        self.assertEqual(await self.storage.count("queue", BOB), 0)

    async def test_a_bad_commit_does_not_spoil_its_neighbours(self) -> None:
        """Commits that are made in the same turn fail or succeed each for itself."""
        commits = [
            self.storage.commit(Put("s", ALICE, "a", b"1"), *archive(1)),
            self.storage.commit(Put("s", ALICE, "a", b"2"), BAD, *archive(3)),
            self.storage.commit(Put("s", ALICE, "b", b"3"), *archive(2)),
        ]
        await commits[0]
        await self.assertFailure(commits[1], InvalidChange)
        await commits[2]
        self.assertEqual(await self.storage.get_all("s", ALICE), {"a": b"1", "b": b"3"})
        self.assertEqual(await self.seqs(), [1, 2])

    async def test_commits_are_decided_in_order(self) -> None:
        """Deferreds fire in the order of the calls, and an empty commit waits for those before it."""
        fired: list[int] = []
        commits: list[Deferred[None]] = []
        for number in range(100):
            changes = [] if number % 10 == 9 else [Put("s", ALICE, "n", b"%d" % number)]
            commit = self.storage.commit(*changes)
            commit.addCallback(partial(self._note, fired, number))
            commits.append(commit)
        for commit in commits:
            await commit
        self.assertEqual(fired, list(range(100)))
        self.assertEqual(await self.storage.get("s", ALICE, "n"), b"98")

    def _note(self, fired: list[int], number: int, nothing: None) -> None:
        fired.append(number)

    async def test_submitted_changes_are_told_without_a_deferred(self) -> None:
        """`Storage.submit` is `commit` with a call in the place of the Deferred, in the same order."""
        told: list[StorageError | None] = []
        self.storage.submit([Put("s", ALICE, "k", b"1")], told.append)
        self.storage.submit([BAD], told.append)
        await self.storage.commit()
        self.assertEqual([type(error) for error in told], [type(None), InvalidChange])
        self.assertEqual(await self.storage.get("s", ALICE, "k"), b"1")
        await self.storage.stop()
        self.storage.submit([Put("s", ALICE, "k", b"2")], told.append)
        self.assertIsInstance(told[-1], StorageFailed)

    async def test_a_commit_may_be_larger_than_a_group(self) -> None:
        """A thousand changes of all kinds are one transaction and keep their order."""
        changes: list[Change] = []
        for number in range(1_000):
            changes += [Put("s", ALICE, str(number % 7), b"%d" % number), *archive(number)]
        await self.storage.commit(*changes)
        self.assertEqual(await self.seqs(limit=MAX_PAGE), list(range(1_000)))
        self.assertEqual((await self.storage.get_all("s", ALICE))["5"], b"999")

    async def test_lone_surrogates_and_odd_times_are_refused(self) -> None:
        """What no disk can hold fails its commit alone, with InvalidChange."""
        bad: list[Change] = [
            Put("s", ALICE, "\ud800", b""),
            Put("s", "\udfff", "", b""),
            Append("archive", ALICE, entry(1, with_jid="\ud800")),
            *(Append("archive", ALICE, entry(1, sent_at=float(odd))) for odd in ("nan", "inf", "-inf")),
        ]
        for change in bad:
            await self.assertFailure(self.storage.commit(change), InvalidChange)
        self.assertEqual(await self.storage.owners("s"), [])
        self.assertEqual(await self.storage.count("archive", ALICE), 0)

    async def test_no_name_holds_a_nul(self) -> None:
        """A NUL in a name is refused, in changes and in reads: PostgreSQL cannot keep one."""
        odd = "a\0b"
        bad: list[Change] = [
            Put(odd, ALICE, "", b""),
            Put("s", odd, "", b""),
            Put("s", ALICE, odd, b""),
            Delete("s", ALICE, odd),
            DeleteAll("s", odd),
            DeleteOwner(odd),
            Append("s", odd, entry(1)),
            Append("s", ALICE, entry(1)._replace(id=odd)),
            Append("s", ALICE, entry(1)._replace(with_jid=odd)),
            Append("s", ALICE, entry(1)._replace(with_resource=odd)),
            Replace("s", ALICE, odd, b""),
            DeleteEntries("s", odd),
            DeleteEntries("s", ALICE, ids=["id1", odd]),
        ]
        for change in bad:
            await self.assertFailure(self.storage.commit(change), InvalidChange)
            await self.assertFailure(self.storage.commit(change), ValueError)
        storage = self.storage
        reads: list[Callable[[], object]] = [
            lambda: storage.get("s", ALICE, odd),
            lambda: storage.get_all("s", odd),
            lambda: storage.get_range("s", ALICE, KeyRange(after=odd)),
            lambda: storage.keys(odd, ALICE),
            lambda: storage.load(ALICE, ["s", odd]),
            lambda: storage.owners("s", after=odd),
            lambda: storage.parts("s", odd),
            lambda: storage.read("s", odd),
            lambda: storage.read("s", ALICE, Selection(with_jid=odd)),
            lambda: storage.read_ids("s", ALICE, [odd]),
            lambda: storage.count("s", ALICE, Selection(before_id=odd)),
        ]
        for read in reads:
            self.assertRaises(ValueError, read)
        await storage.commit(Put("s", ALICE, "k", b"\0"), Append("s", ALICE, entry(1)._replace(stanza=b"\0")))

    async def test_a_fresh_read_waits_for_what_was_committed_before(self) -> None:
        """Whoever asks for it sees all that was committed when they asked, without waiting for its Deferred."""
        for number in range(5):
            done = self.storage.commit(
                Put("s", ALICE, "k", b"%d" % number), Append("archive", ALICE, entry(number))
            )
            done.addErrback(lambda _: None)
            value = self.storage.get("s", ALICE, "k", is_fresh=True)
            values = self.storage.get_range("s", ALICE, is_fresh=True)
            page = self.storage.read("archive", ALICE, is_fresh=True)
            named = self.storage.read_ids("archive", ALICE, [f"id{number}"], is_fresh=True)
            count = self.storage.count("archive", ALICE, is_fresh=True)
            self.assertEqual(await value, b"%d" % number)
            self.assertEqual(await values, {"k": b"%d" % number})
            self.assertEqual([found.id for found in await page], [f"id{n}" for n in range(number + 1)])
            self.assertEqual(len(await named), 1)
            self.assertEqual(await count, number + 1)

    async def test_bounds_of_a_change(self) -> None:
        """Values over 16 MiB and names over 16,384 characters are refused; those just within are kept."""
        large = bytes(MAX_VALUE_BYTES)
        await self.storage.commit(Put("s", ALICE, "", large))
        self.assertEqual(await self.storage.get("s", ALICE), large)
        name = "n" * (MAX_NAME_CHARS - 1)
        await self.storage.commit(Put("s", "", name, b"v"))
        self.assertEqual(await self.storage.get("s", "", name), b"v")
        too_large: list[Change] = [
            Put("s", ALICE, "", large + b"x"),
            Append("s", ALICE, entry(1)._replace(stanza=large + b"x")),
            Replace("s", ALICE, "id1", large, b"x"),
            Put("s", "", name + "nn", b"v"),
            Append("s", ALICE, entry(1)._replace(id=name)),
            Delete("s", name + "nn"),
        ]
        for change in too_large:
            await self.assertFailure(self.storage.commit(change), InvalidChange)

    async def test_to_cancel_does_not_undo(self) -> None:
        """Who cancels the Deferred of a commit stops listening; the changes happen."""
        commit = self.storage.commit(Put("s", ALICE, "k", b"v"))
        commit.addErrback(lambda _: None).cancel()
        await self.storage.commit()
        self.assertEqual(await self.storage.get("s", ALICE, "k"), b"v")

    async def test_stop_decides_what_was_committed(self) -> None:
        """What was committed before the stop is made; what comes later fails."""
        commits = [self.storage.commit(Put("s", ALICE, str(n), b"v")) for n in range(600)]
        await self.storage.stop()
        self.assertTrue(all(commit.called for commit in commits))
        await self.assertFailure(self.storage.commit(Put("s", ALICE, "k", b"v")), StorageFailed)


class BacklogContract(StorageContract):
    """Commits that wait."""

    async def test_back_pressure(self) -> None:
        """With 2,000 changes waiting the storage is full; those who wait for room go on when it has some."""
        self.assertFalse(self.storage.is_full)
        await self.storage.when_roomy()
        commits = [self.storage.commit(Put("s", ALICE, str(n), b"v")) for n in range(PAUSE_CHANGES)]
        self.assertEqual(self.storage.backlog, PAUSE_CHANGES)
        self.assertTrue(self.storage.is_full)
        given_up = self.storage.when_roomy()
        waiting = self.storage.when_roomy()
        self.assertFalse(waiting.called)
        given_up.cancel()
        await self.assertFailure(given_up, CancelledError)
        await waiting
        self.assertFalse(self.storage.is_full)
        for commit in commits:
            await commit
        self.assertEqual(self.storage.backlog, 0)

    async def test_back_pressure_counts_bytes(self) -> None:
        """A few large values fill the backlog as well."""
        commits = [self.storage.commit(Put("s", ALICE, str(n), bytes(3 * 1024 * 1024))) for n in range(3)]
        self.assertTrue(self.storage.is_full)
        for commit in commits:
            await commit
        self.assertFalse(self.storage.is_full)
