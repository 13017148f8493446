"""The base of services inside: their door opens and closes with their module."""

from twisted.trial.unittest import SynchronousTestCase

from tests.dialogues.services import SERVICES
from xmppd.testing.server import MemoryServer
from xmppd.testing.stage import play

OPTIONS = '[hosts."localhost"]\n[components."echo.localhost"]\nmodule = "echo"\n'
IS_THERE = """
romeo is romeo@localhost/orchard
romeo logs in
romeo sends <message to='echo.localhost' id='1'><thread>t</thread></message>
romeo receives <message from='echo.localhost' to='{romeo}' id='1'><thread>t</thread></message>
"""
IS_GONE = """
romeo is romeo@localhost/orchard
romeo logs in
romeo sends <message to='echo.localhost' id='1'><thread>t</thread></message>
romeo receives:
    <message from='echo.localhost' to='{romeo}' id='1' type='error'><error type='cancel'>
    <service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>
"""


class DoorTests(SynchronousTestCase):
    """`Service` by the example of an echo."""

    def test_comes_and_goes(self) -> None:
        """Unloaded it is nobody; loaded and read anew it is there."""
        memory = MemoryServer(OPTIONS, modules=SERVICES)
        loader, host = memory.server.loader, memory.server.hosts["echo.localhost"]
        play(IS_THERE, memory)
        loader.unload(host, "echo")
        play(IS_GONE, memory)
        loader.load(host, "echo")
        play(IS_THERE, memory)
        loader.reload(host, "echo")
        play(IS_THERE, memory)
        self.assertIs(memory.server.router.service("echo.localhost").door, host.modules["echo"])
