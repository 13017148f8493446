"""What every storage must do with entries of archives."""

from tests.storage.contract_base import ALICE, BOB, ODD_BYTES, ODD_TEXTS, StorageContract, archive, entry
from xmppd.storage.interface import (
    MAX_PAGE,
    Append,
    DeleteEntries,
    NewEntry,
    Note,
    Replace,
    Selection,
    UnknownEntry,
)


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
