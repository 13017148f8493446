"""Control commands about uploaded files."""

from datetime import UTC, datetime

from xmppd.admin.control.names import account_address
from xmppd.admin.control.parts import ControlParts
from xmppd.admin.control.wire import ControlError
from xmppd.admin.operations.uploads import UploadRow
from xmppd.core.operations.running import does
from xmppd.core.waiting import deferred
from xmppd.services.uploads.errors import NoSuchUpload
from xmppd.services.uploads.upload import UNENDING, Upload
from xmppd.services.uploads.uploads import Uploads


@does("upload.list")
@deferred
async def upload_list(parts: ControlParts, jid: str) -> list[UploadRow]:
    """Give the files of an account, the newest first."""
    account = account_address(parts.hosts, jid)
    return [_row(each) for each in await _uploads(parts).of_account(account.bare)]


@does("upload.show")
@deferred
async def upload_show(parts: ControlParts, file: str) -> UploadRow:
    """Give what there is to know of a file."""
    return _row(await _find(parts, file))


@does("upload.remove")
@deferred
async def upload_remove(parts: ControlParts, file: str) -> UploadRow:
    """Take a file away."""
    found = await _find(parts, file)
    try:
        await _uploads(parts).remove(found)
    except NoSuchUpload:
        raise _unknown(file) from None
    return _row(found)


def _uploads(parts: ControlParts) -> Uploads:
    assert parts.uploads is not None, "these commands are done by a running server"
    return parts.uploads


async def _find(parts: ControlParts, file: str) -> Upload:
    """Give a file by its id, or by an address that was given to others."""
    _, is_address, rest = file.partition("/upload/")
    id = rest.partition("/")[0] if is_address else file
    for host in parts.hosts:
        if not host.has_accounts:
            try:
                return await _uploads(parts).find(host.name, id)
            except NoSuchUpload:
                continue
            except ValueError:  # a text that no file can have as its id
                break
    raise _unknown(file)


def _unknown(file: str) -> ControlError:
    return ControlError(
        "no-such-file", f"there is no file {file}; to see those of an account: xmppctl upload list JID"
    )


def _row(upload: Upload) -> UploadRow:
    return {
        "id": upload.id,
        "name": upload.filename,
        "owner": upload.owner,
        "size": upload.size,
        "type": upload.content_type,
        "service": upload.service,
        "created": _stamp(upload.created_at),
        "expires": None if upload.expires_at == UNENDING else _stamp(upload.expires_at),
    }


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
