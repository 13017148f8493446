Hats in rooms (XEP-0317), and commands at a room's own address (XEP-0050): what ``xmppctl room`` does, for the admins of its service, in any client that knows commands.
