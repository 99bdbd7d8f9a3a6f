"""Small pictures in the metadata of assets, for where people would rather look than read."""

import base64

import dagster as dg


def picture(png: bytes, title: str) -> dg.MetadataValue:
    """A PNG as Markdown that holds the picture itself."""
    return dg.MetadataValue.md(f"![{title}](data:image/png;base64,{base64.b64encode(png).decode()})")
