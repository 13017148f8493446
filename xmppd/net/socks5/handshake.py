"""What a SOCKS5 client says before bytes flow (RFC 1928 3, 4, 6), as XEP-0065 5.2.3 uses it. No I/O.

The only method is "no authentication", the only command CONNECT, and the address is a domain name of 40 hexadecimal
digits, with port 0.
"""

import re
from enum import Enum
from typing import Final

VERSION: Final = 5
NO_AUTHENTICATION, NO_METHOD = 0x00, 0xFF
CONNECT: Final = 1
DOMAIN_NAME: Final = 3
SUCCEEDED, FAILED, NO_COMMAND, NO_ADDRESS_TYPE = 0, 1, 7, 8
HEAD_BYTES: Final = 5
"""Of a request, up to the length of the name."""
PORT_BYTES: Final = 2
_KEY: Final = re.compile(rb"[0-9a-f]{40}")


class Step(Enum):
    """Where a handshake is."""

    METHODS = 1
    REQUEST = 2
    WAITING = 3
    """The key is known; the answer is given by `answer`."""
    FAILED = 4
    """What was said leads nowhere; the connection is to be closed behind the answer."""


class Handshake:
    """Takes bytes, and gives what is to be answered."""

    __slots__ = ("_given", "_request", "key", "step")

    def __init__(self) -> None:
        self._given = b""
        self._request = b""
        self.step = Step.METHODS
        self.key = ""
        """What the client names in place of an address."""

    @property
    def rest(self) -> bytes:
        """What came behind the request."""
        return self._given

    def feed(self, data: bytes) -> bytes:
        """Take *data*; gives what to answer now. No more than a request is ever kept until one is there."""
        self._given += data
        answer = b""
        if self.step is Step.METHODS:
            answer = self._methods()
        if self.step is Step.REQUEST:
            answer += self._read_request()
        return answer

    def answer(self, is_taken: bool) -> bytes:
        """Give the answer to the request: that the client may wait, or that it may not (RFC 1928 6)."""
        if not is_taken:
            self.step = Step.FAILED
        return self._reply(SUCCEEDED if is_taken else FAILED)

    def _methods(self) -> bytes:
        given = self._given
        if given and given[0] != VERSION:
            self.step = Step.FAILED
            return b""
        if len(given) < 2 or len(given) < 2 + given[1]:
            return b""
        methods, self._given = given[2 : 2 + given[1]], given[2 + given[1] :]
        if NO_AUTHENTICATION not in methods:
            self.step = Step.FAILED
            return bytes((VERSION, NO_METHOD))
        self.step = Step.REQUEST
        return bytes((VERSION, NO_AUTHENTICATION))

    def _read_request(self) -> bytes:
        given = self._given
        if given and given[0] != VERSION:
            self.step = Step.FAILED
            return b""
        if len(given) >= 2 and given[1] != CONNECT:
            return self._refused(NO_COMMAND)
        if len(given) >= 4 and given[3] != DOMAIN_NAME:
            return self._refused(NO_ADDRESS_TYPE)
        if len(given) < HEAD_BYTES or len(given) < HEAD_BYTES + given[4] + PORT_BYTES:
            return b""
        end = HEAD_BYTES + given[4]
        name, self._request = given[HEAD_BYTES:end], given[3 : end + PORT_BYTES]
        self._given = given[end + PORT_BYTES :]
        if not _KEY.fullmatch(name) or self._request[-PORT_BYTES:] != bytes(PORT_BYTES):
            return self._refused(FAILED)
        self.key = name.decode()
        self.step = Step.WAITING
        return b""

    def _refused(self, status: int) -> bytes:
        self.step = Step.FAILED
        return self._reply(status)

    def _reply(self, status: int) -> bytes:
        """XEP-0065 5.2.3: the address is the one that was asked for."""
        address = self._request or bytes((1, 0, 0, 0, 0, 0, 0))
        return bytes((VERSION, status, 0)) + address
