"""Rooms (XEP-0045) between xmppd and Debian's Prosody and ejabberd, in both roles; skipped where they are missing.

One of their users is in a room of ours, one of ours in a room of theirs. Each server dies once. With
``XMPPD_TEST_INTEROP=long`` theirs is also stopped without dying, and its users are ghosts by then.
"""

import signal
from typing import Final

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.interop.names import NameServer, Record, serving
from tests.interop.others import Ejabberd, Other, Prosody, missing
from tests.interop.test_others import IS_LONG, OURS, THEIRS
from tests.sockets.client import PlainClient
from tests.sockets.occupant import LOST, SELF, SHUT_DOWN, Occupant
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

OUR_ROOM, THEIR_ROOM = f"balcony@rooms.{OURS}", f"crypt@rooms.{THEIRS}"
SILENT_S: Final = 4
ROOMS: Final = f"""
[components."rooms.{OURS}"]
module = "muc"
[components."rooms.{OURS}".modules.muc]
lock = false
silent_s = {SILENT_S if IS_LONG else 0}
answer_s = {SILENT_S}
"""


class ProsodyWithRooms(Prosody):
    """With rooms and their archives."""

    more = f'Component "rooms.{THEIRS}" "muc"\nmodules_enabled = {{ "muc_mam" }}\nmuc_room_locking = false\n'


class EjabberdWithRooms(Ejabberd):
    """With rooms and their archives."""

    more = f"""
  mod_mam: {{}}
  mod_muc:
    host: rooms.{THEIRS}
    default_room_options: {{mam: true}}
"""


class RoomsInterop(SynchronousTestCase):
    """Base: two servers with rooms, a user of each."""

    other: type[Other] = ProsodyWithRooms
    target = ""
    """The host in our SRV records, where it is not the domain."""

    def setUp(self) -> None:
        """Start both."""
        lacking = missing(self.other)
        if lacking is not None:
            raise SkipTest(f"{lacking} is not installed")
        domains = Domains(temporary_folder(self), OURS, THEIRS)
        names: dict[str, list[Record]] = {}
        for name in (OURS, THEIRS):
            domains.certify(name, domains.authority, name, f"rooms.{name}")
            target = self.target if name == OURS else ""
            for each in (name, f"rooms.{name}"):
                names |= serving(each, domains.ports[name], target=target)
        server = NameServer(names)
        self.addCleanup(server.stop)
        dns = f'resolvers = ["127.0.0.1:{server.port}"]\nallow_loopback = true\n'
        self.ours = XmppdPeer(domains, OURS, "juliet", dns + ROOMS, is_routed=False)
        self.addCleanup(self.ours.stop)
        self.theirs = self.other(domains, THEIRS, "romeo", server.port)
        self.addCleanup(self.theirs.stop)

    def both_roles(self) -> None:
        """Join, messages, roles, affiliations, the archive; the death of one server, then of the other; rejoin."""
        with self.ours.client() as juliet:
            host = Occupant(juliet, OUR_ROOM, "juliet")
            host.enter()
            with self.theirs.client() as romeo:
                self.together(host, Occupant(romeo, OUR_ROOM, "romeo"))
                self.theirs.signal(signal.SIGKILL)
                host.says("Anybody?")
                host.sees("romeo", "unavailable", statuses={LOST})
            self.theirs.start()
            with self.theirs.client() as romeo:
                Occupant(romeo, OUR_ROOM, "romeo").enter("juliet")
                host.sees("romeo")
                theirs = Occupant(romeo, THEIR_ROOM, "romeo")
                theirs.enter()
                self.together(theirs, Occupant(juliet, THEIR_ROOM, "juliet"))
                self.our_server_dies(romeo)

    def together(self, owner: Occupant, guest: Occupant) -> None:
        """What two do in a room of one's server."""
        guest.enter(owner.nick)
        owner.sees(guest.nick, role="participant")
        for one, other in ((owner, guest), (guest, owner)):
            one.says(f"Hail {other.nick}")
            for each in (one, other):
                each.hears(one.nick, f"Hail {other.nick}")
        self.assertEqual(owner.affiliates(f"nick='{guest.nick}' role='moderator'"), "result")
        guest.sees(guest.nick, role="moderator", statuses={SELF})
        self.assertEqual(guest.affiliates(f"nick='{owner.nick}' role='none'"), "error")
        self.assertEqual(owner.affiliates(f"jid='{guest.client.bare}' affiliation='member'"), "result")
        self.assertEqual(guest.sees(guest.nick, statuses={SELF}).get("affiliation"), "member")
        texts = [f"Hail {guest.nick}", f"Hail {owner.nick}"]
        self.assertEqual(guest.archived(*texts), texts)
        self.assertEqual(owner.archived(*texts), texts)

    def our_server_dies(self, romeo: PlainClient) -> None:
        """promises#rooms-come-back: romeo is told that he is out; the room knows who he is, and what was said."""
        self.ours.kill()
        self.ours.start()
        guest = Occupant(romeo, OUR_ROOM, "romeo")
        guest.sees("romeo", "unavailable", statuses={SELF, SHUT_DOWN})
        guest.enter()
        texts = ["Hail romeo", "Hail juliet", "Anybody?"]
        self.assertEqual(guest.archived(*texts), texts)
        with self.ours.client() as juliet:
            host = Occupant(juliet, OUR_ROOM, "juliet")
            host.enter("romeo")
            self.assertEqual(guest.sees("juliet").get("affiliation"), "owner")
            self.assertEqual(host.affiliates("nick='romeo' role='visitor'"), "result")
            guest.sees("romeo", role="visitor", statuses={SELF})
            Occupant(juliet, THEIR_ROOM, "juliet").enter("romeo")

    def frozen(self) -> None:
        """XEP-0045 'Ghost Users': who has been silent is asked, and is out where no answer comes; then comes back."""
        with self.ours.client() as juliet, self.theirs.client() as romeo:
            host, guest = Occupant(juliet, OUR_ROOM, "juliet"), Occupant(romeo, OUR_ROOM, "romeo")
            host.enter()
            guest.enter("juliet")
            host.sees("romeo")
            self.theirs.signal(signal.SIGSTOP)
            host.sees("romeo", "unavailable", statuses={LOST})
            host.says("Where is he?")
            self.theirs.signal(signal.SIGCONT)
            guest.sees("romeo", "unavailable", statuses={SELF, LOST})
            guest.enter("juliet")
            guest.says("Here")
            host.hears("romeo", "Here")
            self.assertEqual(guest.archived("Where is he?", "Here"), ["Where is he?", "Here"])


class ProsodyRoomsTests(RoomsInterop):
    """Debian's Prosody."""

    def test_both_roles(self) -> None:
        """Each is in the other's room."""
        self.both_roles()

    def test_frozen(self) -> None:
        """SIGSTOP, and SIGCONT."""
        self.frozen()


class EjabberdRoomsTests(RoomsInterop):
    """Debian's ejabberd."""

    other = EjabberdWithRooms
    target = "127.0.0.1"

    def test_both_roles(self) -> None:
        """Each is in the other's room."""
        self.both_roles()

    def test_frozen(self) -> None:
        """SIGSTOP, and SIGCONT."""
        self.frozen()


if not IS_LONG:
    for cls in (ProsodyRoomsTests, EjabberdRoomsTests):
        vars(cls)["test_frozen"].skip = "XMPPD_TEST_INTEROP=long runs it"
    del cls  # it would be collected as one more of them
