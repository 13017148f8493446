"""What the checks look at: the configuration as it was read, and the machine around it."""

from dataclasses import dataclass

from xmppd.admin.check.machine import Machine
from xmppd.config import Config
from xmppd.config.modules import Known
from xmppd.config.read import Reading


@dataclass(frozen=True, slots=True)
class Subject:
    """What one run of the checks is about."""

    reading: Reading
    config: Config
    """Made of what is right in the file, wrong options left out."""
    machine: Machine
    modules: Known | None
    """What is known of all modules that there are; None where that is not known."""
