"""A backup that is made while clients are acknowledged what they send, as fast as that goes."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import xmppd
from tests.faults.contract import OPTIONS
from tests.faults.device import PASSWORD, Device
from tests.sockets.process import ServerProcess
from tests.temporary import temporary_folder

ROOT = Path(xmppd.__file__).parent.parent
SENDERS, READER = 3, "reader@localhost"
SETTINGS = OPTIONS.format(durability="power")


class BackupTests(SynchronousTestCase):
    """Two folders: one with a server under load, one that the backup is restored to."""

    def test_under_load(self) -> None:
        """promises#backup: what was acknowledged before is in it, and of each sender no more than a beginning."""
        first, second = temporary_folder(self), temporary_folder(self)
        promised, sent = asyncio.run(self.load(first))
        self.assertGreater(len(promised), SENDERS)
        restored = self.xmppctl(second, "restore", first / "x.tar")
        self.assertIn("restored", restored)
        archived = asyncio.run(self.read(second))
        self.assertEqual(sorted(promised - set(archived)), [])
        for number, ids in enumerate(sent):
            found = [id for id in archived if id.startswith(f"s{number}-")]
            self.assertEqual(found, ids[: len(found)], "a moment has no holes")

    async def load(self, folder: Path) -> tuple[set[str], list[list[str]]]:
        """Give what was acknowledged before a backup began, and what all sent in their order."""
        names = [f"s{number}@localhost" for number in range(SENDERS)]
        server = ServerProcess(folder, SETTINGS, tuple((name, PASSWORD) for name in (*names, READER)))
        self.addCleanup(server.kill)
        senders = [Device(name, "d") for name in names]
        sent: list[list[str]] = [[] for _ in senders]
        for device in senders:
            await device.connect(server.ports["STARTTLS"], is_resuming=False)
        working = [asyncio.ensure_future(_send(each, ids)) for each, ids in zip(senders, sent, strict=True)]
        while any(len(device.promised) < 20 for device in senders):
            await asyncio.sleep(0.01)
        promised = {id for device in senders for id in device.promised}
        await asyncio.to_thread(self.xmppctl, folder, "backup", folder / "x.tar")
        server.kill()
        await asyncio.gather(*working)
        return promised, sent

    async def read(self, folder: Path) -> list[str]:
        """Give what is in the archive that the reader finds on the restored server."""
        server = ServerProcess(folder, SETTINGS)
        try:
            reader = Device(READER, "d")
            await reader.connect(server.ports["STARTTLS"], is_resuming=False)
            await reader.read_archive()
            return reader.archived
        finally:
            server.kill()

    def xmppctl(self, folder: Path, *words: object) -> str:
        """Run xmppctl on the data in *folder*."""
        config = folder / "backup.toml"
        config.write_text(f'data_dir = "{folder / "data"}"\n')
        command = [sys.executable, "-m", "xmppd.admin.xmppctl", "--config", str(config), *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout


async def _send(device: Device, ids: list[str]) -> None:
    """Send to somebody who is not there, until the connection is lost."""
    while await device.room():
        id = f"{device.account[:2]}-{len(ids)}"
        ids.append(id)
        device.say(READER, id)
