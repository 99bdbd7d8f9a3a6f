"""What every model must do, whatever library it is of: derive a class `Test…` from `LearnerKit` and name the plugin.

class TestMine(LearnerKit):
    plugin = PLUGIN
    small = {"rounds": 5}
"""

import functools
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import ValidationError

from ats_assets.errors import ModelError, SettingsError
from ats_assets.models import CrossSections, Fitted, Learner, Model, TrainingSet, fit, recorded
from ats_assets.models.learner import ExplainingScorer, Unavailable
from ats_assets.models.sequences import Sequences
from ats_assets.plugins import LEARNERS, Plugin
from ats_assets_tests.models.fits import CALENDAR, SESSION, SETTINGS, SYMBOLS, small_training_set

FITTED: dict[type, Fitted] = {}
TRAINING_SETS = functools.cache(small_training_set)
"""Shared by all fits: one that writes into what it learns from has other bytes than the next."""


def changed(data: TrainingSet, **columns: float) -> TrainingSet:
    """The same rows, in which all values of some features are one."""
    at = [data.features.index(name) for name in columns]

    def of_part(part: CrossSections) -> CrossSections:
        x, sequences = part.x.copy(), part.sequences
        x[:, at] = list(columns.values())
        if sequences is not None:
            sequences = replace(sequences, table=sequences.table.copy())
            sequences.table[:, at] = list(columns.values())
        return replace(part, x=x, sequences=sequences)

    return replace(data, train=of_part(data.train), validation=of_part(data.validation))


class LearnerKit:
    """The tests of one learner on a market of 40 symbols, of which one feature tells the return."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it learns the signal in a second."""

    def learner(self, **changes: Any) -> Learner:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    def data(self, session: date = SESSION, symbols: int = len(SYMBOLS)) -> TrainingSet:
        return TRAINING_SETS(session=session, symbols=symbols, sequence_sessions=self.model().sequence_sessions)

    def inputs(self) -> np.ndarray | Sequences:
        """What a scorer is given of the rows to validate on."""
        return self.model().inputs(self.data().validation)

    def once(self) -> Fitted:
        """A fit that all tests share; those that ask for two fit once more."""
        if type(self) not in FITTED:
            FITTED[type(self)] = self.fitted()
        return FITTED[type(self)]

    def fitted(self, *, threads: int = 1) -> Fitted:
        found = fit(self.model(), self.data(), SETTINGS.model_copy(update={"threads": threads}))
        assert isinstance(found, Fitted), found
        return found

    def model(self) -> Model:
        return Model(name="mine", kind="mine", learner=self.learner(), quick=self.learner())

    def test_the_same_rows_give_the_same_bytes_with_any_number_of_threads(self) -> None:
        one, many = self.once(), self.fitted(threads=3)
        assert one.content == many.content
        assert np.array_equal(one.scores, many.scores)
        assert one.importance == many.importance
        assert one.parameters == many.parameters

    def test_rows_count_by_their_weights(self) -> None:
        """Half of the labels are turned round: what is learnt is what the rows that count say."""
        data = self.data()
        if not getattr(self.learner(), "weighs_rows", False):
            pytest.skip("this model takes all rows for the same")
        turned = np.random.default_rng(1).random(len(data.train.y)) < 0.5
        mixed = replace(
            data.train,
            y=np.where(turned, -data.train.y, data.train.y),
            returns=np.where(turned, -data.train.returns, data.train.returns),
        )
        for counting, sign in ((~turned, 1), (turned, -1)):
            weights = np.where(counting, 2.0, 1e-6)
            found = fit(self.model(), replace(data, train=replace(mixed, weights=weights)), SETTINGS)
            assert isinstance(found, Fitted), found
            assert sign * np.corrcoef(found.scores, data.validation.y)[0, 1] > 0.1

    def test_the_signal_is_found(self) -> None:
        found, data = self.once(), self.data()
        assert max(found.importance, key=lambda name: found.importance[name]) == "signal"
        assert min(found.importance.values()) >= 0
        values = recorded(self.model(), found, data, SETTINGS, {})
        assert values["validation"].rank_ic > 0.2
        assert found.rounds >= 1

    def test_a_loaded_model_gives_the_scores_of_the_fit(self) -> None:
        found = self.once()
        loaded = self.learner().load(found.content)
        for threads in (1, 3):
            scores = loaded.predict(self.inputs(), threads=threads)
            assert scores.dtype == np.float64
            assert np.array_equal(scores, found.scores)

    def test_a_rows_score_depends_on_that_row_alone(self) -> None:
        loaded, x = self.learner().load(self.once().content), self.inputs()
        whole = loaded.predict(x)
        some = np.random.default_rng(1).permutation(len(x))[:50]
        assert np.array_equal(loaded.predict(x[some]), whole[some])
        assert loaded.predict(x[:1]).item() == whole[0]

    def test_a_score_depends_on_its_own_sequence_alone(self) -> None:
        """The rows of the table lie in another order, and those of no sequence that is scored are gone: the bits are the same."""
        loaded, x = self.learner().load(self.once().content), self.inputs()
        if not isinstance(x, Sequences):
            pytest.skip("this model looks at one row")
        some = np.random.default_rng(1).permutation(len(x))[:20]
        places, dealt = x.places[some], np.random.default_rng(2).permutation(len(x.table))
        table, used = np.full_like(x.table, np.nan), np.unique(places[places >= 0])
        table[dealt[used]] = x.table[used]
        moved = Sequences(table=table, places=np.where(places >= 0, dealt[places], -1).astype(np.int32))
        assert np.array_equal(loaded.predict(moved), loaded.predict(x)[some])

    def test_contributions_add_up_to_the_score(self) -> None:
        loaded, data = self.learner().load(self.once().content), self.data()
        if not isinstance(loaded, ExplainingScorer):
            pytest.skip("this model does not say which features made a score")
        x = self.inputs()
        found = loaded.contributions(x)
        assert found.shape == (len(x), len(data.features) + 1)
        np.testing.assert_allclose(found.sum(axis=1), loaded.predict(x), rtol=1e-9, atol=1e-12)
        assert np.ptp(found[:, -1]) <= 1e-12  # what a row has before anything is known of it is the same for all
        assert data.features[int(np.abs(found[:, :-1]).mean(axis=0).argmax())] == "signal"
        assert np.array_equal(loaded.contributions(x, threads=3), found)
        assert np.array_equal(loaded.contributions(x[:1]), found[:1])

    def test_missing_features_have_a_finite_score(self) -> None:
        x = self.inputs()[:3]
        blank = replace(x, table=np.full_like(x.table, np.nan)) if isinstance(x, Sequences) else np.full_like(x, np.nan)
        assert np.isfinite(self.learner().load(self.once().content).predict(blank)).all()

    def test_a_feature_that_no_row_has_is_no_fault(self) -> None:
        found = fit(self.model(), changed(self.data(), noise_a=np.nan), SETTINGS)
        assert isinstance(found, Fitted), found
        assert found.importance.get("noise_a", 0) == 0
        assert np.isfinite(found.scores).all()

    def test_columns_that_are_missing_or_constant_tell_nothing(self) -> None:
        """All but the signal are: what is learnt is the signal, and a row of which nothing is known has a score."""
        found = fit(self.model(), changed(self.data(), noise_a=np.nan, noise_b=3.0), SETTINGS)
        assert isinstance(found, Fitted), found
        assert max(found.importance, key=lambda name: found.importance[name]) == "signal"
        assert not {name for name in ("noise_a", "noise_b") if found.importance.get(name)}

    @pytest.mark.parametrize("value", [0.0, 1.0, 0.25])
    def test_labels_of_one_class_are_no_model_but_a_reason(self, value: float) -> None:
        data = self.data()
        same = replace(data.train, y=np.full(len(data.train.y), value), returns=np.full(len(data.train.y), value))
        found = fit(self.model(), replace(data, train=same), SETTINGS)
        assert isinstance(found, Unavailable)
        assert f"the labels of all {len(same.y):,} rows to train on as of {SESSION} are the same, {value:g}" in found.reason

    def test_one_symbol_is_no_model_but_a_reason(self) -> None:
        found = fit(self.model(), self.data(symbols=1), SETTINGS)
        assert isinstance(found, Unavailable)
        assert f"as of {SESSION} are of one symbol, S01" in found.reason

    def test_few_rows_are_a_model_or_a_reason_and_no_error_of_a_library(self) -> None:
        """Those of one symbol whose label is no rank: fewer than most trees make a leaf of."""
        raw = SETTINGS.model_copy(update={"label": "raw"})
        data = small_training_set(settings=raw, symbols=1, sequence_sessions=self.model().sequence_sessions)
        found = fit(self.model(), data, raw)
        assert np.isfinite(found.scores).all() if isinstance(found, Fitted) else str(SESSION) in found.reason

    def test_columns_that_are_all_missing_are_no_model_but_a_reason(self) -> None:
        data = self.data()
        found = fit(self.model(), changed(data, **dict.fromkeys(data.features, np.nan)), SETTINGS)
        assert isinstance(found, Unavailable)
        assert "no feature tells the labels" in found.reason

    def test_bytes_that_are_no_model_are_refused(self) -> None:
        whole = self.once().content
        for wrong in (b"no model of any kind\n", whole[: len(whole) // 2], b""):
            with pytest.raises(ModelError):
                self.learner().load(wrong)

    def test_without_the_library_of_its_extra_the_error_names_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        module = self.plugin.settings.__module__
        package, _, name = module.rpartition(".")
        if self.plugin.needs is None or package != LEARNERS.package:
            pytest.skip("it needs no extra")
        library, extra = self.plugin.needs
        monkeypatch.setitem(sys.modules, library, None)
        monkeypatch.delitem(sys.modules, module)
        with pytest.raises(SettingsError, match=rf"{name!r} needs {library}, which is not installed: pip install 'ats-assets\[{extra}\]'"):
            LEARNERS.find(name)

    def test_features_that_tell_nothing_apart_are_no_model_but_a_reason(self) -> None:
        data = self.data()
        found = fit(self.model(), changed(data, **dict.fromkeys(data.features, 1.0)), SETTINGS)
        assert isinstance(found, Unavailable)
        assert str(SESSION) in found.reason

    def test_too_little_history_is_no_model_but_a_reason(self) -> None:
        early = self.data(CALENDAR.offset(CALENDAR.first, 50))
        found = fit(self.model(), early, SETTINGS)
        assert isinstance(found, Unavailable)
        assert f"25 labelled sessions to train on as of {early.window.session}; training.min_train_sessions is 30" in found.reason

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        settings = self.plugin.settings()
        assert self.plugin.settings.model_validate(settings.model_dump(mode="json")) == settings
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate({"no_such_setting": 1})
        with pytest.raises(ValidationError):
            setattr(settings, next(iter(self.plugin.settings.model_fields)), 0)

    def test_the_quick_settings_are_settings_of_its_own(self) -> None:
        self.plugin.settings.model_validate(dict(self.plugin.quick))
        assert self.learner().file.startswith("model.")
        assert self.learner().file != "model.json"
