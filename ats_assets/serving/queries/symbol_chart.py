"""A symbol's candles with entries and exits, as a PNG: for who can't draw them, such as a chat.

Sessions stand side by side without the days between them. Colours are those of the dashboard's light theme, which differ in lightness, too.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

WIDTH, HEIGHT, DPI = 900, 560, 100
INK, MUTED, GRID, GAIN, LOSS = "#15191e", "#55606c", "#eceff2", "#0a5fb0", "#ad4300"
MARKS = {"buy": ("^", GAIN, "bought"), "sell": ("v", LOSS, "sold")}


def symbol_chart(symbol: str, bars: Sequence[Mapping[str, Any]], trades: Sequence[Mapping[str, Any]]) -> bytes:
    """The picture.

    Parameters
    ----------
    bars
        Ascending, as `bars/{symbol}` tells them; a value may be missing. At least one.
    trades
        As told with them; filled marks are the account's, hollow ones the backtest's.

    Returns
    -------
    bytes
        A PNG; the same for the same bars and trades.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - half a second, for the first picture alone
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(WIDTH / DPI, HEIGHT / DPI), dpi=DPI, facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes, volume = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [5, 1], "hspace": 0.04})
    whole = [(at, bar) for at, bar in enumerate(bars) if all(bar[name] is not None for name in ("open", "high", "low", "close"))]
    for rises, colour in ((True, GAIN), (False, LOSS)):
        drawn = [(at, bar) for at, bar in whole if (bar["close"] >= bar["open"]) is rises]
        places = [at for at, _ in drawn]
        axes.vlines(places, [bar["low"] for _, bar in drawn], [bar["high"] for _, bar in drawn], color=colour, linewidth=0.9, zorder=2)
        bodies = [abs(bar["close"] - bar["open"]) or 1e-4 * bar["close"] for _, bar in drawn]
        bottoms = [min(bar["open"], bar["close"]) for _, bar in drawn]
        axes.bar(places, bodies, 0.66, bottoms, facecolor="white" if rises else colour, edgecolor=colour, linewidth=0.9, zorder=3)
        volume.bar(places, [bar["volume"] or 0.0 for _, bar in drawn], 0.66, color=colour, alpha=0.55)
    _mark(axes, [bar["session"] for bar in bars], trades)
    _dress(axes, volume, symbol, bars)
    made = io.BytesIO()
    figure.savefig(made, format="png", metadata={"Software": None})
    return made.getvalue()


def _mark(axes: Any, sessions: Sequence[date], trades: Sequence[Mapping[str, Any]]) -> None:
    """Entries and exits, each kind in the legend where there is one."""
    places = {session: at for at, session in enumerate(sessions)}
    for of, whose in (("traded", "the account"), ("backtest", "backtest")):
        for side, (marker, colour, word) in MARKS.items():
            found = [
                (places[one["session"]], one["price"])
                for one in trades
                if (one["of"], one["side"]) == (of, side) and one["session"] in places
            ]
            if found:
                face = colour if of == "traded" else "white"
                size = 78 if of == "traded" else 34
                axes.scatter(
                    *zip(*found, strict=True),
                    s=size,
                    marker=marker,
                    facecolors=face,
                    edgecolors=INK if of == "traded" else colour,
                    linewidths=0.8,
                    zorder=4,
                    label=f"{word}, {whose}",
                )


def _dress(axes: Any, volume: Any, symbol: str, bars: Sequence[Mapping[str, Any]]) -> None:
    last = bars[-1]
    close = "no close" if last["close"] is None else f"{last['close']:,.2f}"
    axes.set_title(f"{symbol}   {close}", loc="left", fontsize=14, fontweight="bold", color=INK, parse_math=False)
    axes.set_title(f"{bars[0]['session']} to {last['session']}", loc="right", fontsize=9, color=MUTED)
    for one in (axes, volume):
        one.grid(color=GRID, linewidth=0.8)
        one.set_axisbelow(True)
        one.tick_params(colors=MUTED, labelsize=9, length=0)
        one.yaxis.tick_right()
        one.spines[:].set_visible(False)
    volume.set_yticks([])
    step = max(1, -(-len(bars) // 7))
    shown = range(0, len(bars), step)
    volume.set_xticks(list(shown), [f"{bars[at]['session']:%d %b %y}" for at in shown])
    volume.set_xlim(-1, max(len(bars), 10))
    volume.set_ylabel("volume", fontsize=8, color=MUTED)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(loc="upper left", fontsize=8, frameon=True, framealpha=0.85, edgecolor="none", labelcolor=INK)
