"""Operations on uploaded files (XEP-0363)."""

from typing import Final, TypedDict

from xmppd.core.operations.declaring import Argument, Kind, Operation, Subject
from xmppd.core.operations.showing import line, moment, table


class UploadRow(TypedDict):
    """A file that somebody has uploaded; *expires* is None for one that stays."""

    id: str
    name: str
    owner: str
    size: int
    type: str
    service: str
    created: str
    expires: str | None


SUBJECT: Final = Subject(
    "upload",
    "Uploaded files",
    "Uploaded files: whose they are, and taking one away.",
    (
        Operation(
            "upload.list",
            "List the files of the account JID, the newest first.",
            (Argument("jid", kind=Kind.ACCOUNT),),
            table(
                "{jid} has no files here",
                id="Id",
                name="Name",
                size="Bytes",
                type="Type",
                service="Service",
                created=moment("Sent"),
                expires=moment("Ends"),
            ),
        ),
        Operation(
            "upload.show",
            "Tell whose a FILE is, by its address or its id.",
            (Argument("file"),),
            line("{name} of {owner}, {size} bytes, at {service}"),
        ),
        Operation(
            "upload.remove",
            "Take a FILE away, by its address or its id; nobody gets it any more.",
            (Argument("file"),),
            line("{name} of {owner} removed"),
        ),
    ),
)
