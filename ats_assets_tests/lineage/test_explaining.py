"""An explanation names what the files name, down to the delivery."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.explaining import Explaining, Made, Many
from ats_assets_tests.lineage.conftest import LAST, market
from ats_assets_tests.lineage.test_healing import Changed, deliver

SESSION = LAST.isoformat()


def explained(deployment: Deployment, symbol: str = "") -> Made:
    index = LineageIndex(deployment)
    index.refresh()
    symbol = symbol or deployment.warehouse.read("signals", [LAST])["symbol"][0]
    return Explaining(deployment, index.entries()).target(symbol, SESSION)


def all_of(explanation: Made | Many) -> Iterator[Made | Many]:
    yield explanation
    for below in explanation.made_from:
        yield from all_of(below)


def test_each_partition_has_the_versions_of_its_footer_and_lies_where_it_says(whole: Path) -> None:
    deployment = market(whole)
    found = list(all_of(explained(deployment)))
    names = {one.asset for one in found}
    delivered = {"bars", "raw_bars", "corporate_actions", "raw_corporate_actions"}
    assert names == {"targets", "signals", "predictions", "universe", "trend", "lightgbm_model", "forward_returns", *delivered}
    for one in found:
        if isinstance(one, Made) and one.asset != "lightgbm_model":
            footer = deployment.warehouse.footer(one.asset, date.fromisoformat(one.session))
            assert (one.data_version, one.code_version, one.settings_version) == (
                footer.data_version,
                footer.code_version,
                footer.settings_version,
            )
        if isinstance(one, Many):
            assert dict(one.versions) == deployment.data_versions(one.asset, [date.fromisoformat(day) for day in one.versions])
            assert sum(n for _, _, n in one.spans) == len(one.versions)
            assert all(Path(path).is_file() for path in one.paths.values())


def test_the_model_is_followed_to_its_fit_and_the_partitions_it_was_trained_on(whole: Path) -> None:
    deployment = market(whole)
    store = deployment.model_store("lightgbm_model")
    models = [one for one in all_of(explained(deployment)) if isinstance(one, Made) and one.asset == "lightgbm_model"]
    record = store.record(deployment.calendar.offset(LAST, -1))
    assert record.carried_from is not None
    assert [one.session for one in models] == [str(record.session), str(record.carried_from)]
    fit = store.record(record.carried_from)
    assert {many.asset: dict(many.versions) for many in models[-1].made_from if isinstance(many, Many)} == store.upstream(fit)


def test_the_symbols_own_rows_are_told(whole: Path) -> None:
    deployment = market(whole)
    target, signal = (deployment.warehouse.read(asset, [LAST]).row(0, named=True) for asset in ("targets", "signals"))
    found = explained(deployment, target["symbol"])
    (below,) = found.made_from
    assert isinstance(below, Made)
    for told, row in ((found.row, target), (below.row, signal)):
        assert told == {name: value for name, value in row.items() if name not in {"symbol", "session"}}
    with pytest.raises(MissingPartitionError, match="NOBODY has no target"):
        explained(deployment, "NOBODY")


def test_a_newer_vintage_and_a_changed_partition_are_said(changed: Changed) -> None:
    deployment = changed()
    day = date(2021, 2, 10)
    deliver(deployment, lambda rows: rows.with_columns(pl.col("volume") * 2))
    raw = [one for one in all_of(explained(deployment)) if isinstance(one, Many) and one.asset == "raw_bars"]
    notes = {note for one in raw if str(day) in one.versions for note in one.notes}
    assert any(note.startswith(f"1 of them are superseded by newer vintages, first {day}") for note in notes)
    path, footer = deployment.warehouse.path("bars", day), deployment.warehouse.footer("bars", day)
    other = deployment.warehouse.read("bars", [day]).with_columns(pl.col("close") + 1)
    deployment.warehouse.write_made_vintage("bars", day, other, stamp=path.stem.removeprefix("known="), upstream=footer.upstream)
    notes = {note for one in all_of(explained(deployment)) for note in one.notes}
    assert "1 of them are stored with another content now" in notes
