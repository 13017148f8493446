"""The stations of the hooks in `xmppd.core.events`: what is done where, in the words of who comes before whom."""

from typing import Final

from xmppd.core.hooks import Station

BLOCKING: Final = Station("blocking", "What is blocked, nobody else sees (XEP-0191).")
CLEANING: Final = Station(
    "cleaning", "What only the server may say is cut out of the stanza.", is_shared=True
)
ACTING: Final = Station(
    "acting", "Takes, refuses or changes a stanza before it is kept anywhere.", is_shared=True
)
ARCHIVING: Final = Station(
    "archiving", "Puts a message into the account's archive, and its id into the message."
)
WAKING: Final = Station(
    "waking", "Tells push services of an archived message, before it may be kept for later."
)
COPYING: Final = Station("copying", "Copies a message, as it is archived, to the account's other clients.")
RECORDING: Final = Station("recording", "Gives a message the record of who gets it.")
STORING: Final = Station("storing", "Keeps a message that no resource takes (XEP-0160).")

NOTING: Final = Station("noting", "Notes what happens, and answers nothing.", is_shared=True)
SUBSCRIBING: Final = Station("subscribing", "Takes the presence that is about subscriptions (RFC 6121 3).")
SHOWING: Final = Station("showing", "Takes all other presence (RFC 6121 4).")
SETTLING: Final = Station(
    "settling", "Deals with what was never acknowledged, as long as the session's fields stand."
)
KEEPING: Final = Station("keeping", "Decides whether a session without a connection lives on (XEP-0198 5).")
