"""What ``xmppctl check`` says of services that clients of other machines cannot reach."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.check.machine import check_text
from tests.temporary import temporary_folder

PUBLIC = '[c2s]\nlisten = ["0.0.0.0:5222"]\n'
UPLOAD = '[components."upload.a.example"]\nmodule = "upload"\n'
PROXY = '[components."proxy.a.example"]\nmodule = "bytestreams"\n'


class ReachTests(SynchronousTestCase):
    """Uploads and the proxy for file transfers."""

    def found(self, text: str) -> list[str]:
        """Check *text*; give the identifiers of what is about reach."""
        found = check_text(temporary_folder(self), text + '[hosts."a.example"]\n', None, "config")
        return [f.id for f in found if f.id.startswith(("config.unreachable", "config.plain-web"))]

    def test_uploads(self) -> None:
        """By HTTPS from outside, or not at all."""
        for http, ids in (
            ("", ["config.unreachable-web"]),
            ('[http]\nlisten = ["0.0.0.0:5280"]\n', ["config.plain-web"]),
            ('[http]\ntls_listen = ["0.0.0.0:5281"]\n', []),
            ('[http]\nexternal_url = "https://a.example"\n', []),
            ('[http]\nexternal_url = "http://a.example"\n', ["config.plain-web"]),
        ):
            self.assertEqual(self.found(PUBLIC + http + UPLOAD), ids, http)

    def test_for_this_machine(self) -> None:
        """Where clients are of this machine alone there is nothing to tell, nor without a service."""
        self.assertEqual(self.found(UPLOAD + PROXY), [])
        self.assertEqual(self.found(PUBLIC), [])

    def test_proxy(self) -> None:
        """It listens for other machines, too."""
        self.assertEqual(self.found(PUBLIC + PROXY), ["config.unreachable-proxy"])
        listening = '[bytestreams]\nlisten = ["0.0.0.0:7777"]\n'
        self.assertEqual(self.found(PUBLIC + listening + PROXY), [])
