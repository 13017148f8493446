"""``xmppctl backup`` and ``restore`` as they are run: what they work on, and what goes wrong in words."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from xmppd.admin.backup.making import Made, Place, Progress, backups_in, make
from xmppd.admin.backup.manifest import BackupError
from xmppd.admin.backup.restoring import Restored, restore
from xmppd.admin.control.wire import ControlError
from xmppd.admin.moving.data import database_of, is_locked, load_config, locked
from xmppd.config.model import Config
from xmppd.config.obstacles import Obstacle
from xmppd.storage.interface import StorageError, StorageFull
from xmppd.storage.sqlite.foreign_log import foreign_log, remedy_for


def back_up(
    path: Path, config_file: Path | None, env: Mapping[str, str], keep: int | None, on_progress: Progress
) -> Made:
    """Make a backup in the file or folder *path*; `ControlError`."""
    config = load_config(config_file, env)
    place = _place(config)
    if not place.database.exists():
        raise ControlError("no-data", f"there are no data yet: {place.database} is not there")
    with _told(path):
        if not is_locked(config.data_dir):
            why = foreign_log(place.database)
            if why is not None:
                raise BackupError(f"{place.database}: {why}; {remedy_for(place.database)}")
        return make(place, path, keep, on_progress, time.time())


def put_back(
    path: Path, config_file: Path | None, env: Mapping[str, str], is_replacing: bool, on_progress: Progress
) -> Restored:
    """Put the backup *path* in the place of the data; `ControlError`."""
    config = load_config(config_file, env)
    if path.is_dir():
        newest = backups_in(path)[-1:]
        which = f"the newest in it is {newest[0]}" if newest else "there is none in it"
        raise ControlError("bad-backup", f"{path} is a folder: name a backup; {which}")
    with _told(path), path.open("rb") as backup:
        size = os.fstat(backup.fileno()).st_size
        with locked(config, "a restore"):
            return restore(backup, size, _place(config), is_replacing, on_progress, time.time())


def _place(config: Config) -> Place:
    return Place(config.data_dir, database_of(config), config.file, config.log.file)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except BackupError as error:
        raise ControlError(
            "bad-backup", f"{path}: {error}" if str(path) not in str(error) else str(error)
        ) from error
    except StorageFull as error:
        raise ControlError("storage-full", f"{error}; make room and try again") from error
    except StorageError as error:
        raise ControlError("storage-failed", f"{path}: {error}") from error
    except OSError as error:
        where = Path(error.filename) if isinstance(error.filename, str) else path
        raise ControlError("cannot-use", f"{where}: {Obstacle.of(where, error).why}") from error
