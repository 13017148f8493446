"""HTTP File Upload: XEP-0363 1.2.0, a service with a domain name of its own: ``[components."NAME"] module = "upload"``.

Here is what goes over XMPP and over HTTP; what is stored, and when, is in `xmppd.services.uploads`. Files are served so
that nothing in them runs: a browser shows the few types of `xmppd.services.uploads.content` and saves all others,
guesses no type, and lets none of them act (XEP-0363 9.1). Slots need no headers: their address is what nobody guesses.
"""

from typing import Final

from twisted.logger import Logger

from xmppd.core.events import IQRequest
from xmppd.core.host import Identity
from xmppd.core.http import FileBody, HttpAnswer, HttpError, HttpRequest, HttpResponse
from xmppd.core.module import XEP, http, iq, on
from xmppd.core.service import Service
from xmppd.core.waiting import deferred
from xmppd.modules.upload.external import external_slot
from xmppd.modules.upload.names import disposition, path_of
from xmppd.modules.upload.options import UploadOptions
from xmppd.modules.upload.own_files import OwnFiles
from xmppd.modules.upload.requests import NS, NS_PURPOSE, read_request, refusal
from xmppd.services.accounts.accounts import Accounts
from xmppd.services.discovery.disco import HOST_INFO, Info
from xmppd.services.login.basic import BasicLogin
from xmppd.services.uploads.bucket import Bucket
from xmppd.services.uploads.content import BYTES, SHOWN, media_type
from xmppd.services.uploads.errors import (
    DiskFull,
    FileTooLarge,
    NoSuchSlot,
    NoSuchUpload,
    SlotBusy,
    UploadError,
    WrongSize,
)
from xmppd.services.uploads.upload import UNENDING, Rule, Upload
from xmppd.services.uploads.uploads import SLOT_S, Uploads, Wanted
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import field, form
from xmppd.storage.interface import StorageError

PATTERN: Final = "/upload/{id}/{name}"
LIST: Final = "/upload"
YEAR_S: Final = 31_536_000
HARMLESS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "sandbox; default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}
"""A browser shows a picture or plays a film by a page of its own making, which needs that style and that source."""


class UploadService(Service):
    """Gives slots, takes files, and serves them."""

    name = "upload"
    summary = "HTTP File Upload"
    xep = XEP(363, "1.2.0")
    identities = (Identity("store", "file", "Files"),)
    features = (NS,)
    requires = ("disco",)
    options = UploadOptions
    uses = (Accounts, BasicLogin, Uploads)
    opt: UploadOptions
    _log = Logger()

    def start(self) -> None:
        """Find the services, and open the door."""
        super().start()
        self._accounts, self._uploads = self.api.services[Accounts], self.api.services[Uploads]
        self._rules = self.opt.rules
        service = self.api.host.name
        self._own_files = OwnFiles(service, self._uploads, self.api.services[BasicLogin])
        self._bucket: Bucket | None = None
        store = self.opt.s3 or self.opt.external
        if store is not None:
            self.api.web.stores[service] = store.url
            self.at_end(lambda: self.api.web.stores.pop(service, None))
        if self.opt.s3 is not None:
            self._bucket = self._uploads.keep_elsewhere(service, self.opt.s3.url, self.opt.s3.credentials)
            self.at_end(lambda: self._uploads.keep_here(service))

    # -- XMPP ---------------------------------------------------------------------------------------------------------

    @on(HOST_INFO)
    def on_host_info(self, info: Info) -> None:
        """The purposes, and the largest file (XEP-0363 3, 5)."""
        info.features.update(f"{NS_PURPOSE}#{purpose.value}" for purpose in self._rules)
        limit = field("max-file-size", "text-single", (str(self.opt.max_bytes),))
        info.forms.append(form("result", NS, [limit]))

    @iq("get", NS, "request", to="host")
    @deferred
    async def on_request(self, request: IQRequest) -> Element:
        """A slot for an account of this server (XEP-0363 4)."""
        service, owner = self.api.host.name, request.sender.bare
        if not self._accounts.exists(owner):
            raise StanzaError("forbidden", "Only accounts of this server upload files here")
        base = self.api.web.url(service)
        if base is None:
            raise StanzaError("service-unavailable", "No web server takes files here")
        wanted = read_request(request.payload, service, owner, self.api.now())
        rule = self._rules.get(wanted.purpose)
        if rule is None:
            raise StanzaError("feature-not-implemented", "Files for this purpose are not taken here")
        try:
            return await self._slot_for(wanted, rule, base)
        except UploadError as error:
            raise refusal(error) from error
        except OSError as error:
            self._log.error("The secret of the store of uploads cannot be read: {error}", error=str(error))
            raise StanzaError("service-unavailable", "Files are not taken now") from error

    async def _slot_for(self, wanted: Wanted, rule: Rule, base: str) -> Element:
        if self._bucket is not None:
            upload = await self._uploads.slot_elsewhere(wanted, rule, self.opt.quota)
            return _slot(self._bucket.put_url(upload, SLOT_S), base + path_of(upload.id, upload.filename))
        if self.opt.external is not None:
            if wanted.size > rule.max_bytes:
                raise FileTooLarge(rule.max_bytes)
            random = self._uploads.new_id()
            external = self.opt.external
            return _slot(*external_slot(external.url, external.read(), random, wanted))
        slot = await self._uploads.slot(wanted, rule, self.opt.quota)
        name = slot.upload.filename
        return _slot(base + path_of(slot.key, name), base + path_of(slot.upload.id, name))

    # -- HTTP ---------------------------------------------------------------------------------------------------------

    @http("PUT", PATTERN, cors=True)
    @deferred
    async def on_put(self, request: HttpRequest) -> HttpResponse:
        """A file comes (XEP-0363 7): 201 when it can be had."""
        service, key = self.api.host.name, request.parameters["id"]
        try:
            _check(request, self._uploads.expected(service, key))
            upload = await self._uploads.receive(service, key, request.receive)
        except UploadError as error:
            raise _told(error) from error
        except StorageError as error:
            raise HttpError(503, "The file cannot be kept now; try again later.") from error
        return HttpResponse(201, {"Location": f"{request.base_url}{path_of(upload.id, upload.filename)}"})

    @http("GET", PATTERN, cors=True)
    @deferred
    async def on_get(self, request: HttpRequest) -> HttpResponse:
        """A file goes to whoever knows its address (XEP-0363 2)."""
        try:
            upload = await self._uploads.find(self.api.host.name, request.parameters["id"])
        except NoSuchUpload as error:
            raise HttpError(404, "There is no such file, or no more.") from error
        except StorageError as error:
            raise HttpError(503, "The file cannot be read now; try again later.") from error
        if request.parameters["name"] != upload.filename:
            raise HttpError(404, "There is no such file, or no more.")
        if self._bucket is not None:
            return self._elsewhere(self._bucket, upload)
        place = self._uploads.place_of(upload)
        body = FileBody(place, upload.size, upload.id, upload.created_at)
        return HttpResponse(200, _headers(upload, self.api.now()), body)

    def _elsewhere(self, bucket: Bucket, upload: Upload) -> HttpResponse:
        headers = _headers(upload, self.api.now())
        told = (headers[name] for name in ("Content-Type", "Content-Disposition", "Cache-Control"))
        try:
            url = bucket.get_url(upload, *told)
        except OSError as error:
            raise HttpError(503, "The file cannot be read now; try again later.") from error
        return HttpResponse(
            302, {"Location": url, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
        )

    @http("GET", LIST, cors=True, json=True)
    def on_list(self, request: HttpRequest) -> HttpAnswer:
        """An account sees its files."""
        return self._own_files.answer(request, self._own_files.list)

    @http("DELETE", LIST, cors=True, json=True)
    def on_delete_all(self, request: HttpRequest) -> HttpAnswer:
        """An account removes its files."""
        return self._own_files.answer(request, self._own_files.remove_all)

    @http("DELETE", PATTERN, cors=True, json=True)
    def on_delete(self, request: HttpRequest) -> HttpAnswer:
        """An account removes one of its files."""
        return self._own_files.answer(request, self._own_files.remove)


def _slot(put: str, get: str) -> Element:
    return Element("slot", NS, children=[Element("put", NS, {"url": put}), Element("get", NS, {"url": get})])


def _check(request: HttpRequest, expected: Upload) -> None:
    """Raise `HttpError` for what cannot be the file of the slot, before any of it is read."""
    if request.parameters["name"] != expected.filename:
        raise HttpError(404, "There is no such slot.")
    size = request.content_length
    if size is None:
        raise HttpError(411, "The size of a file is told before it.")
    if size != expected.size:
        raise HttpError(413 if size > expected.size else 400, f"The slot is for {expected.size} bytes.")
    declared = media_type(request.headers.get("content-type", ""))
    if expected.content_type and declared and declared != expected.content_type:
        raise HttpError(415, f"The slot is for a file of the type {expected.content_type}.")


def _told(error: UploadError) -> HttpError:
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 400)
    return HttpError(status, f"{error}.")


_STATUS: Final = ((NoSuchSlot, 403), (SlotBusy, 409), (WrongSize, 400), (DiskFull, 507))


def _headers(upload: Upload, now: float) -> dict[str, str]:
    """What makes a file harmless, whatever it is; it never changes, so that it is asked for once."""
    is_shown = upload.content_type in SHOWN and upload.is_what_it_says
    content_type = upload.content_type if is_shown else BYTES
    if content_type == "text/plain":
        content_type += "; charset=utf-8"
    left_s = YEAR_S if upload.expires_at == UNENDING else min(YEAR_S, int(upload.expires_at - now))
    return {
        **HARMLESS,
        "Content-Type": content_type,
        "Content-Disposition": disposition(upload.filename, is_shown=is_shown),
        "Cache-Control": f"private, max-age={left_s}, immutable",
    }
