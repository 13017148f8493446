`xmppctl check` looks at DNS as others do: SRV records of all four kinds, addresses, ports that nobody serves. Components show certificates of their own to other servers.
