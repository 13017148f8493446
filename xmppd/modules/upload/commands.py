"""Commands by which users see the files that they have uploaded, and remove one (XEP-0050), at their own server."""

from typing import Final

from xmppd.core.module import Module, on
from xmppd.core.waiting import deferred
from xmppd.services.discovery.commands import (
    GATHERING,
    Command,
    Execution,
    Menu,
    Note,
    Stage,
    is_user,
    refused,
)
from xmppd.services.uploads.errors import NoSuchUpload
from xmppd.services.uploads.upload import UNENDING, Upload
from xmppd.services.uploads.uploads import Uploads
from xmppd.stanza.forms import choice, form, table
from xmppd.stanza.stamps import stamp_of

LIST, REMOVE = "uploads/list", "uploads/remove"
FILE: Final = "file"
SHOWN: Final = 200
"""The newest so many are listed."""
COLUMNS: Final = {"name": "Name", "size": "Bytes", "type": "Type", "sent": "Sent", "ends": "Ends"}


class UploadCommands(Module):
    """Lets users list their files and remove one, by any client that knows commands."""

    name = "upload_commands"
    summary = "Commands about one's own files"
    requires = ("commands",)
    uses = (Uploads,)

    def start(self) -> None:
        """Find the service, and make the commands."""
        self._uploads = self.api.services[Uploads]
        self._commands = (
            Command(LIST, "List my files", (self.on_list,), is_user),
            Command(REMOVE, "Remove one of my files", (self.on_choose, self.on_remove), is_user),
        )

    @on(GATHERING)
    def on_gathering(self, menu: Menu) -> None:
        """Offer them."""
        menu.commands.extend(self._commands)

    @deferred
    async def on_list(self, execution: Execution) -> Stage:
        """Show the files of who asks."""
        rows = [_row(each) for each in await self._newest(execution)]
        return Stage(table(COLUMNS, rows, title="Your files"))

    @deferred
    async def on_choose(self, execution: Execution) -> Stage:
        """Ask which one."""
        options = [(each.id, _line(each)) for each in await self._newest(execution)]
        if not options:
            return Stage(notes=(Note("You have no files here."),), is_last=True)
        words = "Nobody can have it any more; who has fetched it keeps it."
        return Stage(form("form", "", [choice(FILE, options)], title="Remove a file", instructions=words))

    @deferred
    async def on_remove(self, execution: Execution) -> Stage:
        """Remove it."""
        id = execution.answers[0].first(FILE)
        found = [each for each in await self._uploads.of_account(execution.sender.bare) if each.id == id]
        try:
            if not found:
                raise NoSuchUpload
            await self._uploads.remove(found[0])
        except NoSuchUpload:
            raise refused("bad-payload", "You have no such file") from None
        return Stage(notes=(Note("The file is removed."),))

    async def _newest(self, execution: Execution) -> list[Upload]:
        found = await self._uploads.of_account(execution.sender.bare)
        return found[:SHOWN]


def _row(upload: Upload) -> tuple[str, ...]:
    ends = "" if upload.expires_at == UNENDING else stamp_of(int(upload.expires_at))
    sent = stamp_of(int(upload.created_at))
    return upload.filename, str(upload.size), upload.content_type, sent, ends


def _line(upload: Upload) -> str:
    name, size, _, sent, _ = _row(upload)
    return f"{name}, {size} bytes, sent {sent}"
