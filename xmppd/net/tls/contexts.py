"""The TLS of a server: one store of certificates, and for each purpose contexts with a trust of their own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from xmppd.config.findings import Finding
from xmppd.core.turns import StepsTo, whole
from xmppd.net.tls.certificates import CertificateStore, HostFiles
from xmppd.net.tls.context import TLSSettings
from xmppd.net.tls.incoming import FREED, Made, ServerTLS
from xmppd.net.tls.outgoing import OutgoingTLS
from xmppd.net.tls.purposes import C2S, HTTP, S2S_IN, Purpose


class TLSContexts:
    """Contexts by purpose. Those of clients are there from the start, the others once they are asked for."""

    def __init__(
        self,
        store: CertificateStore,
        settings: Mapping[str, TLSSettings] | None = None,
        authorities: Path | None = None,
    ) -> None:
        """*settings* by host; *authorities*: a file in place of this system's. Raises `CertificateError`."""
        self.store = store
        self._settings = dict(settings or {})
        self._authorities = authorities
        self.c2s = ServerTLS(store, self._settings, C2S)
        self._incoming: dict[tuple[Purpose, Path | None], ServerTLS] = {(C2S, authorities): self.c2s}
        self._outgoing: dict[Path | None, OutgoingTLS] = {}

    @property
    def s2s_in(self) -> ServerTLS:
        """For servers that come in."""
        return self.servers_in(self._authorities)

    @property
    def http(self) -> ServerTLS:
        """For HTTP."""
        return self._for(HTTP, self._authorities)

    @property
    def s2s_out(self) -> OutgoingTLS:
        """For servers that we go to."""
        return self.servers_out(self._authorities)

    def servers_in(self, authorities: Path | None) -> ServerTLS:
        """For servers that come in and are certified by *authorities*, None for those of this system."""
        return self._for(S2S_IN, authorities)

    def servers_out(self, authorities: Path | None) -> OutgoingTLS:
        """For servers that we go to, likewise."""
        tls = self._outgoing.get(authorities)
        if tls is None:
            tls = self._outgoing[authorities] = OutgoingTLS(
                self.store, self._settings, authorities=authorities
            )
        return tls

    def reload(
        self, hosts: Iterable[HostFiles] | None = None, settings: Mapping[str, TLSSettings] | None = None
    ) -> list[Finding]:
        """Do `reloading` at once."""
        return whole(self.reloading(hosts, settings))

    def reloading(
        self, hosts: Iterable[HostFiles] | None = None, settings: Mapping[str, TLSSettings] | None = None
    ) -> StepsTo[list[Finding]]:
        """Read certificates again, and have every purpose take them; as `ServerTLS.reload`.

        One step puts all in force, for all hosts and purposes together; what follows it frees the old.
        """
        read = yield from self.store.reading(hosts)
        findings, certificates = list(read.findings), read.by_host()
        made: dict[ServerTLS, Made] = {}
        while fresh := [tls for tls in self._incoming.values() if tls not in made]:  # some may come meanwhile
            for tls in fresh:
                made[tls] = yield from tls.preparing(certificates, settings)
                findings += [each for each in made[tls].findings if each not in findings]
        if settings is not None:
            self._settings = dict(settings)
        self.store.take(read)
        old = [context for tls, contexts in made.items() for context in tls.take(contexts)]
        for outgoing in self._outgoing.values():
            outgoing.refresh(settings)
        while old:
            yield FREED
            old.pop()
        return findings

    def _for(self, purpose: Purpose, authorities: Path | None) -> ServerTLS:
        tls = self._incoming.get((purpose, authorities))
        if tls is None:
            tls = self._incoming[purpose, authorities] = ServerTLS(
                self.store, self._settings, purpose, authorities
            )
        return tls
