"""Where a message is until it is done: the rules, without I/O and timers. It knows no accounts and no sessions.

A `Record` is one message. Whoever a copy of it went to is a *holder*, known by a key, with the number that the copy has
in what that holder was sent; what a holder has done is recorded, nothing is inferred. Who holders are now, the caller
says (`Standing`): a holder that has ended needs no write, since it is simply `GONE` from then on, and its number stays
as evidence for who comes back later and says how far it had come.

======================  ===========================================================================================
event                   what becomes of the record
======================  ===========================================================================================
arrived                 it waits; with holders it is held; written to who does not count it is done
sent, given             one holder more, and it waits no longer
acknowledged            that holder goes, the message is done; the record stays while another may still ask for its own
ended                   the holder is gone: without any other, and not done, it waits again
came back (id and h)    up to h that is an acknowledgement; behind it the holder that comes takes the place
fetched                 done for who could be given it: it gets all from an archive
started anew            all holders are `GONE` or `RESERVED`; nothing is written
======================  ===========================================================================================

What somebody who takes what waits is given of it (`verdict`):

=====================================  ==========  =============  =============
the record                             it is owed  it claims it   neither
=====================================  ==========  =============  =============
it has it already                      pass        pass           pass
done, nobody else may ask for it       give        give           forget
done, somebody else may ask for it     give        give           pass
somebody has it now                    give        pass, unless   pass
                                                   of before the
                                                   start
kept for somebody of before the start  give        give           give if it takes all, else pass
it waits                               give        give           give
=====================================  ==========  =============  =============
"""

from collections.abc import Callable, Collection
from enum import Enum
from typing import Final, NamedTuple

OWED: Final = -1
"""Instead of a number: the holder was not sent it yet; it is its due."""
OWED_COPY: Final = -2
"""The same, as a carbon (XEP-0280)."""
HAS: Final = -3
"""The holder has it, though it waits for others."""
WAS: Final = 1 << 32
"""Added to a number: its holder had ended when another was given the message; it is evidence alone."""
MAX_EVIDENCE: Final = 8
"""Of more of that the earliest is forgotten."""


class Standing(Enum):
    """What a holder is now."""

    GONE = "it has ended, or is not known"
    LIVE = "it is there; when it has ended nobody can come back to it"
    LASTING = (
        "it is there; its peer may come back to it, and after a start of the server ask for what it held"
    )
    RESERVED = "of before the start: its peer may come back"


class Verdict(Enum):
    """What somebody who takes what waits does with a record."""

    GIVE = "it gets it"
    PASS = "it is not its own"
    FORGET = "nobody needs it"


Standings = Callable[[str], Standing]
HERE: Final = (Standing.LIVE, Standing.LASTING)
LATER: Final = (Standing.LASTING, Standing.RESERVED)


class Record:
    """One message, and who holds a copy; *is_open*: copies went to others than those it is for, for whom it waits."""

    __slots__ = (
        "holders",
        "id",
        "is_archived",
        "is_done",
        "is_gone",
        "is_late",
        "is_open",
        "is_stored",
        "owner",
        "pins",
        "size_bytes",
    )

    def __init__(self, owner: str, id: str = "", *, is_stored: bool = True, is_archived: bool = False):
        self.owner = owner
        self.id = id
        self.is_archived = is_archived
        """Whether its content stands in an archive, under the same id."""
        self.holders: dict[str, int] = {}
        self.is_done = False
        self.is_open = False
        self.is_gone = False
        """Whether it was told to be taken out of the store."""
        self.is_late = False
        """Whether a copy goes behind the transaction of the message: who holds it is written by itself then."""
        self.pins = 0
        """How many need it in memory, whoever holds it."""
        self.is_stored = is_stored
        """False for one that lives in memory alone."""
        self.size_bytes = 0
        """What its content takes in the store."""


class Claim(NamedTuple):
    """Who takes what waits: its key, whose places it takes, and whether it gets what is kept for others, too."""

    key: str
    keys: Collection[str] = ()
    takes_all: bool = True


def is_finished(record: Record, standing: Standings) -> bool:
    """Whether nobody needs the record any more."""
    if not record.is_done or record.is_open:
        return False
    for key, number in record.holders.items():
        now = Standing.GONE if number >= WAS else standing(key)
        if now in LATER or (number in (OWED, OWED_COPY) and now in HERE):
            return False
    return True


def is_held(record: Record, standing: Standings) -> bool:
    """Whether somebody who is there has a copy, or its due."""
    return any(standing(key) in HERE for key in record.holders)


def is_kept(record: Record, claim: Claim, standing: Standings) -> bool:
    """Whether somebody else of before the start may come back for it."""
    return any(
        number < WAS and key not in claim.keys and standing(key) is Standing.RESERVED
        for key, number in record.holders.items()
    )


def is_owed(record: Record, claim: Claim, standing: Standings) -> bool:
    """Whether it is the due of somebody else who is there."""
    return any(
        number in (OWED, OWED_COPY) and key != claim.key and standing(key) in HERE
        for key, number in record.holders.items()
    )


def is_elsewhere(record: Record, key: str, standing: Standings) -> bool:
    """Whether somebody else than *key* has the message, or will be sent it."""
    return record.is_done or any(
        each != key and standing(each) is not Standing.GONE for each in record.holders
    )


def is_waiting(record: Record, standing: Standings) -> bool:
    """Whether it waits for somebody who takes it."""
    return record.is_open or not (record.is_done or is_held(record, standing))


def verdict(record: Record, claim: Claim, standing: Standings) -> Verdict:
    """Give what *claim* means for the record: see the table above."""
    number = record.holders.get(claim.key)
    if record.is_gone or (number is not None and number not in (OWED, OWED_COPY)):
        return Verdict.PASS
    if number is not None:
        return Verdict.GIVE
    if record.is_open:
        is_there = any(record.holders.get(key) == HAS for key in claim.keys)
        return Verdict.PASS if is_there else Verdict.GIVE
    places = [key for key, number in record.holders.items() if number < WAS]
    others = [standing(key) for key in places if key not in claim.keys]
    is_claimed = len(others) < len(places)
    is_own = any(standing(key) is Standing.RESERVED for key in places if key in claim.keys)
    if any(each in HERE for each in others) and not is_own:
        return Verdict.PASS
    if is_claimed:
        return Verdict.GIVE
    if Standing.RESERVED in others:
        return Verdict.GIVE if claim.takes_all and not record.is_done else Verdict.PASS
    return Verdict.FORGET if record.is_done else Verdict.GIVE


def given(record: Record, claim: Claim, standing: Standings) -> None:
    """What waited went to *claim*, which takes the places of those that it claims."""
    for key in claim.keys:
        record.holders.pop(key, None)
    if record.is_open:
        record.is_open = False
        for key in [key for key, number in record.holders.items() if number == HAS]:
            acknowledged(record, key)
    for key, number in list(record.holders.items()):
        if number < WAS and standing(key) is Standing.GONE:
            if number < 0:
                del record.holders[key]
            else:
                record.holders[key] = number + WAS
    was = [key for key, number in record.holders.items() if number >= WAS]
    for key in was[:-MAX_EVIDENCE]:
        del record.holders[key]


def entitled(record: Record, claim: Claim) -> bool:
    """Whether *claim* has a copy already of what waits for who takes that, as it does; it waits no longer then."""
    if not record.is_open:
        return False
    for key in (claim.key, *claim.keys):
        number = record.holders.get(key, OWED)
        if number == HAS or (key == claim.key and number not in (OWED, OWED_COPY)):
            record.is_open = False
            if number == HAS:
                acknowledged(record, key)
            return True
    return False


def acknowledged(record: Record, key: str) -> None:
    """*key* has its copy, or was written it and does not count: done, unless the message waits for others than it."""
    if record.is_open:
        record.holders[key] = HAS
    else:
        record.holders.pop(key, None)
        record.is_done = True


def came_back(record: Record, key: str, is_handled: Callable[[int], bool]) -> bool:
    """Who was *key* says how far it had come: whether this was among it, which is an acknowledgement."""
    number = record.holders.get(key)
    if number is None or number < 0 or not is_handled(number % WAS):
        return False
    acknowledged(record, key)
    return True


def fetched(record: Record, claim: Claim) -> None:
    """Who would be given it has got it by another way."""
    for key in (claim.key, *claim.keys):
        record.holders.pop(key, None)
    record.is_open, record.is_done = False, True
