"""Who is predicted of given bars, with which features; and why others are not."""

import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.bars.universe import universe
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError
from ats_assets.features.choosing import families, model_families
from ats_assets.features.family import KEYS, FeatureFamily
from ats_assets.features.joining import joined
from ats_assets.features.making import features_of
from ats_assets.runs.bar_signals.given_bars import GivenBars
from ats_assets.settings import UniverseSettings
from ats_assets.strategies.choosing import weighting


def sessions_needed(deployment: Deployment, sequence_sessions: int = 1) -> int:
    """How many sessions of bars the features of a model, the universe and the portfolio's method look at, the predicted one included."""
    weighing = deployment.of(weighting).needs()
    exposed = [family for need in weighing if (family := deployment.of(families).get(need.asset))]
    used = [*exposed, *(family for family in deployment.of(model_families).values() if isinstance(family, FeatureFamily))]
    lookbacks, weighed = [family.lookback for family in used], [one.back + 1 for one in weighing]
    return max([deployment.settings.universe.lookback_sessions, *weighed, *(back + sequence_sessions for back in lookbacks)])


def members(deployment: Deployment, given: GivenBars) -> pl.DataFrame:
    """The universe of the session, as the asset has it."""
    settings = deployment.settings.universe
    window = given.bars.filter(pl.col("session") >= deployment.calendar.window(given.session, settings.lookback_sessions)[0])
    followed = identities_of(given.actions).named(window) if given.actions.height else window
    return universe(followed, [given.session], settings, calendar=deployment.calendar)


def computed_features(deployment: Deployment, given: GivenBars, sessions: Sequence[date]) -> pl.DataFrame:
    """The features of the model's families at some sessions, by the assets' own functions; of regimes what is stored.

    Raises
    ------
    ModelError
        If a family is no function of bars alone, and is not stored at these sessions.
    """
    frames: dict[str, pl.DataFrame] = {}
    stored: dict[str, pl.DataFrame] = {}
    for name, family in deployment.of(model_families).items():
        if not isinstance(family, FeatureFamily):
            stored[name] = _stored(deployment, name, sessions)
            continue
        frames[name] = _of_family(deployment, family, given, sessions)
    keys = given.bars.filter(pl.col("session").is_in(list(sessions))).select(KEYS).sort("session", "symbol")
    for name, rows in stored.items():
        values = keys.join(rows, on=KEYS, how="left", maintain_order="left")
        frames[name] = values.with_columns(pl.exclude(KEYS).fill_null(float("nan")))
    ordered = {name: frames[name].sort("session", "symbol") for name in deployment.of(model_families)}
    return joined(ordered)


def exposures(deployment: Deployment, given: GivenBars) -> dict[str, pl.DataFrame]:
    """What the portfolio's method asks of assets for the limits of factors: features computed from the bars, of others what is stored of the session.

    Raises
    ------
    ModelError
        If it is not stored.
    """
    frames: dict[str, pl.DataFrame] = {}
    for asset in dict.fromkeys(need.asset for need in deployment.of(weighting).needs() if need.asset not in {"bars", "corporate_actions"}):
        if family := deployment.of(families).get(asset):
            frames[asset] = _of_family(deployment, family, given, [given.session])
        elif deployment.warehouse.exists(asset, given.session):
            frames[asset] = deployment.warehouse.read(asset, [given.session])
        else:
            raise ModelError(
                f"portfolio.options.factors reads {asset}, which is made of more than bars, and there is none of {given.session}: make it with ats run "
                f"--select '+{asset}'"
            )
    return frames


def _of_family(deployment: Deployment, family: FeatureFamily, given: GivenBars, sessions: Sequence[date]) -> pl.DataFrame:
    days = [day for day in given.days if day >= deployment.calendar.window(sessions[0], family.lookback + 1)[0]]
    bars = given.bars.filter(pl.col("session") >= days[0])
    adjust, flat = deployment.settings.actions.adjust, deployment.settings.expressions.flat_windows
    return features_of(family, bars, given.actions, calendar=days, sessions=sessions, adjust=adjust, flat=flat)


def _stored(deployment: Deployment, family: str, sessions: Sequence[date]) -> pl.DataFrame:
    if lacking := [day for day in sessions if not deployment.warehouse.exists(family, day)]:
        raise ModelError(
            f"models learn from {family}, which are made of more than bars, and there are none of {lacking[-1]}: make them with ats run --select "
            f"'+{family}', or give the features of the session with --features"
        )
    return deployment.warehouse.read(family, list(sessions))


def features_in(file: Path, names: Sequence[str], session: date) -> pl.DataFrame:
    """Features that were computed elsewhere: a table with the column symbol, perhaps session, and a column for each feature.

    Parameters
    ----------
    names
        The features of the model, in its order.
    session
        Rows of other sessions are for models of sequences; rows without a session are of this one.

    Raises
    ------
    ModelError
        If a column is missing, is no number, or a symbol has several rows.
    """
    rows = read_rows(file)
    if lacking := [name for name in ("symbol", *names) if name not in rows.columns]:
        raise ModelError(
            f"{file} lacks {len(lacking)} columns of {len(names) + 1} that the model needs: {', '.join(lacking[:10])}. Name a column after each"
        )
    try:
        day = pl.col("session").cast(pl.String).str.to_date() if "session" in rows.columns else pl.lit(session)
        values = [pl.col(name).cast(pl.Float32).fill_null(float("nan")) for name in names]
        found = rows.select(pl.col("symbol").cast(pl.String), day.alias("session"), *values)
    except pl.exceptions.PolarsError as error:
        first = str(error).splitlines()[0]
        raise ModelError(f"{file} has features that are no numbers, or sessions that are no dates: {first}. Correct these") from None
    if (twice := found.filter(found.select(KEYS).is_duplicated())).height:
        raise ModelError(f"{file} has several rows of {twice['symbol'][0]} at {twice['session'][0]}: give one")
    return found.sort("session", "symbol")


def read_rows(file: Path) -> pl.DataFrame:
    """A Parquet, CSV or JSON file as a table: JSON of a list of rows, or of lines.

    Raises
    ------
    ModelError
        If it can't be read.
    """
    name = file.name.lower()
    try:
        if name.endswith((".parquet", ".pq")):
            return pl.read_parquet(file)
        if name.endswith(".json"):
            with file.open("rb") as rows:
                of_lines = rows.read(64).lstrip().startswith(b"{")
            return pl.read_ndjson(file, infer_schema_length=None) if of_lines else pl.read_json(file, infer_schema_length=None)
        return pl.read_csv(file, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise ModelError(f"{file} can't be read as a table: {error}") from None


def left_out(given: GivenBars, chosen: pl.DataFrame, settings: UniverseSettings) -> pl.DataFrame:
    """Symbol and reason of each that has bars in the window and gets no signal, sorted.

    Parameters
    ----------
    chosen
        symbol: those that get one.
    """
    there = set(chosen["symbol"])
    newest = given.bars.sort("session").group_by("symbol", maintain_order=True).agg(pl.col("session").last(), pl.col("close").last())
    of_window = given.bars.filter(pl.col("session").is_in(given.days[-settings.lookback_sessions :]))
    counts = dict(of_window.group_by("symbol").len().iter_rows())
    last = {symbol: (session, close) for symbol, session, close in newest.iter_rows()}
    rows = []
    for symbol in given.symbols:
        if symbol in there:
            continue
        session, close = last.get(symbol, (None, 0.0))
        n = counts.get(symbol, 0)
        if symbol in given.quarantined:
            why = f"its row of {given.session} was quarantined: {given.quarantined[symbol]}"
        elif session != given.session:
            why = f"no bar at {given.session}" + (f", the last one is of {session}" if session else "")
        elif n < settings.min_history_sessions:
            why = f"too short a history: {n} bars in the last {settings.lookback_sessions} sessions, universe.min_history_sessions is {settings.min_history_sessions}"
        elif close < settings.min_price:
            why = f"a close of {close:g}, universe.min_price is {settings.min_price:g}"
        else:
            why = f"not among the {settings.size} with the largest median dollar volume (universe.size), or without features"
        rows.append((symbol, why))
    return pl.DataFrame(rows, schema={"symbol": pl.String, "reason": pl.String}, orient="row")


def column_names(file: Path) -> list[str]:
    """The names of a table's columns: of CSV the cells of its first line; none where they can't be read.

    Examples
    --------
    >>> column_names(Path("nowhere.csv"))
    []
    """
    try:
        if file.name.lower().endswith((".parquet", ".pq")):
            return list(pl.read_parquet_schema(file))
        if file.name.lower().endswith(".json"):
            return read_rows(file).columns
        with file.open(encoding="utf-8", errors="replace") as lines:
            return [cell.strip().strip('"') for cell in re.split(r"[,;\t|]", lines.readline().strip("\ufeff\r\n"))]
    except (OSError, ModelError, pl.exceptions.PolarsError):
        return []
