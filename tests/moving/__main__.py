"""The long form of the move: fifty people on each other server. ``python -m tests.moving``; takes some minutes."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.moving.arriving import arrive
from tests.moving.others import Ejabberd, Other, Prosody, has_lua_sqlite

PEOPLE = 50


def main() -> None:
    """Move from each, and say what came."""
    with tempfile.TemporaryDirectory(prefix="xmppd-moving-") as name:
        folder = Path(name)
        for number, (other, kind, source) in enumerate(_ways(folder)):
            new = folder / f"new{number}"
            new.mkdir()
            report = arrive(new, other.town, kind, source, has_all="piefxis" not in str(source))
            print(source.name, json.dumps(report, ensure_ascii=False))


def _ways(folder: Path) -> Iterator[tuple[Other, str, Path]]:
    for storage in ("internal", "sql") if Prosody.is_here() else ():
        if storage == "sql" and not has_lua_sqlite():
            continue
        (folder / storage).mkdir()
        prosody = Prosody(folder / storage, PEOPLE, storage)
        _live(prosody)
        prosody.stop()
        yield prosody, "prosody", prosody.data / "prosody.sqlite" if storage == "sql" else prosody.data
    if Ejabberd.is_here():
        (folder / "ejabberd").mkdir()
        ejabberd = Ejabberd(folder / "ejabberd", PEOPLE)
        _live(ejabberd)
        dump, export = ejabberd.dump(), ejabberd.export()
        ejabberd.stop()
        yield ejabberd, "ejabberd", dump
        yield ejabberd, "ejabberd", export


def _live(other: Other) -> None:
    try:
        other.start()
        other.town.live()
    except BaseException:
        other.stop()
        raise


if __name__ == "__main__":
    main()
