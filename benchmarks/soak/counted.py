"""What the client of a resumable session (XEP-0198) has got, over all its connections."""

from xml.parsers import expat

NS = "urn:xmpp:sm:3"
STANZAS = ("message", "presence", "iq")


class Counted:
    """Counts stanzas, and keeps the ids of the messages that its client has sent to itself."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.handled = 0
        self.ids: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Begin to count in a new stream, behind its ``<enabled/>`` or ``<resumed/>``."""
        self._depth = 0
        self._id = ""
        self._answers = b""
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.Parse(b"<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", False)

    def feed(self, data: bytes) -> bytes:
        """Count what is complete with *data*; give the acknowledgements that are asked for."""
        self._parser.Parse(data, False)
        answers, self._answers = self._answers, b""
        return answers

    def resume(self) -> bytes:
        """Ask for the session on a new stream."""
        return f"<resume xmlns='{NS}' h='{self.handled}' previd='{self.session_id}'/>".encode()

    def _start(self, name: str, attrs: dict[str, str]) -> None:
        self._depth += 1
        if self._depth == 2:
            self._id = attrs.get("id", "") if name == "message" else ""

    def _end(self, name: str) -> None:
        self._depth -= 1
        if self._depth != 1:
            return
        if name in STANZAS:
            self.handled += 1
            if self._id.startswith(self.session_id):
                self.ids.append(self._id)
        elif name == "r":
            self._answers += f"<a xmlns='{NS}' h='{self.handled}'/>".encode()
