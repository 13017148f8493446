"""What is wrong with components: their secrets above all, with which anybody is the service."""

from collections.abc import Iterator

from xmppd.admin.check.secrets import check_secret
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding


def check_components(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets of programs that connect."""
    config = subject.config
    for component in config.components.values():
        table = config.table_of(component.name)
        yield from check_secret(config, table, component.secret, component.secret_file)
