"""Where the certificate of a host is looked for (``[tls] certificates``)."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.certificates import certificate_files, find_certificate

# files in the folder, host, certificate, key
FOUND = [
    (["a.example.pem"], "a.example", "a.example.pem", "a.example.pem"),
    (["a.example.pem", "a.example.key"], "a.example", "a.example.pem", "a.example.key"),
    (["a.example.crt", "a.example.key"], "a.example", "a.example.crt", "a.example.key"),
    (
        ["a.example/fullchain.pem", "a.example/privkey.pem"],
        "a.example",
        "a.example/fullchain.pem",
        "a.example/privkey.pem",
    ),
    (["*.a.example.pem"], "chat.a.example", "*.a.example.pem", "*.a.example.pem"),
    (["_.a.example.crt", "_.a.example.key"], "chat.a.example", "_.a.example.crt", "_.a.example.key"),
    (["a.example.pem"], "chat.a.example", "a.example.pem", "a.example.pem"),
    (["a.example.pem", "chat.a.example.pem"], "chat.a.example", "chat.a.example.pem", "chat.a.example.pem"),
    (
        ["xn--bcher-kva.example.pem"],
        "bücher.example",
        "xn--bcher-kva.example.pem",
        "xn--bcher-kva.example.pem",
    ),
    (["bücher.example.pem"], "bücher.example", "bücher.example.pem", "bücher.example.pem"),
    (["localhost.pem"], "localhost", "localhost.pem", "localhost.pem"),
]

# files in the folder, host for which there is nothing
NOT_FOUND = [
    ([], "a.example"),
    (["a.example.crt"], "a.example"),
    (["a.example/fullchain.pem"], "a.example"),
    (["b.example.pem"], "a.example"),
    (["example.pem"], "a.example"),
    (["deep.chat.a.example.pem"], "chat.a.example"),
    (["a.example.pem"], "deep.chat.a.example"),
    (["a.example.pem"], "../a.example"),
    (["a.example.pem"], ""),
    (["a.example.pem"], "."),
]


class FindCertificateTests(SynchronousTestCase):
    """The lookup by the host's name, file by file."""

    def folder_with(self, names: list[str]) -> Path:
        folder = temporary_folder(self)
        for name in names:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).touch()
        return folder

    def test_found(self) -> None:
        """Each way of naming the files is found, the host's own name before its parent's."""
        for names, host, certificate, key in FOUND:
            folder = self.folder_with(names)
            self.assertEqual(find_certificate(folder, host), (folder / certificate, folder / key), host)

    def test_not_found(self) -> None:
        """Half a pair, another host's files and names that lead out of the folder give nothing."""
        for names, host in NOT_FOUND:
            self.assertIsNone(find_certificate(self.folder_with(names), host), f"{host} in {names}")

    def test_absent_folder(self) -> None:
        """A folder that is not there holds nothing, and is no exception."""
        self.assertIsNone(find_certificate(temporary_folder(self) / "absent", "a.example"))

    def test_words(self) -> None:
        """The remedy names every form that would have been taken."""
        words = certificate_files(Path("/certs"), "a.example")
        for part in ("/certs/a.example.pem", "a.example.crt", "a.example/fullchain.pem", "privkey.pem"):
            self.assertIn(part, words)
