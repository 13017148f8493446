"""The configuration: one TOML file read into typed, frozen options, each mistake reported with its place."""

from xmppd.config.findings import ConfigErrors, Finding
from xmppd.config.limits import Limits
from xmppd.config.model import Config
from xmppd.config.options import HostSettings
from xmppd.config.read import load, parse

__all__ = ["Config", "ConfigErrors", "Finding", "HostSettings", "Limits", "load", "parse"]
