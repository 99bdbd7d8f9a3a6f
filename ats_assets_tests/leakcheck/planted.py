"""A hundred and more planted leaks, of the kinds that are met in the field. Each is the column `leaky` beside an honest one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache, partial

import numpy as np
import polars as pl

from ats_assets.leakcheck import Input, Subject
from ats_assets_tests.expressions.panels import calendar, random_walks

DAYS = calendar(60)
KEYS = ("symbol", "session")
HONEST = pl.col("close").rolling_mean(5).over("symbol", order_by="session").alias("honest")
Frames = Mapping[str, pl.DataFrame]


@cache
def bars() -> pl.DataFrame:
    """Eight symbols over sixty sessions."""
    return random_walks(8, 60, seed=7, gaps=False, missing=False).sort("session", "symbol")


def column(leaky: pl.Expr) -> Callable[[Frames], pl.DataFrame]:
    """A feature by an expression."""
    return lambda rows: rows["bars"].select(*KEYS, HONEST, leaky.alias("leaky"))


def by_symbol(expression: pl.Expr) -> pl.Expr:
    return expression.over("symbol", order_by="session")


def on_bars(make: Callable[[Frames], pl.DataFrame]) -> Subject:
    return Subject(name="planted", kind="feature", inputs={"bars": Input(rows=bars())}, make=make)


def shifts() -> Iterator[tuple[str, Subject]]:
    """The classic slip: the row of a session holds that of a later one."""
    for field in ("open", "high", "low", "close", "volume"):
        for sessions in (1, 2, 5):
            yield f"shift {field} {sessions}", on_bars(column(by_symbol(pl.col(field).shift(-sessions))))
    yield "return to the next open", on_bars(column(by_symbol(pl.col("open").shift(-1) / pl.col("open") - 1)))
    yield "sign of the next move", on_bars(column(by_symbol(pl.col("close").diff().shift(-1).sign())))


def centred() -> Iterator[tuple[str, Subject]]:
    """A window around the session instead of before it."""
    for rows in (3, 5, 7, 11):
        for name, statistic in {
            "mean": pl.col("close").rolling_mean(rows, center=True),
            "deviation": pl.col("close").rolling_std(rows, center=True),
            "maximum": pl.col("high").rolling_max(rows, center=True),
            "median": pl.col("volume").rolling_median(rows, center=True),
        }.items():
            yield f"centred {name} {rows}", on_bars(column(by_symbol(statistic)))


def whole_sample() -> Iterator[tuple[str, Subject]]:
    """Scaled, ranked or clipped by statistics of the whole sample."""
    for field in ("close", "volume"):
        x = pl.col(field)
        yield from (
            (f"{name} {field}", on_bars(column(expression)))
            for name, expression in {
                "z-score": (x - x.mean()) / x.std(),
                "z-score by symbol": by_symbol((x - x.mean()) / x.std()),
                "min-max": (x - x.min()) / (x.max() - x.min()),
                "min-max by symbol": by_symbol((x - x.min()) / (x.max() - x.min())),
                "robust": (x - x.median()) / (x.quantile(0.75) - x.quantile(0.25)),
                "rank": x.rank("average") / pl.len(),
                "rank by symbol": by_symbol(x.rank("average") / pl.len()),
                "winsorised": x.clip(x.quantile(0.05), x.quantile(0.95)),
                "demeaned by symbol": by_symbol(x - x.mean()),
                "over its last": by_symbol(x / x.last()),
                "over its maximum": by_symbol(x / x.max()),
                "upper half": x > x.median(),
            }.items()
        )


def filled() -> Iterator[tuple[str, Subject]]:
    """Gaps filled from behind, or between two sessions."""
    holes = pl.when(pl.col("session").dt.day() % 4 == 0).then(None).otherwise(pl.col("close"))
    yield "filled backward", on_bars(column(by_symbol(holes.fill_null(strategy="backward"))))
    yield "interpolated", on_bars(column(by_symbol(holes.interpolate())))
    yield "filled with the mean", on_bars(column(holes.fill_null(strategy="mean")))
    yield "filled with the maximum", on_bars(column(holes.fill_null(strategy="max")))


def resampled() -> Iterator[tuple[str, Subject]]:
    """A week's or month's figure on each of its days."""
    for every in ("1w", "2w", "1mo"):
        period = pl.col("session").dt.truncate(every)
        for name, figure in {"last": pl.col("close").last(), "high": pl.col("high").max(), "sum": pl.col("volume").sum()}.items():
            yield f"{name} of {every}", on_bars(column(figure.over("symbol", period, order_by="session")))


def smoothed() -> Iterator[tuple[str, Subject]]:
    """Filters that run both ways, or in the frequency domain."""

    def through(function: Callable[[np.ndarray], np.ndarray], rows: Frames) -> pl.DataFrame:
        made = [
            part.select(*KEYS, HONEST, pl.Series("leaky", function(part["close"].to_numpy())))
            for _, part in rows["bars"].sort("symbol", "session").group_by("symbol", maintain_order=True)
        ]
        return pl.concat(made)

    def both_ways(x: np.ndarray) -> np.ndarray:
        for _ in range(2):
            y = x.astype(float)
            for i in range(1, len(y)):
                y[i] = 0.7 * y[i - 1] + 0.3 * y[i]
            x = y[::-1]
        return x

    def low_pass(keep: int, x: np.ndarray) -> np.ndarray:
        spectrum = np.fft.rfft(x)
        spectrum[keep:] = 0
        return np.fft.irfft(spectrum, len(x))

    def trend(degree: int, x: np.ndarray) -> np.ndarray:
        return x - np.polyval(np.polyfit(np.arange(len(x)), x, min(degree, len(x) - 1)), np.arange(len(x)))

    yield "exponential filter, both ways", on_bars(partial(through, both_ways))
    yield "reversed cumulative sum", on_bars(partial(through, lambda x: x[::-1].cumsum()[::-1]))
    for keep in (3, 8):
        yield f"low pass {keep}", on_bars(partial(through, partial(low_pass, keep)))
    for degree in (1, 2, 3):
        yield f"detrended {degree}", on_bars(partial(through, partial(trend, degree)))


def fitted() -> Iterator[tuple[str, Subject]]:
    """Something is fitted on all rows before they are split: components, a regression, a target's mean, clusters."""
    fields = ["open", "high", "low", "close", "volume"]

    def projected(centre: bool, rows: Frames) -> pl.DataFrame:
        x = rows["bars"].select(pl.col(fields).log1p()).to_numpy()
        x = x - x.mean(axis=0) if centre else x
        direction = np.linalg.svd(x, full_matrices=False)[2][0]
        return rows["bars"].select(*KEYS, HONEST, pl.Series("leaky", x @ direction))

    def regressed(penalty: float, rows: Frames) -> pl.DataFrame:
        frame = rows["bars"].with_columns(
            y=by_symbol(pl.col("close").pct_change()).fill_null(0.0), lagged=by_symbol(pl.col("close").shift(1))
        )
        x = frame.select(pl.col("lagged", "volume").fill_null(0.0)).to_numpy()
        beta = np.linalg.solve(x.T @ x + penalty * np.eye(2), x.T @ frame["y"].to_numpy())
        return frame.select(*KEYS, HONEST, pl.Series("leaky", x @ beta))

    def encoded(rows: Frames) -> pl.DataFrame:
        move = by_symbol(pl.col("close").pct_change())
        return rows["bars"].select(*KEYS, HONEST, move.alias("leaky")).with_columns(pl.col("leaky").mean().over("symbol"))

    def clustered(rows: Frames) -> pl.DataFrame:
        x = rows["bars"]["volume"].to_numpy().astype(float)
        low, high = x.min(), x.max()
        for _ in range(10):
            nearer = np.abs(x - low) < np.abs(x - high)
            low, high = x[nearer].mean(), x[~nearer].mean()
        return rows["bars"].select(*KEYS, HONEST, pl.Series("leaky", (x - low) / (high - low)))

    yield "components", on_bars(partial(projected, True))
    yield "components, not centred", on_bars(partial(projected, False))
    for penalty in (1e-6, 1.0, 1e6):
        yield f"regression {penalty}", on_bars(partial(regressed, penalty))
    yield "target mean by symbol", on_bars(encoded)
    yield "cluster centres", on_bars(clustered)


def survivors() -> Iterator[tuple[str, Subject]]:
    """Rows chosen by what happened later."""

    def until_the_end(rows: Frames) -> pl.DataFrame:
        last = rows["bars"]["session"].max()
        alive = rows["bars"].filter(pl.col("session") == last)["symbol"]
        return rows["bars"].filter(pl.col("symbol").is_in(alive.implode())).select(*KEYS, HONEST, leaky=pl.col("close"))

    def long_histories(rows: Frames) -> pl.DataFrame:
        return rows["bars"].filter(pl.len().over("symbol") >= 50).select(*KEYS, HONEST, leaky=pl.col("close"))

    def traded_most(rows: Frames) -> pl.DataFrame:
        most = rows["bars"].group_by("symbol").agg(pl.col("volume").sum()).top_k(4, by="volume")["symbol"]
        return rows["bars"].filter(pl.col("symbol").is_in(most.implode())).select(*KEYS, HONEST, leaky=pl.col("close"))

    yield "alive at the end", on_bars(until_the_end)
    yield "with a long history", on_bars(long_histories)
    yield "with the largest volume of all time", on_bars(traded_most)


def labels() -> Iterator[tuple[str, Subject]]:
    """Labels that are stored before their holding period has ended, so that training sets overlap what they are judged on."""

    def stored(horizon: int, early: int, rows: Frames) -> pl.DataFrame:
        known = by_symbol(pl.col("open") / pl.col("open").shift(horizon) - 1)
        return rows["bars"].select(*KEYS, HONEST, known.alias("leaky")).with_columns(by_symbol(pl.col("leaky").shift(-early)))

    for horizon in (1, 5, 20):
        for early in sorted({1, horizon}):
            yield f"label of {horizon} sessions, {early} early", on_bars(partial(stored, horizon, early))

    def highest(horizon: int, rows: Frames) -> pl.DataFrame:
        touched = pl.col("high").reverse().rolling_max(horizon, min_samples=1).reverse() > 1.02 * pl.col("close")
        return rows["bars"].select(*KEYS, HONEST, by_symbol(touched).alias("leaky"))

    for horizon in (2, 5, 10):
        yield f"barrier of {horizon} sessions under its decision", on_bars(partial(highest, horizon))


def revised() -> Iterator[tuple[str, Subject]]:
    """A value is used as it was revised later, before the revision was known."""
    later = bars().with_columns(known=pl.col("session"))

    def revision(sessions: int) -> pl.DataFrame:
        known = dict(zip(DAYS, [*DAYS[sessions:], *[DAYS[-1]] * sessions], strict=True))
        restated = later.with_columns(pl.col("close") * 1.01, known=pl.col("session").replace_strict(known))
        return pl.concat([later, restated]).sort("session", "symbol", "known", maintain_order=True)

    def newest(rows: Frames) -> pl.DataFrame:
        first, last = (rows["bars"].unique(KEYS, keep=which, maintain_order=True) for which in ("first", "last"))
        return first.select(*KEYS, honest="close").join(last.select(*KEYS, leaky="close"), on=KEYS, maintain_order="left")

    for sessions in (1, 3, 10):
        inputs = {"bars": Input(rows=revision(sessions), known="known")}
        yield f"revised {sessions} sessions later", Subject(name="planted", kind="feature", inputs=inputs, make=newest)


def fills() -> Iterator[tuple[str, Subject]]:
    """Signals of a close are filled at prices of the same session."""
    signals = bars().select(*KEYS, weight=by_symbol(pl.col("close").pct_change()).fill_null(0.0))

    def earned(move: pl.Expr, held: pl.Expr, rows: Frames) -> pl.DataFrame:
        both = (
            rows["bars"]
            .join(rows["signals"], on=KEYS, how="left")
            .with_columns(by_symbol(move).alias("move"), by_symbol(held).alias("held"))
        )
        daily = both.group_by("session").agg((pl.col("move") * pl.col("held")).sum().alias("leaky"), pl.len().alias("honest"))
        return daily.sort("session")

    same_bar = {
        "filled at its own open": (pl.col("close") / pl.col("open") - 1, pl.col("weight")),
        "filled at its own close, marked at once": (pl.col("close").pct_change(), pl.col("weight")),
        "filled at its own low": (pl.col("close") / pl.col("low") - 1, pl.col("weight")),
        "filled the session before": (pl.col("close").pct_change(), pl.col("weight").shift(-1)),
    }
    for name, (move, held) in same_bar.items():
        inputs = {"bars": Input(rows=bars()), "signals": Input(rows=signals, lag=1)}
        yield name, Subject(name="planted", kind="backtest", inputs=inputs, make=partial(earned, move, held), keys=())


def all_leaks() -> dict[str, Subject]:
    """Every planted leak by its name."""
    kinds: Sequence[Callable[[], Iterator[tuple[str, Subject]]]] = (
        shifts,
        centred,
        whole_sample,
        filled,
        resampled,
        smoothed,
        fitted,
        survivors,
        labels,
        revised,
        fills,
    )
    return {name: subject for kind in kinds for name, subject in kind()}


def sessions() -> list[date]:
    """The sessions that the planted subjects span."""
    return DAYS
