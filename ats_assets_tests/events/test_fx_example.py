"""The example of FX ticks by its one command, from a file to a saved model that predicts: on real quotes of NZDUSD where they are there, else on synthetic ones."""

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from ats_assets_tests.rounds import FULL

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "fx_ticks"
REAL = ROOT.parent / "shared" / "data" / "fx_ticks" / "nzdusd_quotes.parquet"
LAST = "2014-05-15" if FULL else "2014-05-08"
"""By default the first six of eleven sessions, of which two are predicted by both models."""


def stored(results: Path, asset: str) -> pl.DataFrame:
    files = sorted((results / "warehouse" / asset).glob("session=*/*.parquet"))
    return pl.concat(pl.read_parquet(file, hive_partitioning=False) for file in files)


def test_one_command_leads_from_ticks_to_a_model_that_predicts(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / "run.py"), "--results", str(tmp_path), "--to", LAST]
    if REAL.is_file():
        command += ["--ticks", str(REAL), "--where", "src=fxcm"]
    else:
        ticks = tmp_path / "ticks.parquet"
        subprocess.run([sys.executable, str(EXAMPLE / "make_ticks.py"), str(ticks)], check=True)
        command += ["--ticks", str(ticks)]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ATS_", "DAGSTER_"))}
    done = subprocess.run(command, env=kept | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    metrics = json.loads((tmp_path / "warehouse" / "event_backtest" / "metrics.json").read_text(encoding="utf-8"))
    found = metrics["models"]["meta"]
    assert found["predictions"] > 50
    assert found["verdict"].startswith("No edge")
    assert f"Verdict        {found['verdict']}" in done.stdout
    assert abs(found["auc_t"]) < 4
    assert found["mean_cost_bps"] > 0.2
    page = (tmp_path / "warehouse" / "event_report" / "report.html").read_text(encoding="utf-8")
    assert "Confusion matrix" in page
    newest = stored(tmp_path, "meta_predictions").filter(session=pl.lit(LAST).str.to_date())
    last = newest.row(-1, named=True)
    assert f"{last['probability']:.6f}" in done.stdout.splitlines()[-1]
    record = json.loads(
        (tmp_path / "models" / "meta_model" / f"session={last['model_session']}" / "model.json").read_text(encoding="utf-8")
    )
    assert record["model_sha256"] in done.stderr
    raw, kept_rows, rejected = (stored(tmp_path, asset) for asset in ("raw_quotes", "quotes", "rejected_quotes"))
    assert raw.height == kept_rows.height + rejected.height
    if REAL.is_file():
        delivered = pl.scan_parquet(REAL).filter(pl.col("src") == "fxcm", pl.col("ts").dt.date() <= pl.lit(LAST).str.to_date())
        assert raw.height == delivered.select(pl.len()).collect().item()


@pytest.mark.skipif(not REAL.is_file(), reason="the real quotes are not there")
def test_the_synthetic_ticks_look_like_the_real_ones(tmp_path: Path) -> None:
    """In size: moves of a session, spread and number of quotes are within a factor of three."""
    subprocess.run([sys.executable, str(EXAMPLE / "make_ticks.py"), str(tmp_path / "ticks.parquet"), "8"], check=True)

    def looks(ticks: pl.DataFrame) -> tuple[float, float, float]:
        ticks = ticks.filter(pl.col("ask") > pl.col("bid")).with_columns(
            day=pl.col("ts").dt.date(), mid=(pl.col("ask") + pl.col("bid")) / 2
        )
        days = ticks.group_by("day").agg(n=pl.len(), move=(pl.col("mid").max() / pl.col("mid").min()).log())
        return float(days["n"].mean()), float(days["move"].mean()), float((ticks["ask"] - ticks["bid"]).mean())  # pyright: ignore[reportArgumentType]

    real = pl.read_parquet(REAL).filter(pl.col("src") == "fxcm", pl.col("ts").dt.weekday() <= 5)
    for one, other in zip(looks(pl.read_parquet(tmp_path / "ticks.parquet")), looks(real), strict=True):
        assert 1 / 3 < one / other < 3
