"""Symbols with a slash, as those of pairs of coins: found under their name, however the slash is written."""

import shutil

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets_tests.serving.conftest import Asking

PAIR = "BTC/USD"


@pytest.mark.parametrize("written", ["BTC%2FUSD", "BTC/USD"])
def test_a_pair_is_found(own_deployment: Deployment, asking: Asking, written: str) -> None:
    warehouse = own_deployment.warehouse
    day = warehouse.stored_sessions("signals")[-1]
    there = [set(warehouse.read(asset, [day])["symbol"]) for asset in ("bars", "signals", "targets")]
    symbol = min(set.intersection(*there))
    renamed = pl.when(pl.col("symbol") == symbol).then(pl.lit(PAIR)).otherwise(pl.col("symbol"))
    for asset in ("bars", "signals", "targets"):
        rows = warehouse.read(asset, [day]).with_columns(symbol=renamed).sort("symbol")
        shutil.rmtree(warehouse.path(asset, day).parent)  # or the vintage that was known then would be read on
        warehouse.write(asset, day, rows)
    client = asking(own_deployment)
    bars = client.get(f"/api/v1/bars/{written}").json()
    assert (bars["symbol"], [bar["session"] for bar in bars["data"]]) == (PAIR, [str(day)])
    assert [row["session"] for row in client.get(f"/api/v1/signals/{written}").json()["data"]] == [str(day)]
    explained = client.get(f"/api/v1/lineage/{written}/{day}").json()
    assert (explained["symbol"], explained["session"]) == (PAIR, str(day))
    assert client.get(f"/api/v1/charts/{written}.png").headers["content-type"] == "image/png"
    assert client.get("/api/v1/bars/BTC%2FEUR").status_code == 404
