`xmppctl user add` says whose name the new one looks like; administrators edit the message of the day by an ad-hoc command (XEP-0133 4.25); the message to admins about a report has a subject.
