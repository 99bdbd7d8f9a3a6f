"""What every sampler must do: derive a class `Test…` from `SamplerKit` and name the plugin.

class TestMine(SamplerKit):
    plugin = PLUGIN
    small = {"bars_per_session": 10}
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.errors import CalendarError
from ats_assets.intraday.contracts import InformationBars
from ats_assets.intraday.information_bars import known_with_session
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.schema import INFORMATION_BARS_SCHEMA
from ats_assets.plugins import Plugin
from ats_assets_tests.kits.settings import judge_settings
from ats_assets_tests.kits.tick_market import EQUAL, HALTED, SINGLE, TICK_DAYS, TickFrames, closes, other_ticks_after, tick_frames

MADE: dict[tuple[int, str, str], pl.DataFrame] = {}


class SamplerKit:
    """The tests of one sampler on a small market of ticks."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which there are bars in twelve sessions of 250 to 500 ticks."""

    def made(self, **more: Any) -> Sampler:
        return self.plugin.make(self.plugin.settings.model_validate(dict(self.small) | more))

    def bars(self, first: int = 0, last: int = len(TICK_DAYS) - 1, frames: TickFrames | None = None, **more: Any) -> pl.DataFrame:
        """The bars of sessions by their number, made of their windows alone, as the asset stores them."""
        sampler, begin = self.made(**more), first - max(need.back for need in self.made(**more).needs())
        days = TICK_DAYS[max(0, begin) : last + 1]
        given = frames or tick_frames()
        read = {need.asset: given[need.asset].filter(pl.col("session").is_between(days[0], days[-1])) for need in sampler.needs()}
        return known_with_session(sampler.bars(read, days, TICK_DAYS[first : last + 1]), closes)

    def whole(self, sides: str = "") -> pl.DataFrame:
        """The bars of all sessions, which all tests share that do not ask for them twice."""
        key = (id(self.plugin), str(self.small), sides)
        if key not in MADE:
            MADE[key] = self.bars(sides=sides) if sides else self.bars()
        return MADE[key]

    def test_rows_satisfy_the_contract_and_come_in_the_order_in_which_they_are_known(self) -> None:
        rows = self.whole()
        assert rows.height > 50, "it gives hardly any bars: give `small` settings with which it does"
        assert rows.schema == INFORMATION_BARS_SCHEMA
        InformationBars.validate(rows, lazy=True)
        assert rows.equals(rows.sort("symbol", "session", "bar"))
        groups = rows.group_by("symbol", "session", maintain_order=True)
        assert all(one["bar"].to_list() == list(range(one.height)) for _, one in groups)
        assert rows.select(
            (pl.col("known_at").diff().over("symbol", "session") > pl.duration(seconds=0)).fill_null(value=True).all()
        ).item()
        assert (rows["close"] <= rows["high"]).all()

    def test_bars_hold_every_tick_that_counts_once(self) -> None:
        """But for sessions without bars, which have no threshold yet, and intervals before the first price."""
        counted = tick_frames()["trades"].filter(pl.any_horizontal("for_price", "for_high_low", "for_volume"))
        wanted = counted.group_by("symbol", "session").agg(n=pl.len(), v=pl.col("size").filter("for_volume").sum())
        found = self.whole().group_by("symbol", "session").agg(pl.col("ticks", "volume").sum())
        both = wanted.join(found, on=["symbol", "session"])
        assert both.height > 20
        assert ((both["n"] - both["ticks"]).is_between(0, 10)).all()
        assert (both.filter(pl.col("n") == pl.col("ticks")).select((pl.col("v") - pl.col("volume")).abs() < 1e-6).to_series()).all()
        assert both.filter(pl.col("n") == pl.col("ticks")).height > 0.8 * both.height

    def test_the_same_windows_give_the_same_bytes_in_whatever_order_their_rows_come(self) -> None:
        shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=3) for name, rows in tick_frames().items()}
        assert self.bars().equals(self.whole())
        assert self.bars(frames=shuffled).equals(self.whole())

    @pytest.mark.parametrize("sides", ["lee_ready", "bulk"])
    def test_a_session_alone_has_the_bits_that_it_has_in_a_range(self, sides: str) -> None:
        whole = self.whole(sides)
        for i in range(0, len(TICK_DAYS), 3):
            assert self.bars(i, i, sides=sides).equals(whole.filter(session=TICK_DAYS[i])), TICK_DAYS[i]
        assert self.bars(5, 9, sides=sides).equals(whole.filter(pl.col("session").is_between(TICK_DAYS[5], TICK_DAYS[9])))

    @pytest.mark.parametrize(("place", "sides", "left"), [(0.42, "lee_ready", 0.67), (0.7, "bulk", 0.0), (0.93, "lee_ready", 0.0)])
    def test_other_ticks_after_an_instant_change_no_bar_that_was_known(self, place: float, sides: str, left: float) -> None:
        """Nor do none at all: at a bar's last tick nobody knows that it is the session's last."""
        ticks = tick_frames()["trades"].sort("at")
        instant: datetime = ticks["at"][int(place * ticks.height)]
        known = pl.col("known_at") <= instant
        before, after = self.whole(sides).filter(known), self.bars(frames=other_ticks_after(instant, left), sides=sides).filter(known)
        assert before.filter(session=instant.date()).height > 0
        assert before.equals(after)

    def test_sessions_without_ticks_of_one_tick_and_of_one_price(self) -> None:
        rows = self.whole()
        assert rows.filter(symbol="A", session=HALTED).is_empty()
        assert rows.filter(symbol="B", session=SINGLE)["ticks"].to_list() in ([1], [])
        assert rows.filter(symbol="C", session=EQUAL)["close"].unique().to_list() == [55.0]
        assert self.bars(frames={name: found.clear() for name, found in tick_frames().items()}).equals(INFORMATION_BARS_SCHEMA.to_frame())

    def test_what_is_wrong_is_named(self) -> None:
        with pytest.raises(CalendarError, match=str(TICK_DAYS[9])):
            self.made().bars(tick_frames(), TICK_DAYS[:9], [TICK_DAYS[9]])
        with pytest.raises(ValidationError, match="back to the beginning of history"):
            self.made(cross_sessions=True)

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate(dict.fromkeys(self.plugin.settings.model_fields, "no such value"))
