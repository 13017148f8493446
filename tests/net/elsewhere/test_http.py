"""A program that is asked by HTTP whether passwords are right."""

import json
from threading import Event

from twisted.trial.unittest import SynchronousTestCase

from tests.net.elsewhere.site import Answer, Asked, SmallSite
from tests.temporary import temporary_folder
from xmppd.config.elsewhere import HttpAuth
from xmppd.config.fields import SecretStr
from xmppd.core.elsewhere import Unavailable
from xmppd.net.elsewhere.http import HttpBackend


class HttpTests(SynchronousTestCase):
    """Against a small server."""

    def setUp(self) -> None:
        self.status = 200
        self.site = SmallSite(self, self.answer)

    def answer(self, asked: Asked) -> Answer:
        """Answer with the status that the test wants."""
        return self.status, b""

    def backend(self, **options: object) -> HttpBackend:
        """Give one that asks it."""
        return HttpBackend(HttpAuth.model_validate({"url": self.site.url, "timeout_s": 2.0, **options}))

    def test_contract(self) -> None:
        """One POST with JSON; 200 is right, 401 and 403 are wrong."""
        for status, expected in ((200, True), (401, False), (403, False)):
            self.status = status
            self.assertIs(self.backend().is_right("ann", "localhost", 'p"ß'), expected)
        asked = self.site.asked[0]
        self.assertEqual((asked.method, asked.headers["Content-Type"]), ("POST", "application/json"))
        self.assertEqual(json.loads(asked.body), {"user": "ann", "host": "localhost", "password": 'p"ß'})
        self.assertNotIn("Authorization", asked.headers)
        self.assertIsNone(self.backend().whose("token"))

    def test_any_other_status(self) -> None:
        """It cannot say; a secret is sent nowhere else."""
        for status in (204, 302, 404, 500):
            self.status = status
            self.assertRaises(Unavailable, self.backend().is_right, "ann", "localhost", "x")
        self.assertEqual(len(self.site.asked), 4)

    def test_token(self) -> None:
        """Who asks shows it, from the configuration or from a file, which is read each time."""
        file = temporary_folder(self) / "token"
        file.write_text("first\n")
        for backend in (self.backend(token=SecretStr("written")), self.backend(token_file=file)):
            backend.is_right("ann", "localhost", "x")
        file.write_text("second\n")
        backend.is_right("ann", "localhost", "x")
        shown = [asked.headers["Authorization"] for asked in self.site.asked]
        self.assertEqual(shown, ["Bearer written", "Bearer first", "Bearer second"])
        file.unlink()
        self.assertRaises(Unavailable, backend.is_right, "ann", "localhost", "x")

    def test_nobody(self) -> None:
        """A port that nobody listens on."""
        backend = self.backend()
        self.site.stop()
        self.assertRaises(Unavailable, backend.is_right, "ann", "localhost", "x")

    def test_too_slow(self) -> None:
        """It is waited for as long as is configured."""
        goes_on = Event()
        self.addCleanup(goes_on.set)
        slow = SmallSite(self, lambda asked: (200 if goes_on.wait(30) else 500, b""))
        backend = HttpBackend(HttpAuth(url=slow.url, timeout_s=0.1))
        self.assertRaises(Unavailable, backend.is_right, "ann", "localhost", "x")
        goes_on.set()
