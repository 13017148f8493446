"""What the owner of files does about them by HTTP: sees them page by page, and removes one or all. Answers are JSON.

Who asks shows address and password of the account with each request (`xmppd.services.login.basic`). Pages of any site
may ask, since a browser adds no password of its own accord for them. Nothing of an answer is kept on the way.
"""

import json
from collections.abc import Callable, Mapping
from typing import Final

from xmppd.core.http import HttpError, HttpRequest, HttpResponse
from xmppd.core.waiting import Running, deferred
from xmppd.modules.upload.names import path_of
from xmppd.services.login.basic import BasicLogin
from xmppd.services.uploads.errors import NoSuchUpload
from xmppd.services.uploads.upload import UNENDING, Upload
from xmppd.services.uploads.uploads import Uploads
from xmppd.stanza.jid import JID
from xmppd.stanza.stamps import stamp_of
from xmppd.storage.interface import StorageError

PAGE: Final = 100
"""Files on a page, and files that go with one request."""
ID_CHARS: Final = 64
LIMIT_DIGITS: Final = 9
HEADERS: Final = {"Content-Type": "application/json", "Cache-Control": "no-store"}


class OwnFiles:
    """Answers owners, for one service of uploads."""

    def __init__(self, service: str, uploads: Uploads, login: BasicLogin) -> None:
        self._service = service
        self._uploads = uploads
        self._login = login

    @deferred
    async def answer(
        self, request: HttpRequest, make: Callable[[HttpRequest, str], Running[HttpResponse]]
    ) -> HttpResponse:
        """Give what *make* gives to the owner, whose bare JID it gets; `HttpError` for anybody else."""
        jid: JID = await self._login.account(request)
        try:
            return await make(request, jid.bare)
        except NoSuchUpload as error:
            raise HttpError(404, "There is no such file, or no more.") from error
        except (StorageError, OSError) as error:
            raise HttpError(503) from error

    async def list(self, request: HttpRequest, owner: str) -> HttpResponse:
        """Give a page: at most ``limit`` files, from behind ``after``."""
        after, limit = _page_wanted(request.query)
        found, following = await self._uploads.page(owner, after, limit)
        files = [_told(each, request.base_url) for each in found if each.service == self._service]
        return _json({"files": files, "next": following})

    async def remove(self, request: HttpRequest, owner: str) -> HttpResponse:
        """Remove the file at this address; nobody gets it any more once this is answered."""
        upload = await self._uploads.find(self._service, request.parameters["id"])
        if upload.filename != request.parameters["name"]:
            raise NoSuchUpload("There is no such file")
        if upload.owner != owner:
            raise HttpError(403, "This file is somebody else's.")
        await self._uploads.remove(upload)
        return HttpResponse(204, {"Cache-Control": "no-store"})

    async def remove_all(self, request: HttpRequest, owner: str) -> HttpResponse:
        """Remove as many files as fit on a page, and say whether there are more."""
        removed, after = 0, None
        while removed < PAGE:
            found, after = await self._uploads.page(owner, after, PAGE - removed)
            for upload in found:
                removed += upload.service == self._service and await self._is_removed(upload)
            if after is None:
                break
        return _json({"removed": removed, "more": after is not None})

    async def _is_removed(self, upload: Upload) -> bool:
        try:
            await self._uploads.remove(upload)
        except NoSuchUpload:
            return False
        return True


def _page_wanted(query: Mapping[str, str]) -> tuple[str | None, int]:
    after, limit = query.get("after"), query.get("limit", str(PAGE))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= LIMIT_DIGITS and int(limit)):
        raise HttpError(400, "limit is a number of files.")
    if after is not None and not (after.isascii() and after.isprintable() and len(after) <= ID_CHARS):
        raise HttpError(400, "after is what a page gave as next.")
    return after, min(int(limit), PAGE)


def _told(upload: Upload, base_url: str) -> dict[str, object]:
    ends = None if upload.expires_at == UNENDING else stamp_of(upload.expires_at)
    return {
        "url": base_url + path_of(upload.id, upload.filename),
        "name": upload.filename,
        "size": upload.size,
        "type": upload.content_type or None,
        "purpose": upload.purpose.value,
        "sent": stamp_of(upload.created_at),
        "expires": ends,
    }


def _json(content: Mapping[str, object]) -> HttpResponse:
    return HttpResponse(200, HEADERS, f"{json.dumps(content)}\n".encode())
