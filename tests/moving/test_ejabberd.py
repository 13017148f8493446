"""ejabberd's tables: what each means, in older and newer versions, and what is told of the rest."""

from base64 import b64encode
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.moving import model
from xmppd.moving.ejabberd.reader import EjabberdSource
from xmppd.moving.model import Account, NotCarried, Piece
from xmppd.moving.source import SourceError
from xmppd.services.pubsub.node import Affiliation, SubscriptionState
from xmppd.services.rooms.settings import ANYBODY, NOBODY, VOICED

TABLES = {
    "passwd": "us,password",
    "roster": "usj,us,jid,name,subscription,ask,groups,askmessage,xs",
    "privacy": "us,default,lists",
    "muc_room": "name_host,opts",
    "pubsub_node": "nodeid,id,parents,type,owners,options",
    "pubsub_state": "stateid,nodeidx,items,affiliation,subscriptions",
    "pubsub_item": "itemid,nodeidx,creation,modification,payload",
    "archive_msg": "us,id,timestamp,peer,bare_peer,packet,nick,type",
    "magic": "us,what",
    "caps_features": "node_pair,features",
}
US = '{<<"u">>,<<"a.example">>}'
OTHER = '{<<"r">>,<<"b.example">>,<<>>}'


def keys(size: int) -> str:
    """Write keys in base64."""
    return ",".join(f'<<"{b64encode(bytes((number,)) * size).decode()}">>' for number in (1, 2))


class DumpTests(SynchronousTestCase):
    """A dump made by hand."""

    def read(self, *terms: str, password: str = '<<"x">>') -> list[Piece]:
        """Give the pieces of an account with these terms."""
        described = ",".join(
            f"{{{name},[{{record_name,{name}}},{{attributes,[{attributes}]}}]}}"
            for name, attributes in TABLES.items()
        )
        file = temporary_folder(self) / "dump"
        lines = [f"{{tables,[{described}]}}", f"{{passwd,{US},{password}}}", *terms]
        file.write_text("".join(f"{line}.\n" for line in lines))
        return list(EjabberdSource(file).pieces())

    def one(self, kind: type, *terms: str, **more: str) -> Any:
        """Give the only piece of a kind."""
        (found,) = [piece for piece in self.read(*terms, **more) if type(piece) is kind]
        return found

    def test_passwords(self) -> None:
        """In the clear; keys of SHA-1 as before they named their hash, and of others."""
        self.assertEqual(self.one(Account).password, "x")
        salt = f'<<"{b64encode(b"salt").decode()}">>'
        for stored, hash_name in (
            (f"{{scram,{keys(20)},{salt},4096}}", "SHA-1"),
            (f"{{scram,{keys(20)},{salt},sha,4096}}", "SHA-1"),
            (f"{{scram,{keys(64)},{salt},sha512,4096}}", "SHA-512"),
        ):
            found = self.one(Account, password=stored).credentials
            self.assertEqual(
                (list(found), found[hash_name].salt, found[hash_name].iterations),
                ([hash_name], b"salt", 4096),
            )
        broken = self.read(password="{scram,<<1>>,x}")
        self.assertEqual([type(each) for each in broken], [NotCarried])

    def test_roster(self) -> None:
        """``ask``: out is ours, in is the contact's; one that only asks is no contact yet."""
        term = (
            '{{roster,{{<<"u">>,<<"a.example">>,{other}}},{us},{other},<<"{name}">>,{subscription},{ask},[],'
            '<<"hi">>,[]}}'
        )
        for name, subscription, ask, wanted in (
            ("", "none", "in", (None, True)),
            ("R", "none", "in", (False, True)),
            ("", "to", "in", (False, True)),
            ("", "none", "out", (True, False)),
            ("", "from", "both", (True, True)),
            ("", "both", "none", (False, False)),
        ):
            pieces = self.read(term.format(us=US, other=OTHER, name=name, subscription=subscription, ask=ask))
            contact = next((each.item.ask for each in pieces if isinstance(each, model.Contact)), None)
            request = [each for each in pieces if isinstance(each, model.Request)]
            self.assertEqual((contact, bool(request)), wanted, (name, subscription, ask))
            self.assertTrue(all("hi" in each.stanza.to_bytes().decode() for each in request))

    def test_privacy(self) -> None:
        """Whom the default list denies altogether is blocked; the rest is told."""
        item = "{{listitem,jid,{},deny,1,{},false,false,false,false}}".format
        lists = f'[{{<<"d">>,[{item(OTHER, "true")},{item(OTHER, "false")}]}},{{<<"e">>,[]}}]'
        pieces = self.read(f'{{privacy,{US},<<"d">>,{lists}}}')
        self.assertEqual(
            [each.jid.full for each in pieces if isinstance(each, model.Blocked)], ["r@b.example"]
        )
        kinds = [each.kind for each in pieces if isinstance(each, NotCarried)]
        self.assertEqual(kinds, ["rules of privacy lists", "privacy lists that are not the default"])

    def test_rooms(self) -> None:
        """What two of its options together mean is one here."""
        room = '{{muc_room,{{<<"play">>,<<"rooms.a.example">>}},[{options}]}}'.format
        for options, name, wanted in (
            ("{moderated,true},{members_by_default,true}", "is_moderated", False),
            ("{moderated,true},{members_by_default,false}", "is_moderated", True),
            ("{anonymous,false}", "whois", "anyone"),
            ("{allow_private_messages,false}", "allow_pm", NOBODY),
            ("{allow_private_messages_from_visitors,nobody}", "allow_pm", VOICED),
            ("{allowpm,anyone}", "allow_pm", ANYBODY),
            ('{password_protected,false},{password,<<"p">>}', "password", ""),
            ('{password_protected,true},{password,<<"p">>}', "password", "p"),
            ("{max_users,none}", "max_users", 0),
        ):
            self.assertEqual(
                getattr(self.one(model.Room, room(options=options)).settings, name), wanted, options
            )
        older = room(options='{subject,<<"S">>},{subject_author,<<"nick">>}')
        self.assertEqual(self.one(model.RoomSubject, older).stanza.from_, "play@rooms.a.example/nick")

    def test_nodes(self) -> None:
        """Found by their numbers, with people and items in order of time."""
        owner = '{<<"u">>,<<"a.example">>,<<>>}'
        item = '{{pubsub_item,{{<<"{id}">>,7}},7,{{{{1,2,3}},{owner}}},{{{{1,{at},0}},{owner}}},[]}}'.format
        pieces = self.read(
            item(id="second", at=9, owner=owner),
            item(id="first", at=5, owner=owner),
            f'{{pubsub_state,{{{OTHER},7}},7,[],member,[{{subscribed,<<"s">>}}]}}',
            f'{{pubsub_node,{{{owner},<<"n">>}},7,[],<<"pep">>,[],[{{max_items,3}},{{magic,x}}]}}',
        )
        node = next(each for each in pieces if isinstance(each, model.Node))
        self.assertEqual(
            (node.options.max_items, node.affiliations), (3, {"r@b.example": Affiliation.MEMBER})
        )
        subscription = node.subscriptions["r@b.example"]
        self.assertEqual((subscription.state, subscription.subid), (SubscriptionState.SUBSCRIBED, "s"))
        self.assertEqual([each.id for each in pieces if isinstance(each, model.Item)], ["first", "second"])
        self.assertEqual([each.kind for each in pieces if isinstance(each, NotCarried)], ["options of nodes"])

    def test_what_is_left(self) -> None:
        """Tables that are not known, terms that cannot be read, what is nobody's; what is made anew needs no word."""
        message = '{xmlel,<<"message">>,[],[]}'
        pieces = self.read(
            f"{{magic,{US},x}}",
            "{caps_features,x,[]}",
            "{oops}",
            f'{{archive_msg,{{<<"gone">>,<<"a.example">>}},<<"1">>,{{1,2,3}},{OTHER},{OTHER},{message},<<>>,chat}}',
        )
        kinds = sorted(each.kind for each in pieces if isinstance(each, NotCarried))
        self.assertEqual(
            kinds,
            [
                "archives of nobody's account or room",
                "records of ejabberd's table magic",
                "terms that cannot be read",
            ],
        )

    def test_no_dump(self) -> None:
        """A text, an empty file, terms without a description of the tables."""
        file = temporary_folder(self) / "dump"
        for text in ("hello\n", "", "{a,b}.\n"):
            file.write_text(text)
            error = self.assertRaises(SourceError, list, EjabberdSource(file).pieces())
            self.assertIn("ejabberdctl dump", str(error))
