"""``name.*``: domain names of hosts and components that are wrong, or hardly meant."""

from collections.abc import Iterator

from xmppd.admin.check.config import NAME_FINDINGS
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding

SERVICE_LABELS = ("xmpp", "jabber", "chat", "im")
"""What people call the machine of an XMPP server, and then take for its domain."""
MIN_DOTS = 2


def check_names(subject: Subject) -> Iterator[Finding]:
    """Give all that reading the file found about domain names; then names of machines."""
    yield from (found for found in subject.reading.findings if found.id.startswith(NAME_FINDINGS))
    for name in subject.config.hosts:
        label, _, parent = name.partition(".")
        if label in SERVICE_LABELS and name.count(".") >= MIN_DOTS and parent not in subject.config.hosts:
            place = subject.config.source.place(("hosts", name))
            why = f"addresses will end in @{name}; people mostly want @{parent}"
            remedy = f'serve [hosts."{parent}"], and let its SRV records name this machine, or leave it so'
            yield Finding("name.machine", "warning", place, f'host "{name}"', why, remedy)
