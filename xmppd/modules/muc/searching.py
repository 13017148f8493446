"""Channel search: XEP-0433 0.1.0, over the public rooms of the service."""

from collections.abc import Callable, Mapping
from typing import Final

from xmppd.core.events import IQRequest
from xmppd.modules.muc.parts import MucParts
from xmppd.services.rooms.directory import (
    Channel,
    Directory,
    Key,
    Place,
    Wanted,
    by_address,
    by_occupants,
    page_of,
)
from xmppd.services.rooms.pace import EVERYBODY, MINUTE_S, Pace
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.forms import Submission
from xmppd.stanza.result_sets import PageRequest, page_element, page_request_in

_BASE: Final = "urn:xmpp:channel-search:0"
NS: Final = f"{_BASE}:search"
FORM_TYPE: Final = f"{_BASE}:search-params"
NS_ERROR: Final = f"{_BASE}:error"
NON_ANONYMOUS, SEMI_ANONYMOUS = f"{{{_BASE}:anonymity}}none", "muc_semianonymous"
MUC: Final = "xep-0045"
BY_OCCUPANTS, BY_ADDRESS = f"{{{_BASE}:order}}nusers", f"{{{_BASE}:order}}address"
ORDERS: Final = {BY_OCCUPANTS: by_occupants, BY_ADDRESS: by_address}
PLACES: Final = {
    "sinname": (Place.NAME, "Search in name"),
    "sindescription": (Place.DESCRIPTION, "Search in description"),
    "sinaddr": (Place.ADDRESS, "Search in address"),
}
ALSO: Final = {"sinaddress": "sinaddr"}
"""The specification has two names for one field (4.2.1, 6.1)."""
PAGE, MAX_PAGE = 50, 200
WORDS, WORD_CHARS, TEXT_CHARS = 10, 3, 200
EACH_A_MINUTE, ALL_A_MINUTE = 30, 600


class Searching:
    """Answers searches."""

    def __init__(self, parts: MucParts):
        self._parts = parts
        timers = parts.api.timers
        self._directory = Directory(parts.rooms, parts.host.name, timers.seconds, timers.wait)
        self._pace = Pace()

    async def search(self, request: IQRequest) -> Element:
        """Give the form (4.2.1), or a page of what was found (4.2.2)."""
        self._parts.check_blocked(request.sender)
        try:
            submission = forms.submission_in(request.payload)
            page = page_request_in(request.payload)
        except ValueError as error:
            raise StanzaError("bad-request", str(error)) from error
        if submission is None:
            return Element("search", NS, None, [_form()])
        if submission.type != "submit" or submission.form_type != FORM_TYPE:
            raise StanzaError("bad-request", f"A form of the type {FORM_TYPE} has to be submitted")
        wanted, order = _wanted(submission), _order(submission)
        types = submission.all("types")
        if types and MUC not in types:
            return Element("result", NS, None, [page_element(count=0)])
        self._check_pace(request.sender.bare)
        found = sorted(await self._directory.search(wanted), key=order)
        return _result(found, order, page)

    def _check_pace(self, sender: str) -> None:
        """4.2.5: so many searches a minute, of one and of all."""
        now = self._parts.rooms.now()
        if not (
            self._pace.take(sender, EACH_A_MINUTE, now) and self._pace.take(EVERYBODY, ALL_A_MINUTE, now)
        ):
            limit = Element("rate-limit", NS_ERROR, {"retry-after": str(int(MINUTE_S))})
            raise StanzaError("resource-constraint", "Too many searches", type="wait", extra=limit)


def _form() -> Element:
    kinds = _choice("types", "list-multi", "Service types", {MUC: "XEP-0045 Multi-User Chat"})
    orders = {BY_OCCUPANTS: "Number of online users", BY_ADDRESS: "Address"}
    fields = [
        forms.field("q", "text-single", label="Search for"),
        forms.field("all", "boolean", label="Return all entries (ignore search terms)"),
        *(forms.field(var, "boolean", ("true",), label=label) for var, (_, label) in PLACES.items()),
        forms.field("min_users", "text-single", ("0",), label="Minimum number of users"),
        kinds,
        _choice("key", "list-single", "Sort results by", orders),
    ]
    return forms.form("form", FORM_TYPE, fields)


def _choice(var: str, type: str, label: str, options: Mapping[str, str]) -> Element:
    """Make a field of which the first value is the default."""
    shown = [
        Element("option", forms.NS, {"label": text}, [Element("value", forms.NS, None, [value])])
        for value, text in options.items()
    ]
    return forms.field(var, type, [*options][:1], label=label, extra=shown)


def _wanted(submission: Submission) -> Wanted:
    """Read what is searched for; `StanzaError` with the conditions of 4.2.4, 4.2.7 and 4.2.8."""
    text = (submission.first("q") or "").strip()
    is_all = bool(_flag(submission, "all"))
    if is_all and text:
        conflict = Element("conflicting-fields", NS_ERROR, None, [_text("var", "all"), _text("var", "q")])
        words = "Cannot both return all results and search by keywords"
        raise StanzaError("bad-request", words, extra=conflict)
    if not is_all and not text:
        none = Element("no-search-conditions", NS_ERROR)
        raise StanzaError("bad-request", "Nothing is searched for", type="cancel", extra=none)
    least = submission.first("min_users") or "0"
    if not (least.isascii() and least.isdecimal()) or len(least) > 9:
        raise StanzaError("bad-request", "The minimum of users is a number")
    if is_all:
        return Wanted(least_occupants=int(least))
    asked = tuple(word for word in text[:TEXT_CHARS].casefold().split() if len(word) >= WORD_CHARS)
    places = tuple(place for var, (place, _) in PLACES.items() if _is_in(submission, var))
    if not asked or not places:
        words = f"Search terms have at least {WORD_CHARS} characters, and a place to be searched in"
        raise StanzaError("bad-request", words, extra=Element("invalid-search-terms", NS_ERROR))
    return Wanted(asked[:WORDS], places, int(least))


def _is_in(submission: Submission, var: str) -> bool:
    """Whether a place is searched in; it is unless that is said."""
    said = [_flag(submission, name) for name in (var, *(also for also, of in ALSO.items() if of == var))]
    return False not in said


def _flag(submission: Submission, var: str) -> bool | None:
    try:
        return submission.flag(var)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error


def _order(submission: Submission) -> Callable[[Channel], Key]:
    """4.2.3."""
    order = ORDERS.get(submission.first("key") or BY_OCCUPANTS)
    if order is None:
        unknown = Element("invalid-sort-key", NS_ERROR)
        raise StanzaError("feature-not-implemented", type="modify", extra=unknown)
    return order


def _result(found: list[Channel], order: Callable[[Channel], Key], asked: PageRequest) -> Element:
    size = min(PAGE if asked.max is None else asked.max, MAX_PAGE)
    after, before = _key(asked.after), _key(asked.before)
    shown = (
        page_of(found, order, after, before, size)
        if asked.before != ""
        else found[max(0, len(found) - size) :]
    )
    first, last = (_id(order(shown[0])), _id(order(shown[-1]))) if shown else (None, None)
    return Element("result", NS, None, [*map(_item, shown), page_element(first, last, len(found))])


def _item(channel: Channel) -> Element:
    """6.3."""
    listed = channel.listed
    texts = {
        "name": listed.title or listed.name,
        "description": listed.description,
        "language": listed.language,
        "nusers": str(channel.occupants),
        "service-type": MUC,
        "is-open": "true" if listed.is_open else "",
        "anonymity-mode": SEMI_ANONYMOUS if listed.is_anonymous else NON_ANONYMOUS,
    }
    children = [_text(name, text) for name, text in texts.items() if text]
    return Element("item", NS, {"address": channel.address}, [*children])


def _text(name: str, text: str) -> Element:
    return Element(name, NS_ERROR if name == "var" else NS, None, [text])


def _id(key: Key) -> str:
    return f"{key[0]} {key[1]}"


def _key(id: str | None) -> Key | None:
    """Read what `_id` gave; `StanzaError` for what it did not."""
    if not id:
        return None
    number, _, address = id.partition(" ")
    try:
        return int(number[:WORDS]), address
    except ValueError as error:
        raise StanzaError("item-not-found", "There is no such page") from error
