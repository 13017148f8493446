"""What a session that is over tells those who come back to it (XEP-0124 17), and for how long that is kept."""

from tests.net.http.bosh import PING, BOSHTestCase
from xmppd.net.http.bosh import ENDED
from xmppd.net.http.bosh_session import BOSHSession
from xmppd.stanza.errors import StreamError
from xmppd.stream.bosh.window import PAST_BYTES
from xmppd.testing.web import WebResponse


class EndedTests(BOSHTestCase):
    """14.3, 17.2: who has not heard of the end of its session is told when it asks again, and others are not."""

    options = "[limits]\nconnections_per_address = 10_000\n"

    def ended(self) -> int:
        """Have a session end while a request waits; give the rid of that."""
        self.client.log_in()
        waiting = self.client.send()
        (session,) = self.web.service.streams.bosh.all
        session.session.close("conflict")
        answer = self.client.read(waiting)
        assert answer is not None
        self.assertEqual(answer.get("condition"), "remote-stream-error")
        self.assertEqual(len(self.web.service.streams.bosh.all), 0)
        self.told = self.client.response(waiting)
        return self.client.rid

    def again(self, rid: int, sid: str | None = None) -> WebResponse | None:
        """Send the request with this rid once more."""
        return self.client.response(self.client.post(f"rid='{rid}' sid='{sid or self.client.sid}'"))

    def test_told_again(self) -> None:
        """By the request that was told, in the same bytes, or by the next one; what was answered before is, too."""
        rid = self.ended()
        before = self.client.open[-2].written
        for _ in range(2):
            for number in (rid, rid + 1):
                answer = self.again(number)
                assert answer is not None and self.told is not None
                self.assertEqual(answer.body, self.told.body)
            earlier = self.again(rid - 1)
            assert earlier is not None
            self.assertTrue(before.endswith(earlier.body))

    def test_not_for_ever(self) -> None:
        """As long as the client might have been away; not for requests that the session could not have had."""
        rid = self.ended()
        for number in (rid - 100, rid + 100):
            answer = self.again(number)
            assert answer is not None
            self.assertIn(b"item-not-found", answer.body)
        self.pass_time(60)
        answer = self.again(rid)
        assert answer is not None
        self.assertIn(b"item-not-found", answer.body)

    def test_by_its_own_end(self) -> None:
        """A client that has ended it, and not heard of that, hears the same again."""
        self.client.log_in()
        first = self.client.response(self.client.send("", "type='terminate'"))
        answer = self.again(self.client.rid)
        assert answer is not None and first is not None
        self.assertEqual(answer.body, first.body)
        self.assertNotIn(b"item-not-found", answer.body)

    def test_so_many(self) -> None:
        """They are bounded in number; the one that ended first is forgotten first. So is what is kept of each."""
        sids = []
        for _ in range(ENDED + 1):
            self.client.begin()
            sids.append(self.client.sid)
            self.client.ask("", "type='terminate'")
        told = [self.again(self.client.rid, sid) for sid in (sids[0], sids[1])]
        self.assertEqual([each is not None and b"item-not-found" in each.body for each in told], [True, True])
        rids = self.client.rid
        last = self.again(rids)
        assert last is not None
        self.assertNotIn(b"item-not-found", last.body)

    def test_large_ones(self) -> None:
        """Of an end with much to say the condition is kept."""
        self.client.log_in()
        (session,) = self.web.service.streams.bosh.all
        session.session.send(f"<message><body>{'x' * PAST_BYTES}</body></message>")
        session.session.close("conflict")
        first = self.client.response(self.client.send())
        answer = self.again(self.client.rid)
        assert answer is not None and first is not None
        self.assertGreater(len(first.body), PAST_BYTES)
        self.assertLess(len(answer.body), 200)
        self.assertIn(b"remote-stream-error", answer.body)


class LateTests(BOSHTestCase):
    """10: what waits for a client that is away waits as long as that may be away."""

    def test_the_end_is_told_to_who_comes_back(self) -> None:
        """However long ago the clock was set: the session has ended, and is not unknown."""
        self.client.log_in()
        self.pass_time(50)
        self.client.ask(PING)
        self.pass_time(7)
        (session,) = self.web.service.streams.bosh.all
        assert isinstance(session, BOSHSession)
        session.stream.fail(StreamError("conflict"))
        self.pass_time(4)
        answer = self.client.ask()
        self.assertEqual((answer.get("type"), answer.get("condition")), ("terminate", "remote-stream-error"))

    def test_silence_is_counted_from_the_last_request(self) -> None:
        """Each puts the end off."""
        self.client.log_in()
        for _ in range(4):
            self.pass_time(55)
            self.assertEqual(self.client.ask(PING)[0].get("id"), "p")
        self.pass_time(59)
        self.assertEqual(len(self.web.service.streams.bosh.all), 1)
        self.pass_time(2)
        self.assertEqual(len(self.web.service.streams.bosh.all), 0)
