"""One content in three forms: page, paper, data."""

import json
import sys
from functools import cache
from html.parser import HTMLParser
from typing import Any

import pytest
import typst
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import backtest_metrics
from ats_assets.errors import SettingsError
from ats_assets.reports.backtest_report import backtest_content
from ats_assets.reports.json_form import SCHEMA_VERSION, report_json
from ats_assets.reports.page_blocks import Callout, Cards, Heading, Headline, HeatMap, HeatRow, Note, Pair, Table
from ats_assets.reports.pdf_form import paper_markup, report_pdf
from ats_assets.reports.report_content import Part, ReportContent
from ats_assets.reports.report_forms import FORMS, written_form
from ats_assets.reports.typst_blocks import text_of, typst_of
from ats_assets.settings import ReportSettings
from ats_assets_tests.reports.test_backtest_report import CHARTS, SETTINGS, all_inputs, traded

HOSTILE = '#panic("no") *a* _b_ $c$ <d> @e \\ "f" ] [ ` // /* – − é'


@cache
def content() -> ReportContent:
    """Made once."""
    return backtest_content(all_inputs())


def compiler(markup: str) -> typst.Compiler:
    return typst.Compiler(input=markup.encode(), ignore_system_fonts=True)


class _Cells(HTMLParser):
    """The texts of the cells of tables."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "td"
        self.found += [""] if self._inside else []

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found[-1] += data


def blocks_of(read: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [block for section in read["sections"] for block in section["blocks"] if block["kind"] == kind]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_content_gives_the_same_bytes(form: Any) -> None:
    written = written_form(content(), form)
    assert written == written_form(backtest_content(all_inputs()), form)
    assert written.startswith({"html": b"<!doctype html>", "json": b"{", "pdf": b"%PDF-"}[form])


def test_json_holds_each_figure_as_it_was_computed_and_no_nan() -> None:
    read = json.loads(report_json(content()), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert (read["schema"], read["schema_version"]) == ("ats_assets.report", SCHEMA_VERSION)
    assert (
        read["figures"]["backtest"] == backtest_metrics(traded(), SETTINGS, costs=all_inputs().costs, wanted=all_inputs().wanted).to_dict()
    )
    assert [case["multiple"] for case in read["figures"]["costs"]] == [*SETTINGS.cost_multiples]
    assert read["figures"]["trials"]["count"]["effective"] == 4
    assert 0 <= read["figures"]["trials"]["probability_of_overfitting"] <= 1
    assert read["figures"]["skill"]["verdict"] in {"edge", "no edge"}
    assert [section["name"] for section in read["sections"]] == [part.name for part in content().parts]
    assert {chart["id"] for chart in blocks_of(read, "chart")} == CHARTS


def test_json_holds_each_cell_that_the_page_holds_with_its_number() -> None:
    read = json.loads(report_json(content()))
    tables = [block for kind in ("table", "heat_map") for block in blocks_of(read, kind)]
    shown = _Cells(written_form(content(), "html").decode())
    named = {"heat_map": 1, "table": 0}  # the first of a heat map is the name of its row, which the page has as a heading
    cells = [text for block in tables for row in block["rows"] for text in row[named[block["kind"]] :]]
    empty = sum(not block["rows"] for block in tables)
    assert sorted(cells + ["none"] * empty) == sorted(shown.found)
    rows = next(
        block for block in blocks_of(read, "table") if block["columns"] == ["figure", "value", "what it is"] and len(block["rows"]) > 30
    )
    values = {name: number for (name, *_), (_, number, *_) in zip(rows["rows"], rows["values"], strict=True)}
    assert values["Volatility"] == pytest.approx(all_inputs().metrics.volatility, abs=5e-5)
    assert values["Final equity"] == pytest.approx(all_inputs().metrics.final_equity, abs=0.5)


def test_json_has_null_where_a_figure_is_not_known() -> None:
    content = ReportContent(parts=[], title="a", subtitle="", footer="", figures={"a": float("nan"), "b": [float("inf"), 1.5]})
    assert json.loads(report_json(content))["figures"] == {"a": None, "b": [None, 1.5]}


def test_paper_has_each_section_as_a_heading_in_the_table_of_contents() -> None:
    found = json.loads(compiler(paper_markup(content())).query("heading.where(level: 1)"))
    assert [heading["body"]["text"] for heading in found] == [part.title for part in content().parts]
    images = json.loads(compiler(paper_markup(content())).query("image", field="alt"))
    assert len(images) == len(CHARTS)


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=25))
def test_any_text_is_a_string_of_typst_and_nothing_else(text: str) -> None:
    assert json.loads(compiler("").eval(text_of(text)[1:])) == text


def test_no_text_of_a_block_is_taken_for_a_command() -> None:
    blocks = [
        Table(columns=[HOSTILE, "b"], rows=[[HOSTILE, HOSTILE]], bars=[2.0], caption=HOSTILE),
        Table(columns=["a"], rows=[]),
        HeatMap(
            columns=["a", HOSTILE],
            rows=[HeatRow(name=HOSTILE, cells=[(HOSTILE, 3.0), ("", -0.5)], quiet=q) for q in (False, True)],
            caption="",
        ),
        Cards(headlines=[Headline(name=HOSTILE, value=HOSTILE, note=HOSTILE, tone="gain")]),
        Callout(text=HOSTILE, detail=HOSTILE, tone="warn"),
        Pair(cells=[[Note(text=HOSTILE)], [Heading(text=HOSTILE, note=HOSTILE)]]),
    ]
    content = ReportContent(
        parts=[Part(name="x", title=HOSTILE, short="x", blocks=blocks)], title=HOSTILE, subtitle=HOSTILE, footer=HOSTILE
    )
    assert report_pdf(content).startswith(b"%PDF")
    bodies = [heading["body"] for heading in json.loads(compiler(paper_markup(content)).query("heading"))]
    assert [body["text"] for body in bodies] == [HOSTILE, HOSTILE]
    assert typst_of([]) == ""


def test_a_long_word_may_be_broken_and_a_control_letter_is_a_space() -> None:
    assert text_of("a" * 20 + "/" + "b" * 20) == '#"' + "a" * 20 + "/\u200b" + "b" * 20 + '"'
    assert text_of("a\x00b") == '#"a b"'


def test_without_typst_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(SettingsError, match=r"pip install 'ats-assets\[pdf\]'"):
        report_pdf(content())
    assert written_form(content(), "json")


def test_html_is_always_a_form() -> None:
    with pytest.raises(ValueError, match="html must be one of the forms"):
        ReportSettings(forms=("pdf",))
    assert ReportSettings().forms == ("html", "json")
