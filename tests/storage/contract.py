"""What every storage must do, as mixins of tests; each back end's test file runs it."""

from tests.storage.contract_of_archives import ArchiveContract
from tests.storage.contract_of_commits import BacklogContract, CommitContract
from tests.storage.contract_of_keys import KeysContract


class AtOnceContract(KeysContract, CommitContract, ArchiveContract):
    """All that holds for a storage whose commits never wait, too."""


class WholeContract(AtOnceContract, BacklogContract):
    """All of it."""
