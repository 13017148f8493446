Web clients connect by WebSocket (RFC 7395) at ``/xmpp-websocket``, with SASL2, FAST and resumption as over TCP; the extra
``web`` brings what that needs.
