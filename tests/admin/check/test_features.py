"""What is missing of what users may want, use by use."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder
from xmppd.admin.check.features import USES
from xmppd.admin.check.report import EXIT_FINE, exit_status
from xmppd.admin.settings import known_modules

WHOLE = """
[hosts."example.org"]
[components."rooms.example.org"]
module = "muc"
[components."pubsub.example.org"]
module = "pubsub"
[components."upload.example.org"]
secret = "a program that takes files, from outside"
[http]
external_url = "https://chat.example.org"
[modules.external_services.services.relay]
type = "stun"
host = "stun.example.org"
"""


class FeatureTests(SynchronousTestCase):
    """``check_features``."""

    def found(self, text: str) -> dict[str, str]:
        """Give remedies by use."""
        found = check_text(temporary_folder(self), text, None, "features", modules=known_modules())
        self.assertEqual(exit_status(found), EXIT_FINE)
        self.assertEqual({each.severity for each in found}, {"note"} if found else set())
        return {each.id.removeprefix("feature."): f"{each.why}; {each.remedy}" for each in found}

    def test_nothing_is_missing(self) -> None:
        """Where each use has what it takes, a service from outside too."""
        self.assertEqual(self.found(WHOLE), {})

    def test_what_was_turned_off(self) -> None:
        """With the line where that was said; for one host or for all."""
        found = self.found(WHOLE + "[modules.push]\nenabled = false\n")
        self.assertEqual(list(found), ["mobile"])
        self.assertIn("x", found["mobile"])
        self.assertRegex(found["mobile"], r"modules\.push\.enabled is false \(.*:15\); remove that line")
        found = self.found(WHOLE + '[hosts."example.org".modules.blocking]\nenabled = false\n')
        self.assertIn(":15); remove", found["blocking"])

    def test_what_was_never_there(self) -> None:
        """With what to write."""
        found = self.found('[hosts."example.org"]\n')
        self.assertEqual(set(found), {"web", "group-chat", "publishing", "file-sharing", "calls"})
        self.assertIn(
            'write [components."rooms.example.org"] and below it module = "muc"', found["group-chat"]
        )
        self.assertIn("external_url", found["web"])

    def test_every_module_is_one(self) -> None:
        """No use asks for what there is not."""
        known = known_modules()
        named = {module for use in USES for module in (*use.modules, *use.services)}
        self.assertEqual({module for module in named if module not in known}, set())

    def test_not_by_itself(self) -> None:
        """It is looked at where it is named only."""
        everything = check_text(temporary_folder(self), WHOLE, None, modules=known_modules())
        self.assertEqual([each.id for each in everything if each.id.startswith("feature.")], [])
