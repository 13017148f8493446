"""Which domain is of what kind: each domain that is configured here, and one for all others."""

from collections.abc import Callable, Mapping
from typing import Protocol

from xmppd.config.kinds import DomainKind
from xmppd.core.events import Traffic
from xmppd.core.host import Host, Hosts
from xmppd.core.waiting import Waiting


class Domain(Protocol):
    """Where stanzas are delivered."""

    def deliver(self, traffic: Traffic) -> Waiting:
        """Deal with a stanza whose target is in this domain; raises `StanzaError`, which goes to the sender.

        The Deferred, where a handler waits, fires when it is dealt with, and never fails with `StanzaError`.
        """


class Domains:
    """The domains by name; each is made when the first stanza for it comes."""

    def __init__(self, hosts: Hosts, makers: Mapping[DomainKind, Callable[[Host], Domain]], remote: Domain):
        """*makers* make a domain of a configured one; all others are *remote*."""
        self._hosts = hosts
        self._makers = makers
        self._remote = remote
        self.by_name: dict[str, Domain] = {}
        """Those that are made already; read on the way of every stanza, written here alone."""

    def of(self, name: str) -> Domain:
        """Give the domain of this (prepared) name."""
        host = self._hosts.get(name)
        if host is None:  # not kept: strangers name as many as they like
            return self._remote
        return self.by_name.get(name) or self._make(name, host)

    def forget(self, name: str) -> None:
        """Make it anew from what is configured, when it is asked for next; harmless where it was not made."""
        self.by_name.pop(name, None)

    def _make(self, name: str, host: Host) -> Domain:
        domain = self.by_name[name] = self._makers[host.kind](host)
        return domain
