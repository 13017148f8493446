"""Pages out of templates (jinja2), and QR codes (segno): both are of the extra ``web``, and loaded for the first page.

What is here takes milliseconds, and the first page tenths of a second: it is for a thread.
"""

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parent / "pages"


def render(template: str, values: Mapping[str, object]) -> bytes:
    """Give a page; all that is put into it is escaped."""
    text: str = _environment().get_template(template).render(values)
    return text.encode()


def code(text: str) -> str:
    """Give a QR code as an SVG that can stand in a page as it is: nothing of *text* stands in it."""
    drawn = importlib.import_module("segno").make(text, error="m")
    svg: str = drawn.svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return svg


@cache
def _environment() -> Any:
    jinja2 = importlib.import_module("jinja2")
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
