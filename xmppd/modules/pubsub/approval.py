"""Owners approve of subscriptions by a form in a message: XEP-0060 8.6."""

from typing import Final

from twisted.internet.defer import Deferred

from xmppd.core.events import Traffic
from xmppd.core.waiting import deferred
from xmppd.services.pubsub.fields import FLAG
from xmppd.services.pubsub.owning import Owning
from xmppd.services.pubsub.realm import Realm
from xmppd.services.pubsub.subscribing import AUTHORIZATION
from xmppd.stanza import forms
from xmppd.stanza.errors import StanzaError
from xmppd.stanza.jid import JID

FORM: Final = (forms.NS, "x")


def decide(owning: Owning, realm: Realm, traffic: Traffic) -> Deferred[bool] | None:
    """Take the form of an owner; None where the message has another one, or none."""
    try:
        form = forms.submission_in(traffic.stanza.element)
    except ValueError:
        return None
    if form is None or form.type != "submit" or form.form_type != AUTHORIZATION:
        return None
    return _decide(owning, realm, traffic.sender, form)


@deferred
async def _decide(owning: Owning, realm: Realm, who: JID, form: forms.Submission) -> bool:
    try:
        subscriber = JID.parse(form.first("pubsub#subscriber_jid") or "")
        is_allowed = FLAG.read(form.all("pubsub#allow"))
    except ValueError as error:
        raise StanzaError("bad-request", str(error)) from error
    name = form.first("pubsub#node") or ""
    await owning.decide(realm, who, name, subscriber, form.first("pubsub#subid"), is_allowed)
    return True
