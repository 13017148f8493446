"""Libraries that only some options want."""

from configparser import ConfigParser

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.checkout import ROOT
from tests.temporary import temporary_folder
from xmppd.admin.extras import EXTRAS, missing_extras
from xmppd.config.read import parse

TEXT = '[metrics]\nlisten = ["127.0.0.1:0"]\n[hosts.localhost]\n'


class ExtrasTests(SynchronousTestCase):
    """What is configured and cannot work is told before anything starts."""

    def test_missing(self) -> None:
        """With its place and what to type; nothing where the option is not used or the library is there."""
        config, _ = parse(TEXT, "xmppd.toml")
        assert config is not None
        (found,) = missing_extras(config, lambda package: False)
        self.assertEqual((found.id, found.place), ("config.missing-library", "xmppd.toml:2"))
        self.assertIn("pip install 'xmppd[metrics]'", found.remedy)
        self.assertEqual(list(missing_extras(config, lambda package: True)), [])
        plain, _ = parse("[hosts.localhost]\n", "xmppd.toml")
        assert plain is not None
        self.assertEqual(list(missing_extras(plain, lambda package: False)), [])

    def test_extras_that_are_named(self) -> None:
        """setup.cfg has them."""
        setup = ConfigParser()
        setup.read(ROOT / "setup.cfg")
        self.assertEqual({extra.name for extra in EXTRAS} - {*setup["options.extras_require"]}, set())

    def test_metrics_for_everybody(self) -> None:
        """An address that others reach is a warning, with its place."""
        text = TEXT.replace("127.0.0.1:0", "0.0.0.0:9100")
        found = [
            each
            for each in check_text(temporary_folder(self), text, None, "config")
            if "metrics" in each.what
        ]
        self.assertEqual([(each.id, each.severity) for each in found], [("config.open-metrics", "warning")])
