"""Operations on certificates: what the running server shows."""

from typing import Final

from xmppd.core.operations.declaring import Operation, Subject
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import moment, table

SUBJECT: Final = Subject(
    "cert",
    "Certificates",
    "Certificates: what the server shows, making and bringing them.",
    (
        Operation(
            "cert.list",
            "List the certificates that the running server shows.",
            shows=table(
                "there are none",
                host="Host",
                names="For",
                issuer="Issued by",
                expires=moment("Expires"),
                file="File",
                self_made="Self-made",
            ),
            role=Role.OPERATOR,
        ),
    ),
    "Files that were renewed are in force within two minutes, without a reload, and the log says so.",
)
