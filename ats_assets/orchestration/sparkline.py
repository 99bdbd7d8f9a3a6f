"""A line without axes, small enough for a table or an asset's metadata: hand-written SVG, so that it costs no plotting library."""

from collections.abc import Sequence

import numpy as np

from ats_assets.orchestration.pictures import svg_markdown

LINE = "#1f5fa8"
POINTS = 200


def sparkline_svg(
    values: Sequence[float | None], *, width: int = 220, height: int = 40, colour: str = LINE, zero_line: bool = False, title: str = ""
) -> str:
    """An SVG of the values in order, equally spaced; missing values break the line.

    Parameters
    ----------
    values
        None, NaN and infinities are missing. Long series are thinned out to about 200 points, the newest kept.
    width, height
        In CSS pixels.
    colour
        Of the line, as in CSS.
    zero_line
        Draw a grey line at zero, and include zero in the range.
    title
        For screen readers and as a tooltip.
    """
    y = np.array([np.nan if value is None else float(value) for value in values], dtype=np.float64)
    y[~np.isfinite(y)] = np.nan
    step = max(1, len(y) // POINTS)
    y = y[::-1][::step][::-1]
    known = y[~np.isnan(y)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 1.0)
    if zero_line:
        low, high = min(low, 0.0), max(high, 0.0)
    span = high - low or 1.0
    margin = 2.0

    def at(value: float) -> float:
        return round(margin + (height - 2 * margin) * (1 - (value - low) / span), 1)

    x = np.round(margin + (width - 2 * margin) * np.arange(len(y)) / max(1, len(y) - 1), 1)
    path, pen_up = [], True
    for across, value in zip(x, y, strict=True):
        if np.isnan(value):
            pen_up = True
            continue
        path.append(f"{'M' if pen_up else 'L'}{across:g} {at(float(value)):g}")
        pen_up = False
    zero = f'<path d="M0 {at(0.0):g}H{width}" stroke="#c5ccd4" stroke-width="1"/>' if zero_line else ""
    line = f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="1.5" stroke-linejoin="round"/>' if path else ""
    return svg(f"{zero}{line}", width=width, height=height, title=title)


def svg(drawn: str, *, width: int, height: int, title: str) -> str:
    """The drawing as a file, with a title for screen readers and as a tooltip."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
        f"<title>{escaped(title)}</title>{drawn}</svg>"
    )


def escaped(text: str) -> str:
    """A text as it stands in an SVG."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sparkline_markdown(values: Sequence[float | None], *, title: str, width: int = 220, height: int = 40, zero_line: bool = False) -> str:
    """The sparkline as a Markdown image with a data URI; see `sparkline_svg`."""
    return svg_markdown(sparkline_svg(values, width=width, height=height, zero_line=zero_line, title=title), title)
