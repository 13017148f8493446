"""What every storage must do with values by their keys."""

from typing import Any

from tests.storage.contract_base import ALICE, BOB, ODD_BYTES, ODD_TEXTS, StorageContract, archive, entry
from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    Delete,
    DeleteAll,
    DeleteEntries,
    DeleteOwner,
    KeyRange,
    Put,
    part_of,
)
from xmppd.storage.pages import all_owners


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
