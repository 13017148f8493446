"""Why messages were archived, copied, pushed, held back, kept, or not: what is told is what has happened."""

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import HOSTS, ControlBench
from xmppd.core import events
from xmppd.services.inbox.kept import KEPT
from xmppd.services.push.push import Push
from xmppd.testing.client import Client

JULIET = "juliet@localhost"
BALCONY = "juliet@localhost/balcony"
SERVICE = "push@localhost/app"
ENABLE_CARBONS = "<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>"
ENABLE_SM = "<enable xmlns='urn:xmpp:sm:3' resume='true'/>"
ENABLE_PUSH = f"<iq type='set' id='p'><enable xmlns='urn:xmpp:push:0' jid='{SERVICE}' node='n'/></iq>"
NEVER = "<iq type='set' id='n'><prefs xmlns='urn:xmpp:mam:2' default='never'/></iq>"
NO_ROMEO = (
    "<iq type='set' id='n'><prefs xmlns='urn:xmpp:mam:2' default='always'><always/><never><jid>romeo@localhost</jid>"
    "</never></prefs></iq>"
)
BLOCK = "<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block></iq>"
COMPOSING = "<composing xmlns='http://jabber.org/protocol/chatstates'/>"


class ReasonsCase(SynchronousTestCase):
    """Romeo writes to Juliet, of whom somebody wants to know."""

    options = HOSTS

    def setUp(self) -> None:
        """Watch from the beginning."""
        self.bench = ControlBench(self.options)
        self.memory = self.bench.memory
        self.romeo = self.memory.logged_in("romeo@localhost/orchard")
        self.balcony = self.memory.logged_in(BALCONY)
        self.begin()

    def begin(self) -> None:
        """Watch."""
        running = self.bench.begin("watch.reasons", jid=JULIET)
        self.addCleanup(running.cancel)

    def present(self, client: Client, *then: str) -> None:
        """Send presence and other things, and forget what was told of them."""
        client.send("<presence/>")
        for each in then:
            client.send(each)
        self.memory.settle()
        self.bench.progress.clear()

    def told(self, what: str, message: str = "<body>hi</body>", **attributes: str) -> list[Any]:
        """Have Romeo write to Juliet; give what is told of *what*: whose it is, whether it is so, and why."""
        shown = {"to": JULIET, "type": "chat", "id": "m1", **attributes}
        attrs = " ".join(f"{name}='{value}'" for name, value in shown.items())
        self.romeo.send(f"<message {attrs}>{message}</message>")
        return self.heard(what)

    def heard(self, what: str) -> list[Any]:
        """Give what was told of *what* meanwhile."""
        self.memory.settle()
        told = [each for each in self.bench.progress if each["what"] == what]
        self.bench.progress.clear()
        return [(each["jid"], each["is_so"], each["why"]) for each in told]


class ArchivedTests(ReasonsCase):
    """Archived or not (XEP-0313, XEP-0441)."""

    def test_archived(self) -> None:
        """With the id that its client is told."""
        self.present(self.balcony)
        ((whose, is_so, why),) = self.told("archived")
        self.assertEqual((whose, is_so), (JULIET, True))
        stanza_id = self.balcony.inbox[-1].find("{urn:xmpp:sid:0}stanza-id")
        assert stanza_id is not None
        self.assertEqual(why, f"with the id {stanza_id.get('id')}")

    def test_what_she_sends(self) -> None:
        """It goes into her archive as well."""
        self.present(self.balcony)
        self.balcony.send("<message to='romeo@localhost' type='chat'><body>hi</body></message>")
        ((whose, is_so, _),) = self.heard("archived")
        self.assertEqual((whose, is_so), (JULIET, True))

    def test_a_hint(self) -> None:
        """What it says of itself."""
        hinted = "<body>hi</body><no-store xmlns='urn:xmpp:hints'/>"
        self.assertEqual(self.told("archived", hinted), [(JULIET, False, "it says <no-store/>")])

    def test_she_wants_nothing(self) -> None:
        """By default."""
        self.present(self.balcony, NEVER)
        self.assertEqual(
            self.told("archived"), [(JULIET, False, "the account wants nobody's messages archived")]
        )

    def test_she_does_not_want_his(self) -> None:
        """By a list."""
        self.present(self.balcony, NO_ROMEO)
        ((_, is_so, why),) = self.told("archived")
        self.assertEqual((is_so, why), (False, "the account's archive leaves out romeo@localhost (XEP-0441)"))

    def test_blocked(self) -> None:
        """It does not come so far; who stops it is named."""
        self.present(self.balcony, BLOCK)
        self.romeo.send(f"<message to='{JULIET}' type='chat'><body>hi</body></message>")
        self.memory.settle()
        (told,) = self.bench.progress
        self.assertEqual((told["what"], told["is_so"]), ("let through", False))
        self.assertTrue(told["why"].startswith("blocking (blocking) refuses it"), told["why"])


class DefaultsTests(ReasonsCase):
    """What the host says."""

    options = HOSTS + '[hosts."localhost".modules.mam]\ndefault = "roster"\n'

    def test_only_contacts(self) -> None:
        """Where she has not chosen."""
        ((_, is_so, why),) = self.told("archived")
        self.assertFalse(is_so)
        self.assertEqual(why, "romeo@localhost is not in the roster, and only contacts are archived")


class NoModulesTests(ReasonsCase):
    """Modules that are not loaded."""

    options = HOSTS + "".join(
        f'[hosts."localhost".modules.{name}]\nenabled = false\n'
        for name in ("mam", "carbons", "push", "offline")
    )

    def test_each_is_named(self) -> None:
        """As the reason."""
        self.memory.logged_in("juliet@localhost/chamber")
        self.present(self.balcony)
        self.romeo.send(f"<message to='{JULIET}' type='chat'><body>hi</body></message>")
        self.memory.settle()
        told = {each["what"]: each["why"] for each in self.bench.progress if not each["is_so"]}
        for what, module in (("archived", "mam"), ("copied", "carbons"), ("pushed", "push")):
            self.assertEqual(told[what], f"the module {module} is not loaded")

    def test_nobody_keeps_it(self) -> None:
        """Where nobody is there, its sender hears it."""
        why = "the module offline is not loaded; its sender gets an error"
        self.assertEqual(self.told("kept"), [(JULIET, False, why)])


class CopiedTests(ReasonsCase):
    """Copied or not (XEP-0280)."""

    def setUp(self) -> None:
        """Her other client."""
        super().setUp()
        self.chamber = self.memory.logged_in("juliet@localhost/chamber")
        self.present(self.balcony)

    def test_copied(self) -> None:
        """Seen when it is sent."""
        self.present(self.chamber, ENABLE_CARBONS)
        self.assertEqual(
            self.told("copied", to=BALCONY),
            [("juliet@localhost/chamber", True, "the client has carbons enabled")],
        )

    def test_copied_as_sent(self) -> None:
        """What her other client has sent."""
        self.present(self.chamber, ENABLE_CARBONS)
        self.balcony.send("<message to='romeo@localhost' type='chat'><body>hi</body></message>")
        ((whose, is_so, _),) = self.heard("copied")
        self.assertEqual((whose, is_so), ("juliet@localhost/chamber", True))

    def test_not_enabled(self) -> None:
        """The commonest reason."""
        self.assertEqual(
            self.told("copied", to=BALCONY),
            [("juliet@localhost/chamber", False, "the client has not enabled carbons")],
        )

    def test_not_that(self) -> None:
        """What a message says of itself."""
        self.present(self.chamber, ENABLE_CARBONS)
        private = "<body>hi</body><private xmlns='urn:xmpp:carbons:2'/>"
        self.assertEqual(
            self.told("copied", private, to=BALCONY),
            [("juliet@localhost/chamber", False, "it says <private/>")],
        )

    def test_nobody_else(self) -> None:
        """One client."""
        self.chamber.send("</stream:stream>")
        self.memory.settle()
        self.bench.progress.clear()
        self.assertEqual(self.told("copied"), [(JULIET, False, "no other client is connected")])


class HeldBackTests(ReasonsCase):
    """Held back or not (XEP-0352)."""

    def setUp(self) -> None:
        """Her client is inactive."""
        super().setUp()
        self.present(self.balcony, "<inactive xmlns='urn:xmpp:csi:0'/>")

    def test_important(self) -> None:
        """It goes at once."""
        ((whose, is_so, why),) = self.told("given")
        self.assertEqual((whose, is_so), (BALCONY, True))
        self.assertIn("the client is connected", why)

    def test_a_chat_state(self) -> None:
        """It is dropped; a client that is active gets it."""
        ((whose, is_so, why),) = self.told("held back", COMPOSING)
        self.assertEqual((whose, is_so), (BALCONY, True))
        self.assertTrue(why.endswith("out of date when the client looks again: dropped"), why)
        self.balcony.send("<active xmlns='urn:xmpp:csi:0'/>")
        self.assertEqual(self.told("held back", COMPOSING), [])

    def test_later(self) -> None:
        """It waits; when something important takes it along, it is told once more, as given."""
        event = "<event xmlns='http://jabber.org/protocol/pubsub#event'/>"
        ((whose, is_so, why),) = self.told("held back", event, type="headline")
        self.assertEqual((whose, is_so), (BALCONY, True))
        self.assertTrue(why.endswith("what was published can wait, the last of each item: it waits"), why)
        self.assertEqual(len(self.told("given")), 2)

    def test_presence(self) -> None:
        """It is the most of what is held back."""
        self.romeo.send(f"<presence to='{BALCONY}'/>")
        ((_, is_so, why),) = self.heard("held back")
        self.assertTrue(is_so)
        self.assertIn("presence can wait", why)


class KeptTests(ReasonsCase):
    """Kept for later or not (XEP-0160), and told of a push."""

    def test_kept(self) -> None:
        """Nobody takes it."""
        self.assertEqual(self.told("kept"), [(JULIET, True, "no client is there that takes it")])

    def test_nothing_to_keep(self) -> None:
        """A chat state."""
        ((_, is_so, why),) = self.told("kept", COMPOSING)
        self.assertFalse(is_so)
        self.assertIn("it has no body", why)

    def test_by_its_type(self) -> None:
        """RFC 6121 8.5.2: a headline is dropped."""
        ((_, is_so, why),) = self.told("kept", type="headline")
        self.assertFalse(is_so)
        self.assertIn("RFC 6121 8.5", why)

    def test_until_it_is_acknowledged(self) -> None:
        """By a client that acknowledges (XEP-0198), and one without a connection."""
        self.present(self.balcony, ENABLE_SM)
        ((_, is_so, why),) = self.told("given")
        self.assertTrue(is_so)
        self.assertIn("kept until it is acknowledged", why)
        assert self.balcony.carrier is not None
        self.balcony.carrier.lose()
        ((_, is_so, why),) = self.told("given")
        self.assertFalse(is_so)
        self.assertIn("has no connection", why)


class TooMuchTests(ReasonsCase):
    """A full inbox."""

    options = "[limits]\noffline_messages = 1\n" + HOSTS

    def test_refused(self) -> None:
        """The second one is too many; its sender is told, and who watches him hears that."""
        self.told("kept")
        running = self.bench.begin("watch.reasons", jid="romeo@localhost")
        self.addCleanup(running.cancel)
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='m2'><body>hi</body></message>")
        self.memory.settle()
        told = [(each["jid"], each["what"], each["is_so"], each["why"]) for each in self.bench.progress]
        self.assertIn((JULIET, "kept", False, "Too many messages wait for this account"), told)
        refused = "its sender gets an error: service-unavailable, Too many messages wait for this account"
        self.assertIn(("romeo@localhost", "let through", False, refused), told)


class PushedTests(ReasonsCase):
    """Pushed or not (XEP-0357)."""

    def setUp(self) -> None:
        """A push service is a client."""
        super().setUp()
        self.service = self.memory.logged_in(SERVICE)

    def gone(self) -> None:
        """She registers the service, and leaves."""
        self.present(self.balcony, ENABLE_PUSH)
        self.balcony.send("</stream:stream>")
        self.memory.settle()
        self.bench.progress.clear()

    def test_nobody_has_registered(self) -> None:
        """The commonest reason."""
        self.assertEqual(self.told("pushed"), [(JULIET, False, "no client has registered a push service")])

    def test_pushed(self) -> None:
        """At once; the next, while the service has not answered, goes with what else comes."""
        self.gone()
        self.assertEqual(self.told("pushed"), [(BALCONY, True, f"{SERVICE} is told now")])
        self.assertEqual(
            self.told("pushed"), [(BALCONY, True, f"{SERVICE} is told soon, with what else comes")]
        )
        self.assertEqual(len(self.service.inbox), 1)

    def test_nothing_to_read(self) -> None:
        """A receipt is kept, and wakes nobody."""
        self.gone()
        receipt = "<received xmlns='urn:xmpp:receipts' id='x'/>"
        ((_, is_so, why),) = self.told("pushed", receipt)
        self.assertFalse(is_so)
        self.assertIn("nothing to read", why)

    def test_all_are_there(self) -> None:
        """Who has it needs no push."""
        self.present(self.balcony, ENABLE_PUSH)
        self.assertEqual(
            self.told("pushed"), [(JULIET, False, "each client with a push service is there, or was told")]
        )

    def test_not_for_what_nobody_keeps(self) -> None:
        """Others have taken it, and her archive does not have it."""
        self.present(self.balcony, ENABLE_PUSH, NEVER)
        ((_, is_so, why),) = self.told("pushed")
        self.assertFalse(is_so)
        self.assertIn("the archive does not keep it", why)


class WatchingTests(ReasonsCase):
    """Who is told what, and what is left of it."""

    def begin(self) -> None:
        """Not yet."""

    def test_others_messages_are_not_told(self) -> None:
        """Neither those of another account nor what messages say."""
        running = self.bench.begin("watch.reasons", jid="mercutio@localhost")
        self.assertNotIn("secret", str(self.bench.progress))
        self.assertEqual(self.told("archived"), [])
        running.cancel()

    def test_nothing_is_left(self) -> None:
        """Once nobody watches, the hooks call what they called before, and nothing else does."""
        hooks = self.bench.server.hosts["localhost"].hooks
        session = self.bench.server.registry.get(BALCONY)
        push = self.bench.server.services[Push]
        assert session is not None
        watched = (
            events.CLIENT_STANZA,
            events.FOREIGN_MESSAGE,
            events.ACCOUNT_STANZA,
            events.MESSAGE_DELIVERING,
            events.MESSAGE_UNDELIVERED,
            events.MESSAGE_REFUSED,
            events.RESOURCE_BOUND,
            KEPT,
        )

        def state() -> Any:
            return [hooks.handlers(hook) for hook in watched], session.stanza_filters, [*push.watchers]

        before = state()
        first = self.bench.begin("watch.reasons", jid=JULIET)
        second = self.bench.begin("watch.reasons", jid=JULIET)
        self.assertNotEqual(state(), before)
        first.cancel()
        self.assertEqual(len(self.told("archived")), 1)
        second.cancel()
        self.assertEqual(state(), before)

    def test_in_the_log(self) -> None:
        """Who follows the log of an account at the level debug is told too, in one line each."""
        running = self.bench.begin("log.follow", jid=JULIET, level="debug")
        self.addCleanup(running.cancel)
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='m1'><body>a secret</body></message>")
        self.memory.settle()
        lines = [each["line"] for each in self.bench.progress if " xmppd.admin.reasons " in each["line"]]
        (kept,) = [line for line in lines if ": kept: " in line]
        way = f"chat message m1 from romeo@localhost/orchard to {JULIET}"
        self.assertTrue(kept.endswith(f"{JULIET}: {way}: kept: no client is there that takes it"), kept)
        self.assertNotIn("secret", "".join(lines))

    def test_less_than_debug(self) -> None:
        """At other levels nobody is told."""
        running = self.bench.begin("log.follow", jid=JULIET, level="info")
        self.addCleanup(running.cancel)
        self.romeo.send(f"<message to='{JULIET}' type='chat' id='m1'><body>hi</body></message>")
        self.memory.settle()
        self.assertEqual(self.bench.progress, [])
