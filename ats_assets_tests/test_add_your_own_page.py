"""docs/add_your_own.md is run as it is written: its source, its model and its strategy make signals together, and pass the kits; its package is installed and found."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, SourceError
from ats_assets.lineage.delivered import delivered_versions
from ats_assets.plugins import ALGORITHMS, LEARNERS, METHODS, OPTION_STRATEGIES, RISK_RULES, SOURCES
from ats_assets.sources import BarSource
from ats_assets_tests.kits.algorithms import AlgorithmKit
from ats_assets_tests.kits.learners import LearnerKit
from ats_assets_tests.kits.methods import MethodKit
from ats_assets_tests.kits.option_strategies import OptionStrategyKit
from ats_assets_tests.kits.risk_rules import RiskRuleKit
from ats_assets_tests.kits.sources import SourceKit
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "add_your_own.md").read_text(encoding="utf-8")
FILES = {found[1]: found[2] for found in re.finditer(r"^```python file=(\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)}
SETTINGS, ENTRY_POINTS = (tomllib.loads(text) for text in re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
SESSIONS = 30
QUIET = 4.7e7
"""In money: what the kits' market trades in a session and symbol, about the median."""


def write_files(root: Path) -> Path:
    """The page's files in a folder of additions."""
    for name, text in FILES.items():
        file = root / "plugins" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return root / "plugins"


def write_drops(folder: Path) -> None:
    """The bars of the small market as the page's source wants them, one cell of them no number."""
    folder.mkdir(parents=True)
    market = small_market(folder).source
    for n, day in enumerate(small_market(folder).calendar.window(small_market(folder).calendar.offset(FIRST, SESSIONS - 1), SESSIONS)):
        bars = market.bars([day]).filter(pl.col("close") > 0).unique("symbol", keep="first", maintain_order=True)
        rows = bars.select(ticker="symbol", o="open", h="high", l="low", c="close", v="volume").cast(pl.String)
        if n == 3:
            rows = rows.with_columns(o=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("n/a")).otherwise("o"))
        rows.write_csv(folder / f"{day}.csv")


@pytest.fixture(scope="module")
def additions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the page's files in `plugins` and bars in `drops`."""
    root = tmp_path_factory.mktemp("additions")
    write_files(root)
    write_drops(root / "drops")
    return root


def deployment(root: Path, additions: Path, **changes: Any) -> Deployment:
    """A small market with the page's settings."""
    sections = {name: dict(values) for name, values in SETTINGS.items()}
    sections["source"] |= {"drops": {"folder": additions / sections["source"]["drops"]["folder"]}}
    training = {**EARLY_MODELS["training"], "families": ("trend",)}
    own = {"plugins": {"folder": additions / "plugins"}, "training": training, "features": {"families": ()}}
    return small_market(root, **{**sections, **own, **changes})


@pytest.fixture(scope="module")
def made(additions: Path) -> Deployment:
    """The whole graph over the bars of the drops."""
    market = deployment(additions, additions)
    assert make_history(market, FIRST, market.source.latest_session()).success
    return market


def test_each_file_has_about_sixty_lines_at_most() -> None:
    assert {name: len(text.splitlines()) <= 72 for name, text in FILES.items()} == dict.fromkeys(
        (
            "sources/drops.py",
            "learners/shrinkage.py",
            "strategies/reversal.py",
            "methods/rank_tilt.py",
            "risk_rules/quiet.py",
            "algorithms/dips.py",
            "option_strategies/long_call.py",
        ),
        True,
    )
    assert sum(len(text.splitlines()) for text in FILES.values()) <= 350


def test_the_three_make_signals_together(made: Deployment) -> None:
    last = made.source.latest_session()
    signals = made.warehouse.read("signals", [last])
    closes = made.warehouse.read("bars", made.calendar.window(last, 6)).pivot("session", index="symbol", values="close")
    fell = closes.select("symbol", fall=1 - pl.col(str(last)) / pl.col(str(made.calendar.offset(last, -5))))
    splits = made.warehouse.read("corporate_actions", made.calendar.window(last, 6))
    assert splits.is_empty()
    scored = signals.join(fell, on="symbol").select("symbol", "score", "fall")
    assert scored.height == signals.height > 5
    assert (scored["score"] - scored["fall"]).abs().max() == pytest.approx(0, abs=1e-6)  # float32 on the way
    record = made.model_store("shrinkage_model").active(last)
    assert (record.learner, record.file, record.status) == ("shrinkage", "model.json.txt", "fitted")
    assert made.warehouse.read("predictions", [last]).height == signals.height


def test_a_cell_that_is_no_number_is_quarantined_with_its_reason_and_the_rows_beside_it_go_through(made: Deployment) -> None:
    day = made.calendar.offset(FIRST, 3)
    raw, rejected = made.warehouse.read("raw_bars", [day]), made.warehouse.read("rejected_bars", [day])
    assert raw["defects"].drop_nulls().to_list() == ["open: n/a is no number"]
    assert raw.filter(pl.col("defects").is_not_null())["symbol"].to_list() == rejected["symbol"].to_list()
    assert made.warehouse.read("bars", [day]).height == raw.height - 1


def test_what_is_delivered_now_is_what_is_stored(made: Deployment) -> None:
    versions = delivered_versions(made)["raw_bars"]
    assert len(versions) == SESSIONS
    assert versions == made.data_versions("raw_bars", made.valid_sessions("raw_bars"))


def test_only_its_own_settings_and_code_make_bars_stale(tmp_path: Path, additions: Path) -> None:
    def versions(root: Path = additions, **source: Any) -> tuple[str, str]:
        changed = {"kind": "drops", "drops": {"folder": root / "drops"}, **source}
        specs = {spec.key.path[-1]: spec for spec in build(deployment(tmp_path, root, source=changed)).resolve_all_asset_specs()}
        return str(specs["raw_bars"].code_version), str(specs["raw_bars"].metadata["ats/settings_version"])

    before = versions()
    assert versions(synthetic={"seed": 8}) == before  # of a source that is not used
    assert versions(drops={"folder": additions / "elsewhere"}) == before  # which the page's source leaves out
    edited = tmp_path / "edited"
    write_files(edited)
    file = edited / "plugins" / "sources" / "drops.py"
    file.write_text(file.read_text(encoding="utf-8").replace("is no number", "is not a number"), encoding="utf-8")
    code, settings = versions(edited)
    assert code != before[0]
    assert settings == before[1]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"kind": "dorps"}, r"source\.kind is 'dorps', which is no source: choose one of alpaca, .*drops, files, .*synthetic"),
        ({"kind": "drops", "drops": {"folders": "x"}}, r"\[source\.drops\] has 1 wrong setting: folders.*It knows folder"),
        ({"kind": "synthetic", "dorps": {}}, r"\[source\.dorps\] is 'dorps', which is no source"),
    ],
)
def test_a_mistake_in_the_settings_is_told_in_their_words(tmp_path: Path, additions: Path, source: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        _ = deployment(tmp_path, additions, source=source).source


def test_the_environment_reaches_the_settings_of_ones_own(tmp_path: Path, additions: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_SOURCE__KIND", "drops")
    monkeypatch.setenv("ATS_SOURCE__DROPS__FOLDER", str(additions / "drops"))
    market = small_market(tmp_path, plugins={"folder": additions / "plugins"}, source={"kind": "drops"})
    assert market.source.describe() == f"{SESSIONS} sessions in {additions / 'drops'}"
    assert not market.tells_name_changes
    assert market.source_ends is None


class TestDrops(SourceKit):
    own: ClassVar[dict[str, Any]] = {}
    wrong: ClassVar[dict[str, Any]] = {"folder": 7}

    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = SOURCES.find("drops", additions / "plugins")
        type(self).own = {"folder": str(additions / "drops")}

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        yield self.plugin.make(self.plugin.settings(folder=folder), self.calendar, self.settings(folder))

    def test_a_folder_without_drops_says_what_to_do(self, tmp_path: Path) -> None:
        with (
            self.unreadable(tmp_path) as source,
            pytest.raises(SourceError, match=r"has no file such as 2024-03-01\.csv: correct source\.drops\.folder"),
        ):
            source.latest_session()


class TestShrinkage(LearnerKit):
    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = LEARNERS.find("shrinkage", additions / "plugins")


class TestRankTilt(MethodKit):
    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = METHODS.find("rank_tilt", additions / "plugins")


class TestQuiet(RiskRuleKit):
    small: ClassVar[dict[str, Any]] = {"least": QUIET}

    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = RISK_RULES.find("quiet", additions / "plugins")


class TestDips(AlgorithmKit):
    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = ALGORITHMS.find("dips", additions / "plugins")


class TestLongCall(OptionStrategyKit):
    @pytest.fixture(autouse=True)
    def _opened(self, additions: Path) -> None:
        type(self).plugin = OPTION_STRATEGIES.find("long_call", additions / "plugins")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example package, installed into a folder of its own."""
    target = tmp_path_factory.mktemp("installed")
    copy = tmp_path_factory.mktemp("package")
    example = ROOT / "examples" / "ats_correlation"
    for file in sorted(example.rglob("*")):
        if file.is_file() and file.suffix in {".py", ".toml", ".md"} and "build" not in file.relative_to(example).parts:
            (copy / file.relative_to(example)).parent.mkdir(parents=True, exist_ok=True)
            (copy / file.relative_to(example)).write_bytes(file.read_bytes())
    line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*line, "--target", str(target), str(copy)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


class TestInstalled(LearnerKit):
    @pytest.fixture(autouse=True)
    def _on_the_path(self, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.syspath_prepend(str(installed))
        type(self).plugin = LEARNERS.find("correlation")

    def test_the_page_shows_its_entry_point(self) -> None:
        assert (
            tomllib.loads((ROOT / "examples" / "ats_correlation" / "pyproject.toml").read_text())["project"]["entry-points"]
            == (ENTRY_POINTS["project"]["entry-points"])
        )

    def test_its_model_is_found_by_name_and_fitted(self, tmp_path: Path) -> None:
        assert "correlation" in LEARNERS.names()
        training = {**EARLY_MODELS["training"], "families": ("trend",)}
        market = small_market(tmp_path, models={"correlation": {"min_correlation": 0.01}}, training=training, features={"families": ()})
        last = market.calendar.offset(FIRST, 20)
        assert make_history(market, FIRST, last).success
        assert market.model_store("correlation_model").active(last).learner == "correlation"
        assert market.warehouse.read("signals", [last]).height > 5
