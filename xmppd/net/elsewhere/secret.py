"""A secret of ours that somebody else wants to see: in the configuration, or in a file of its own."""

from pathlib import Path

from xmppd.config.fields import SecretStr
from xmppd.core.elsewhere import Unavailable


def secret_of(written: SecretStr | None, file: Path | None) -> str:
    """Give it, read anew each time, so that a new one needs no restart; "" where there is none. `Unavailable`."""
    if written is not None:
        return written.get_secret_value()
    if file is None:
        return ""
    try:
        return file.read_text("utf-8").partition("\n")[0].strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(f"the secret in {file} cannot be read: {error}") from error
