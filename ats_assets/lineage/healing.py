"""Rebuilding stale partitions: what is next, and whether its content changed."""

from collections.abc import Iterator, Mapping
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.lineage.index import LineageIndex
from ats_assets.lineage.judging import judge
from ats_assets.lineage.rules import LineageRules, contiguous
from ats_assets.lineage.stale import Stale
from ats_assets.lineage.staleness import Staleness
from ats_assets.storage.vintages import VINTAGES_OF


class Healing:
    """The stale partitions of a deployment, asset after asset.

    Parameters
    ----------
    delivered
        See `Staleness`.
    full
        See `LineageIndex.refresh`.
    """

    def __init__(
        self, deployment: Deployment, rules: LineageRules, delivered: Mapping[str, Mapping[str, str]] | None = None, *, full: bool = True
    ) -> None:
        self._deployment = deployment
        self._rules = rules
        self._delivered = delivered
        self._full = full
        self.index = LineageIndex(deployment)

    def stale(self, *, deep: bool = False) -> list[Stale]:
        """All that is stale now, in the order in which it is to be made."""
        self.index.refresh(deep=deep, full=self._full)
        self._full = False  # what is made from now on is announced
        if self._delivered is not None:
            return Staleness(self._deployment, self._rules, self.index.entries(), self._delivered).stale()
        return judge(self._deployment, self._rules, self.index)

    def version(self, asset: str, session: str) -> str | None:
        """The data version of what is stored now, of all vintages where there are several; None where there is nothing that says it, or no partitions."""
        if not session:
            return None
        day, warehouse = date.fromisoformat(session), self._deployment.warehouse
        try:
            if asset not in VINTAGES_OF:
                return self._deployment.data_versions(asset, [day])[session]
            paths = [path for _, path in sorted(warehouse.made_vintages(asset, day).items())]
            return " ".join(f"{path.name}:{warehouse.footer_of(path).data_version}" for path in paths) or None
        except AtsError:
            return None

    def steps(self, longest: int) -> Iterator[tuple[tuple[str, ...], list[date], list[Stale]]]:
        """What to make next: assets, neighbouring sessions (none: no partitions), and why; judged again whenever the caller has made what it was handed.

        Each asset comes after all that it reads. A carried model becomes stale only when the fit that it is carried from has been made, so an asset
        is asked again until nothing of it is stale; what is stale again right after it was made is not handed out twice.
        """
        found = self.stale()
        for assets in self._rules.steps():
            handed: set[tuple[str, str]] = set()
            while stale := [one for one in found if one.asset in assets and (one.asset, one.session) not in handed]:
                handed |= {(one.asset, one.session) for one in stale}
                days = {one.session for one in stale}
                if "" in days:
                    yield assets, [], stale
                else:
                    for run in contiguous(map(date.fromisoformat, days), self._deployment.calendar, longest):
                        names = {day.isoformat() for day in run}
                        yield assets, run, [one for one in stale if one.session in names]
                found = self.stale()
