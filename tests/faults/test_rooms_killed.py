"""A server with a room is killed while somebody of another server is in it."""

from twisted.trial.unittest import SynchronousTestCase

from tests.sockets.occupant import LOST, SELF, SHUT_DOWN, Occupant
from tests.sockets.peers import Domains, XmppdPeer
from tests.temporary import temporary_folder

CAPULET, MONTAGUE = "capulet.example", "montague.example"
ROOM = f"balcony@rooms.{CAPULET}"
ROOMS = f"""
[components."rooms.{CAPULET}"]
module = "muc"
[components."rooms.{CAPULET}".modules.muc]
lock = false
[s2s.domains."{MONTAGUE}"]
route = "127.0.0.1:{{}}"
"""
BACK = """
[s2s.domains."rooms.{}"]
route = "127.0.0.1:{}"
"""


class RoomsKilledTests(SynchronousTestCase):
    """SIGKILL of either server."""

    def test_remote_occupants(self) -> None:
        """promises#rooms-come-back: who is of another server is told that it is out, and finds all as it was.

        XEP-0045 13.2: who was there when its server died is removed by the first message that cannot be delivered.
        """
        domains = Domains(temporary_folder(self), CAPULET, MONTAGUE)
        for name in (CAPULET, MONTAGUE):
            domains.certify(name, domains.authority, name, f"rooms.{name}")
        here = XmppdPeer(domains, CAPULET, "juliet", ROOMS.format(domains.ports[MONTAGUE]), is_routed=False)
        self.addCleanup(here.stop)
        there = XmppdPeer(domains, MONTAGUE, "romeo", BACK.format(CAPULET, domains.ports[CAPULET]))
        self.addCleanup(there.stop)
        with there.client() as romeo:
            guest = Occupant(romeo, ROOM, "romeo")
            with here.client() as juliet:
                host = Occupant(juliet, ROOM, "juliet")
                host.enter()
                guest.enter("juliet")
                host.says("Hail")
                guest.hears("juliet", "Hail")
                self.assertEqual(host.affiliates(f"jid='{romeo.bare}' affiliation='admin'"), "result")
                here.kill()
            here.start()
            guest.sees("romeo", "unavailable", statuses={SELF, SHUT_DOWN})
            guest.enter()
            self.assertEqual(guest.archived("Hail"), ["Hail"])
            with here.client() as juliet:
                host = Occupant(juliet, ROOM, "juliet")
                host.enter("romeo")
                self.assertEqual(guest.sees("juliet").get("affiliation"), "owner")
                self.assertEqual(host.affiliates("nick='romeo' role='none'"), "result")
                guest.enter("juliet")
                host.sees("romeo", role="moderator")
                there.kill()
                host.says("Anybody?")
                host.sees("romeo", "unavailable", statuses={LOST})
