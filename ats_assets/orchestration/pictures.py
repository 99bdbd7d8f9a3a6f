"""Small pictures for the metadata of assets, as Markdown that holds them, for where people would rather look than read."""

import base64


def svg_markdown(svg: str, title: str) -> str:
    """An SVG as a Markdown image with a data URI."""
    data = base64.b64encode(svg.encode()).decode("ascii")
    return f"![{title.replace('[', '(').replace(']', ')')}](data:image/svg+xml;base64,{data})"
