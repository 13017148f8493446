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


def main(port, jid, password, peer, text=""):
    """Give the status."""
    loop, seen = GLib.MainLoop(), {"status": 1}
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

    def on_sent(_client, _signal, stanza):
        found = re.match(r"<auth\b.*?mechanism=['\"]([^'\"]+)", str(stanza))
        if found:
            print("mechanism", found[1], flush=True)

    def on_connected(_client, _signal):
        seen["status"] = 0
        print("in", client.get_bound_jid(), flush=True)
        client.send_stanza(Presence())
        if text:
            client.send_stanza(Message(to=peer, typ="chat", body=text))

    def on_message(_client, stanza, properties):
        if properties.body:
            print("got", properties.body, flush=True)
            if not text:
                client.send_stanza(Message(to=str(stanza.getFrom()), typ="chat", body="answer"))
            GLib.timeout_add(LOGOUT_MS, client.disconnect)

    def on_gone(_client, _signal):
        error = client.get_error()
        if seen["status"]:
            seen["status"] = 2 if "SASL" in str(error[0]) else 1
        print(
            "out" if not seen["status"] else "refused" if seen["status"] == 2 else "lost", error, flush=True
        )
        loop.quit()

    client.register_handler(StanzaHandler(name="message", callback=on_message))
    client.subscribe("stanza-sent", on_sent)
    client.subscribe("connected", on_connected)
    client.subscribe("disconnected", on_gone)
    client.subscribe("connection-failed", on_gone)
    client.connect()
    loop.run()
    return seen["status"]


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
