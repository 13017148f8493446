"""All operations, by subject, in the order of ``xmppctl --help``."""

from typing import Final

from xmppd.admin.operations import (
    components,
    hosts,
    invitations,
    modules,
    peers,
    reports,
    rooms,
    server,
    sessions,
    uploads,
    users,
)
from xmppd.core.operations.declaring import Operation

SUBJECTS: Final = (
    users.SUBJECT,
    invitations.SUBJECT,
    hosts.SUBJECT,
    sessions.SUBJECT,
    rooms.SUBJECT,
    uploads.SUBJECT,
    components.SUBJECT,
    peers.SUBJECT,
    reports.SUBJECT,
    modules.SUBJECT,
    server.SUBJECT,
)
BY_NAME: Final[dict[str, Operation]] = {
    each.name: each for subject in SUBJECTS for each in subject.operations
}
