import math
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from ats_assets.errors import ContractError
from ats_assets.sources.profile import Profile, profile
from ats_assets.sources.schema import RAW_BARS_SCHEMA
from ats_assets_tests.bars.real_bars import sp500_raw
from ats_assets_tests.bars.test_screening import raw
from ats_assets_tests.market_data import needs_market_data


class Text(HTMLParser):
    """The visible text of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hidden = False
        self.feed(page.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.hidden = tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self.hidden = False

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def loads_nothing(found: Profile) -> bool:
    """No page under the folder fetches anything, or leads anywhere that is not there."""
    for page in found.index.parent.rglob("*.html"):
        html = page.read_text(encoding="utf-8")
        assert not re.search(r"<(script|link|img|iframe)\b|url\(|@import", html), page
        for target in re.findall(r'href="([^"#]+)', html):
            assert (page.parent / unquote(target)).exists(), (page, target)
    return True


def test_a_good_delivery(tmp_path: Path) -> None:
    found = profile(raw({}, {"symbol": "B"}, {"symbol": "C/D", "vwap": None}), tmp_path, name="vendor 2024-01-02..2024-01-02 / é")
    assert found.success
    assert found.failed == ()
    assert found.index == tmp_path / "index.html"
    assert "Results" in Text(found.index).text
    text = Text(found.page).text
    assert f"Evaluated Expectations {found.evaluated} Successful Expectations {found.evaluated}" in text
    assert "Values in high must be greater than or equal to those in low" in text
    assert loads_nothing(found)


def test_a_delivery_without_rows(tmp_path: Path) -> None:
    found = profile(raw().clear(), tmp_path, name="nothing")
    assert (found.success, found.failed) == (False, ("table: expect_table_row_count_to_be_between",))
    assert "Failed" in Text(found.page).text


def test_bad_rows_are_tolerated_up_to_the_share(tmp_path: Path) -> None:
    delivery = raw(*({"symbol": f"S{i}"} for i in range(99)), {"symbol": "bad", "close": None, "high": 1.0})
    assert profile(delivery, tmp_path, name="one in a hundred").success
    strict = profile(delivery, tmp_path, name="none", max_rejected_share=0.0)
    assert "close: expect_column_values_to_not_be_null" in strict.failed
    assert "high, low: expect_column_pair_values_a_to_be_greater_than_b" in strict.failed
    assert len(list((tmp_path / "validations").rglob("*.html"))) == 1


def test_a_delivery_full_of_faults(tmp_path: Path) -> None:
    rows = [{"symbol": symbol, "open": value} for symbol, value in ((None, math.inf), ("<b>", -math.inf), ("é/ü", math.nan), ("", None))]
    delivery = raw({}, {}, *rows, {"defects": "close: '<script>alert(1)</script>' is not a number", "close": None}).with_columns(
        high=None, vwap=math.nan
    )
    found = profile(delivery.cast(RAW_BARS_SCHEMA), tmp_path, name="<script>")
    assert not found.success
    assert "session, symbol, date: expect_compound_columns_to_be_unique" in found.failed
    assert loads_nothing(found)


def test_other_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="lacks the columns"):
        profile(pl.DataFrame({"symbol": ["A"]}), tmp_path, name="x")


@needs_market_data
def test_real_bars(tmp_path: Path) -> None:
    delivery = sp500_raw().filter(pl.col("session").dt.year() == 2016)
    found = profile(delivery, tmp_path, name="S&P 500, 2016")
    assert found.success
    assert f"{delivery.height}" in Text(found.page).text
