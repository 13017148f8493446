"""Why an invitation cannot be made or used; nothing has changed then."""


class InvitationError(Exception):
    """What was asked of an invitation cannot be; the text is the reason."""


class NoSuchInvitation(InvitationError):
    """It is unknown, used up, expired or taken back; nobody is told which."""

    def __init__(self) -> None:
        super().__init__("the invitation is unknown, used up or expired")


class TooManyInvitations(InvitationError):
    """Who invites has as many open invitations as they may."""


class WrongName(InvitationError):
    """The invitation is for an account of another name."""

    def __init__(self, username: str) -> None:
        super().__init__(f"the invitation is for the name {username}")
        self.username = username
