"""Real market data for the tests, outside the repository; a test that needs it skips where it is absent."""

from pathlib import Path

import pytest

MARKET_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SP500_2017 = MARKET_DATA / "us_daily_sp500" / "vintage=2017-08-15.parquet"
SP500_2018 = MARKET_DATA / "us_daily_sp500" / "vintage=2018-02-09.parquet"
US_DAILY_RAW = MARKET_DATA / "us_daily_raw" / "bars.parquet"
US_DAILY_FACTORS = MARKET_DATA / "us_daily_raw" / "factor_files.parquet"
CRYPTO = MARKET_DATA / "crypto" / "bars.parquet"

needs_market_data = pytest.mark.skipif(not MARKET_DATA.is_dir(), reason=f"real market data is not at {MARKET_DATA}")
