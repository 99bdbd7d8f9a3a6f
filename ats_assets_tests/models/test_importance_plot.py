from datetime import date
from xml.etree import ElementTree as ET

from ats_assets.models.importance_plot import SHOWN, importance_svg
from ats_assets.storage.model_record import ModelRecord, Validation

DAY = date(2024, 1, 5)
NAMESPACE = "{http://www.w3.org/2000/svg}"


def test_it_is_a_picture_of_the_largest_and_the_same_record_gives_the_same_one() -> None:
    record = ModelRecord.model_construct(
        name="a<b>&c",
        session=DAY,
        importance={f"f{i}": float(i) for i in range(40)},
        validation=Validation(rank_ic=0.02, by_session={DAY: 0.02, date(2024, 1, 8): None, date(2024, 1, 9): -0.04}),
    )
    picture = importance_svg(record)
    root = ET.fromstring(picture)
    words = [text.text or "" for text in root.iter(f"{NAMESPACE}text")]
    assert [word for word in words if word.startswith("f")] == [f"f{i}" for i in range(39, 39 - SHOWN, -1)]
    assert "5.0%" in words, "39 of 780"
    assert "a<b>&c, fitted at 2024-01-05" in "".join(root.itertext())
    bars = [bar for bar in root.iter(f"{NAMESPACE}rect") if len(bar)]
    assert [bar[0].text for bar in bars] == ["2024-01-05: +0.0200", "2024-01-09: -0.0400"]
    assert float(bars[1].attrib["height"]) == 2 * float(bars[0].attrib["height"])
    assert importance_svg(record) == picture


def test_a_model_without_splits_or_validation_has_a_picture_too() -> None:
    for validation in (None, Validation(rank_ic=None, by_session={DAY: None})):
        ET.fromstring(importance_svg(ModelRecord.model_construct(name="m", session=DAY, importance={"f": 0.0}, validation=validation)))
    ET.fromstring(importance_svg(ModelRecord.model_construct(name="m", session=DAY, importance={}, validation=None)))
