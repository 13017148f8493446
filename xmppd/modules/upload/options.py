"""The options of a service of uploads: ``[modules.upload]``, or of one ``[components."NAME".modules.upload]``."""

from typing import Annotated, Final

from pydantic import Field

from xmppd.core.module import Options
from xmppd.services.uploads.upload import UNENDING, Purpose, Quota, Rule

MIB: Final = 1024 * 1024
DAY_S: Final = 86_400.0
Size = Annotated[int, Field(ge=0)]
Days = Annotated[float, Field(ge=0, le=36_500)]


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
