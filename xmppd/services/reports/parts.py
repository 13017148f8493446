"""Builds the service of reports."""

from xmppd.core.parts import CoreParts
from xmppd.services.reports.reports import Reports


def add_services(parts: CoreParts) -> None:
    """Add reports; they belong to the host, and stay when who has made them is gone."""
    environment = parts.environment
    parts.services.add(Reports(parts.storage, environment.now, environment.own_id))
