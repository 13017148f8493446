Rooms are listed, shown, made, destroyed by ``xmppctl room``, affiliations given, occupants listed and removed.
