"""The models behind the scores: each fit with its rows and its validation IC, and what the models look at."""

from collections import Counter
from collections.abc import Sequence

from ats_assets.deployment import Deployment
from ats_assets.evaluation.feature_clusters import importance_drift
from ats_assets.reports.charts import BarGroup, Chart, bar_chart
from ats_assets.reports.formatting import DASH, day, decimal, fit_names, percent, whole
from ats_assets.reports.page_blocks import Block, Heading, Note, Pair, Table
from ats_assets.reports.report_section import ReportInputs, ReportSection
from ats_assets.storage.model_record import ModelRecord

SHOWN_FEATURES, SHOWN_FITS = 20, 12
DRIFT = (
    "Importance beside the fit before: the correlation of its ranks over the features, and the share that has moved to other features. Much of it at once, with a falling IC, "
    "says that the model follows noise, or that the market has changed."
)


def make(inputs: ReportInputs) -> Sequence[Block] | None:
    """Of each model its fits over time."""
    blocks: list[Block] = []
    for asset, fits in inputs.fits.items():
        fitted = [record for record in fits if record.status == "fitted"]
        heading = [Heading(text=asset)] if len(inputs.fits) > 1 else []
        blocks += [*heading, *(_of(asset, fitted) if fitted else [Note(text=f"{asset} was not fitted in these sessions.")])]
    return blocks or None


def _of(asset: str, fits: Sequence[ModelRecord]) -> list[Block]:
    newest = fits[-1]
    told = (
        f"{len(fits)} fits of a {newest.learner} model, the newest at {newest.session}: {whole(len(newest.features))} features, "
        f"trained on {whole(newest.training.rows if newest.training else None)} rows. Validation sessions are held out of the training and chose when it stopped, so their IC is not out of sample."
    )
    return [
        Note(text=told),
        Pair(cells=[[_validation(asset, fits)], [_importance(fits)]]),
        Heading(text="Newest fits", note=DRIFT),
        _fits(fits),
    ]


def _validation(asset: str, fits: Sequence[ModelRecord]) -> Chart:
    values = [record.validation.rank_ic if record.validation else None for record in fits]
    bars = BarGroup(name="rank IC", values=values, tone="own", below="loss")
    names = fit_names([record.session for record in fits])
    return bar_chart(
        f"validation-{asset}",
        "Validation rank IC by fit",
        "Mean over the sessions held out, by the session of the fit.",
        names,
        [bars],
        most_names=5,
    )


def _importance(fits: Sequence[ModelRecord]) -> Table:
    """The features with the largest share of a fit's importance, in the mean over the fits, beside the newest."""
    shares: Counter[str] = Counter()
    for record in fits:
        total = sum(record.importance.values()) or 1.0
        for feature, value in record.importance.items():
            shares[feature] += value / total / len(fits)  # pyright: ignore[reportArgumentType]
    top = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_FEATURES]
    newest = fits[-1].importance
    total = sum(newest.values()) or 1.0
    most = max((share for _, share in top), default=1.0) or 1.0
    rows = [(feature, percent(newest.get(feature, 0.0) / total), percent(share)) for feature, share in top]
    caption = f"Importance: share of a fit's, of {len(shares)} features the {len(top)} largest"
    return Table(columns=("feature", "newest fit", "mean of all fits"), rows=rows, bars=[share / most for _, share in top], caption=caption)


def _fits(fits: Sequence[ModelRecord]) -> Table:
    rows = []
    before = {fits[place].session: fits[place - 1].importance for place in range(1, len(fits))}
    for record in list(reversed(fits))[:SHOWN_FITS]:
        ranks, moved = importance_drift(before[record.session], record.importance) if record.session in before else (None, None)
        training, validation = record.training, record.validation_window
        rows.append(
            (
                day(record.session),
                f"{training.first_decision} to {training.last_decision}" if training else DASH,
                f"{validation.first_decision} to {validation.last_decision}" if validation else DASH,
                whole(training.rows if training else None),
                whole(record.best_iteration),
                decimal(record.validation.rank_ic if record.validation else None, 4, signed=True),
                decimal(ranks, 2, signed=True),
                percent(moved, 0),
            )
        )
    columns = ("fitted at", "trained on decisions", "validated on", "rows", "rounds", "validation rank IC", "importance ranks", "moved")
    return Table(columns=columns, rows=rows, text_columns=3)


def reads(deployment: Deployment) -> tuple[str, ...]:
    """Every model of the settings."""
    return deployment.daily_models


SECTION = ReportSection(title="Model", short="Model", place=90, make=make, reads=reads)
