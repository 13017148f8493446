"""The pages of invitations: what is shown, what is filled in, and what is refused (XEP-0379 3.3, XEP-0401 3.3).

They work without JavaScript. What makes a form safe from other sites is that its address holds the token, which they do
not know; besides, a browser that says that another site has sent a form is refused. Passwords are taken by HTTPS alone,
or on this machine. Nothing of a page is kept by browsers, nor is its address told to others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, quote

from xmppd.core.http import HttpError, HttpRequest, HttpResponse
from xmppd.core.module import ModuleAPI
from xmppd.core.rate_limit import RateLimit
from xmppd.core.waiting import Running, deferred
from xmppd.modules.invitations.clients import PHONES, date_of, programs_for, system_of
from xmppd.modules.invitations.options import DAY_S, InvitationsOptions
from xmppd.modules.invitations.rendering import FOLDER, code, render
from xmppd.modules.invitations.texts import NAMES, TEXTS, language
from xmppd.services.accounts.accounts import AccountError, InvalidName, InvalidPassword
from xmppd.services.invitations.errors import NoSuchInvitation
from xmppd.services.invitations.invitation import Invitation, Kind
from xmppd.services.invitations.invitations import Invitations, account_name
from xmppd.storage.interface import StorageError

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 16_384
FIELDS: Final = 10
UNFIT: Final = 422
"""What was filled in cannot be used (RFC 9110 15.5.21)."""
HEADERS: Final = {
    "Content-Type": "text/html; charset=utf-8",
    "Vary": "Accept-Language",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
OUR_OWN: Final = ("same-origin", "none", "")
"""What a browser says of where a request comes from (Fetch Metadata) when it is from our own page, or from nobody's."""


class Refused(Exception):
    """A page that cannot be shown: a message in its place, with a status."""

    def __init__(self, status: int, name: str) -> None:
        super().__init__(name)
        self.status = status
        self.name = name


class Page(NamedTuple):
    """What is shown: a template, what goes into it, and what its QR code leads to."""

    template: str
    values: Mapping[str, object] = {}
    code_for: str = ""
    status: int = 200


@dataclass(frozen=True, slots=True)
class Visit:
    """A request for a page, the language of the page, and what was filled in."""

    request: HttpRequest
    language: str
    form: Mapping[str, str]

    @property
    def token(self) -> str:
        """What the address holds."""
        return self.request.parameters["token"]

    @property
    def texts(self) -> Mapping[str, str]:
        """What the page says."""
        return TEXTS[self.language]


class InvitationPages:
    """Answers who opens an invitation in a browser."""

    def __init__(
        self, api: ModuleAPI, options: InvitationsOptions, invitations: Invitations, attempts: RateLimit
    ):
        """*attempts* are those of an address."""
        self._api = api
        self._host = api.host.name
        self._opt = options
        self._invitations = invitations
        self._attempts = attempts
        self._style = (FOLDER / "style.css").read_bytes()

    def style(self) -> HttpResponse:
        """The style sheet of all pages."""
        headers = {"Content-Type": "text/css; charset=utf-8", "Cache-Control": f"max-age={DAY_S}"}
        return HttpResponse(200, headers, self._style)

    @deferred
    async def answer(self, request: HttpRequest, make: Callable[[Visit], Running[Page]]) -> HttpResponse:
        """Give the page that *make* makes, or a message in its place."""
        wanted = request.query.get("lang", "")
        visit = Visit(request, language(wanted, request.headers.get("accept-language", "")), {})
        try:
            if not request.is_secure:
                raise Refused(403, "insecure")
            if request.method == "POST":
                visit = await self._filled_in(visit)
            page = await make(visit)
        except Refused as refused:
            page = _message(visit, refused.name, refused.status)
        except NoSuchInvitation:
            page = _message(visit, "gone", 404)
        except StorageError:
            page = _message(visit, "later", 503)
        shown = await self._api.in_thread(self._rendered, visit, page)
        return HttpResponse(page.status, {**HEADERS, "Content-Language": visit.language}, shown)

    # -- the pages ----------------------------------------------------------------------------------------------------

    async def invite(self, visit: Visit) -> Page:
        """An invitation to become a contact; one to make an account is the form for it."""
        invitation = await self._find(visit, Kind.CONTACT, Kind.ACCOUNT)
        if invitation.kind is Kind.ACCOUNT:
            return self._form(visit, invitation, {})
        values = {
            **self._about(visit, invitation),
            "may_register": invitation.may_register and self._is_internal,
            "register_path": f"/register/{visit.token}?lang={visit.language}",
        }
        return Page("invite.html", values, invitation.uri(visit.token))

    async def register(self, visit: Visit) -> Page:
        """The form for an account, and the account."""
        invitation = await self._find(visit, Kind.CONTACT, Kind.ACCOUNT)
        if not invitation.makes_accounts or not self._is_internal:
            raise NoSuchInvitation
        if visit.request.method != "POST":
            return self._form(visit, invitation, {})
        errors = self._wrong_passwords(visit)
        try:
            jid = account_name(self._host, _username(visit, invitation))
            await self._invitations.may_register_as(invitation, jid)
            if not errors:
                await self._invitations.register(visit.token, jid, visit.form["password"])
                return self._registered(visit, invitation, jid.bare)
        except AccountError as error:
            errors = {**_told(visit, error), **errors}
        return self._form(visit, invitation, errors)

    async def reset(self, visit: Visit) -> Page:
        """The form for another password, and the password."""
        invitation = await self._find(visit, Kind.RESET)
        errors: dict[str, str] = {}
        if visit.request.method == "POST":
            errors = self._wrong_passwords(visit)
            try:
                if not errors:
                    await self._invitations.reset(self._host, visit.token, visit.form["password"])
                    return _message(visit, "reset_done", 200)
            except AccountError as error:
                errors = _told(visit, error)
        values = {
            **self._about(visit, invitation),
            "jid": invitation.of,
            "path": f"/reset/{visit.token}",
            "errors": errors,
        }
        return Page("reset.html", values, status=UNFIT if errors else 200)

    # -- what they are made of ----------------------------------------------------------------------------------------

    def _form(self, visit: Visit, invitation: Invitation, errors: Mapping[str, str]) -> Page:
        values = {
            **self._about(visit, invitation),
            "path": f"/register/{visit.token}",
            "username": invitation.username or visit.form.get("username", ""),
            "fixed_name": bool(invitation.username),
            "errors": errors,
        }
        return Page("register.html", values, invitation.uri(visit.token), UNFIT if errors else 200)

    def _registered(self, visit: Visit, invitation: Invitation, jid: str) -> Page:
        uri = f"xmpp:{quote(jid, safe='@')}"
        values = {**self._about(visit, invitation), "jid": jid, "uri": uri, "languages": ()}
        return Page("registered.html", values)

    def _about(self, visit: Visit, invitation: Invitation) -> dict[str, object]:
        system = system_of(visit.request.headers.get("user-agent", ""))
        by = invitation.inviter_jid if invitation.is_introduced else ""
        return {
            "inviter_jid": by,
            "inviter_name": invitation.inviter,
            "ends": date_of(invitation.expires_at, visit.language),
            "system": system,
            "is_phone": system in PHONES,
            "clients": programs_for(system),
            "has_chat": self._api.web.has_chat,
            "password_chars": self._opt.password_chars,
        }

    @property
    def _is_internal(self) -> bool:
        """Whether this server makes the accounts of the host, and sets their passwords."""
        return self._api.host.settings.auth == "internal"

    async def _find(self, visit: Visit, *kinds: Kind) -> Invitation:
        invitation = await self._invitations.find(self._host, visit.token)
        if invitation.kind not in kinds or not (self._is_internal or invitation.kind is Kind.CONTACT):
            raise NoSuchInvitation
        return invitation

    async def _filled_in(self, visit: Visit) -> Visit:
        """Read a form; `Refused` where another site has sent it, or where there are too many."""
        request = visit.request
        if request.headers.get("sec-fetch-site", "") not in OUR_OWN:
            raise HttpError(403, "Another site has sent this form.")
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            raise HttpError(415, "A form is expected.")
        if not self._attempts.take(request.client, self._opt.attempts_per_hour):
            raise Refused(429, "busy")
        body = await request.read(FORM_BYTES)
        try:
            form = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FIELDS))
        except ValueError:
            raise HttpError(400, "This is no form.") from None
        return Visit(request, language(form.get("lang", ""), visit.language), form)

    def _wrong_passwords(self, visit: Visit) -> dict[str, str]:
        password, chars = visit.form.get("password", ""), self._opt.password_chars
        if len(password) < chars:
            return {"password": visit.texts["password_short"].format(chars=chars)}
        return {} if password == visit.form.get("repeat") else {"repeat": visit.texts["password_other"]}

    def _rendered(self, visit: Visit, page: Page) -> bytes:
        """Write a page; for a thread."""
        about = {"t": visit.texts, "lang": visit.language, "languages": NAMES, "host": self._host}
        if page.code_for:
            about |= {"uri": page.code_for, "code": code(page.code_for)}
        return render(page.template, {**about, **page.values})


def _username(visit: Visit, invitation: Invitation) -> str:
    return invitation.username or visit.form.get("username", "").strip()


def _message(visit: Visit, name: str, status: int) -> Page:
    texts = visit.texts
    values = {"title": texts[f"{name}_title"], "text": texts[f"{name}_text"]}
    return Page("message.html", values, status=status)


def _told(visit: Visit, error: AccountError) -> dict[str, str]:
    """Give the field that is wrong, and what is wrong with it."""
    if isinstance(error, InvalidName) and not visit.form.get("username", "").strip():
        return {"username": visit.texts["username_missing"]}
    field, name = next(
        ((field, name) for kind, field, name in _WRONG if isinstance(error, kind)),
        ("username", "username_taken"),
    )
    return {field: visit.texts[name]}


_WRONG: Final[tuple[tuple[type[AccountError], str, str], ...]] = (
    (InvalidName, "username", "username_unfit"),
    (InvalidPassword, "password", "password_unfit"),
)
"""All else is a name that is taken: by somebody, by who was somebody a while ago, or for somebody who is invited."""
