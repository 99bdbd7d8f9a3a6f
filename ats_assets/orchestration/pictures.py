"""Small pictures for the metadata of assets, as Markdown that holds them, for where people would rather look than read."""

import base64


def png_markdown(png: bytes, title: str) -> str:
    """A PNG as a Markdown image with a data URI."""
    return f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})"
