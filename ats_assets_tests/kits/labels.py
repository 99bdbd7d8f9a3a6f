"""What every label must do: derive a class `Test…` from `LabelKit` and name the plugin.

class TestMine(LabelKit):
    plugin = PLUGIN
    small = {"max_holding_sessions": 3}
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.errors import CalendarError, ContractError
from ats_assets.labels import Label, labels_known_at
from ats_assets.plugins import Plugin
from ats_assets_tests.kits.market import DAYS, TRAINING, Frames, frames, other_future, windows
from ats_assets_tests.kits.settings import judge_settings


class LabelKit:
    """The tests of one label on the small market, whose opens are its closes."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which there are labels in 50 sessions; forward returns of one session are learnt of `kits.market.TRAINING`."""

    def made(self) -> Label:
        return self.plugin.make(self.plugin.settings.model_validate(dict(self.small)))

    def labels(self, first: int = 0, last: int = len(DAYS) - 1, rows: Frames | None = None) -> pl.DataFrame:
        """The labels of sessions by their number, made of their windows alone."""
        sessions = DAYS[first : last + 1]
        found, days = windows(self.made().needs(), sessions, rows)
        return labels_known_at(self.made(), found, days, sessions, adjust="splits_and_dividends")

    def test_rows_satisfy_the_contract_and_are_known_after_their_decision(self) -> None:
        label, rows = self.made(), self.labels()
        assert rows.height > 50, "it gives hardly any labels: give `small` settings with which it does"
        label.contract.validate(rows, lazy=True)
        assert rows.schema == label.schema
        assert {"symbol", "session", "decision_session", *label.keys} <= set(rows.columns)
        assert not rows.select("session", *label.keys).is_duplicated().any()
        assert (rows["decision_session"] < rows["session"]).all()
        assert set(label.learnable) <= set(rows.columns)

    def test_an_outcome_is_known_when_the_label_says_and_is_there_once(self) -> None:
        """Training windows are counted from it: an outcome that came later would be missed, or seen too early."""
        label = self.made()
        found, span = label.outcomes(self.labels(), TRAINING), label.known_after(TRAINING)
        assert found.schema == {"symbol": pl.String, "session": pl.Date, "decision_session": pl.Date, "y": pl.Float64}
        assert found["y"].is_finite().all()
        assert not found.select("symbol", "decision_session").is_duplicated().any()
        after = [DAYS.index(known) - DAYS.index(decided) for known, decided in found.select("session", "decision_session").iter_rows()]
        assert min(after) >= span.first >= 1
        assert max(after) == span.last

    def test_the_same_windows_give_the_same_bytes(self) -> None:
        assert self.labels().equals(self.labels())

    def test_rows_in_another_order_give_the_same(self) -> None:
        shuffled = {name: rows.sample(fraction=1.0, shuffle=True, seed=3) for name, rows in frames().items()}
        assert self.labels(rows=shuffled).equals(self.labels())

    def test_a_session_alone_has_the_bits_that_it_has_in_a_range(self) -> None:
        whole = self.labels()
        for i in (0, 1, 12, 27, 36, 40, len(DAYS) - 1):
            assert self.labels(i, i).equals(whole.filter(session=DAYS[i])), DAYS[i]
        assert self.labels(20, 30).equals(whole.filter(pl.col("session").is_between(DAYS[20], DAYS[30])))

    @pytest.mark.parametrize("last", [12, 26, 37])
    def test_another_future_changes_nothing_that_was_known(self, last: int) -> None:
        known = pl.col("session") <= DAYS[last]
        before, after = (self.labels(rows=rows).filter(known) for rows in (None, other_future(DAYS[last])))
        assert before.height > 0
        assert before.equals(after)

    def test_before_history_there_are_no_rows_and_the_schema_stays(self) -> None:
        nothing = {name: rows.clear() for name, rows in frames().items()}
        assert self.labels(rows=nothing).schema == self.made().schema
        assert self.labels(rows=nothing).is_empty()
        assert self.labels(0, 0).is_empty()

    def test_what_is_wrong_is_named(self) -> None:
        label, market = self.made(), dict(frames())
        with pytest.raises(CalendarError, match=str(DAYS[9])):
            labels_known_at(label, market, DAYS[:9], [DAYS[9]], adjust="none")
        twice = market | {"bars": pl.concat([market["bars"], market["bars"].head(1)])}
        with pytest.raises(ContractError, match=f"S0 has more than one bar at {DAYS[0]}"):
            labels_known_at(label, twice, DAYS, DAYS, adjust="none")

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate(dict.fromkeys(self.plugin.settings.model_fields, "no such value"))
