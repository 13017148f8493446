xmppctl, the administrator's command line: accounts (also while the server does not run), sessions, modules, status, reload, stop, check; bulk import, JSON output and shell completion.
