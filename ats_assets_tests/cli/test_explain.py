"""`ats explain`: a tree for people, all of it as JSON."""

import json

from ats_assets_tests.cli.conftest import Command


def test_as_json_and_as_a_tree(command: Command) -> None:
    symbol = json.loads(command("signals", "--format", "json").stdout)["signals"][0]["symbol"]
    run = command("explain", symbol, "2021-03-31", "--json")
    assert run.exit_code == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["symbol"], found["asset"], found["session"]) == (symbol, "targets", "2021-03-31")
    (signals,) = found["made_from"]
    assert (signals["asset"], signals["row"]["target_weight"]) == ("signals", found["row"]["target_weight"])
    assert {below["asset"] for below in signals["made_from"]} == {"predictions", "forward_returns"}
    tree = command("explain", symbol, "2021-03-31").stdout
    for asset in ("targets", "signals", "predictions", "lightgbm_model", "alpha158", "universe", "bars", "raw_bars", "forward_returns"):
        assert f"{asset} " in tree
    assert "known since 2021-" in tree


def test_refuses_what_is_not_there(command: Command) -> None:
    assert "has no target at 2021-03-31" in command("explain", "NOBODY", "2021-03-31").stderr
    assert "no targets of 2019-01-02 are stored" in command("explain", "NOBODY", "2019-01-02").stderr
    wrong = command("explain", "NOBODY", "yesterday")
    assert wrong.exit_code == 2
    assert "not a date" in wrong.stderr
