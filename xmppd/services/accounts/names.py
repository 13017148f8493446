"""Which names accounts can have."""

from xmppd.services.accounts.errors import InvalidName
from xmppd.stanza.jid import JID, InvalidJID, prepare_localpart, stringprep_disagrees


def checked_name(jid: JID) -> str:
    """The username; raises `InvalidName` where RFC 7622 or the older stringprep object."""
    if jid.localpart is None:
        raise InvalidName(f"{jid.bare} has no name before the host: write NAME@{jid.domainpart}")
    try:
        prepared = prepare_localpart(jid.localpart)
        disagrees = stringprep_disagrees(jid.localpart)
    except InvalidJID as error:
        raise InvalidName(str(error)) from error
    if prepared != jid.localpart:
        raise InvalidName(f"{jid.localpart} is written {prepared}")
    if disagrees:
        raise InvalidName(f"older programs take {jid.localpart} for another name, or for none")
    return prepared
