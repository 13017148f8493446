"""The window of requests: XEP-0124 9 to 15."""

from hashlib import sha1

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from xmppd.stream.bosh.body import NS, Body, read_body
from xmppd.stream.bosh.window import RID_MAX, Request, Terms, Window, WindowError

FIRST = 1_000
TERMS = Terms(wait_s=60, hold=1, requests=2, inactivity_s=30, polling_s=2, maxpause_s=120)
POLLING = Terms(wait_s=0, hold=0, requests=2, inactivity_s=90, polling_s=5, maxpause_s=120)
ACKING = Terms(60, 1, 2, 30, 2, 120, is_acking=True)
EMPTY = f"<body xmlns='{NS}'/>".encode()
ERROR = f"<body xmlns='{NS}' type='error'/>".encode()


def body(payload: str = "", **attrs: str) -> Body:
    """A body with these attributes."""
    return Body(attrs, "body", {}, f"{payload}</body>".encode() if payload else b"")


class WindowTests(SynchronousTestCase):
    """`Window`, one rule each."""

    def setUp(self) -> None:
        """Begin a session at second 0; its creation is answered."""
        self.begin(TERMS)

    def begin(self, terms: Terms, **attrs: str) -> None:
        """Begin another, on other terms."""
        self.window = Window[str](terms, Request(FIRST, "0", body(**attrs), 0.0))
        self.assertEqual(self.window.respond(b"<f/>", 0.0)[0][0], "0")

    def send(self, ahead: int, token: str, payload: str = "<a/>", at: float = 0.0, **attrs: str) -> list[int]:
        """Send the request so many rids behind the first; gives whose turn it is, and keeps what is answered."""
        ready, self.answers = self.window.receive(Request(FIRST + ahead, token, body(payload, **attrs), at))
        return [request.rid - FIRST for request in ready]

    def refused(self, ahead: int, payload: str = "<a/>", at: float = 0.0, **attrs: str) -> str:
        """The condition that the session ends with."""
        error = self.assertRaises(WindowError, self.send, ahead, "x", payload, at, **attrs)
        return str(error.condition)

    def test_in_order(self) -> None:
        """14.2: what comes ahead waits, and is handled behind what it waited for."""
        self.assertEqual(self.send(2, "2"), [])
        self.assertEqual(self.send(1, "1"), [1, 2])

    def test_outside(self) -> None:
        """14.2: the error is the same on both sides."""
        for rid in (3, 100, -1, RID_MAX):
            self.setUp()
            self.assertEqual(self.refused(rid), "item-not-found", rid)

    def test_one_more_to_pause_or_to_end(self) -> None:
        """11: a request more than there may be."""
        self.assertEqual(self.send(3, "3", type="terminate"), [])
        self.assertEqual(self.send(4 - 1, "3", pause="5"), [])

    def test_a_repeat_gets_the_same_bytes(self) -> None:
        """14.3: and is not handled again; the responses that are kept are few."""
        self.send(1, "1")
        ((_, first),) = self.window.respond(b"<m/>", 1.0)
        self.assertEqual(self.send(1, "again"), [])
        self.assertEqual(self.answers, [("again", first)])
        for rid in (2, 3):
            self.send(rid, str(rid))
            self.window.respond(b"", 1.0)
        self.assertEqual(self.refused(1), "item-not-found")

    def test_a_repeat_before_the_answer(self) -> None:
        """14.3: the older one gets a recoverable error, the response goes to the newer one."""
        self.send(1, "1")
        self.assertEqual(self.send(1, "again"), [])
        self.assertEqual(self.answers, [("1", ERROR)])
        self.assertEqual(self.window.respond(b"<m/>", 1.0)[0][0], "again")

    def test_a_repeat_ahead(self) -> None:
        """Of one that still waits for its turn, too."""
        self.send(2, "2")
        self.send(2, "again")
        self.assertEqual(self.answers, [("2", ERROR)])

    def test_endless_repeats(self) -> None:
        """14.3: they are no way around the limits."""
        self.send(1, "1")
        for _ in range(8):
            self.send(1, "again")
        self.assertEqual(self.refused(1), "policy-violation")

    def test_who_is_answered(self) -> None:
        """11: the oldest, when more than ``hold`` wait, or when it has waited long enough."""
        self.send(1, "1", at=10.0)
        self.assertFalse(self.window.wants_answer(69.0))
        self.assertEqual(self.window.due_at(), 70.0)
        self.assertTrue(self.window.wants_answer(70.0))
        self.send(2, "2", at=20.0)
        self.assertTrue(self.window.wants_answer(20.0))
        self.assertEqual(self.window.respond(b"", 20.0), [("1", EMPTY)])
        self.assertFalse(self.window.wants_answer(20.0))
        self.assertEqual(self.window.due_at(), 80.0)

    def test_inactivity(self) -> None:
        """10: from the last response on."""
        self.send(1, "1", at=10.0)
        self.assertFalse(self.window.is_over(1_000.0))
        self.window.respond(b"", 40.0)
        self.assertFalse(self.window.is_over(69.9))
        self.assertTrue(self.window.is_over(70.0))

    def test_pause(self) -> None:
        """10: all requests come back with nothing; the next one ends it. The request for it is not remembered."""
        self.send(1, "1")
        self.send(2, "2", pause="100")
        self.assertEqual(self.window.paused(100, 50.0), [("1", EMPTY), ("2", EMPTY)])
        self.assertFalse(self.window.is_over(149.0))
        self.assertTrue(self.window.is_over(150.0))
        self.assertEqual(self.send(3, "3", at=140.0), [3])
        self.window.respond(b"", 140.0)
        self.assertTrue(self.window.is_over(170.0))

    def test_too_often(self) -> None:
        """12: as many requests as there may be, the last two empty ones one upon the other."""
        self.send(1, "1", "", at=1.0)
        self.assertEqual(self.refused(2, "", at=2.0), "policy-violation")

    def test_not_too_often(self) -> None:
        """With something to say, after a while, or when the earlier one was answered."""
        self.send(1, "1", "", at=1.0)
        self.assertEqual(self.send(2, "2", "<a/>", at=1.1), [2])
        self.setUp()
        self.send(1, "1", "", at=1.0)
        self.assertEqual(self.send(2, "2", "", at=3.5), [2])
        self.setUp()
        self.send(1, "1", "", at=1.0)
        self.window.respond(b"<m/>", 1.1)
        self.assertEqual(self.send(2, "2", "", at=1.2), [2])

    def test_polling(self) -> None:
        """13: at once again only when there was something."""
        self.begin(POLLING)
        self.send(1, "1", "", at=1.0)
        self.assertTrue(self.window.wants_answer(1.0))
        self.window.respond(b"<m/>", 1.0)
        self.assertEqual(self.send(2, "2", "", at=2.0), [2])
        self.window.respond(b"", 2.0)
        self.assertEqual(self.refused(3, "", at=3.0), "policy-violation")

    def test_acknowledgements(self) -> None:
        """9.1: what was received, where that is not the request that is answered."""
        self.begin(ACKING)
        self.send(1, "1")
        self.send(2, "2")
        self.assertEqual(read_body(self.window.respond(b"", 0.0)[0][1]).attrs, {"ack": str(FIRST + 2)})
        self.assertEqual(self.window.respond(b"", 0.0), [("2", EMPTY)])

    def test_a_response_that_did_not_arrive(self) -> None:
        """9.2: the client says so by its ack, and hears which one and how long ago."""
        self.send(1, "1")
        self.window.respond(b"<m/>", 1.0)
        self.send(2, "2", at=3.5, ack=str(FIRST))
        self.assertTrue(self.window.wants_answer(3.5))
        attrs = read_body(self.window.respond(b"", 3.5)[0][1]).attrs
        self.assertEqual(attrs, {"report": str(FIRST + 1), "time": "2500"})

    def test_keys(self) -> None:
        """15: each is what the hash of the next one gives; another sequence begins where one ends."""
        keys = [b"seed"]
        for _ in range(3):
            keys.append(sha1(keys[-1]).hexdigest().encode())
        k1, k2, k3 = (key.decode() for key in keys[1:])
        self.begin(TERMS, newkey=k3.upper())
        self.assertEqual(self.send(1, "1", key=k2), [1])
        self.window.respond(b"", 0.0)
        self.assertEqual(self.send(2, "2", key=k1), [2])
        other = sha1(b"other").hexdigest()
        self.begin(TERMS, newkey=k2)
        self.assertEqual(self.send(1, "1", key=k1, newkey=sha1(other.encode()).hexdigest()), [1])
        self.window.respond(b"", 0.0)
        self.assertEqual(self.send(2, "2", key=other), [2])
        self.assertEqual(self.refused(3, key=other), "item-not-found")

    def test_without_the_key(self) -> None:
        """15.4: and one that is very long."""
        self.begin(TERMS, newkey=sha1(b"k").hexdigest())
        self.assertEqual(self.refused(1), "item-not-found")
        for key in ("x", "x" * 100_000):
            self.begin(TERMS, newkey=sha1(b"k").hexdigest())
            self.assertEqual(self.refused(1, key=key), "item-not-found")

    def test_the_end(self) -> None:
        """17.2: the oldest hears it, all others get an empty response; also those that came ahead."""
        self.send(1, "1")
        self.send(3 - 1 + 1, "3", type="terminate")
        self.assertEqual(self.window.end(b"END"), [("1", b"END"), ("3", EMPTY)])
        self.assertFalse(self.window.is_held)


@st.composite
def journeys(draw: st.DrawFn) -> list[tuple[str, int]]:
    """What the network does: which request arrives when, and which response is lost."""
    return draw(
        st.lists(
            st.tuples(st.sampled_from(("new", "again", "lose", "say", "time")), st.integers(0, 3)),
            max_size=60,
        )
    )


class AnyNetworkTests(SynchronousTestCase):
    """A client that follows the rules, and a network that loses, repeats and reorders."""

    @settings(max_examples=200, deadline=None)
    @given(journeys())
    def test_each_once_in_order(self, journey: list[tuple[str, int]]) -> None:
        """Whatever happens on the way: payloads are handled once and in order, and all that is said arrives so."""
        client = _Client()
        for step, number in journey:
            getattr(client, step)(number)
        client.settle()
        self.assertEqual(client.handled, list(range(1, client.sent + 1)))
        self.assertEqual(client.heard, list(range(client.said)))


class _Client:
    """Sends at most two requests at a time, sends one again whose answer was lost, and keeps what it hears in order."""

    def __init__(self) -> None:
        self.window = Window[int](TERMS, Request(FIRST, 0, body(), 0.0))
        self.window.respond(b"", 0.0)
        self.now = 0.0
        self.sent = self.said = 0
        self.handled: list[int] = []
        self.heard: list[int] = []
        self.responses: dict[int, bytes] = {}
        self.done = 0
        self.out: list[int] = []
        self.waiting: dict[int, int] = {}
        self.on_the_way: list[int] = []
        self.tokens = 0
        self.lossy = 0

    def new(self, number: int) -> None:
        """Make a request; it is on its way, and may be overtaken."""
        if self.sent - self.done < TERMS.requests:
            self.sent += 1
            self.on_the_way.append(self.sent)
        if self.on_the_way and number:
            self._arrive(self.on_the_way.pop(number % len(self.on_the_way)))

    def again(self, number: int) -> None:
        """Send one again that has no answer yet."""
        if self.sent > self.done and number < 2 and not self.on_the_way:
            self._arrive(self.done + 1 + number % (self.sent - self.done))

    def lose(self, number: int) -> None:
        """The next answers are lost."""
        self.lossy = min(number, 1)

    def say(self, number: int) -> None:
        """The server has something to say."""
        self.out.append(self.said)
        self.said += 1
        self._settle()

    def time(self, number: int) -> None:
        """Time passes."""
        self.now += 20.0 * number
        self._settle()

    def settle(self) -> None:
        """All that is on its way arrives, and what was lost is sent again, until all is said."""
        self.lossy = 0
        while self.on_the_way:
            self._arrive(self.on_the_way.pop())
        for _ in range(20):
            for rid in range(self.done + 1, self.sent + 1):
                self._arrive(rid)
            if self.sent == self.done and self.out:
                self.new(1)
            self.time(3)

    def _arrive(self, rid: int) -> None:
        self.tokens += 1
        self.waiting[self.tokens] = rid
        try:
            ready, answers = self.window.receive(
                Request(FIRST + rid, self.tokens, body(f"<a n='{rid}'/>"), self.now)
            )
        except WindowError as error:
            if error.condition != "policy-violation":  # so many repeats, within one test
                raise
            return
        self.handled += [request.rid - FIRST for request in ready]
        self._take(answers)
        self._settle()

    def _settle(self) -> None:
        while self.window.is_held and (self.out or self.window.wants_answer(self.now)):
            payload = ",".join(map(str, self.out)).encode()
            self.out.clear()
            self._take(self.window.respond(payload, self.now))

    def _take(self, answers: list[tuple[int, bytes]]) -> None:
        for token, answer in answers:
            rid = self.waiting.pop(token)
            if self.lossy:
                self.lossy = 0
            elif answer != ERROR and rid not in self.responses:
                self.responses[rid] = answer
        while self.done + 1 in self.responses:
            self.done += 1
            text = self.responses[self.done].partition(b">")[2].partition(b"<")[0]
            self.heard += [int(part) for part in text.split(b",") if part]
