"""Operations on certificates: what the running server shows."""

from collections.abc import Iterable
from typing import Final

from xmppd.core.operations.declaring import Args, Argument, Kind, Operation, Subject
from xmppd.core.operations.role import Role
from xmppd.core.operations.showing import Block, Facts, Moment, Row, moment, table


def _shown(found: Row, args: Args) -> Iterable[Block]:
    row = found["certificate"]
    yield Facts(
        (
            ("Certificate of", row["host"]),
            ("For", ", ".join(row["names"])),
            ("Issued by", row["issuer"]),
            ("Issuers sent", ", ".join(found["issuers"]) or "none"),
            ("Begins", Moment(row["begins"])),
            ("Expires", Moment(row["expires"])),
            ("Key", found["key"]),
            ("SHA-256", row["sha256"]),
            ("TLSA", found["tlsa"]),
            ("File", row["file"]),
            ("Self-made", row["self_made"]),
        )
    )


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
        Operation(
            "cert.show",
            "Show all of the certificate of the domain HOST.",
            (Argument("host", kind=Kind.DOMAIN),),
            _shown,
            "TLSA is what a record for DANE has in DNS, at _5269._tcp.MACHINE and so on: it stays as long as the key.",
            Role.OPERATOR,
        ),
    ),
    "Files that were renewed are in force within two minutes, without a reload, and the log says so.",
)
