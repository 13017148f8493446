"""Where the checkout lies, wherever the suite is started from."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
