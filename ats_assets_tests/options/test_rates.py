"""Rates: a session knows those of earlier days, and what depends on them depends on the file's content."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.errors import SettingsError
from ats_assets.options.rates import rate_settings, rates_of
from ats_assets.settings import OptionsSettings

DAYS = [date(2024, 1, day) for day in (5, 2, 3, 4)]


@pytest.mark.parametrize("name", ["rates.csv", "rates.parquet"])
def test_a_session_knows_the_rates_of_earlier_days_alone(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    table = pl.DataFrame({"date": [date(2024, 1, 4), date(2024, 1, 2)], "rate": [0.05, 0.04]})
    (table.write_csv if name.endswith("csv") else table.write_parquet)(path)
    options = OptionsSettings(rate=0.01, rate_file=path)
    assert rates_of(options, DAYS).rows() == [(DAYS[0], 0.05), (DAYS[1], 0.01), (DAYS[2], 0.04), (DAYS[3], 0.04)]
    assert rates_of(OptionsSettings(rate=0.01), DAYS)["rate"].to_list() == [0.01] * 4
    before = rate_settings(options)
    path.write_bytes(path.read_bytes() + b"\n")
    assert rate_settings(options) != before


@pytest.mark.parametrize(
    "content", ["day,rate\n2024-01-02,0.01\n", "date,rate\n2024-01-02,5.25\n", "date,rate\n2024-01-02,0.01\n2024-01-02,0.02\n"]
)
def test_what_is_no_table_of_rates_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(content)
    with pytest.raises(SettingsError, match=r"options\.rate_file"):
        rates_of(OptionsSettings(rate_file=path), DAYS)
    with pytest.raises(SettingsError, match="can't be read"):
        rate_settings(OptionsSettings(rate_file=tmp_path / "absent.csv"))
