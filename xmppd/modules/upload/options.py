"""The options of a service of uploads: ``[modules.upload]``, or of one ``[components."NAME".modules.upload]``."""

from pathlib import Path
from typing import Annotated, Final

from xmppd.config.fields import Field
from xmppd.config.section import FilePath
from xmppd.core.module import Options
from xmppd.services.uploads.signature import Credentials
from xmppd.services.uploads.upload import UNENDING, Purpose, Quota, Rule

MIB: Final = 1024 * 1024
DAY_S: Final = 86_400.0
WEB_PATTERN: Final = r"^https?://[^\s?#@]+$"
_S3: Final = {"url": "https://s3.example.org/uploads", "access_key": "xmppd", "secret_file": "s3.secret"}
_EXTERNAL: Final = {"url": "https://files.example.org/upload", "secret_file": "files.secret"}
Size = Annotated[int, Field(ge=0)]
Days = Annotated[float, Field(ge=0, le=36_500)]


class HasSecret(Options):
    """What shares a secret with this server."""

    secret_file: Annotated[FilePath, Field(examples=["files.secret"])]
    """A file with the secret, in its first line."""

    def read(self) -> str:
        """Give the secret; OSError for a file that cannot be read."""
        return Path(self.secret_file).read_text("utf-8").partition("\n")[0].strip()


class S3(HasSecret):
    """``[modules.upload.s3]``: files lie in a bucket of an S3-compatible store, and go past this server."""

    url: Annotated[str, Field(pattern=WEB_PATTERN, examples=[_S3["url"]])]
    """The address of the bucket, as ``"https://s3.example.org/uploads"`` or ``"https://uploads.s3.example.org"``."""
    region: Annotated[str, Field(min_length=1)] = "us-east-1"
    """Its region; stores other than Amazon's mostly take any."""
    access_key: Annotated[str, Field(min_length=1, examples=[_S3["access_key"]])]
    """Who this server is there; the secret is the key that belongs to it."""

    def credentials(self) -> Credentials:
        """Give what addresses are signed with; OSError for a file that cannot be read."""
        return Credentials(self.access_key, self.read(), self.region)


class External(HasSecret):
    """``[modules.upload.external]``: another program takes files, and believes what this server has signed."""

    url: Annotated[str, Field(pattern=WEB_PATTERN, examples=[_EXTERNAL["url"]])]
    """What its addresses begin with, as ``"https://files.example.org/upload"``."""


class UploadOptions(Options):
    """What may be uploaded, and how long it is kept."""

    max_bytes: Annotated[int, Field(ge=1)] = 100 * MIB
    """The largest file."""
    profile_bytes: Annotated[int, Field(ge=1)] = 2 * MIB
    """The largest file for a profile, as a picture of its owner."""
    account_bytes: Size = 1024 * MIB
    """All files of one account together; 0 is no limit."""
    day_bytes: Size = 500 * MIB
    """What one account uploads within 24 hours; 0 is no limit."""
    total_bytes: Size = 20 * 1024 * MIB
    """All files of all accounts together; 0 is no limit."""
    keep_free_bytes: Size = 1024 * MIB
    """So much of the disk stays free: messages are stored there too."""
    keep_days: Days = 30.0
    """After so many days a file goes; 0 keeps it until its owner removes it."""
    profile_keep_days: Days = 0.0
    """Likewise one for a profile."""
    permanent: bool = False
    """Whether files can be uploaded that stay until their owner removes them."""
    s3: Annotated[S3 | None, Field(examples=[_S3])] = None
    """A bucket where the files lie, instead of the data folder."""
    external: Annotated[External | None, Field(examples=[_EXTERNAL])] = None
    """A program that takes the files, as those for Prosody's mod_http_upload_external; this server knows no more of
    them then: their end, their removal and all quotas are that program's."""

    @property
    def quota(self) -> Quota:
        """How much may be uploaded."""
        return Quota(self.account_bytes, self.day_bytes, self.total_bytes, self.keep_free_bytes)

    @property
    def rules(self) -> dict[Purpose, Rule]:
        """What holds for each purpose that is supported."""
        usual = Rule(self.max_bytes, self.keep_days * DAY_S)
        rules = {
            Purpose.MESSAGE: usual,
            Purpose.PROFILE: Rule(min(self.profile_bytes, self.max_bytes), self.profile_keep_days * DAY_S),
            Purpose.EPHEMERAL: usual,
        }
        return rules | ({Purpose.PERMANENT: Rule(self.max_bytes, UNENDING)} if self.permanent else {})
