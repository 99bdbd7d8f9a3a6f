"""Training: random numbers and threads of its own, the best epoch, and a reason where there is no net."""

import json
import runpy
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ats_assets.errors import ModelError
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.learners.dlinear import Dlinear, DlinearSettings
from ats_assets.models.learners.lstm import Lstm, LstmSettings
from ats_assets.models.nets import net_objectives, net_training
from ats_assets.models.nets.net_training import _batches, _factors
from ats_assets.models.nets.torch_library import one_thread_an_operation
from ats_assets_tests.models.fits import small_training_set

torch = pytest.importorskip("torch", reason="PyTorch is not installed: python3 dev.py torch")

OF_ONE: dict[str, Any] = {"sequence_sessions": 1, "batch_rows": 256, "learning_rate": 5e-3}


def dlinear(**changes: Any) -> Dlinear:
    return Dlinear(DlinearSettings(**{**OF_ONE, "min_epochs": 1, "max_epochs": 8, **changes}))


def test_the_processes_own_random_numbers_and_threads_are_as_they_were() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    Lstm(LstmSettings(**OF_ONE, hidden=4, min_epochs=1, max_epochs=1)).fit(small_training_set())
    assert torch.equal(torch.rand(4), expected)
    assert (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()) == (threads, deterministic)


@pytest.mark.parametrize("ours", [1, 2])
def test_the_number_of_torchs_threads_changes_no_byte(ours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_training, "SLICE", 64)  # several slices a batch
    before, found = torch.get_num_threads(), []
    try:
        for theirs in (1, 2, 4):
            torch.set_num_threads(theirs)
            fitted = Lstm(LstmSettings(**OF_ONE, hidden=8, min_epochs=1, max_epochs=2)).fit(small_training_set(), threads=ours)
            assert isinstance(fitted, Fitted)
            found.append(fitted.content)
    finally:
        torch.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_the_net_is_that_of_the_best_epoch_and_another_seed_is_another_net() -> None:
    data = small_training_set()
    noise = replace(data, train=replace(data.train, y=np.random.default_rng(1).standard_normal(len(data.train.y))))
    long = dlinear(max_epochs=30, patience_epochs=4).fit(noise)
    assert isinstance(long, Fitted)
    assert long.parameters["epochs"] == long.rounds + 4
    short = dlinear(max_epochs=long.rounds, patience_epochs=4).fit(noise)
    assert isinstance(short, Fitted)
    assert np.array_equal(short.scores, long.scores)
    other = dlinear(max_epochs=30, patience_epochs=4, seed=8).fit(noise)
    assert isinstance(other, Fitted)
    assert not np.array_equal(other.scores, long.scores)


def test_batches_are_whole_sessions_and_each_is_in_one() -> None:
    sizes = np.array([30, 10, 50, 20, 40, 10])
    for least in (1, 60, 1_000):
        batches = _batches(sizes, least, np.random.default_rng(1))
        assert sorted((one.start, one.stop) for batch in batches for one in batch) == [
            (0, 30),
            (30, 40),
            (40, 90),
            (90, 110),
            (110, 150),
            (150, 160),
        ]
        assert all(2 * sum(one.stop - one.start for one in batch) >= least for batch in batches[1:])


@pytest.mark.parametrize("share", [1e-4, 0.1, 0.5, 0.9, 0.999_999])
def test_a_share_is_left_out_and_the_mean_stays(share: float) -> None:
    size = 1_000_003
    found = _factors(np.random.SFC64(np.random.SeedSequence([7, 0, 1])), size, share)
    assert (found.shape, found.dtype) == ((size,), np.float32)
    left = min(share, 65_535 / 65_536)
    assert abs((found == 0).mean() - left) < 5 * np.sqrt(left * (1 - left) / size) + 2**-17
    kept = found[found > 0]
    assert np.ptp(kept) == 0
    assert kept[0] * (1 - left) == pytest.approx(1.0, abs=2**-16 / (1 - left))
    assert np.array_equal(found, _factors(np.random.SFC64(np.random.SeedSequence([7, 0, 1])), size, share))
    assert not np.array_equal(found, _factors(np.random.SFC64(np.random.SeedSequence([7, 1, 0])), size, share))


def test_training_that_diverges_is_no_model_but_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_objectives, "squared_error", lambda given, rows: np.full(len(given), np.nan))
    found = dlinear().fit(small_training_set())
    assert isinstance(found, Unavailable)
    assert "diverged in epoch 1: lower learning_rate" in found.reason


def test_one_symbol_learns_from_its_own_returns() -> None:
    """Its ranks are all the same, which is refused for every learner; what it stops by is then the correlation over all rows."""
    data = small_training_set()

    def of_one(part: Any) -> Any:
        at = (part.keys["symbol"] == "S05").to_numpy()
        y = part.returns[at]
        return replace(part, keys=part.keys.filter(at), x=part.x[at], y=y, returns=y, sizes=np.ones(at.sum(), np.int64), spans=None)

    found = dlinear().fit(replace(data, train=of_one(data.train), validation=of_one(data.validation)))
    assert isinstance(found, Fitted)
    assert len(np.unique(found.scores)) == len(found.scores)


def test_a_gpu_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="the device of a net is 'cuda', and PyTorch sees no GPU"):
        dlinear(device="cuda").fit(small_training_set())
    found = dlinear(device="auto", precision="bfloat16").fit(small_training_set())
    assert isinstance(found, Fitted)
    assert found.parameters["trained_on"] == "cpu"


def test_scores_need_no_pytorch_and_a_fit_without_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    data = small_training_set()
    fitted = dlinear().fit(data)
    assert isinstance(fitted, Fitted)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    assert np.array_equal(dlinear().load(fitted.content).predict(data.validation.x), fitted.scores)
    with (
        pytest.raises(ModelError, match=r"python3 dev\.py torch installs it, or pip install 'ats-assets\[torch\]'"),
        one_thread_an_operation(),
    ):
        pass


def test_a_net_of_another_kind_is_refused() -> None:
    fitted = dlinear().fit(small_training_set())
    assert isinstance(fitted, Fitted)
    with pytest.raises(ModelError, match="this is no net of the kind Lstm, or a damaged one"):
        Lstm(LstmSettings()).load(fitted.content)


def test_longer_sequences_are_as_good_as_the_nets_own_and_shorter_ones_are_refused() -> None:
    """As tuning may choose a shorter sequence than the assets read."""
    two, five = (small_training_set(sequence_sessions=length) for length in (2, 5))
    fitted = dlinear(sequence_sessions=2).fit(two)
    assert isinstance(fitted, Fitted)
    loaded = dlinear(sequence_sessions=5).load(fitted.content)
    assert five.validation.sequences is not None
    assert np.array_equal(loaded.predict(five.validation.sequences), fitted.scores)
    with pytest.raises(ModelError, match="this net looks at 2 sessions, and was given 1"):
        loaded.predict(two.validation.x)


def test_the_gpu_benchmark_says_that_it_was_not_run_and_can_be_tried_on_a_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script = Path(__file__).parents[3] / "benchmarks" / "transformer_gpu.py"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(sys, "argv", [str(script), "--json", str(tmp_path / "gpu.json")])
    runpy.run_path(str(script), run_name="__main__")
    assert capsys.readouterr().out.startswith("not run: PyTorch ")
    assert json.loads((tmp_path / "gpu.json").read_text())["run"] is False
    measured = runpy.run_path(str(script))["measured"]
    found = measured("cpu", (12, 30, 2), 1, 2)
    assert [row["precision"] for row in found["results"]] == ["float32"]
    assert len(found["results"][0]["ic"]) == 2
