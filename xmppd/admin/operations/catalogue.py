"""All operations, by subject, in the order of ``xmppctl --help``."""

from typing import Final

from xmppd.admin.operations import (
    announcements,
    certificates,
    components,
    contacts,
    hosts,
    invitations,
    log,
    messages,
    modules,
    nodes,
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
    contacts.SUBJECT,
    announcements.SUBJECT,
    sessions.SUBJECT,
    messages.ARCHIVE,
    messages.OFFLINE,
    rooms.SUBJECT,
    uploads.SUBJECT,
    nodes.SUBJECT,
    components.SUBJECT,
    peers.SUBJECT,
    reports.SUBJECT,
    modules.SUBJECT,
    certificates.SUBJECT,
    log.SUBJECT,
    log.WATCH,
    server.SUBJECT,
)
BY_NAME: Final[dict[str, Operation]] = {
    each.name: each for subject in SUBJECTS for each in subject.operations
}
