"""The configuration: one TOML file read into typed, frozen options, each mistake reported with its place."""

from xmppd.core.config.findings import ConfigErrors, Finding
from xmppd.core.config.limits import Limits
from xmppd.core.config.model import Config
from xmppd.core.config.options import HostSettings
from xmppd.core.config.read import load, parse

__all__ = ["Config", "ConfigErrors", "Finding", "HostSettings", "Limits", "load", "parse"]
