"""All operations: each is declared once, done by one function, and described."""

from twisted.trial.unittest import SynchronousTestCase

from tests.admin.control.bench import ControlBench
from xmppd.admin.operations.catalogue import BY_NAME, SUBJECTS

NAMES = """
announce.motd
announce.send
announce.welcome
archive.purge
cert.list
cert.show
component.close
component.list
component.show
host.list
host.look
host.purge
host.rename
invite.account
invite.contact
invite.list
invite.reset
invite.revoke
log.follow
log.level
module.hooks
module.list
module.load
module.reload
module.unload
offline.purge
offline.show
pubsub.delete
pubsub.list
pubsub.show
reload
report.list
report.remove
report.show
room.affiliation
room.config
room.create
room.destroy
room.kick
room.list
room.occupants
room.show
roster.add
roster.remove
roster.show
s2s.close
s2s.connect
s2s.list
s2s.show
session.clients
session.kick
session.list
session.revoke
stats
status
stop
upload.list
upload.remove
upload.show
user.add
user.alike
user.away
user.del
user.disable
user.enable
user.import
user.lend
user.list
user.look
user.may-add
user.passwd
user.restore
user.show
watch.reasons
watch.stanzas
"""


class CatalogueTests(SynchronousTestCase):
    """`SUBJECTS`, beside what does them."""

    def test_names(self) -> None:
        """The names that xmppctl and scripts rely on; each is done by a running server."""
        self.assertEqual(sorted(BY_NAME), NAMES.split())
        self.assertEqual([each.name for each in ControlBench().commands], sorted(BY_NAME))

    def test_subjects(self) -> None:
        """An operation stands where its name says; what it looks at first is there, and takes no more than it."""
        for subject in SUBJECTS:
            for operation in subject.operations:
                self.assertEqual(operation.subject, subject.name)
                self.assertTrue(operation.summary.endswith("."), operation.name)
                if operation.looks_first:
                    names = {each.name for each in operation.looks_first.arguments}
                    self.assertLessEqual(names, {each.name for each in operation.arguments})
