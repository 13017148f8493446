"""``config.unknown-operation``: rights for what cannot be done."""

from collections.abc import Iterator

from xmppd.admin.check.subject import Subject
from xmppd.admin.operations.catalogue import BY_NAME
from xmppd.config.findings import Finding
from xmppd.config.lines import Path
from xmppd.config.schema import dotted, nearest


def check_rights(subject: Subject) -> Iterator[Finding]:
    """Hold the operations that rights name against those that there are."""
    config = subject.config
    tables: list[Path] = [(), *(config.table_of(domain.name) for domain in config.domains)]
    known = [*BY_NAME, *{f"{each.subject}.*" for each in BY_NAME.values() if each.subject}]
    for above in tables:
        rights = config.for_domain(str(above[1])).rights if above else config.rights
        for name in rights:
            path = (*above, "rights", name)
            if name not in known and config.source.has(path):
                near = nearest(name, known)
                remedy = f'did you mean "{near}"?' if near else "xmppctl --help shows what there is"
                why = "there is no such operation"
                yield Finding(
                    "config.unknown-operation", "error", config.source.place(path), dotted(path), why, remedy
                )
