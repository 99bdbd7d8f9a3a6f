"""The kit that every source of options passes, passed by those that come with the package."""

from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.options.option_sources import files, synthetic
from ats_assets.options.option_sources.synthetic import SyntheticChains, SyntheticChainsSettings
from ats_assets_tests.kits.option_sources import OptionSourceKit
from ats_assets_tests.options.chains import market_with_options
from ats_assets_tests.small_market import run_job

WEEK = [date(2021, 1, day) for day in (4, 5, 6, 7, 8)]


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """With a week of bars, and synthetic chains of it as files."""
    deployment = market_with_options(tmp_path_factory.mktemp("market"))
    run_job(deployment, "history", WEEK, ["raw_bars", "bars", "rejected_bars"])
    made, folder = SyntheticChains(SyntheticChainsSettings(defective_share=0.05), deployment), tmp_path_factory.mktemp("delivery")
    for day in WEEK:
        made.chains(day).drop("defects", "session").write_csv(folder / f"{day}.csv")
    TestFiles.own = {"path": folder}
    return deployment


class TestSynthetic(OptionSourceKit):
    plugin = synthetic.PLUGIN
    own: ClassVar[Mapping[str, Any]] = {"underlyings": 3, "defective_share": 0.05, "style": "european"}
    wrong: ClassVar[Mapping[str, Any]] = {"volatility": 0.0}

    def test_a_contract_stays_listed_until_it_expires(self, deployment: Deployment) -> None:
        source = SyntheticChains(SyntheticChainsSettings(defective_share=0.0, lowest_strike=0.5, highest_strike=2.0), deployment)
        chains = [source.chains(day) for day in WEEK]
        for before, after, day in zip(chains[:-1], chains[1:], WEEK[1:], strict=True):
            spot = after.select("underlying", now="underlying_price").unique()
            stays = pl.col("strike").is_between(0.6 * pl.col("now"), 1.6 * pl.col("now")) & (pl.col("expiry") >= day)
            near = before.join(spot, on="underlying").filter(stays)
            assert near.join(after, on="contract", how="anti").is_empty()


class TestFiles(OptionSourceKit):
    plugin = files.PLUGIN
    own: ClassVar[Mapping[str, Any]] = {}
    wrong: ClassVar[Mapping[str, Any]] = {"strike_divisor": 0}

    def test_rows_are_those_that_were_written(self, deployment: Deployment) -> None:
        made = SyntheticChains(SyntheticChainsSettings(defective_share=0.05), deployment)
        source = self.opened(deployment)
        for day in WEEK:
            assert source.chains(day).drop("defects").equals(made.chains(day).drop("defects"))
