"""Which model's scores a strategy traded at each decision."""

from collections.abc import Mapping, Sequence
from datetime import date

from ats_assets.books.stored_inputs import stored_among
from ats_assets.deployment import Deployment
from ats_assets.predictions.candidates import candidates
from ats_assets.strategies.choosing import called_signals, strategies

PREDICTIONS = "predictions"


def reading_scores(deployment: Deployment) -> frozenset[str]:
    """The strategies that trade what models say, themselves or by following another one."""
    named = deployment.of(strategies)
    training = deployment.settings.training
    asset_of = {one.name: asset for asset, one in named.items()}
    needs = {one.name: {window.asset for window in one.strategy.needs(training)} for one in named.values()}
    called = deployment.of(called_signals)
    found = {name for name, read in needs.items() if PREDICTIONS in read}
    while True:
        more = {
            name
            for name, read in needs.items()
            if name not in found and any(called.get(asset, asset) in {asset_of[one] for one in found} for asset in read)
        }
        if not more:
            return frozenset(found)
        found |= more


def champion_reads(deployment: Deployment) -> tuple[str, ...]:
    """The asset that says whose scores are traded, where several models compete."""
    return ("champion",) if deployment.of(candidates) and reading_scores(deployment) else ()


def stored_models(deployment: Deployment, days: Sequence[date]) -> Mapping[str, Mapping[date, str]]:
    """Strategy -> session of a decision -> model, as they are stored."""
    champion = None
    for asset in champion_reads(deployment):
        champion = deployment.warehouse.read(asset, stored_among(deployment, asset, days), ["session", "model", "is_champion"])
    of_day = (
        dict.fromkeys(days, next(iter(deployment.settings.models)))
        if champion is None
        else dict(champion.filter("is_champion").select("session", "model").iter_rows())
    )
    return dict.fromkeys(sorted(reading_scores(deployment)), of_day)
