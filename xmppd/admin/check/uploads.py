"""Whether files that lie elsewhere (``[modules.upload.s3]``, ``.external``) can be put there, and by whom."""

from collections.abc import Iterator
from typing import Final

from xmppd.admin.check.secrets import check_secret
from xmppd.admin.check.subject import Subject
from xmppd.config.findings import Finding
from xmppd.config.lines import Path as KeyPath
from xmppd.config.model import is_local
from xmppd.config.module_options import module_path
from xmppd.config.schema import dotted
from xmppd.core.web import hostname_of
from xmppd.modules.upload.options import S3, HasSecret, UploadOptions
from xmppd.services.uploads.signature import presigned

NAME: Final = "upload"
PROBE: Final = "xmppd-check"
"""An object that there is not."""
PROBE_S: Final = 60
_NOT_THERE: Final = 404
_REFUSED: Final = (401, 403)


def check_upload_secrets(subject: Subject) -> Iterator[Finding]:
    """Look at the secrets: whoever has one reads, and removes, what everybody has uploaded."""
    for table, store, _ in _stores(subject):
        yield from check_secret(subject.config, table, None, store.secret_file)


def check_upload_stores(subject: Subject) -> Iterator[Finding]:
    """``web.*``: look at the addresses, and ask each bucket for an object that there is not."""
    for table, store, url in _stores(subject):
        path = (*table, "url")
        place, what = subject.config.source.place(path), f'{dotted(path)} = "{url}"'
        if url.startswith("http:") and not is_local(hostname_of(url)):
            why = "files, and the addresses that let others have them, would cross the network without TLS"
            yield Finding("web.plain", "warning", place, what, why, "write https:")
        if isinstance(store, S3):
            why = _what_is_wrong(subject, store)
            if why:
                remedy = (
                    "correct url, region, access_key and the secret, or leave this check out with --offline"
                )
                yield Finding("web.store", "warning", place, what, why, remedy)


def _what_is_wrong(subject: Subject, s3: S3) -> str:
    try:
        moment = subject.machine.now().timestamp()
        status, _ = subject.machine.fetch(
            presigned("GET", f"{s3.url.rstrip('/')}/{PROBE}", s3.credentials(), moment, PROBE_S)
        )
    except OSError as error:
        return f"the store cannot be asked: {error}"
    if status in _REFUSED:
        return f"the store does not let this server in (status {status})"
    return "" if status == _NOT_THERE else f"the store answers with status {status} for what is not there"


def _stores(subject: Subject) -> Iterator[tuple[KeyPath, HasSecret, str]]:
    """Give what the services of uploads have, once where they share it; wrong options are told elsewhere."""
    config = subject.config
    seen: set[KeyPath] = set()
    for name, component in config.components.items():
        if component.module != NAME:
            continue
        options, _ = config.module_options(NAME, UploadOptions, name)
        for key in ("s3", "external"):
            store = getattr(options, key, None)
            table = module_path(NAME, (key,), config.source, config.table_of(name))
            if store is not None and table not in seen:
                seen.add(table)
                yield table, store, store.url
