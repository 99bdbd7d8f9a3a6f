"""The picture of a fitted model: what it looks at, and how it did on the sessions held out."""

from collections.abc import Iterator

from ats_assets.orchestration.sparkline import LINE, escaped, svg
from ats_assets.storage.model_record import ModelRecord, Validation

SHOWN = 25
"""Features in the plot."""
LOSS = "#b5533c"
WIDTH, ROW, TOP, GAP = 1100, 20, 44, 150
"""Of the picture, in CSS pixels: its width, the height of a feature, what is above the first, and the width of the features' names."""


def importance_svg(record: ModelRecord) -> str:
    """The features with the largest share of the importance, beside the rank IC by validation session."""
    total = sum(record.importance.values()) or 1.0
    top = sorted(record.importance.items(), key=lambda item: (-item[1], item[0]))[:SHOWN]
    shares = [(name, value / total) for name, value in top]
    height = TOP + ROW * max(len(shares), 5) + 40
    title = f"{record.name}, fitted at {record.session}"
    drawn = [_text(10, 22, f"{title}: share of the importance", size=14), *_shares(shares)]
    if record.validation:
        drawn += _ics(record.validation, left=WIDTH / 2 + 40, width=WIDTH / 2 - 60, height=height)
    return svg("".join(drawn), width=WIDTH, height=height, title=title)


def _shares(shares: list[tuple[str, float]]) -> Iterator[str]:
    """A bar and its figure for each feature, the largest first."""
    scale = (WIDTH / 2 - GAP - 80) / (max((share for _, share in shares), default=0.0) or 1.0)
    for i, (name, share) in enumerate(shares):
        y = TOP + ROW * i
        yield _text(GAP - 6, y + 13, name, anchor="end")
        yield f'<rect x="{GAP}" y="{y + 3}" width="{share * scale:.1f}" height="{ROW - 6}" fill="{LINE}"/>'
        yield _text(GAP + share * scale + 6, y + 13, f"{share:.1%}")


def _ics(validation: Validation, *, left: float, width: float, height: int) -> Iterator[str]:
    """A bar for each session, up or down from zero, and a dashed line at their mean."""
    points = [(day, ic) for day, ic in validation.by_session.items() if ic is not None]
    mean = validation.rank_ic
    said = "" if mean is None else f", mean {mean:+.4f}"
    yield _text(left, 22, f"rank IC on validation sessions{said}", size=14)
    if not points:
        return
    span = max(abs(ic) for _, ic in points) or 1.0
    middle, half = (TOP + height - 40) / 2, (height - 40 - TOP) / 2
    step = width / len(points)
    for i, (day, ic) in enumerate(points):
        tall = abs(ic) / span * half
        y = middle - tall if ic >= 0 else middle
        colour = LINE if ic >= 0 else LOSS
        bar = f'x="{left + i * step:.1f}" y="{y:.1f}" width="{max(step * 0.8, 0.5):.1f}" height="{tall:.1f}"'
        yield f'<rect {bar} fill="{colour}"><title>{day}: {ic:+.4f}</title></rect>'
    yield f'<path d="M{left:g} {middle:g}h{width:g}" stroke="#222"/>'
    if mean is not None:
        yield f'<path d="M{left:g} {middle - mean / span * half:.1f}h{width:g}" stroke="#222" stroke-dasharray="5 4"/>'
    yield _text(left, height - 16, str(points[0][0]))
    yield _text(left + width, height - 16, str(points[-1][0]), anchor="end")
    yield _text(left - 4, TOP + 8, f"{span:+.2f}", anchor="end")
    yield _text(left - 4, height - 40, f"{-span:+.2f}", anchor="end")


def _text(x: float, y: float, text: str, *, size: int = 11, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" font-family="sans-serif" font-size="{size}" text-anchor="{anchor}">{escaped(text)}</text>'
