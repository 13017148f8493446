#!/usr/bin/python3
"""Logs in by nbxmpp, Gajim's library, talks with a peer, and logs out.

``nbxmpp_login.py PORT JID PASSWORD PEER [TEXT]``: arguments, what is printed and the status are as in
``gloox_login.cpp``. It runs with the system's Python, for which Debian has ``python3-nbxmpp``.
"""

# mypy: ignore-errors
# what it imports is in the system's Python alone

import re
import sys

from gi.repository import GLib
from nbxmpp.client import Client
from nbxmpp.const import ConnectionProtocol, ConnectionType
from nbxmpp.protocol import Message, Presence
from nbxmpp.structs import StanzaHandler

LOGOUT_MS = 300


OUTCOMES = ("out", "lost", "refused")
"""What is printed at the end, by the status."""


class Login:
    """One client, from its connection to its end."""

    def __init__(self, client, peer, text):
        self.status = 1
        self.loop = GLib.MainLoop()
        self._client, self._peer, self._text = client, peer, text
        client.register_handler(StanzaHandler(name="message", callback=self._on_message))
        client.subscribe("stanza-sent", self._on_sent)
        client.subscribe("connected", self._on_connected)
        client.subscribe("disconnected", self._on_gone)
        client.subscribe("connection-failed", self._on_gone)

    def _on_sent(self, _client, _signal, stanza):
        found = re.match(r"<auth\b.*?mechanism=['\"]([^'\"]+)", str(stanza))
        if found:
            print("mechanism", found[1], flush=True)

    def _on_connected(self, _client, _signal):
        self.status = 0
        print("in", self._client.get_bound_jid(), flush=True)
        self._client.send_stanza(Presence())
        if self._text:
            self._client.send_stanza(Message(to=self._peer, typ="chat", body=self._text))

    def _on_message(self, _client, stanza, properties):
        if properties.body:
            print("got", properties.body, flush=True)
            if not self._text:
                self._client.send_stanza(Message(to=str(stanza.getFrom()), typ="chat", body="answer"))
            GLib.timeout_add(LOGOUT_MS, self._client.disconnect)

    def _on_gone(self, _client, _signal):
        error = self._client.get_error()
        if self.status:
            self.status = 2 if "SASL" in str(error[0]) else 1
        print(OUTCOMES[self.status], error, flush=True)
        self.loop.quit()


def client_of(port, jid, password):
    """Give a client of the server on this machine, which takes any certificate."""
    client = Client()
    username, _, rest = jid.partition("@")
    domain, _, resource = rest.partition("/")
    client.set_domain(domain)
    client.set_username(username)
    client.set_resource(resource)
    client.set_password(password)
    client.set_custom_host(f"127.0.0.1:{port}", ConnectionProtocol.TCP, ConnectionType.START_TLS)
    client.set_accepted_certificates([])
    client.set_ignore_tls_errors(True)
    return client


def main(port, jid, password, peer, text=""):
    """Give the status."""
    client = client_of(port, jid, password)
    login = Login(client, peer, text)
    client.connect()
    login.loop.run()
    return login.status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
