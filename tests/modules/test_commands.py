"""Ad-Hoc Commands: XEP-0050, with a command of three stages; their bounds."""

from xml.etree.ElementTree import Element

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from xmppd.core.host import Host
from xmppd.services.discovery.command_sessions import ALL, EACH, ENDED, CommandSessions
from xmppd.services.discovery.commands import GATHERING, NS, Command, Execution, Menu, Note, Stage, is_user
from xmppd.services.discovery.disco import host_info
from xmppd.stanza import forms
from xmppd.stanza.jid import JID
from xmppd.testing.server import MemoryServer

COMMAND = f"{{{NS}}}command"
NS_ITEMS = "http://jabber.org/protocol/disco#items"
STANZA_ERRORS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


def asking(var: str) -> Stage:
    """Ask for one thing."""
    return Stage(forms.form("form", "", [forms.field(var, "text-single")]))


class CommandCase(SynchronousTestCase):
    """A server with a command of three stages: what, how, and the end."""

    def setUp(self) -> None:
        """A client, and what has been done."""
        self.server = MemoryServer()
        self.host = self.server.server.hosts["localhost"]
        self.sessions = self.server.server.services[CommandSessions]
        self.done: list[tuple[str | None, str | None]] = []
        self.last: Deferred[Stage] | Stage = Stage(notes=(Note("Done"),))
        self.command = Command("config", "Configure", (self.ask_what, self.ask_how, self.do), is_user)
        self.host.hooks.add(GATHERING, self.gather)
        self.client = self.server.logged_in("romeo@localhost/orchard")

    def gather(self, menu: Menu) -> None:
        """Offer it."""
        menu.commands.append(self.command)

    def ask_what(self, execution: Execution) -> Stage:
        """The first step."""
        return asking("what")

    def ask_how(self, execution: Execution) -> Stage:
        """The second; it is the last where there is nothing to ask."""
        if execution.answers[0].first("what") == "nothing":
            return Stage(notes=(Note("There is nothing", "error"),), is_last=True)
        return asking("how")

    def do(self, execution: Execution) -> Stage | Deferred[Stage]:
        """The third."""
        what, how = execution.answers
        self.done.append((what.first("what"), how.first("how")))
        return self.last

    def ask(self, action: str = "execute", id: str = "", **fields: str) -> Element | None:
        """Send a command; give what comes back: the command, or the error."""
        filled = "".join(f"<field var='{var}'><value>{text}</value></field>" for var, text in fields.items())
        form = f"<x xmlns='jabber:x:data' type='submit'>{filled}</x>" if fields else ""
        self.client.inbox.clear()
        self.client.send(
            f"<iq type='set' id='1' to='localhost'><command xmlns='{NS}' node='config' action='{action}' "
            f"sessionid='{id}'>{form}</command></iq>"
        )
        return self.client.inbox[0][0] if self.client.inbox else None

    def shown(self, action: str = "execute", id: str = "", **fields: str) -> tuple[str, str, list[str], str]:
        """Send a command; give session, status, actions with the default first, and the field asked for."""
        command = self.ask(action, id, **fields)
        assert command is not None and command.tag == COMMAND, command
        actions = command.find(f"{{{NS}}}actions")
        names = (
            []
            if actions is None
            else [actions.get("execute", ""), *(each.tag[2 + len(NS) :] for each in actions)]
        )
        field = command.find(".//{jabber:x:data}field")
        return (
            command.get("sessionid", ""),
            command.get("status", ""),
            names,
            "" if field is None else field.get("var", ""),
        )

    def condition(self, action: str = "execute", id: str = "", **fields: str) -> list[str]:
        """Send a command; give the conditions of the error."""
        error = self.ask(action, id, **fields)
        assert error is not None and error.tag == "{jabber:client}error", error
        return [each.tag.partition("}")[2] for each in error if each.tag != f"{STANZA_ERRORS}text"]


class StageTests(CommandCase):
    """Forwards and backwards."""

    def test_there_and_back(self) -> None:
        """2.4.2, 3.4: next, back to what was shown before, next, and complete."""
        id, *first = self.shown()
        self.assertEqual(first, ["executing", ["next", "next"], "what"])
        self.assertEqual(
            self.shown("next", id, what="a")[1:], ("executing", ["complete", "prev", "complete"], "how")
        )
        self.assertEqual(self.shown("prev", id)[1:], ("executing", ["next", "next"], "what"))
        self.shown("execute", id, what="b")
        self.assertEqual(self.shown("complete", id, how="c")[1:], ("completed", [], ""))
        self.assertEqual(self.done, [("b", "c")])
        self.assertEqual(len(self.sessions), 0)

    def test_execute_is_the_default(self) -> None:
        """3.4: to execute is what the stage says it is; no action at all is to execute (2.4.1)."""
        id = self.shown()[0]
        self.shown("", id, what="a")
        self.assertEqual(self.shown("execute", id, how="b")[1], "completed")

    def test_what_is_not_allowed(self) -> None:
        """4.4: an action that the stage does not offer changes nothing."""
        id = self.shown()[0]
        for action in ("prev", "complete"):
            self.assertEqual(self.condition(action, id, what="a"), ["bad-request", "bad-action"])
        self.shown("next", id, what="a")
        self.assertEqual(self.condition("next", id, how="b"), ["bad-request", "bad-action"])
        self.assertEqual(self.shown("complete", id, how="b")[1], "completed")

    def test_a_form_that_is_none(self) -> None:
        """XEP-0004: a field named twice."""
        id = self.shown()[0]
        self.client.inbox.clear()
        field = "<field var='what'/>"
        self.client.send(
            f"<iq type='set' id='1' to='localhost'><command xmlns='{NS}' node='config' sessionid='{id}'>"
            f"<x xmlns='jabber:x:data' type='submit'>{field}{field}</x></command></iq>"
        )
        self.assertIsNotNone(self.client.inbox[0].find(f".//{{{NS}}}bad-payload"))
        self.assertEqual(self.shown("next", id, what="a")[3], "how")

    def test_a_form_at_once(self) -> None:
        """Who knows what is asked first may fill it in at once, and is then at the second stage."""
        id, *second = self.shown(what="a")
        self.assertEqual(second, ["executing", ["complete", "prev", "complete"], "how"])
        self.shown("complete", id, how="b")
        self.assertEqual(self.done, [("a", "b")])

    def test_another_address(self) -> None:
        """What has begun at one address goes on there alone."""
        who, elsewhere = JID.parse("romeo@localhost/orchard"), JID.parse("coven@localhost")
        execution = self.sessions.begin(self.host, elsewhere, who, self.command)
        self.sessions.keep(execution, 60)
        self.assertEqual(self.condition("next", execution.id, what="a"), ["bad-request", "bad-sessionid"])

    def test_over_before_its_time(self) -> None:
        """3.6: a command that fails says so by a note of the type error."""
        command = self.ask("next", self.shown()[0], what="nothing")
        assert command is not None
        self.assertEqual((command.get("status"), command[0].get("type")), ("completed", "error"))
        self.assertEqual(len(self.sessions), 0)

    def test_cancelled(self) -> None:
        """2.4.3: at any stage, once."""
        id = self.shown()[0]
        self.assertEqual(self.shown("cancel", id)[1], "canceled")
        self.assertEqual(self.condition("next", id, what="a"), ["not-allowed", "session-expired"])

    def test_a_cancelled_form(self) -> None:
        """3.5.1: a form of the type cancel is one that was submitted."""
        id = self.shown()[0]
        self.client.inbox.clear()
        self.client.send(
            f"<iq type='set' id='1' to='localhost'><command xmlns='{NS}' node='config' sessionid='{id}'>"
            "<x xmlns='jabber:x:data' type='cancel'/></command></iq>"
        )
        self.assertEqual(self.client.inbox[0][0].get("status"), "executing")

    def test_a_step_that_waits(self) -> None:
        """Who is impatient cannot take it twice."""
        waiting: Deferred[Stage] = Deferred()
        self.last = waiting
        id = self.shown()[0]
        self.shown("next", id, what="a")
        self.assertIsNone(self.ask("complete", id, how="b"))
        self.ask("complete", id, how="b")
        waiting.callback(Stage())
        statuses = [iq[0].get("status") for iq in self.client.inbox]
        self.assertEqual((statuses[0], len(self.done)), ("completed", 1))

    def test_a_step_that_fails(self) -> None:
        """A bug of ours is told, and the requester is where it was."""
        failing: Deferred[Stage] = Deferred()
        self.last = failing
        id = self.shown()[0]
        self.shown("next", id, what="a")
        self.ask("complete", id, how="b")
        failing.errback(ZeroDivisionError())
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.last = Stage()
        self.assertEqual(self.shown("complete", id, how="c")[1], "completed")


class BoundTests(CommandCase):
    """What is kept of requesters is bounded, and ends."""

    def test_each(self) -> None:
        """The one that waits longest makes room."""
        ids = [self.shown()[0] for _ in range(EACH + 1)]
        self.assertEqual(len(self.sessions), EACH)
        self.assertEqual(self.condition("next", ids[0], what="a"), ["not-allowed", "session-expired"])
        self.assertEqual(self.shown("next", ids[1], what="a")[3], "how")

    def test_all(self) -> None:
        """No more than so many of all together, and of those that have ended."""
        for number in range(ALL):
            who = JID("romeo", "localhost", str(number))
            self.sessions.keep(
                self.sessions.begin(self.host, JID.parse(self.host.name), who, self.command), 60
            )
        self.assertEqual(self.condition(), ["resource-constraint"])
        self.server.clock.advance(60)
        self.assertEqual((len(self.sessions), len(self.sessions._waiting)), (0, 0))
        self.assertLessEqual(len(self.sessions._ended), ENDED)
        self.assertEqual(self.shown()[1], "executing")

    def test_in_time(self) -> None:
        """Each stage has its time."""
        server_time = self.server.clock.advance
        id = self.shown()[0]
        server_time(599)
        self.shown("next", id, what="a")
        server_time(599)
        self.assertEqual(len(self.sessions), 1)
        server_time(1)
        self.assertEqual(self.condition("complete", id, how="b"), ["not-allowed", "session-expired"])

    def test_gone(self) -> None:
        """What a client has begun ends with its session, and with the module."""
        self.shown()
        self.client.send("</stream:stream>")
        self.assertEqual(len(self.sessions), 0)
        self.client = self.server.logged_in("romeo@localhost/orchard")
        self.shown()
        self.server.server.loader.reload(self.host, "commands")
        self.assertEqual(len(self.sessions), 0)
        self.assertEqual(self.shown()[1], "executing")

    def test_no_timer_is_left(self) -> None:
        """What has ended has no timer."""
        timers = self.server.server.timers
        before = len(timers)
        self.shown("cancel", self.shown()[0])
        self.assertEqual(len(timers), before)


class OfferTests(CommandCase):
    """What can be asked of a domain."""

    def test_features(self) -> None:
        """2.1, 1.3: commands, and the forms that they need."""
        self.assertLess({NS, forms.NS}, host_info(self.host).features)

    def test_forbidden(self) -> None:
        """4.4: who may not run a command does not, and it is not in the list."""

        def nobody(host: Host, sender: JID) -> bool:
            return False

        self.command = Command("config", "Configure", (self.ask_what,), nobody)
        self.assertEqual(self.condition(), ["forbidden"])
        self.client.inbox.clear()
        self.client.send(f"<iq type='get' id='1' to='localhost'><query xmlns='{NS_ITEMS}' node='{NS}'/></iq>")
        self.assertNotIn("config", [item.get("node") for item in self.client.inbox[0][0]])
