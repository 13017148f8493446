"""What owners do about their files by HTTP: the list, page by page, and removal of one or all."""

import json
from typing import Any

from twisted.logger import capturedLogs, formatEvent

from tests.modules.upload.test_module import OPTIONS, PNG, Base
from tests.services.login.test_basic import basic
from xmppd.modules.upload.own_files import PAGE
from xmppd.stanza.stamps import parse_stamp
from xmppd.storage.interface import StorageFull
from xmppd.testing.client import PASSWORD
from xmppd.testing.server import START, MemoryServer
from xmppd.testing.web import MemoryWeb, WebResponse

ROMEO, JULIET = "romeo@localhost", "juliet@localhost"
LIST = "/upload"
DAY_S = 86_400


class OwnFilesTests(Base):
    """Romeo's files, and one of Juliet's."""

    def asked(
        self,
        method: str = "GET",
        path: str = LIST,
        user: str = ROMEO,
        password: str = PASSWORD,
        peer: str = "127.0.0.1",
        **headers: str,
    ) -> WebResponse:
        """Ask as *user*."""
        shown = {"Authorization": basic(user, password), **headers}
        return self.web.request(method, path, headers=shown, peer=peer)

    def page(self, query: str = "", **who: str) -> dict[str, Any]:
        """Give a page of the list."""
        answer = self.asked(path=LIST + query, **who)
        self.assertEqual((answer.status, answer.headers["content-type"]), (200, "application/json"))
        self.assertEqual(answer.headers["cache-control"], "no-store")
        content: dict[str, Any] = json.loads(answer.body)
        return content

    def names(self, **who: str) -> list[str]:
        """Give the names of the files that there are."""
        return sorted(each["name"] for each in self.page(**who)["files"])

    def test_listed(self) -> None:
        """Each with its address, at which it is fetched; nobody else's."""
        path = self.uploaded("a ü.png")
        self.memory.add_account(JULIET)
        (file,) = self.page()["files"]
        self.assertEqual(self.web.request("GET", path).body, PNG)
        expected = {
            "url": f"https://localhost{path}",
            "name": "a ü.png",
            "size": len(PNG),
            "type": "image/png",
            "purpose": "message",
        }
        self.assertEqual({key: file[key] for key in expected}, expected)
        self.assertEqual(file.keys() - expected, {"sent", "expires"})
        self.assertEqual(parse_stamp(file["sent"]), START)
        self.assertEqual(parse_stamp(file["expires"]), START + 30 * DAY_S)
        self.assertEqual(self.page(user=JULIET), {"files": [], "next": None})
        self.assertEqual(self.asked("HEAD").body, b"")

    def test_by_pages(self) -> None:
        """Each file is on one page, though files come and go between them; what has ended is on none."""
        paths = [self.uploaded(f"{number}.png") for number in range(5)]
        first = self.page("?limit=2")
        self.assertEqual(len(first["files"]), 2)
        removed = next(path for path in paths if path not in str(first))
        self.assertEqual(self.asked("DELETE", removed).status, 204)
        second = self.page(f"?limit=2&after={first['next']}")
        third = self.page(f"?after={second['next']}") if second["next"] else {"files": []}
        seen = [each["name"] for page in (first, second, third) for each in page["files"]]
        self.assertEqual((len(seen), len(set(seen))), (4, 4))
        self.memory.clock.advance(30 * DAY_S)
        self.assertEqual(self.page(), {"files": [], "next": None})

    def test_no_page(self) -> None:
        """What is no number, or came from nowhere."""
        for query in ("limit=0", "limit=-1", "limit=x", "limit=9999999999", "after=%00", f"after={'x' * 65}"):
            answer = self.asked(path=f"{LIST}?{query}")
            self.assertEqual((answer.status, json.loads(answer.body)["error"]["status"]), (400, 400), query)
        self.uploaded()
        self.assertEqual(len(self.page(f"?limit={PAGE + 1}")["files"]), 1)

    def test_removed(self) -> None:
        """Nobody gets the file from then on; a second time there is none."""
        gone, kept = self.uploaded("gone.png"), self.uploaded("kept.png")
        answer = self.asked("DELETE", gone)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.assertEqual((self.get(gone).status, self.get(kept).status), (404, 200))
        self.assertEqual(self.names(), ["kept.png"])
        for path in (gone, kept.replace("kept", "other"), "/upload/forged/a.png"):
            answer = self.asked("DELETE", path)
            self.assertEqual((answer.status, answer.headers["content-type"]), (404, "application/json"))

    def test_of_others(self) -> None:
        """Who has the address of a file may fetch it, and not remove it; nor has a slot an owner's rights."""
        path = self.uploaded()
        self.memory.add_account(JULIET)
        self.assertEqual(self.asked("DELETE", path, user=JULIET).status, 403)
        self.assertEqual(json.loads(self.asked("DELETE", user=JULIET).body), {"removed": 0, "more": False})
        self.assertEqual(self.web.request("DELETE", path).status, 401)
        self.assertEqual(self.get(path).status, 200)
        put, _ = self.slot()
        self.assertEqual(self.asked("DELETE", put).status, 404)

    def test_all(self) -> None:
        """A page of them at a time."""
        for number in range(PAGE + 1):
            self.uploaded(f"{number}.txt", b"x", "text/plain")
        self.assertEqual(json.loads(self.asked("DELETE").body), {"removed": PAGE, "more": True})
        self.assertEqual(json.loads(self.asked("DELETE").body), {"removed": 1, "more": False})
        self.assertEqual(self.names(), [])
        self.assertEqual([path for path in self.folder.rglob("uploads/**/*") if path.is_file()], [])

    def test_of_another_service(self) -> None:
        """A service shows and removes what was uploaded to it."""
        path = self.uploaded()
        options = OPTIONS.format(folder=self.folder).replace("upload.localhost", "other.localhost")
        here, self.web = self.web, MemoryWeb(MemoryServer(options, storage=self.memory.storage))
        self.assertEqual(self.page(), {"files": [], "next": None})
        self.assertEqual(json.loads(self.asked("DELETE").body), {"removed": 0, "more": False})
        self.assertEqual(self.asked("DELETE", path).status, 404)
        self.web = here
        self.assertEqual(self.names(), ["a.png"])

    def test_who_asks(self) -> None:
        """RFC 7617: without a good password there is a challenge; in the clear not even that."""
        self.uploaded()
        for method in ("GET", "DELETE"):
            for answer in (self.asked(method, password="wrong"), self.web.request(method, LIST)):
                self.assertEqual(answer.status, 401)
                self.assertEqual(
                    answer.headers["www-authenticate"], 'Basic realm="XMPP account", charset="UTF-8"'
                )
                self.assertEqual(json.loads(answer.body)["error"]["title"], "Unauthorized")
            answer = self.asked(method, peer="192.0.2.1")
            self.assertEqual((answer.status, "www-authenticate" in answer.headers), (403, False))
        self.assertEqual(self.names(), ["a.png"])

    def test_pages_of_other_sites(self) -> None:
        """They ask with a password that they know, and see why they are refused; a browser adds none of its own."""
        path = self.uploaded()
        for at, methods in ((path, "DELETE, GET, HEAD, OPTIONS, PUT"), (LIST, "DELETE, GET, HEAD, OPTIONS")):
            preflight = self.web.request("OPTIONS", at, headers={"Origin": "https://other.example"})
            self.assertEqual(preflight.headers["access-control-allow-methods"], methods)
            self.assertIn("Authorization", preflight.headers["access-control-allow-headers"])
            for answer in (preflight, self.asked("DELETE", at, password="wrong")):
                self.assertEqual(answer.headers["access-control-allow-origin"], "*")
                self.assertNotIn("access-control-allow-credentials", answer.headers)

    def test_log(self) -> None:
        """A line says what kind of request it was, and nothing by which one could fetch the file or log in."""
        path = self.uploaded()
        with capturedLogs() as captured:
            self.asked("DELETE", path)
            self.page("?limit=7")
        lines = [formatEvent(event) for event in captured]
        self.assertEqual(lines, ["DELETE /upload/{id}/{name} 204 0", "GET /upload 200 28"])
        for secret in (path.split("/")[2], PASSWORD, basic(ROMEO, PASSWORD), ROMEO):
            self.assertNotIn(secret, repr([dict(event, log_logger=None) for event in captured]))

    def test_not_now(self) -> None:
        """503 where nothing can be read or stored; the file is there still."""
        path = self.uploaded()
        self.memory.storage.failing = StorageFull("full")
        self.assertEqual(self.asked("DELETE", path).status, 503)
        self.memory.storage.failing = None
        self.assertEqual(self.names(), ["a.png"])
