"""What every storage must do, as a mixin of tests; each back end's test file runs it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import TestCase

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
    NewEntry,
    Note,
    Put,
    Replace,
    Selection,
    Storage,
    StorageError,
    StorageFailed,
    UnknownEntry,
    part_of,
)
from xmppd.storage.pages import all_owners

ALICE = "alice@localhost"
BOB = "bob@localhost"
ODD_TEXTS = ("", "a\x01b", "ß\u0301🜁", "'; DROP TABLE kv; --", "%_", "A", "a", " a ", "\U0010ffff")
ODD_BYTES = (b"", b"\x00", bytes(range(256)), b"\xff\xfe<a/>\r\n\t")


def entry(number: int, with_jid: str = BOB, resource: str = "", sent_at: float | None = None) -> NewEntry:
    """The entry that is number *number*, sent so many seconds after 1000."""
    at = 1000.0 + number if sent_at is None else sent_at
    return NewEntry(f"id{number}", at, with_jid, b"<m>%d</m>" % number, b"{}", resource)


def archive(*numbers: int) -> list[Change]:
    """Changes that append these entries to alice's archive."""
    return [Append("archive", ALICE, entry(number)) for number in numbers]


BAD = Append("archive", ALICE, NewEntry("bad", 1.0, "\ud800", b""))
"""A change that cannot be made: a lone surrogate is no text."""


class StorageContract(TestCase):
    """Run by subclasses, which make the storage; without one there is nothing to run."""

    storage: Storage

    async def seqs(self, **conditions: Any) -> list[int]:
        """The numbers of alice's entries that *conditions* select, by their stanzas."""
        how = {name: conditions.pop(name) for name in ("limit", "reverse") if name in conditions}
        selection = Selection()._replace(**conditions)
        page = await self.storage.read("archive", ALICE, selection, **how)
        return [int(found.stanza[3:-4]) for found in page]


class KeysContract(StorageContract):
    """Values by key."""

    async def test_what_was_put_is_got(self) -> None:
        """A committed value is there, under its own store, owner and key alone."""
        await self.storage.commit(Put("roster", ALICE, "k", b"v"))
        self.assertEqual(await self.storage.get("roster", ALICE, "k"), b"v")
        for place in (("private", ALICE, "k"), ("roster", BOB, "k"), ("roster", ALICE, "")):
            self.assertIsNone(await self.storage.get(*place))

    async def test_rest_loses_nothing(self) -> None:
        """What was put and asked before it, meanwhile and after it is there."""
        await self.storage.commit(Put("s", ALICE, "k", b"1"))
        before = self.storage.get("s", ALICE, "k")
        self.storage.release_memory()
        meanwhile = self.storage.get("s", ALICE, "k")
        self.assertEqual((await before, await meanwhile), (b"1", b"1"))
        await self.storage.commit(Put("s", ALICE, "k", b"2"))
        self.storage.release_memory()
        self.assertEqual(await self.storage.get("s", ALICE, "k"), b"2")

    async def test_the_last_put_wins(self) -> None:
        """Changes happen in order, in one commit and from commit to commit."""
        await self.storage.commit(Put("s", ALICE, "k", b"1"), Put("s", ALICE, "k", b"2"))
        self.assertEqual(await self.storage.get("s", ALICE, "k"), b"2")
        await self.storage.commit(
            Put("s", ALICE, "k", b"3"), Delete("s", ALICE, "k"), Put("s", ALICE, "j", b"4")
        )
        self.assertEqual(await self.storage.get_all("s", ALICE), {"j": b"4"})
        await self.storage.commit(Delete("s", ALICE, "j"), Put("s", ALICE, "j", b"5"))
        self.assertEqual(await self.storage.get("s", ALICE, "j"), b"5")

    async def test_odd_texts_and_bytes_come_back_unchanged(self) -> None:
        """A store keeps any Unicode text as a name and any bytes as a value, and mixes up none of them."""
        for number, text in enumerate(ODD_TEXTS):
            await self.storage.commit(Put("odd", text, text, b"%d" % number))
        for number, text in enumerate(ODD_TEXTS):
            self.assertEqual(await self.storage.get("odd", text, text), b"%d" % number)
        self.assertEqual(await self.storage.owners("odd"), sorted(ODD_TEXTS))
        for value in ODD_BYTES:
            await self.storage.commit(Put("odd", ALICE, "", value))
            self.assertEqual(await self.storage.get("odd", ALICE), value)

    async def test_all_values_of_an_owner(self) -> None:
        """All values of one owner are given sorted by key; an unknown owner has none."""
        await self.storage.commit(*(Put("s", ALICE, key, key.encode()) for key in "cab"))
        self.assertEqual(
            list((await self.storage.get_all("s", ALICE)).items()), [("a", b"a"), ("b", b"b"), ("c", b"c")]
        )
        self.assertEqual(await self.storage.keys("s", ALICE), ["a", "b", "c"])
        self.assertEqual(await self.storage.get_all("s", BOB), {})
        self.assertEqual(await self.storage.keys("s", BOB), [])

    async def test_several_stores_in_one_read(self) -> None:
        """A load answers for each store that it was asked for, be it empty."""
        await self.storage.commit(
            Put("a", ALICE, "k", b"1"), Put("b", ALICE, "", b"2"), Put("a", BOB, "k", b"3")
        )
        self.assertEqual(
            await self.storage.load(ALICE, ["b", "a", "none"]),
            {"b": {"": b"2"}, "a": {"k": b"1"}, "none": {}},
        )
        self.assertEqual(await self.storage.load(ALICE, []), {})

    async def test_owners_have_keys_or_entries(self) -> None:
        """The owners of a store are those who still have something in it."""
        await self.storage.commit(
            Put("s", BOB, "a", b""), Put("s", BOB, "b", b""), Append("s", ALICE, entry(1))
        )
        self.assertEqual(await self.storage.owners("s"), [ALICE, BOB])
        await self.storage.commit(Delete("s", BOB, "a"), DeleteEntries("s", ALICE, ids=["id1"]))
        self.assertEqual(await self.storage.owners("s"), [BOB])
        self.assertEqual(await self.storage.owners("none"), [])

    async def test_owners_by_pages(self) -> None:
        """Pages of owners follow each other by name; together they are all, those with keys and those with entries."""
        names = [f"{number:03}@localhost" for number in range(25)]
        for number, name in enumerate(names):
            await self.storage.commit(
                Append("s", name, entry(1)) if number % 2 else Put("s", name, "k", b"v"),
                Put("s", part_of(name, "n"), "k", b"v"),
            )
        first = await self.storage.owners("s", limit=10)
        self.assertEqual(first, names[:10])
        self.assertEqual(await self.storage.owners("s", after=first[-1], limit=10), names[10:20])
        self.assertEqual(await self.storage.owners("s", after=names[19] + "?", limit=10), names[20:])
        self.assertEqual(await self.storage.owners("s", after=names[-1]), [])

    async def test_all_owners(self) -> None:
        """More owners than a page has are read page by page."""
        names = [f"{number:04}" for number in range(MAX_PAGE + 5)]
        await self.storage.commit(*(Put("s", name, "", b"v") for name in names))
        self.assertEqual(await all_owners(self.storage, "s"), names)

    async def test_a_range_of_keys(self) -> None:
        """Values are read from a key on, behind one, ahead of one, up to a limit, from either end, by code points."""
        keys = ["", "A", "a", "ab", "b", "ß", "🜁"]
        await self.storage.commit(*(Put("s", ALICE, key, key.encode()) for key in reversed(keys)))
        await self.storage.commit(Put("s", BOB, "aa", b""), Put("t", ALICE, "aa", b""))

        async def found(*bounds: Any, limit: int = 50, reverse: bool = False) -> list[str]:
            page = await self.storage.get_range("s", ALICE, KeyRange(*bounds), limit=limit, reverse=reverse)
            self.assertEqual([value.decode() for value in page.values()], list(page))
            return list(page)

        self.assertEqual(await found(), keys)
        self.assertEqual(await found("a"), keys[2:])
        self.assertEqual(await found("a", None, "b"), ["a", "ab"])
        self.assertEqual(await found("", "a", "ß"), ["ab", "b"])
        self.assertEqual(await found("", "aa"), keys[3:])
        self.assertEqual(await found("", "", None, limit=2), ["A", "a"])
        self.assertEqual(await found(limit=2, reverse=True), ["🜁", "ß"])
        self.assertEqual(await found("", None, "ß", limit=2, reverse=True), ["b", "ab"])
        self.assertEqual(await found("c", None, "b"), [])
        self.assertEqual(await self.storage.get_range("s", "none"), {})

    async def test_an_owner_has_parts(self) -> None:
        """A part's data are its own; owners do not include it, and `parts` names those of one owner."""
        one, two, other = part_of(ALICE, "b"), part_of(ALICE, "a"), part_of(ALICE + "x", "c")
        await self.storage.commit(
            *(Put("s", owner, "k", owner.encode()) for owner in (ALICE, one, other)),
            *(Append("s", owner, entry(1)) for owner in (two, BOB)),
        )
        self.assertEqual(await self.storage.get("s", one, "k"), one.encode())
        self.assertEqual(await self.storage.count("s", ALICE), 0)
        self.assertEqual(await self.storage.owners("s"), [ALICE, BOB])
        self.assertEqual(await self.storage.owners("s", limit=1), [ALICE])
        self.assertEqual(await self.storage.owners("s", after=ALICE), [BOB])
        self.assertEqual(await self.storage.parts("s", ALICE), ["a", "b"])
        self.assertEqual(await self.storage.parts("s", ALICE, limit=1), ["a"])
        self.assertEqual(await self.storage.parts("s", ALICE, after="a"), ["b"])
        self.assertEqual(await self.storage.parts("s", BOB), [])

    async def test_a_part_goes_with_its_owner(self) -> None:
        """Deleting an owner takes its parts along in every store; one store's deletion or a part's takes just that."""
        neighbours = (ALICE + "x", ALICE + "\t", ALICE + "\x0b", BOB, part_of(BOB, ALICE))
        parts = [part_of(ALICE, name) for name in ("", "n", "🜁")]

        async def fill() -> None:
            for owner in (ALICE, *parts, *neighbours):
                for store in ("s", "t"):
                    await self.storage.commit(Put(store, owner, "k", b"v"), Append(store, owner, entry(1)))

        async def left() -> list[str]:
            return [
                f"{store} {owner}"
                for store in ("s", "t")
                for owner in (ALICE, *parts)
                if await self.storage.get(store, owner, "k") or await self.storage.count(store, owner)
            ]

        await fill()
        before = await left()
        await self.storage.commit(DeleteAll("s", ALICE))
        self.assertEqual(await left(), [place for place in before if place != f"s {ALICE}"])
        await fill()
        await self.storage.commit(DeleteOwner(parts[1]))
        self.assertEqual(await left(), [place for place in before if not place.endswith(parts[1])])
        await fill()
        await self.storage.commit(DeleteOwner(ALICE))
        self.assertEqual(await left(), [])
        self.assertEqual(await self.storage.parts("s", ALICE), [])
        for owner in neighbours:
            self.assertEqual(await self.storage.get("t", owner, "k"), b"v")
            self.assertGreater(await self.storage.count("s", owner), 0)

    async def test_to_delete_what_is_not_there_is_no_error(self) -> None:
        """Deleting is asking for absence."""
        await self.storage.commit(
            Delete("s", ALICE, "k"),
            DeleteAll("s", ALICE),
            DeleteOwner(ALICE),
            DeleteEntries("s", ALICE, up_to=9),
        )
        self.assertIsNone(await self.storage.get("s", ALICE, "k"))

    async def test_delete_all_empties_one_store_of_one_owner(self) -> None:
        """Keys and entries of that owner in that store go; nothing else does."""
        places = [("s", ALICE), ("s", BOB), ("t", ALICE)]
        for store, owner in places:
            await self.storage.commit(Put(store, owner, "k", b"v"), Append(store, owner, entry(1)))
        await self.storage.commit(
            Put("s", ALICE, "j", b"v"), DeleteAll("s", ALICE), Put("s", ALICE, "new", b"v")
        )
        self.assertEqual(await self.storage.keys("s", ALICE), ["new"])
        self.assertEqual([await self.storage.count(*place) for place in places], [0, 1, 1])
        self.assertEqual([await self.storage.get(*place, "k") for place in places], [None, b"v", b"v"])

    async def test_delete_owner_empties_every_store(self) -> None:
        """An account's removal leaves nothing of it and all of the others.

        What comes later in the commit stays.
        """
        for owner in (ALICE, BOB):
            for store in ("a", "b", "c"):
                await self.storage.commit(Put(store, owner, "k", b"v"), Append(store, owner, entry(1)))
        await self.storage.commit(
            Put("d", ALICE, "k", b"v"), *archive(5), DeleteOwner(ALICE), Put("tombstones", ALICE, "", b"t")
        )
        self.assertEqual(
            await self.storage.load(ALICE, ["a", "b", "c", "d", "tombstones"]),
            {"a": {}, "b": {}, "c": {}, "d": {}, "tombstones": {"": b"t"}},
        )
        for store in ("a", "b", "c", "archive"):
            self.assertEqual(await self.storage.count(store, ALICE), 0)
        self.assertEqual(await self.storage.get("b", BOB, "k"), b"v")
        self.assertEqual(await self.storage.count("c", BOB), 1)

    async def test_an_archive_starts_anew_after_its_deletion(self) -> None:
        """The ids of a deleted archive are free again, its entries do not come back, and seqs still grow."""
        await self.storage.commit(*archive(1, 2))
        (_, last) = await self.storage.read("archive", ALICE)
        await self.storage.commit(DeleteOwner(ALICE), *archive(2))
        (only,) = await self.storage.read("archive", ALICE)
        self.assertEqual(only.id, "id2")
        self.assertGreater(only.seq, last.seq)


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


class ArchiveContract(StorageContract):
    """Entries in order."""

    async def test_an_entry_comes_back_whole(self) -> None:
        """All fields are kept, odd texts and bytes too, and a seq is added."""
        for number, text in enumerate(ODD_TEXTS):
            new = NewEntry(
                f"{number}{text}", -1.5, text, ODD_BYTES[number % 4], ODD_BYTES[(number + 1) % 4], text
            )
            await self.storage.commit(Append("s", BOB, new))
            (found,) = await self.storage.read("s", BOB, limit=1, reverse=True)
            self.assertEqual(found, (found.seq, *new[:1], -1.5, text, *new[3:]))
            self.assertGreater(found.seq, 0)

    async def test_order_is_that_of_appending(self) -> None:
        """Entries are given by ascending seq, whatever their times; reverse begins at the newest."""
        for number in (3, 1, 2):
            await self.storage.commit(*archive(number))
        self.assertEqual(await self.seqs(), [3, 1, 2])
        self.assertEqual(await self.seqs(reverse=True), [2, 1, 3])
        page = await self.storage.read("archive", ALICE)
        self.assertEqual(page, sorted(page))

    async def test_paging_by_id_both_ways(self) -> None:
        """Pages after and before an id exclude it and meet without gap or double (XEP-0059 2.2, 2.3)."""
        await self.storage.commit(*archive(*range(1, 11)))
        self.assertEqual(await self.seqs(limit=4), [1, 2, 3, 4])
        self.assertEqual(await self.seqs(limit=4, after_id="id4"), [5, 6, 7, 8])
        self.assertEqual(await self.seqs(limit=4, after_id="id8"), [9, 10])
        self.assertEqual(await self.seqs(limit=4, reverse=True), [10, 9, 8, 7])
        self.assertEqual(await self.seqs(limit=4, reverse=True, before_id="id7"), [6, 5, 4, 3])
        self.assertEqual(await self.seqs(limit=4, reverse=True, before_id="id3"), [2, 1])
        self.assertEqual(await self.seqs(after_id="id3", before_id="id6"), [4, 5])
        self.assertEqual(await self.seqs(after_id="id6", before_id="id3"), [])
        self.assertEqual(await self.seqs(after_id="id10"), [])

    async def test_paging_by_seq(self) -> None:
        """Seqs bound a page as ids do, and need not exist."""
        await self.storage.commit(*archive(1, 2, 3))
        first, _, third = await self.storage.read("archive", ALICE)
        await self.storage.commit(DeleteEntries("archive", ALICE, seqs=[first.seq]))
        self.assertEqual(await self.seqs(after=first.seq), [2, 3])
        self.assertEqual(await self.seqs(before=third.seq), [2])
        self.assertEqual(await self.seqs(before=third.seq, after_id="id2"), [])

    async def test_an_unknown_id_fails(self) -> None:
        """An id that is not in this archive fails the read (XEP-0059.

        Item-not-found), in another's archive too.
        """
        await self.storage.commit(*archive(1), Append("archive", BOB, entry(2)), Append("s", ALICE, entry(3)))
        for missing in ("id2", "id3", "", "ID1", "id1 "):
            await self.assertFailure(
                self.storage.read("archive", ALICE, Selection(after_id=missing)), UnknownEntry
            )
            await self.assertFailure(
                self.storage.read("archive", ALICE, Selection(before_id=missing)), UnknownEntry
            )
        with self.assertRaises(UnknownEntry) as raised:
            await self.storage.read("none", ALICE, Selection(after_id="x"))
        self.assertEqual(raised.exception.entry_id, "x")

    async def test_by_ids(self) -> None:
        """Entries asked for by id come in order of seq, each once; who is not there is not among them."""
        await self.storage.commit(*archive(*range(300)))
        ids = [f"id{n}" for n in range(250, 0, -1)]
        found = await self.storage.read_ids("archive", ALICE, [*ids, "id7"])
        self.assertEqual([one.id for one in found], ids[::-1])
        self.assertEqual(await self.storage.read_ids("archive", ALICE, []), [])
        some = await self.storage.read_ids("archive", ALICE, ["id300", "id1", ""])
        self.assertEqual([one.id for one in some], ["id1"])
        self.assertEqual(await self.storage.read_ids("archive", BOB, ["id1"]), [])

    async def test_with_somebody(self) -> None:
        """With a bare JID all resources count, with a resource that one alone (XEP-0313 4.1.1)."""
        carol = "carol@example.org"
        for number, (jid, resource) in enumerate(
            [(BOB, ""), (carol, "x"), (BOB, "x"), (BOB, "y"), (carol, "")]
        ):
            await self.storage.commit(Append("archive", ALICE, entry(number, jid, resource)))
        self.assertEqual(await self.seqs(with_jid=BOB), [0, 2, 3])
        self.assertEqual(await self.seqs(with_jid=BOB, reverse=True, limit=2), [3, 2])
        self.assertEqual(await self.seqs(with_jid=BOB, with_resource="x"), [2])
        self.assertEqual(await self.seqs(with_jid=BOB, with_resource=""), [0])
        self.assertEqual(await self.seqs(with_jid=BOB, after_id="id1"), [2, 3])
        self.assertEqual(await self.seqs(with_jid=BOB, start=1001.0, end=1002.0), [2])
        self.assertEqual(await self.seqs(with_jid="dave@localhost"), [])
        self.assertEqual(await self.storage.count("archive", ALICE, Selection(with_jid=carol)), 2)
        self.assertEqual(
            await self.storage.count("archive", ALICE, Selection(with_jid=carol, with_resource="x")), 1
        )

    async def test_a_range_of_time(self) -> None:
        """Start and end are included (XEP-0313 4.1.2)."""
        await self.storage.commit(*archive(*range(10)))
        self.assertEqual(await self.seqs(start=1007.0), [7, 8, 9])
        self.assertEqual(await self.seqs(end=1002.0), [0, 1, 2])
        self.assertEqual(await self.seqs(start=1002.5, end=1005.0), [3, 4, 5])
        self.assertEqual(await self.seqs(start=1002.5, reverse=True, limit=2), [9, 8])
        self.assertEqual(await self.seqs(start=1002.5, after_id="id5", limit=2), [6, 7])
        self.assertEqual(await self.seqs(start=2000.0), [])
        self.assertEqual(await self.seqs(end=1.0), [])
        self.assertEqual(await self.seqs(start=1005.0, end=1004.0), [])
        self.assertEqual(await self.storage.count("archive", ALICE, Selection(start=1001.0, end=1008.0)), 8)

    async def test_a_range_of_time_where_clocks_went_back(self) -> None:
        """A clock that steps back, once or often, takes no entry out of the range that its time is in."""
        times = [10.0, 20.0, 20.0, 15.0, 30.0, 5.0, 40.0, 40.0, 39.0, 50.0, 0.1, 60.0, 60.0]
        for number, at in enumerate(times):
            await self.storage.commit(Append("archive", ALICE, entry(number, sent_at=at)))
        for start in (0.0, 5.0, 14.0, 15.0, 20.0, 39.5, 40.0, 61.0):
            for end in (0.0, 5.0, 16.0, 20.0, 39.0, 40.0, 70.0):
                expected = [number for number, at in enumerate(times) if start <= at <= end]
                self.assertEqual(await self.seqs(start=start, end=end), expected)
                self.assertEqual(
                    await self.storage.count("archive", ALICE, Selection(start=start, end=end)), len(expected)
                )

    async def test_entries_without_id(self) -> None:
        """Queue entries need no id; they are found by seq and time, and any number of them may lack one."""
        for number in range(4):
            await self.storage.commit(Append("archive", ALICE, entry(number)._replace(id="")))
        await self.storage.commit(*archive(4))
        self.assertEqual(await self.seqs(), [0, 1, 2, 3, 4])
        self.assertEqual(await self.seqs(start=1001.0, end=1004.0), [1, 2, 3, 4])
        first = (await self.storage.read("archive", ALICE))[0]
        self.assertEqual(first.id, "")
        await self.storage.commit(DeleteEntries("archive", ALICE, ids=[""]))
        await self.storage.commit(DeleteEntries("archive", ALICE, up_to=first.seq + 1))
        self.assertEqual(await self.seqs(), [2, 3, 4])
        await self.storage.commit(DeleteEntries("archive", ALICE, older_than=1003.0))
        self.assertEqual(await self.seqs(), [3, 4])

    async def test_an_id_that_is_there_twice(self) -> None:
        """By its id the first of such entries is found; none is lost."""
        await self.storage.commit(*archive(1, 2, 1, 3))
        self.assertEqual(await self.seqs(), [1, 2, 1, 3])
        self.assertEqual(await self.seqs(after_id="id1"), [2, 1, 3])
        (one,) = await self.storage.read_ids("archive", ALICE, ["id1"])
        self.assertEqual(one, (await self.storage.read("archive", ALICE))[0])
        await self.storage.commit(Replace("archive", ALICE, "id1", b"<m>8</m>"))
        self.assertEqual(await self.seqs(), [8, 2, 8, 3])
        await self.storage.commit(DeleteEntries("archive", ALICE, ids=["id1"]))
        self.assertEqual(await self.seqs(), [2, 3])

    async def test_count(self) -> None:
        """All that match are counted, or no more than the limit."""
        await self.storage.commit(*archive(*range(30)))
        page = await self.storage.read("archive", ALICE)
        self.assertEqual(await self.storage.count("archive", ALICE), 30)
        self.assertEqual(await self.storage.count("archive", ALICE, limit=7), 7)
        self.assertEqual(await self.storage.count("archive", ALICE, Selection(after=page[9].seq)), 20)
        self.assertEqual(await self.storage.count("archive", BOB), 0)

    async def test_bounds_of_a_page(self) -> None:
        """A page has 1 to 1,000 entries."""
        for limit in (0, -1, MAX_PAGE + 1):
            with self.assertRaises(ValueError):
                self.storage.read("archive", ALICE, limit=limit)
            with self.assertRaises(ValueError):
                self.storage.get_range("s", ALICE, limit=limit)
            with self.assertRaises(ValueError):
                self.storage.owners("s", limit=limit)
        with self.assertRaises(ValueError):
            self.storage.read_ids("archive", ALICE, [str(n) for n in range(MAX_PAGE + 1)])

    async def test_replace_keeps_the_place(self) -> None:
        """A tombstone stands where the retracted message stood (XEP-0424), with its time and id."""
        await self.storage.commit(*archive(1, 2, 3), Replace("archive", ALICE, "id2", b"<m>9</m>", b"x"))
        self.assertEqual(await self.seqs(), [1, 9, 3])
        (found,) = await self.storage.read_ids("archive", ALICE, ["id2"])
        self.assertEqual((found.sent_at, found.with_jid, found.extra), (1002.0, BOB, b"x"))
        await self.storage.commit(Replace("archive", BOB, "id2", b""), Replace("archive", ALICE, "no", b""))
        self.assertEqual(await self.seqs(), [1, 9, 3])

    async def test_notes(self) -> None:
        """Another extra alone, for many entries at once, by place or id, of this owner and of those that are there."""
        await self.storage.commit(*archive(*range(120)), Append("archive", BOB, entry(1)))
        page = await self.storage.read("archive", ALICE, limit=200)
        (other,) = await self.storage.read("archive", BOB)
        await self.storage.commit(
            *archive(120),
            Note(
                "archive",
                ALICE,
                [
                    *((one.seq, b"by place") for one in page[:70]),
                    ("id80", b"by id"),
                    ("id120", b"fresh"),
                    ("no", b"x"),
                    (other.seq, b"another's"),
                ],
            ),
            Note("archive", "nobody@localhost", [(page[0].seq, b"x")]),
        )
        found = await self.storage.read("archive", ALICE, limit=200)
        extras = [one.extra for one in found]
        self.assertEqual(extras[:71], [b"by place"] * 70 + [b"{}"])
        self.assertEqual((extras[80], extras[120], extras[119]), (b"by id", b"fresh", b"{}"))
        self.assertEqual([one._replace(extra=b"{}") for one in found[:120]], page)
        self.assertEqual(await self.storage.read("archive", BOB), [other])

    async def test_measure(self) -> None:
        """How many entries, and how large together, be they settled or fresh."""
        self.assertEqual(await self.storage.measure("archive", ALICE), (0, 0))
        await self.storage.commit(*archive(1, 2, 30))
        sizes = len(b"<m>1</m><m>2</m><m>30</m>")
        self.assertEqual(await self.storage.measure("archive", ALICE, is_fresh=True), (3, sizes))

    async def test_delete_entries_by_place_and_id(self) -> None:
        """Entries go by seq, up to a seq, by id, or by several of these; another owner's stay."""
        await self.storage.commit(*archive(*range(200)), Append("archive", BOB, entry(1)))
        page = await self.storage.read("archive", ALICE, limit=200)
        (others,) = await self.storage.read("archive", BOB)
        await self.storage.commit(DeleteEntries("archive", ALICE, up_to=page[9].seq))
        self.assertEqual((await self.seqs())[0], 10)
        await self.storage.commit(
            DeleteEntries(
                "archive", ALICE, seqs=[one.seq for one in (*page[10:150], others)], ids=["id199", "no"]
            )
        )
        self.assertEqual(await self.seqs(limit=200), list(range(150, 199)))
        await self.storage.commit(DeleteEntries("archive", ALICE, ids=[f"id{n}" for n in range(150, 290)]))
        self.assertEqual(await self.storage.count("archive", ALICE), 0)
        self.assertEqual(await self.storage.count("archive", BOB), 1)

    async def test_retention_in_batches(self) -> None:
        """Entries over an age or beyond a number go oldest first, in batches if so asked."""
        await self.storage.commit(*archive(*range(20)))
        await self.storage.commit(DeleteEntries("archive", ALICE, older_than=1010.0, limit=4))
        self.assertEqual(await self.storage.count("archive", ALICE), 16)
        self.assertEqual((await self.seqs())[0], 4)
        await self.storage.commit(DeleteEntries("archive", ALICE, older_than=1010.0))
        self.assertEqual(await self.seqs(), list(range(10, 20)))
        await self.storage.commit(DeleteEntries("archive", ALICE, keep=5, limit=2))
        self.assertEqual(await self.seqs(), list(range(12, 20)))
        await self.storage.commit(DeleteEntries("archive", ALICE, keep=5))
        self.assertEqual(await self.seqs(), list(range(15, 20)))
        await self.storage.commit(DeleteEntries("archive", ALICE, keep=5))
        self.assertEqual(await self.seqs(), list(range(15, 20)))
        await self.storage.commit(DeleteEntries("archive", ALICE, keep=0))
        self.assertEqual(await self.seqs(), [])

    async def test_changes_of_one_commit_see_each_other(self) -> None:
        """What a commit appends it can replace and delete; an id that it deleted is free again."""
        await self.storage.commit(
            *archive(1, 2, 3),
            Replace("archive", ALICE, "id1", b"<m>7</m>"),
            DeleteEntries("archive", ALICE, ids=["id2"]),
            *archive(2),
        )
        self.assertEqual(await self.seqs(), [7, 3, 2])


class AtOnceContract(KeysContract, CommitContract, ArchiveContract):
    """All that holds for a storage whose commits never wait, too."""


class WholeContract(AtOnceContract, BacklogContract):
    """All of it."""
