"""The subscription states of RFC 6121 Appendix A, as data: one row for each stanza in each state.

Read the tables beside the appendix: A.2 what a client sends, A.3 what comes for it. Two columns are added: whether
the roster item changes, so that interested resources get a roster push, and what the server does on its own account
(the automatic reply of 3.1.3, the pre-approval of 3.4). A pre-approval that was used is used up.
"""

from typing import NamedTuple

REQUEST, APPROVAL = "subscribe", "subscribed"
CANCELLATION, REFUSAL = "unsubscribe", "unsubscribed"
TYPES = frozenset((REQUEST, APPROVAL, CANCELLATION, REFUSAL))


class State(NamedTuple):
    """One of the nine states (RFC 6121 A.1), from the view of one side."""

    subscription: str
    """As in a roster item: none, to, from or both."""
    ask: bool
    """Pending out: a request of ours is unanswered."""
    asked: bool
    """Pending in: a request of the contact is unanswered; this is never shown in a roster item."""

    @property
    def is_seen(self) -> bool:
        """Whether the contact has a subscription to our presence."""
        return self.subscription in ("from", "both")


NONE = State("none", False, False)
NONE_OUT = State("none", True, False)
NONE_IN = State("none", False, True)
NONE_OUT_IN = State("none", True, True)
TO = State("to", False, False)
TO_IN = State("to", False, True)
FROM = State("from", False, False)
FROM_OUT = State("from", True, False)
BOTH = State("both", False, False)
STATES = (NONE, NONE_OUT, NONE_IN, NONE_OUT_IN, TO, TO_IN, FROM, FROM_OUT, BOTH)


class Outbound(NamedTuple):
    """What becomes of a stanza that a client sends."""

    is_routed: bool
    state: State
    is_pushed: bool
    approves: bool = False
    """The item is marked as approved in advance (3.4.2)."""


class Inbound(NamedTuple):
    """What becomes of a stanza that comes for a client."""

    is_delivered: bool
    state: State
    is_pushed: bool
    is_approved: bool = False
    """"subscribed" is sent back in the user's name."""


# fmt: off
OUTBOUND = {
    # A.2.1: subscribe            routed  new state     pushed
    (REQUEST, NONE):         Outbound(True,  NONE_OUT,    True),
    (REQUEST, NONE_OUT):     Outbound(True,  NONE_OUT,    False),
    (REQUEST, NONE_IN):      Outbound(True,  NONE_OUT_IN, True),
    (REQUEST, NONE_OUT_IN):  Outbound(True,  NONE_OUT_IN, False),
    (REQUEST, TO):           Outbound(True,  TO,          False),
    (REQUEST, TO_IN):        Outbound(True,  TO_IN,       False),
    (REQUEST, FROM):         Outbound(True,  FROM_OUT,    True),
    (REQUEST, FROM_OUT):     Outbound(True,  FROM_OUT,    False),
    (REQUEST, BOTH):         Outbound(True,  BOTH,        False),
    # A.2.2: unsubscribe
    (CANCELLATION, NONE):        Outbound(True,  NONE,     False),
    (CANCELLATION, NONE_OUT):    Outbound(True,  NONE,     True),
    (CANCELLATION, NONE_IN):     Outbound(True,  NONE_IN,  False),
    (CANCELLATION, NONE_OUT_IN): Outbound(True,  NONE_IN,  True),
    (CANCELLATION, TO):          Outbound(True,  NONE,     True),
    (CANCELLATION, TO_IN):       Outbound(True,  NONE_IN,  True),
    (CANCELLATION, FROM):        Outbound(True,  FROM,     False),
    (CANCELLATION, FROM_OUT):    Outbound(True,  FROM,     True),
    (CANCELLATION, BOTH):        Outbound(True,  FROM,     True),
    # A.2.3: subscribed; without a request it approves in advance (3.4.2)
    (APPROVAL, NONE):        Outbound(False, NONE,     True,  approves=True),
    (APPROVAL, NONE_OUT):    Outbound(False, NONE_OUT, True,  approves=True),
    (APPROVAL, NONE_IN):     Outbound(True,  FROM,     True),
    (APPROVAL, NONE_OUT_IN): Outbound(True,  FROM_OUT, True),
    (APPROVAL, TO):          Outbound(False, TO,       True,  approves=True),
    (APPROVAL, TO_IN):       Outbound(True,  BOTH,     True),
    (APPROVAL, FROM):        Outbound(False, FROM,     False),
    (APPROVAL, FROM_OUT):    Outbound(False, FROM_OUT, False),
    (APPROVAL, BOTH):        Outbound(False, BOTH,     False),
    # A.2.4: unsubscribed; an approval in advance is taken back in every state (3.2.2)
    (REFUSAL, NONE):         Outbound(False, NONE,     False),
    (REFUSAL, NONE_OUT):     Outbound(False, NONE_OUT, False),
    (REFUSAL, NONE_IN):      Outbound(True,  NONE,     False),
    (REFUSAL, NONE_OUT_IN):  Outbound(True,  NONE_OUT, False),
    (REFUSAL, TO):           Outbound(False, TO,       False),
    (REFUSAL, TO_IN):        Outbound(True,  TO,       False),
    (REFUSAL, FROM):         Outbound(True,  NONE,     True),
    (REFUSAL, FROM_OUT):     Outbound(True,  NONE_OUT, True),
    (REFUSAL, BOTH):         Outbound(True,  TO,       True),
}

INBOUND = {
    # A.3.1: subscribe           delivered  new state     pushed
    (REQUEST, NONE):         Inbound(True,  NONE_IN,     False),
    (REQUEST, NONE_OUT):     Inbound(True,  NONE_OUT_IN, False),
    (REQUEST, NONE_IN):      Inbound(False, NONE_IN,     False),
    (REQUEST, NONE_OUT_IN):  Inbound(False, NONE_OUT_IN, False),
    (REQUEST, TO):           Inbound(True,  TO_IN,       False),
    (REQUEST, TO_IN):        Inbound(False, TO_IN,       False),
    (REQUEST, FROM):         Inbound(False, FROM,        False, is_approved=True),
    (REQUEST, FROM_OUT):     Inbound(False, FROM_OUT,    False, is_approved=True),
    (REQUEST, BOTH):         Inbound(False, BOTH,        False, is_approved=True),
    # A.3.2: unsubscribe
    (CANCELLATION, NONE):        Inbound(False, NONE,     False),
    (CANCELLATION, NONE_OUT):    Inbound(False, NONE_OUT, False),
    (CANCELLATION, NONE_IN):     Inbound(True,  NONE,     False),
    (CANCELLATION, NONE_OUT_IN): Inbound(True,  NONE_OUT, False),
    (CANCELLATION, TO):          Inbound(False, TO,       False),
    (CANCELLATION, TO_IN):       Inbound(True,  TO,       False),
    (CANCELLATION, FROM):        Inbound(True,  NONE,     True),
    (CANCELLATION, FROM_OUT):    Inbound(True,  NONE_OUT, True),
    (CANCELLATION, BOTH):        Inbound(True,  TO,       True),
    # A.3.3: subscribed
    (APPROVAL, NONE):        Inbound(False, NONE,    False),
    (APPROVAL, NONE_OUT):    Inbound(True,  TO,      True),
    (APPROVAL, NONE_IN):     Inbound(False, NONE_IN, False),
    (APPROVAL, NONE_OUT_IN): Inbound(True,  TO_IN,   True),
    (APPROVAL, TO):          Inbound(False, TO,      False),
    (APPROVAL, TO_IN):       Inbound(False, TO_IN,   False),
    (APPROVAL, FROM):        Inbound(False, FROM,    False),
    (APPROVAL, FROM_OUT):    Inbound(True,  BOTH,    True),
    (APPROVAL, BOTH):        Inbound(False, BOTH,    False),
    # A.3.4: unsubscribed
    (REFUSAL, NONE):         Inbound(False, NONE,    False),
    (REFUSAL, NONE_OUT):     Inbound(True,  NONE,    True),
    (REFUSAL, NONE_IN):      Inbound(False, NONE_IN, False),
    (REFUSAL, NONE_OUT_IN):  Inbound(True,  NONE_IN, True),
    (REFUSAL, TO):           Inbound(True,  NONE,    True),
    (REFUSAL, TO_IN):        Inbound(True,  NONE_IN, True),
    (REFUSAL, FROM):         Inbound(False, FROM,    False),
    (REFUSAL, FROM_OUT):     Inbound(True,  FROM,    True),
    (REFUSAL, BOTH):         Inbound(True,  FROM,    True),
}

APPROVED = {
    # 3.4.2: subscribe from a contact that was approved in advance
    NONE:     Inbound(False, FROM,     True, is_approved=True),
    NONE_OUT: Inbound(False, FROM_OUT, True, is_approved=True),
    TO:       Inbound(False, BOTH,     True, is_approved=True),
}

REMOVED = {
    # 2.5.2: what a contact is told when its item, or its request, is removed
    NONE:        (),
    NONE_OUT:    (CANCELLATION,),
    NONE_IN:     (REFUSAL,),
    NONE_OUT_IN: (CANCELLATION, REFUSAL),
    TO:          (CANCELLATION,),
    TO_IN:       (CANCELLATION, REFUSAL),
    FROM:        (REFUSAL,),
    FROM_OUT:    (CANCELLATION, REFUSAL),
    BOTH:        (CANCELLATION, REFUSAL),
}
# fmt: on
