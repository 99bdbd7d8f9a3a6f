import polars as pl
import pytest

from ats_assets.errors import ModelError
from ats_assets.models.learner import Scorer, Unavailable
from ats_assets.predictions.contracts import Predictions
from ats_assets.predictions.inference import check_age, predict
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord
from ats_assets_tests.models.fits import CALENDAR, SESSION, SETTINGS, fitted_lightgbm, lightgbm, market, small_training_set, written

FEATURES, _, UNIVERSE = market()
FITTED_AT = CALENDAR.offset(SESSION, -10)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> ModelStore:
    data = small_training_set(session=FITTED_AT)
    store = ModelStore(tmp_path_factory.mktemp("models"), "lightgbm_model")
    written(store, FITTED_AT, fitted_lightgbm(data), data)
    return store


def scorer_of(store: ModelStore, record: ModelRecord) -> Scorer:
    return lightgbm().scorer(record, store.content(record))


def test_scores_are_the_models_for_the_universe_only(store: ModelStore) -> None:
    record = store.record(FITTED_AT)
    made = predict(FEATURES, UNIVERSE.filter(session=SESSION), record, scorer_of(store, record))
    assert made.schema == PREDICTIONS_SCHEMA
    assert Predictions.validate(made, lazy=True).equals(made)
    assert "S00" not in made["symbol"].to_list()
    row = FEATURES.filter(session=SESSION, symbol="S05").select(record.features).to_numpy()
    score = scorer_of(store, record).predict(row).item()
    assert made.filter(symbol="S05")["score"].item() == score
    assert made["model_session"].unique().to_list() == [FITTED_AT]


def test_alone_in_a_range_in_another_order_and_with_other_threads_the_bits_are_the_same(store: ModelStore) -> None:
    record = store.record(FITTED_AT)
    booster = scorer_of(store, record)
    days = CALENDAR.window(SESSION, 9)
    whole = predict(FEATURES, UNIVERSE.filter(pl.col("session").is_in(days)), record, booster, threads=2)
    for day in days:
        shuffled = FEATURES.filter(session=day).sample(fraction=1.0, shuffle=True, seed=1)
        assert predict(shuffled, UNIVERSE.filter(session=day), record, booster, threads=1).equals(whole.filter(session=day))


def test_an_empty_universe_has_no_predictions(store: ModelStore) -> None:
    record = store.record(FITTED_AT)
    assert predict(FEATURES, UNIVERSE.clear(), record, scorer_of(store, record)).equals(pl.DataFrame(schema=PREDICTIONS_SCHEMA))


def test_an_infinite_feature_is_a_missing_one(store: ModelStore) -> None:
    """LightGBM would take it for the largest there is, and XGBoost would end the session's predictions with an error."""
    record, universe = store.record(FITTED_AT), UNIVERSE.filter(session=SESSION)

    def scored(value: float) -> pl.DataFrame:
        features = FEATURES.with_columns(signal=pl.when(pl.col("symbol") == "S05").then(value).otherwise("signal").cast(pl.Float32))
        return predict(features, universe, record, scorer_of(store, record))

    assert scored(float("inf")).equals(scored(float("nan")))
    assert not scored(1e30).equals(scored(float("nan")))


def test_features_that_are_not_the_models_are_named(store: ModelStore) -> None:
    record = store.record(FITTED_AT)
    booster = scorer_of(store, record)
    with pytest.raises(ModelError, match=r"expects 4 features, found 4: lacking \['signal'\], not of the model \['news'\]"):
        predict(FEATURES.rename({"signal": "news"}), UNIVERSE, record, booster)
    swapped = FEATURES.select("symbol", "session", "signal", "noise_a", "noise_b", "noise_c")
    with pytest.raises(ModelError, match="in another order, from column 0 on: 'signal' where the model has 'noise_a'"):
        predict(swapped, UNIVERSE, record, booster)
    with pytest.raises(ModelError, match=f"such as S03 at {SESSION}"):
        predict(FEATURES.filter(pl.col("symbol") != "S03"), UNIVERSE.filter(session=SESSION), record, booster)


def test_an_old_model_is_refused(store: ModelStore) -> None:
    record = store.record(FITTED_AT)
    strict = SETTINGS.model_copy(update={"max_age_sessions": 9})
    assert check_age(record, CALENDAR.offset(SESSION, -1), CALENDAR, strict) == 9
    with pytest.raises(ModelError, match=f"fitted at {FITTED_AT}, 10 sessions ago; training.max_age_sessions is 9"):
        check_age(record, SESSION, CALENDAR, strict)


def test_a_model_of_the_same_session_is_refused_and_so_is_none(store: ModelStore) -> None:
    with pytest.raises(ModelError, match="need a model of the session before"):
        check_age(store.record(FITTED_AT), FITTED_AT, CALENDAR, SETTINGS)
    none = store.write_unavailable(SESSION, Unavailable(reason="too little history"), {})
    with pytest.raises(ModelError, match="too little history"):
        check_age(none, CALENDAR.offset(SESSION, 1), CALENDAR, SETTINGS)
