from datetime import date
from io import BytesIO

from matplotlib.image import imread

from ats_assets.models.importance_plot import importance_plot
from ats_assets.storage.model_record import ModelRecord, Validation

DAY = date(2024, 1, 5)


def test_it_is_a_picture_and_the_same_record_gives_the_same_one() -> None:
    record = ModelRecord.model_construct(
        name="lightgbm_model",
        session=DAY,
        importance={f"f{i}": float(i) for i in range(40)},
        validation=Validation(rank_ic=0.02, by_session={DAY: 0.02, date(2024, 1, 8): None}),
    )
    picture = importance_plot(record)
    assert imread(BytesIO(picture), format="png").shape == (600, 1100, 4)
    assert importance_plot(record) == picture


def test_a_model_without_splits_or_validation_has_a_picture_too() -> None:
    assert importance_plot(ModelRecord.model_construct(name="m", session=DAY, importance={"f": 0.0}, validation=None))
