"""qlib's models on our rows: the kit for two of them, and what holds for all."""

import importlib
import sys
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from ats_assets.errors import ModelError, SettingsError
from ats_assets.models import TrainingSet, qlib_nets
from ats_assets.models.learner import Fitted
from ats_assets.models.learners import qlib_zoo
from ats_assets.models.learners.qlib_zoo import NOT_OFFERED, QlibZoo, QlibZooSettings
from ats_assets.models.qlib_memory import FlatRows, QlibFrame, memory_dataset
from ats_assets.models.sequences import Sequences
from ats_assets_tests.kits.learners import LearnerKit
from ats_assets_tests.models.fits import small_training_set
from ats_assets_tests.rounds import FULL

TINY: dict[str, dict[str, Any]] = {
    "XGB": {"options": {"max_depth": 3}},
    "Linear": {"options": {"estimator": "ridge", "alpha": 10.0}},
    "MLP": {"options": {"layers": [8], "eval_steps": 2}},
    "GRU": {"options": {"hidden_size": 4, "num_layers": 1}},
    "ALSTM": {"options": {"hidden_size": 4, "num_layers": 1}},
    "TCN": {"options": {"n_chans": 4, "num_layers": 2}},
    "Transformer": {"options": {"d_model": 4, "num_layers": 1}},
    "Localformer": {"options": {"d_model": 4, "nhead": 2, "num_layers": 1}},
    "TRA": {"options": {"hidden_size": 4}},
}
QUICK = ("XGB", "MLP", "GRU", "TRA")
"""The rest with `dev.py test --full`."""


class TestZooLgb(LearnerKit):
    plugin = qlib_zoo.PLUGIN
    small: ClassVar[dict[str, Any]] = {"model": "LGB", "options": {"min_data_in_leaf": 50}}


class TestZooLstm(LearnerKit):
    plugin = qlib_zoo.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "model": "LSTM",
        "options": {"hidden_size": 8, "num_layers": 1, "lr": 0.02},
        "features_per_session": 4,
        "max_epochs": 12,
        "batch_size": 200,
    }

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch")


def learner(model: str, **changes: Any) -> QlibZoo:
    told = {"model": model, "max_epochs": 2, "batch_size": 500, "features_per_session": 2, **TINY.get(model, {}), **changes}
    return QlibZoo(QlibZooSettings.model_validate(told))


@pytest.mark.parametrize("model", TINY if FULL else QUICK)
def test_every_model_trains_from_memory_and_gives_the_same_bytes_again(model: str) -> None:
    pytest.importorskip("xgboost" if model == "XGB" else "numpy" if model == "Linear" else "torch")
    data, made = small_training_set(), learner(model)
    one, again = made.fit(data), made.fit(data, threads=3)
    assert isinstance(one, Fitted), one
    assert isinstance(again, Fitted)
    assert one.content == again.content
    assert one.importance == again.importance
    scorer, x = made.load(one.content), data.validation.x
    assert np.array_equal(scorer.predict(x), one.scores)
    some = np.random.default_rng(1).permutation(len(x))[:40]
    assert np.array_equal(scorer.predict(x[some]), one.scores[some])
    assert scorer.predict(x[:1]).item() == one.scores[0]
    assert b"pickle" not in one.content
    assert one.content[:1] != b"\x80"


def test_a_net_scores_what_qlib_itself_scores() -> None:
    """qlib's own `predict` of its own model, which is trained once more from the same seed."""
    pytest.importorskip("torch")
    data, made, seen = small_training_set(), learner("GRU"), []
    with pytest.MonkeyPatch.context() as patch:
        whole = qlib_nets.made_net
        patch.setattr(qlib_nets, "made_net", lambda *args, **more: seen.append(whole(*args, **more)) or seen[-1])
        found = made.fit(data)
    assert isinstance(found, Fitted)
    scales = qlib_zoo.feature_scales(data.train.x)
    theirs = seen[0].predict(memory_dataset({"test": QlibFrame(FlatRows(data.validation.x, (*scales, 3.0)))}))
    np.testing.assert_allclose(found.scores, theirs.to_numpy(), atol=1e-6)


def test_sequences_are_flat_rows_of_feature_after_feature_and_copied_a_batch_at_a_time() -> None:
    table = np.arange(12, dtype=np.float32).reshape(4, 3)
    rows = FlatRows(Sequences(table=table, places=np.array([[0, 1], [-1, 3]], np.int32)), (np.zeros(3), np.ones(3), 16.0))
    assert rows.shape == (2, 6)
    assert rows[np.array([0])].tolist() == [[0, 3, 1, 4, 2, 5]]
    assert rows[1:].tolist() == [[0, 9, 0, 10, 0, 11]], "what is missing is at the centre"


def test_a_net_of_sequences_learns_from_earlier_sessions() -> None:
    pytest.importorskip("torch")

    def sequences(data: TrainingSet) -> TrainingSet:
        """The first session of two is the row, the second is noise."""

        def of(part: Any) -> Any:
            noise = np.random.default_rng(5).standard_normal(part.x.shape).astype(np.float32)
            places = np.arange(2 * len(part.y), dtype=np.int32).reshape(2, -1).T
            return replace(part, sequences=Sequences(table=np.vstack([part.x, noise]), places=np.ascontiguousarray(places)))

        return replace(data, train=of(data.train), validation=of(data.validation))

    data = sequences(small_training_set())
    made = learner("LSTM", sequence_sessions=2, options={"hidden_size": 8, "num_layers": 1, "lr": 0.03}, max_epochs=10, batch_size=300)
    assert made.sequence_sessions == 2
    found = made.fit(data)
    assert isinstance(found, Fitted)
    assert max(found.importance, key=lambda name: found.importance[name]) == "signal"
    assert np.corrcoef(found.scores, data.validation.y)[0, 1] > 0.1


def test_features_that_make_no_sequences_and_options_that_qlib_does_not_know_are_named() -> None:
    """qlib takes any option, and forgets what it does not know."""
    pytest.importorskip("torch")
    with pytest.raises(ModelError, match="4 features are none of 3 a session: learn from alpha360 alone, or set sequence_sessions"):
        learner("GRU", features_per_session=3).fit(small_training_set())
    with pytest.raises(ModelError, match=r"qlib's GRU knows no hiden_size: options may hold .*hidden_size"):
        learner("GRU", options={"hiden_size": 3}).fit(small_training_set())


@pytest.mark.parametrize("model", sorted(NOT_OFFERED))
def test_what_is_not_offered_says_why(model: str) -> None:
    with pytest.raises(ValidationError, match=rf"qlib's {model} can't be trained here: it|qlib's {model} can't be trained here: its"):
        QlibZooSettings.model_validate({"model": model})


@pytest.mark.parametrize(("model", "library", "extra"), [("XGB", "xgboost", "xgboost"), ("LSTM", "torch", "torch")])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, model: str, library: str, extra: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(SettingsError, match=rf"of {model} needs {library}, which is not installed: pip install 'ats-assets\[{extra}\]'"):
        learner(model)


def test_what_qlib_needs_of_the_process_is_given_back() -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(3)

    def state() -> tuple[Any, ...]:
        return torch.get_rng_state().tolist(), torch.get_num_threads(), np.random.get_state()[1].tolist()  # noqa: NPY002

    before = state()
    found = learner("GRU").fit(small_training_set())
    assert isinstance(found, Fitted)
    assert state() == before
    with pytest.raises(AttributeError, match=r"qlib\.init"):
        importlib.import_module("qlib.workflow").R.get_recorder()


def test_a_net_is_safetensors_with_what_it_is_made_of() -> None:
    safetensors = pytest.importorskip("safetensors")
    found = learner("GRU").fit(small_training_set())
    assert isinstance(found, Fitted)
    names = [name for name, _ in safetensors.deserialize(found.content)]
    assert any(name.startswith("gru_model.") for name in names)
    assert b'"net":' in found.content
