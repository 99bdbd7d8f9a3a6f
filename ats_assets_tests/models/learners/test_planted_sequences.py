"""A pattern over twenty sessions, of which today's row tells nothing: nets of sequences find it, trees do not; and where there is none, none is found."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from ats_assets.models import Model
from ats_assets.models.learners import dlinear, lightgbm, lstm, transformer
from ats_assets.plugins import Plugin
from ats_assets_tests.models.planted_sequences import out_of_sample, pattern_market
from ats_assets_tests.needs_torch import needs_torch
from ats_assets_tests.rounds import FULL, rounds

pytestmark = needs_torch

SMALL = {"symbols": 60, "learnt": 120, "judged": 70}
LARGE = {"symbols": 160, "learnt": 400, "judged": 250}
NETS: dict[str, tuple[Plugin[Any, Any], dict[str, Any]]] = {
    "dlinear": (dlinear.PLUGIN, {"max_epochs": 15, "learning_rate": 3e-3}),
    "lstm": (lstm.PLUGIN, {"hidden": 16, "layers": 1, "max_epochs": 15, "learning_rate": 1e-2}),
    "transformer": (
        transformer.PLUGIN,
        {"width": 16, "heads": 2, "layers": 1, "inner_width": 16, "max_epochs": 10, "learning_rate": 3e-3},
    ),
}
SEEDS = rounds(1, 5)
LEAST = 0.95


def model(name: str, plugin: Plugin[Any, Any], settings: Mapping[str, Any]) -> Model:
    learner = plugin.make(plugin.settings.model_validate(dict(settings)))
    return Model(name=name, kind=name, learner=learner, quick=learner)


@pytest.mark.parametrize("name", NETS)
def test_nets_find_a_pattern_of_twenty_sessions(name: str) -> None:
    """Of an IC of 0.3 that is there, at least half, on sessions after the fit."""
    plugin, settings = NETS[name]
    for seed in range(rounds(1, 5)):
        found = out_of_sample(model(name, plugin, settings | {"batch_rows": 512}), pattern_market(0.3, seed, **SMALL))
        assert found.verdict == "edge", found
        assert found.horizons[0].mean_rank_ic > 0.15


def test_trees_of_todays_row_and_nets_of_one_session_do_not() -> None:
    of_one = NETS["dlinear"][1] | {"sequence_sessions": 1, "batch_rows": 512}
    for one in (model("lightgbm", lightgbm.PLUGIN, {"min_data_in_leaf": 50}), model("dlinear", dlinear.PLUGIN, of_one)):
        found = out_of_sample(one, pattern_market(0.3, 0, **SMALL))
        assert found.verdict == "no edge", found
        assert abs(found.horizons[0].mean_rank_ic) < 0.05


@pytest.mark.timeout(600 if SEEDS < 5 else 7200)
@pytest.mark.parametrize(("ic", "expected"), [(0.05, "edge"), (0.0, "no edge")])
@pytest.mark.parametrize("name", [*NETS] if FULL else ["dlinear"])
def test_an_ic_of_a_twentieth_is_found_and_none_is_where_there_is_none(name: str, ic: float, expected: str) -> None:
    """Each by its own defaults."""
    one = model(name, NETS[name][0], {})
    found = [out_of_sample(one, pattern_market(ic, seed, **LARGE)).verdict for seed in range(SEEDS)]
    assert np.mean([verdict == expected for verdict in found]) >= LEAST, found
