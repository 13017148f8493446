Ad-hoc commands (XEP-0050): users list their clients and revoke one, from the menu of any client that knows commands.
