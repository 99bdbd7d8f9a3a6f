"""Assets without partitions: their tables, their texts, and the footers beside these."""

import pytest
from polars.testing import assert_frame_equal

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.storage.frames import frame


def test_parts_and_texts(warehouse: Warehouse) -> None:
    with pytest.raises(MissingPartitionError, match=r"backtest is not in .*--select backtest"):
        warehouse.read_part("backtest", "equity")
    with pytest.raises(MissingPartitionError, match=r"metrics\.json is not there.*--select backtest"):
        warehouse.read_text("backtest", "metrics.json")
    written = warehouse.write_part("backtest", "equity", frame(), upstream={"signals": {"2023-01-03": "v"}})
    assert_frame_equal(warehouse.read_part("backtest", "equity"), frame())
    assert warehouse.footer_of(warehouse.part("backtest", "equity")) == written.footer
    warehouse.write_text("backtest", "metrics.json", "{ ½ }")
    assert warehouse.read_text("backtest", "metrics.json") == "{ ½ }"


def test_a_flipped_byte_in_a_text_or_beside_it_is_found(warehouse: Warehouse) -> None:
    path = warehouse.write_text("backtest", "metrics.json", "{}", code_version="c", upstream={"signals": {"2023-01-03": "v"}})
    assert warehouse.footer_of_text(path).upstream == {"signals": {"2023-01-03": "v"}}
    for file in (path, path.with_name("metrics.json.footer")):
        content = file.read_bytes()
        for place in range(len(content)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
            with pytest.raises(CorruptPartitionError, match="damaged"):
                warehouse.read_text("backtest", "metrics.json")
        file.write_bytes(content)
    path.with_name("metrics.json.footer").unlink()
    with pytest.raises(CorruptPartitionError, match="missing or damaged"):
        warehouse.read_text("backtest", "metrics.json")
