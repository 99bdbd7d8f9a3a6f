"""Samplers of the settings are an asset each, the same alone and in a range, known when they say."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from dagster import AssetKey

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.intraday.schema import SCHEMAS
from ats_assets.orchestration.graph import READS
from ats_assets_tests.kits.tick_market import tick_frames
from ats_assets_tests.small_market import files_of, make_history, small_market

SAMPLERS = {
    "minute_bars": {"kind": "time"},
    "dollar_bars": {"kind": "dollar", "bars_per_session": 20, "estimated_on_sessions": 3, "spread": True},
    "imbalances": {"kind": "tick_imbalance", "bars_per_session": 20, "estimated_on_sessions": 2},
}


def deployment_of(root: Path, microstructure: dict[str, Any] | None = None, **samplers: Any) -> Deployment:
    """Trades and quotes of the kit's market, stored under the sessions of an exchange."""
    intraday = {"trades": {"kind": "files", "path": str(root)}, "quotes": {"kind": "files", "path": str(root)}}
    return small_market(root, intraday=intraday, samplers=samplers, microstructure=microstructure or {})


def stored(root: Path, microstructure: dict[str, Any] | None = None, **samplers: Any) -> tuple[Deployment, list[date]]:
    """The same, with nine sessions of trades and quotes in its warehouse."""
    deployment = deployment_of(root, microstructure, **samplers)
    sessions = deployment.calendar.sessions(date(2021, 1, 4), date(2021, 1, 14))
    days = tick_frames()["trades"]["session"].unique().sort()
    for session, day in zip(sessions, days, strict=False):
        for asset, rows in tick_frames().items():
            moved = pl.col("at") + pl.duration(days=(session - day).days, hours=5, time_unit="ns")  # into the hours of New York
            deployment.warehouse.write(f"raw_{asset}", session, SCHEMAS[f"raw_{asset}"].to_frame())  # where history begins
            deployment.warehouse.write(asset, session, rows.filter(session=day).with_columns(session=pl.lit(session), at=moved))
    return deployment, sessions


def test_without_settings_there_is_none(tmp_path: Path) -> None:
    names = {key.path[-1] for key in build(small_market(tmp_path)).resolve_asset_graph().get_all_asset_keys()}
    assert not names & {"trades", "quotes", "minute_bars"}


def test_windows_are_what_thresholds_need(tmp_path: Path) -> None:
    specs = {
        spec.key: str(spec.metadata[READS])
        for spec in build(deployment_of(tmp_path, **SAMPLERS)).resolve_all_asset_specs()
        if READS in spec.metadata
    }
    assert specs[AssetKey("minute_bars")] == "trades[D-0..D-0]"
    assert specs[AssetKey("dollar_bars")] == "trades[D-3..D-0], quotes[D-3..D-0]"


def test_a_sampler_of_ticks_that_are_nowhere_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[samplers.minute_bars\] samples quotes, but there are trades"):
        build(
            small_market(tmp_path, intraday={"trades": {"kind": "files"}}, samplers={"minute_bars": {"kind": "time", "source": "quotes"}})
        )


def test_a_partition_has_the_same_bytes_alone_and_in_a_range(tmp_path: Path) -> None:
    """Each sampler is made over nine sessions at once, and every other one of them alone, backwards."""
    deployment, sessions = stored(tmp_path / "range", **SAMPLERS)
    other, _ = stored(tmp_path / "alone", **SAMPLERS)
    make_history(deployment, sessions[0], sessions[-1], list(SAMPLERS))
    for session in sessions[::-2]:
        make_history(other, session, session, list(SAMPLERS))
    found, expected = files_of(tmp_path / "alone"), files_of(tmp_path / "range")
    made = [name for name in found if any(sampler in name for sampler in SAMPLERS)]
    assert len(made) == 3 * 5
    assert not [name for name in made if found[name] != expected[name]]
    bars = deployment.warehouse.read("dollar_bars", sessions)
    assert bars["spread"].is_not_null().any()
    assert (bars["known_at"].dt.date() == bars["session"]).all()
    last = bars.filter(session=sessions[4], closed_by="session_end")
    assert last.height > 0
    assert set(last["known_at"].dt.cast_time_unit("us")) == {datetime(2021, 1, 8, 21, tzinfo=UTC)}, "known at the exchange's close"
