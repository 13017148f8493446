"""A directory: OpenLDAP's slapd on loopback, with TLS, two users and a group."""

import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.temporary import temporary_folder
from xmppd.config.elsewhere import Ldap
from xmppd.config.fields import SecretStr
from xmppd.core.elsewhere import Unavailable
from xmppd.net.elsewhere.ldap import LdapBackend
from xmppd.net.tls.self_signed import make_self_signed

SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin")
SLAPADD = shutil.which("slapadd") or shutil.which("slapadd", path="/usr/sbin")
SCHEMAS = Path("/etc/ldap/schema")
PATIENCE_S = 20.0
CONFIG = """
include {schemas}/core.schema
include {schemas}/cosine.schema
include {schemas}/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
TLSCertificateFile {folder}/crt
TLSCertificateKeyFile {folder}/key
database mdb
suffix "dc=example,dc=org"
rootdn "cn=admin,dc=example,dc=org"
rootpw admin
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn="cn=xmppd,dc=example,dc=org" read by * none
"""
ENTRIES = """dn: dc=example,dc=org
objectClass: dcObject
objectClass: organization
o: example
dc: example

dn: cn=xmppd,dc=example,dc=org
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: xmppd
userPassword: reader

dn: uid=ann,dc=example,dc=org
objectClass: inetOrgPerson
uid: ann
cn: Ann (first)
sn: A
userPassword: ann's

dn: uid=ben,dc=example,dc=org
objectClass: inetOrgPerson
uid: ben
cn: Ben
sn: B
userPassword: ben's

dn: cn=chat,dc=example,dc=org
objectClass: groupOfNames
cn: chat
member: uid=ann,dc=example,dc=org
"""


class LdapTests(SynchronousTestCase):
    """One directory for each test."""

    def setUp(self) -> None:
        if SLAPD is None or SLAPADD is None or not SCHEMAS.exists():
            raise SkipTest("slapd is not installed: apt install slapd")
        self.folder = temporary_folder(self)
        (self.folder / "db").mkdir()
        make_self_signed("localhost", self.folder / "crt", self.folder / "key", datetime.now(UTC))
        config = self.folder / "slapd.conf"
        config.write_text(CONFIG.format(folder=self.folder, schemas=SCHEMAS))
        subprocess.run(
            [SLAPADD, "-f", str(config)], input=ENTRIES, text=True, capture_output=True, check=True
        )
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            [SLAPD, "-d", "0", "-f", str(config), "-h", f"ldap://localhost:{self.port}/"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.wait()

    def wait(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                socket.create_connection(("localhost", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise SkipTest("slapd does not start here")

    def backend(self, **options: object) -> LdapBackend:
        """Give one that asks it as the reader."""
        given = {
            "url": f"ldap://localhost:{self.port}",
            "ca": self.folder / "crt",
            "base": "dc=example,dc=org",
            "bind_dn": "cn=xmppd,dc=example,dc=org",
            "password": SecretStr("reader"),
            "timeout_s": 5.0,
        }
        return LdapBackend(Ldap.model_validate(given | options))

    def is_right(self, user: str, password: str, **options: object) -> bool:
        """Ask."""
        return self.backend(**options).is_right(user, "localhost", password)

    def test_passwords(self) -> None:
        """Right ones, wrong ones, none, of nobody, and names that would change the question."""
        asked = [
            ("ann", "ann's"),
            ("ann", "ben's"),
            ("ann", ""),
            ("nobody", "x"),
            ("*", "ann's"),
            ("ann)(cn=*", "ann's"),
        ]
        self.assertEqual([self.is_right(*each) for each in asked], [True, *[False] * 5])

    def test_group(self) -> None:
        """Only its members come in."""
        group = "cn=chat,dc=example,dc=org"
        self.assertTrue(self.is_right("ann", "ann's", group=group))
        self.assertFalse(self.is_right("ben", "ben's", group=group))
        self.assertFalse(self.is_right("ann", "ann's", group="cn=nowhere,dc=example,dc=org"))

    def test_filter(self) -> None:
        """Whatever finds one; where it finds two, nobody comes in."""
        self.assertTrue(self.is_right("ann", "ann's", filter="(&(objectClass=person)(uid={user}))"))
        self.assertFalse(self.is_right("ann", "ann's", filter="(objectClass=person)"))

    def test_who_asks(self) -> None:
        """A wrong password of ours is nobody else's fault; without one nobody is found here."""
        wrong = self.backend(password=SecretStr("wrong"))
        self.assertRaises(Unavailable, wrong.is_right, "ann", "localhost", "ann's")
        self.assertFalse(self.backend(bind_dn=None).is_right("ann", "localhost", "ann's"))

    def test_a_directory_that_nobody_certifies(self) -> None:
        """No password goes there."""
        self.assertRaises(Unavailable, self.is_right, "ann", "ann's", ca=None)

    def test_in_the_clear(self) -> None:
        """Only where it is so configured."""
        self.assertTrue(self.is_right("ann", "ann's", start_tls=False))

    def test_gone(self) -> None:
        """It does not answer."""
        self.process.kill()
        self.process.wait()
        self.assertRaises(Unavailable, self.is_right, "ann", "ann's")
