"""The pages of invitations: an account and a password without JavaScript, in two languages, safe whatever is sent."""

import re
from html.parser import HTMLParser
from urllib.parse import urlencode

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.core.web import CHAT_FOLDER, CHAT_SCRIPT
from xmppd.services.invitations.invitation import Kind
from xmppd.services.invitations.invitations import Invitations, Wanted
from xmppd.services.roster.roster import Rosters
from xmppd.stanza.jid import JID
from xmppd.storage.interface import StorageFull
from xmppd.testing.server import MemoryServer, now
from xmppd.testing.web import MemoryWeb, WebResponse

WEEK_S = 604_800.0
FORM = "application/x-www-form-urlencoded"
VOID = frozenset(("meta", "link", "input", "br", "path"))
ROMEO = "romeo@localhost"
SECRET = "a good password"


class Outline(HTMLParser):
    """Reads a page: that all is closed in order, what is labelled, what is linked, and what would run."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.faults: list[str] = []
        self.feed(text)
        self.faults += [f"<{tag}> is not closed" for tag in self.open]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that is closed at once."""
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        """It closes the last one."""
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> closes another")

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all tags of this name."""
        return [attrs for name, attrs in self.tags if name == tag]


class Base(SynchronousTestCase):
    """A server with Romeo, who invites."""

    options = '[http]\nexternal_url = "https://localhost"\n'

    def setUp(self) -> None:
        """Nobody is invited yet."""
        self.memory = MemoryServer(self.options)
        self.web = MemoryWeb(self.memory)
        self.memory.add_account(ROMEO)

    def invite(self, kind: Kind = Kind.ACCOUNT, **how: object) -> str:
        """Give a token."""
        wanted = Wanted(kind, WEEK_S)._replace(**how)  # type: ignore[arg-type]  # as its own
        token, _ = now(self.memory.server.services[Invitations].create("localhost", wanted))
        assert isinstance(token, str)
        return token

    def get(self, path: str, **headers: str) -> WebResponse:
        """Open a page."""
        return self.web.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def post(self, path: str, values: dict[str, str], **headers: str) -> WebResponse:
        """Send a form."""
        named = {"Content-Type": FORM, **{k.replace("_", "-"): v for k, v in headers.items()}}
        return self.web.request("POST", path, urlencode(values).encode(), named)

    def filled(self, username: str = "juliet", password: str = SECRET, **more: str) -> dict[str, str]:
        """What is filled in."""
        return {"username": username, "password": password, "repeat": password, **more}

    def is_there(self, jid: str) -> bool:
        """Whether there is such an account."""
        return self.memory.server.accounts.exists(jid)


class ChatTests(SynchronousTestCase):
    """The chat in the browser, for who has just got an account."""

    def test_it_is_shown_where_it_is(self) -> None:
        """At this server, when it is installed."""
        folder = temporary_folder(self)
        memory = MemoryServer(f'data_dir = "{folder}"\n')
        memory.server.core.web.bound([("127.0.0.1", 5280)], [])
        wanted = Wanted(Kind.ACCOUNT, WEEK_S)._replace(uses=2)
        token, _ = now(memory.server.services[Invitations].create("localhost", wanted))
        found = []
        for username in ("ann", "ben"):
            form = urlencode({"username": username, "password": SECRET, "repeat": SECRET}).encode()
            page = MemoryWeb(memory).request("POST", f"/register/{token}", form, {"Content-Type": FORM})
            found.append({"href": "/"} in Outline(page.text).all("a"))
            (folder / CHAT_FOLDER).mkdir(exist_ok=True)
            (folder / CHAT_FOLDER / CHAT_SCRIPT).touch()
        self.assertEqual(found, [False, True])


class RegisterTests(Base):
    """``/register/TOKEN``."""

    def test_account(self) -> None:
        """A form without script makes the account, with its contact; the token is used then."""
        token = self.invite(inviter="romeo")
        page = self.get(f"/register/{token}")
        self.assertEqual(page.status, 200)
        self.assertIn(ROMEO, page.text)
        done = self.post(f"/register/{token}", self.filled(" Juliet "))
        self.assertEqual(done.status, 200, done.text)
        self.assertIn("juliet@localhost", done.text)
        self.assertTrue(now(self.memory.server.accounts.check(JID.parse("juliet@localhost"), SECRET)))
        roster = now(self.memory.server.services[Rosters].load("juliet@localhost"))
        self.assertTrue(roster.may_see_presence(ROMEO))
        self.assertEqual(self.post(f"/register/{token}", self.filled("ben")).status, 404)
        self.assertFalse(self.is_there("ben@localhost"))

    def test_mistakes(self) -> None:
        """Each is told at its field; the name stays filled in, no password does; nothing is used up."""
        token = self.invite()
        for values, field, words in (
            (self.filled(""), "username", "Choose a user name"),
            (self.filled("romeo"), "username", "taken"),
            (self.filled("a b"), "username", "spaces"),
            (self.filled("<script>alert(1)</script>"), "username", "spaces"),
            (self.filled(password="short"), "password", "at least 8"),
            (self.filled() | {"repeat": "other"}, "repeat", "not the same"),
            (self.filled(password="\x07" * 8), "password", "cannot be used"),
            ({}, "username", "Choose a user name"),
            (self.filled("a b", "short"), "username", "spaces"),
            (self.filled("a b", "short"), "password", "at least 8"),
        ):
            page = self.post(f"/register/{token}", values)
            self.assertEqual(page.status, 422, values)
            outline = Outline(page.text)
            wrong = [attrs for attrs in outline.all("input") if attrs.get("aria-invalid") == "true"]
            self.assertIn(field, [attrs["name"] for attrs in wrong])
            ids = {attrs.get("id") for _, attrs in outline.tags}
            for attrs in wrong:
                self.assertLessEqual(set((attrs["aria-describedby"] or "").split()), ids)
            self.assertIn(words, page.text)
            self.assertNotIn("<script>", page.text)
            self.assertNotIn(SECRET, page.text)
            self.assertIn('role="alert"', page.text)
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 200)

    def test_fixed_name(self) -> None:
        """A name that is kept for somebody is the one that they get, whatever is sent."""
        token = self.invite(username="juliet")
        (name,) = [
            each
            for each in Outline(self.get(f"/register/{token}").text).all("input")
            if each["name"] == "username"
        ]
        self.assertEqual((name["value"], "readonly" in name), ("juliet", True))
        self.post(f"/register/{token}", self.filled("ben"))
        self.assertEqual((self.is_there("juliet@localhost"), self.is_there("ben@localhost")), (True, False))

    def test_what_makes_no_account(self) -> None:
        """An invitation of another kind, and none."""
        for token in (
            self.invite(Kind.CONTACT, inviter="romeo"),
            self.invite(Kind.RESET, username="romeo"),
            "x",
        ):
            self.assertEqual(self.get(f"/register/{token}").status, 404)
            self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 404)
        self.assertFalse(self.is_there("juliet@localhost"))

    def test_disk_full(self) -> None:
        """What cannot be stored is told, and can be tried again."""
        token = self.invite()
        self.memory.storage.failing = StorageFull("full")
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 503)
        self.memory.storage.failing = None
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 200)


class SafetyTests(Base):
    """What others may try."""

    options = '[http]\nexternal_url = "https://localhost"\n[modules.invitations]\nattempts_per_hour = 3\n'

    def test_other_sites(self) -> None:
        """A form that another site has sent is refused; one of no page at all, and of ours, is not."""
        token = self.invite()
        for site in ("cross-site", "same-site"):
            self.assertEqual(self.post(f"/register/{token}", self.filled(), Sec_Fetch_Site=site).status, 403)
        self.assertFalse(self.is_there("juliet@localhost"))
        self.assertEqual(
            self.post(f"/register/{token}", self.filled(), Sec_Fetch_Site="same-origin").status, 200
        )

    def test_so_many(self) -> None:
        """An address tries so often in an hour; others are not hindered."""
        token = self.invite()
        for _ in range(3):
            self.assertEqual(self.post(f"/register/{token}", self.filled("")).status, 422)
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 429)
        named = {"Content-Type": FORM}
        body = urlencode(self.filled("")).encode()
        self.assertEqual(
            self.web.request("POST", f"/register/{token}", body, named, peer="192.0.2.9", is_tls=True).status,
            422,
        )
        self.memory.pass_time(3_600)
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 200)

    def test_what_is_no_form(self) -> None:
        """Another type, too much, what cannot be read: the specified error, and nothing done."""
        token = self.invite()
        path = f"/register/{token}"
        self.assertEqual(
            self.web.request("POST", path, b"{}", {"Content-Type": "application/json"}).status, 415
        )
        self.assertEqual(self.web.request("POST", path, b"x" * 20_000, {"Content-Type": FORM}).status, 413)
        many = "&".join(f"a{number}=b" for number in range(100)).encode()
        self.assertEqual(self.web.request("POST", path, many, {"Content-Type": FORM}).status, 400)
        self.assertEqual(self.web.request("POST", path, b"\xff=\xff", {"Content-Type": FORM}).status, 400)
        self.assertEqual(self.web.request("DELETE", path).status, 405)

    def test_in_the_clear(self) -> None:
        """No password crosses a network in the clear; on this machine, and by TLS, it may be set."""
        path = f"/register/{self.invite()}"
        body = urlencode(self.filled()).encode()
        named = {"Content-Type": FORM}
        for page in (
            self.web.request("GET", path, peer="192.0.2.1"),
            self.web.request("POST", path, body, named, peer="192.0.2.1"),
        ):
            self.assertEqual(page.status, 403)
            self.assertNotIn("<form", page.text)
        self.assertFalse(self.is_there("juliet@localhost"))
        self.assertEqual(
            self.web.request("POST", path, body, named, peer="192.0.2.1", is_tls=True).status, 200
        )

    def test_headers(self) -> None:
        """Nothing is kept, nothing is told to others, nothing runs, nobody frames it."""
        headers = self.get(f"/register/{self.invite()}").headers
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertIn("frame-ancestors 'none'", headers["content-security-policy"])
        self.assertNotIn("script", headers["content-security-policy"])

    def test_script_in_names(self) -> None:
        """What looks like a page in a token, a language or a browser's name is text, or nowhere."""
        page = self.get("/invite/%3Cscript%3E?lang=%3Cscript%3E", User_Agent="<script>Android")
        self.assertEqual(page.status, 404)
        self.assertNotIn("<script", page.text)


class ResetTests(Base):
    """``/reset/TOKEN``."""

    def test_reset(self) -> None:
        """A new password, once."""
        token = self.invite(Kind.RESET, username="romeo")
        self.assertIn(ROMEO, self.get(f"/reset/{token}").text)
        self.assertEqual(self.post(f"/reset/{token}", self.filled(password="short")).status, 422)
        done = self.post(f"/reset/{token}", self.filled(password="new password"))
        self.assertEqual(done.status, 200)
        self.assertTrue(now(self.memory.server.accounts.check(JID.parse(ROMEO), "new password")))
        self.assertEqual(self.post(f"/reset/{token}", self.filled()).status, 404)
        self.assertEqual(self.get(f"/reset/{self.invite()}").status, 404)


class InviteTests(Base):
    """``/invite/TOKEN``."""

    def test_contact(self) -> None:
        """Who invites, a link that a program opens, a code, and programs for the visitor's system (XEP-0379 3.3)."""
        token = self.invite(Kind.CONTACT, inviter="romeo")
        page = self.get(f"/invite/{token}", User_Agent="Mozilla/5.0 (Linux; Android 14)")
        outline = Outline(page.text)
        self.assertEqual(outline.all("svg"), [])  # it is the phone that would read it
        links = [attrs.get("href") for attrs in outline.all("a")]
        self.assertIn(f"xmpp:romeo@localhost?roster;preauth={token}", links)
        self.assertIn("https://conversations.im/", links)
        self.assertNotIn("https://monal-im.org/", links)
        self.assertNotIn("/register/", page.text)
        self.assertEqual(len(Outline(self.get(f"/invite/{token}").text).all("svg")), 1)

    def test_contact_who_may_register(self) -> None:
        """They are shown the way to an account."""
        token = self.invite(Kind.CONTACT, inviter="romeo", may_register=True)
        links = [attrs.get("href") or "" for attrs in Outline(self.get(f"/invite/{token}").text).all("a")]
        self.assertIn(f"/register/{token}?lang=en", links)
        self.assertEqual(self.post(f"/register/{token}", self.filled()).status, 200)

    def test_account(self) -> None:
        """One to make an account is the form for it."""
        self.assertIn("<form", self.get(f"/invite/{self.invite()}").text)

    def test_used(self) -> None:
        """One that is over says so, in the visitor's language."""
        page = self.get("/invite/x", Accept_Language="de")
        self.assertEqual(page.status, 404)
        self.assertIn("Diese Einladung gilt nicht", page.text)

    def test_turned_off(self) -> None:
        """Without the module there are no pages, and nobody is sent to one."""
        memory = MemoryServer(self.options + "[modules.invitations]\nenabled = false\n")
        self.assertEqual(MemoryWeb(memory).request("GET", "/invite/x").status, 404)


class EveryPageTests(Base):
    """What holds for each page, in each language."""

    def pages(self, code: str) -> dict[str, str]:
        """All pages that there are."""
        account, contact = self.invite(), self.invite(Kind.CONTACT, inviter="romeo", may_register=True)
        reset, second = self.invite(Kind.RESET, username="romeo"), self.invite(inviter="romeo")
        query = f"?lang={code}"
        lang = {"lang": code}
        return {
            "invite": self.get(f"/invite/{contact}{query}").text,
            "register": self.get(f"/register/{account}{query}").text,
            "mistakes": self.post(f"/register/{account}", self.filled("", "x", **lang)).text,
            "registered": self.post(f"/register/{second}", self.filled(f"ben{code}", **lang)).text,
            "reset": self.get(f"/reset/{reset}{query}").text,
            "gone": self.get(f"/reset/x{query}").text,
        }

    def test_well_made(self) -> None:
        """Each is closed in order, speaks its language, has one heading of level one, and a label for each field."""
        for code in ("en", "de"):
            for name, text in self.pages(code).items():
                with self.subTest(page=name, language=code):
                    outline = Outline(text)
                    self.assertEqual(outline.faults, [])
                    self.assertEqual(outline.all("html")[0]["lang"], code)
                    self.assertEqual(len(outline.all("h1")), 1)
                    self.assertEqual(len(outline.all("title")), 1)
                    self.assertEqual(len(outline.all("main")), 1)
                    labelled = {attrs["for"] for attrs in outline.all("label")}
                    for attrs in outline.all("input"):
                        if attrs["type"] != "hidden" and "hidden" not in attrs:
                            self.assertIn(attrs.get("id"), labelled)
                    self.assertEqual(outline.all("script"), [])
                    self.assertFalse(
                        [attrs for _, attrs in outline.tags if any(k.startswith("on") for k in attrs)]
                    )
                    self.assertFalse([attrs for _, attrs in outline.tags if "style" in attrs])
                    self.assertNotRegex(text, r"\{\w*\}")

    def test_style(self) -> None:
        """The one style sheet is there, and names no other place."""
        (link,) = Outline(self.get("/invite/x").text).all("link")
        style = self.get(link["href"] or "")
        self.assertEqual((style.status, style.headers["content-type"]), (200, "text/css; charset=utf-8"))
        self.assertIsNone(re.search(r"url\(|@import", style.text))
        self.assertIn("prefers-color-scheme: dark", style.text)
