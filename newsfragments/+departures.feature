``xmppctl user del`` asks on a terminal, and erases the data a week later (``--days``, ``--now``); until then ``xmppctl user restore`` brings the account back.
