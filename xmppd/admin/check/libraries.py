"""``library.*``: whether the libraries fit, tried by a login with ourselves.

A library may be there in a version that cannot do what it is called for; without a try that is found by the first user.
"""

from collections.abc import Iterator

from xmppd.admin.check.login import log_in
from xmppd.admin.check.subject import Subject
from xmppd.admin.control.answers import versions_in_words
from xmppd.admin.libraries import library_versions
from xmppd.config.findings import Finding


def check_libraries(subject: Subject) -> Iterator[Finding]:
    """Log in to ourselves; what goes wrong is a finding, whatever a library that does not fit raises."""
    try:
        log_in(subject.config.net)
    except Exception as error:  # noqa: BLE001 - it is asked whether it fails
        why = f"{type(error).__name__}: {error}; there are {versions_in_words(library_versions())}"
        remedy = "install the versions that xmppd is made for: pip install --upgrade --force-reinstall xmppd"
        what = "a login with ourselves"
        yield Finding("library.login", "error", "libraries", what, why, remedy)
