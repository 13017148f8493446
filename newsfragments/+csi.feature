Client State Indication (XEP-0352): a phone in the pocket gets presence and the like merged, and later; messages, calls and invitations at once and in order.
