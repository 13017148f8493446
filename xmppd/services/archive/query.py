"""What a client asks of its archive (XEP-0313 4): the form, the page, and how it wants them."""

from dataclasses import dataclass
from typing import Any, Final

from xmppd.services.archive.search import FIELD as SEARCH_FIELD
from xmppd.stanza import forms
from xmppd.stanza.element import Element
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID, InvalidJID
from xmppd.stanza.result_sets import PageRequest, page_request_in
from xmppd.stanza.stamps import parse_stamp

NS: Final = "urn:xmpp:mam:2"
NS_VALIDATE: Final = "http://jabber.org/protocol/xdata-validate"
FIELDS: Final = (
    ("with", "jid-single"),
    ("start", "text-single"),
    ("end", "text-single"),
    ("before-id", "text-single"),
    ("after-id", "text-single"),
    ("ids", "list-multi"),
    ("include-groupchat", "boolean"),
)
"""The fields of the form (4.1), with their types."""
MAX_IDS: Final = 250


@dataclass(frozen=True, slots=True)
class Query:
    """One query: which messages, which page of them."""

    page: PageRequest
    query_id: str | None = None
    is_flipped: bool = False
    with_jid: str | None = None
    with_resource: str | None = None
    start: float | None = None
    end: float | None = None
    after_id: str | None = None
    before_id: str | None = None
    ids: tuple[str, ...] | None = None
    text: str = ""
    """Words to find (XEP-0431)."""

    @property
    def after_ids(self) -> list[str]:
        """Give the ids of the messages behind which all results stand."""
        return [entry_id for entry_id in (self.after_id, self.page.after) if entry_id]

    @property
    def before_ids(self) -> list[str]:
        """Give the ids of the messages before which all results stand."""
        return [entry_id for entry_id in (self.before_id, self.page.before) if entry_id]


def read_query(payload: Element, has_search: bool = False) -> Query:
    """Read a ``<query/>``; *has_search* says whether it may ask for words.

    Raises `StanzaError` as XEP-0313 has it: feature-not-implemented for an unknown field.
    """
    if payload.get("node"):
        raise StanzaError("item-not-found", "An account's archive has no nodes")
    try:
        page = page_request_in(payload)
        form = forms.submission_in(payload)
        if page.start_index is not None:
            raise StanzaError("feature-not-implemented", "Pages are found by ids, not by an index")
        fields = {} if form is None else _fields(form, has_search)
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    return Query(page, payload.get("queryid"), payload.child("flip-page") is not None, **fields)


def _fields(form: forms.Submission, has_search: bool) -> dict[str, Any]:
    if form.type != "submit" or form.form_type != NS:
        raise ValueError(f"the form must be submitted with a FORM_TYPE of {NS}")
    unknown = form.values.keys() - {name for name, _ in FIELDS} - {forms.FORM_TYPE}
    if has_search:
        unknown -= {SEARCH_FIELD}
    if unknown:
        raise StanzaError("feature-not-implemented", f"There is no field {min(unknown)}")
    form.flag("include-groupchat")  # nothing of a room is in an account's archive, whatever is said here
    with_ = form.first("with")
    jid = _jid(with_) if with_ else None
    start, end = form.first("start"), form.first("end")
    ids = tuple(id for id in form.all("ids") if id) or None  # a field may be there and not be filled in
    if ids is not None and len(ids) > MAX_IDS:
        raise ValueError(f"at most {MAX_IDS} ids in one query")
    return {
        "with_jid": jid and jid.bare,
        "with_resource": jid and jid.resourcepart,
        "start": parse_stamp(start) if start else None,
        "end": parse_stamp(end) if end else None,
        "after_id": form.first("after-id") or None,
        "before_id": form.first("before-id") or None,
        "ids": ids,
        "text": (form.first(SEARCH_FIELD) or "").strip(),
    }


def _jid(text: str) -> JID:
    try:
        return JID.parse(text)
    except InvalidJID as error:
        raise StanzaError("jid-malformed", str(error)) from error


def empty_form(has_search: bool = False) -> Element:
    """Make the form that tells of all fields (4.1.5); any id may be given (XEP-0122 open)."""
    fields = [
        forms.field(name, type_, extra=[_any_value()] if type_ == "list-multi" else ())
        for name, type_ in FIELDS
    ]
    if has_search:
        fields.append(forms.field(SEARCH_FIELD, "text-single"))
    return Element("query", NS, None, [forms.form("form", NS, fields)])


def _any_value() -> Element:
    return Element("validate", NS_VALIDATE, {"datatype": "xs:string"}, [Element("open", NS_VALIDATE)])
