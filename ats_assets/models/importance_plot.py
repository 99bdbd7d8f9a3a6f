"""The picture of a fitted model: what it looks at, and how it did on the sessions held out."""

from io import BytesIO

from ats_assets.storage.model_record import ModelRecord

SHOWN = 25
"""Features in the plot."""


def importance_plot(record: ModelRecord) -> bytes:
    """A PNG of the features with the largest share of the gain, beside the rank IC by validation session."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - takes a second
    from matplotlib.figure import Figure  # noqa: PLC0415

    total = sum(record.importance.values()) or 1.0
    top = sorted(record.importance.items(), key=lambda item: (-item[1], item[0]))[:SHOWN][::-1]
    figure = Figure(figsize=(11, 6), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    left.barh([name for name, _ in top], [gain / total for _, gain in top], color="#3b6ea8")
    left.set_xlabel("share of the gain")
    left.tick_params(axis="y", labelsize=7)
    left.set_title(f"{record.name}, fitted at {record.session}", fontsize=10, loc="left")
    if record.validation:
        points = [(day, ic) for day, ic in record.validation.by_session.items() if ic is not None]
        right.bar([day for day, _ in points], [ic for _, ic in points], color=["#3b6ea8" if ic >= 0 else "#b5533c" for _, ic in points])
        right.axhline(0, color="black", linewidth=0.8)
        if record.validation.rank_ic is not None:
            right.axhline(record.validation.rank_ic, color="black", linewidth=0.8, linestyle="--")
            right.set_title(f"rank IC on validation sessions, mean {record.validation.rank_ic:+.4f}", fontsize=10, loc="left")
        right.tick_params(axis="x", labelrotation=45, labelsize=7)
    buffer = BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
