"""Why a file cannot be uploaded; nothing of it is kept."""


class UploadError(Exception):
    """What was asked of a file cannot be; the text is the reason."""


class FileTooLarge(UploadError):
    """More than is allowed for its purpose, which is `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"File too large. The maximum file size is {max_bytes} bytes")
        self.max_bytes = max_bytes


class QuotaReached(UploadError):
    """There is no room now. It is of use to ask again at `retry_at` (seconds since 1970), if that is known."""

    def __init__(self, text: str, retry_at: float | None = None) -> None:
        super().__init__(text)
        self.retry_at = retry_at


class TooManySlots(QuotaReached):
    """There are as many open slots as there may be."""


class NoSuchSlot(UploadError):
    """It was never given, is used, or has ended."""


class SlotBusy(UploadError):
    """Somebody else uploads by it now."""


class WrongSize(UploadError):
    """The file is not as large as was said."""


class DiskFull(UploadError):
    """There is no room on the disk, or it cannot be written."""


class NoSuchUpload(UploadError):
    """There is no such file, or no more."""
