"""How a response is given that is not there when its request has been dealt with, without a Deferred for each."""

from typing import Final, Protocol

from xmppd.core.http import HttpResponse

LATER: Final = HttpResponse(0)
"""What a handler of this room gives that answers by `Answers` when there is something to say."""


class Answers(Protocol):
    """Who writes the response to one request."""

    def answer(self, response: HttpResponse) -> None:
        """Write *response*, unless nobody is there any more."""
