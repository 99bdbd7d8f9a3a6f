"""Versions are of the content alone: not of chunks, encoding or the footer."""

import hashlib
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing.parametric import dataframes

from ats_assets.storage.data_version import data_version, data_versions
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds
from ats_assets_tests.storage.frames import DAY, FRAMES, frame


@settings(max_examples=rounds(20, 60))
@given(content=FRAMES, cut=st.integers(0, 12))
def test_a_version_does_not_depend_on_chunks_encoding_or_the_footer(
    content: pl.DataFrame, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    version = data_version(content)
    chunked = pl.concat([content[:cut], content[cut:]], rechunk=False)
    assert data_version(chunked) == version
    root = tmp_path_factory.mktemp("encoding")
    hard = Warehouse(root / "a", compression_level=15, fsync=False).write(
        "bars", DAY, chunked, code_version="1", upstream={"raw_bars": {"2023-01-03": "x"}}
    )
    soft = Warehouse(root / "b", fsync=False).write("other", DAY, content, settings_version="2")
    assert hard.footer.data_version == soft.footer.data_version == version


@settings(max_examples=rounds(20, 60))
@given(content=FRAMES, cuts=st.lists(st.integers(0, 12), max_size=4), chunked=st.integers(0, 12))
def test_the_versions_of_parts_are_those_of_each_part_alone(content: pl.DataFrame, cuts: list[int], chunked: int) -> None:
    places = [0, *sorted(min(cut, content.height) for cut in cuts), content.height]
    heights = [end - first for first, end in pairwise(places)]
    whole = pl.concat([content[:chunked], content[chunked:]], rechunk=False)
    assert data_versions(whole, heights) == [data_version(content[first:end]) for first, end in pairwise(places)]


def test_parts_that_are_not_the_whole_frame_are_refused() -> None:
    with pytest.raises(ValueError, match="parts of 2 rows are not a frame of 3"):
        data_versions(frame(), [1, 1])


@pytest.mark.parametrize(
    "other",
    [
        frame().reverse(),
        frame().rename({"vwap": "price"}),
        frame().select(reversed(frame().columns)),
        frame().with_columns(pl.col("vwap").fill_nan(None)),
        frame().with_columns(pl.col("vwap").fill_null(float("nan"))),
        frame().with_columns(pl.col("vwap").cast(pl.Float64)),
        frame().with_columns(pl.col("focus").fill_null(False)),
        frame().with_columns(pl.col("reasons").fill_null([])),
        frame().with_columns(reasons=pl.Series([["a"], ["b"], None], dtype=pl.List(pl.String))),
        frame().with_columns(symbol=pl.Series(["S0S", "1", "S2"])),
        frame().with_columns(pl.col("close") + 1e-13),
        frame(rows=2),
        frame().clear(),
    ],
)
def test_a_version_changes_with_every_change_of_content(other: pl.DataFrame) -> None:
    assert data_version(other) != data_version(frame())


def test_every_nan_is_the_same_value_and_differs_from_null() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    nans = pl.DataFrame({"x": odd})
    assert data_version(nans) == data_version(pl.DataFrame({"x": [float("nan")] * 2}))
    assert data_version(nans) != data_version(pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64}))


@given(dataframes(max_cols=6, max_size=5, allowed_dtypes=[pl.Float32, pl.Float64, pl.Int32, pl.String, pl.Boolean], allow_null=True))
def test_the_version_is_that_of_each_column_by_itself(frame: pl.DataFrame) -> None:
    """Columns that are hashed together: the same bytes go into the hash as when each is alone."""
    digest = hashlib.sha256(f"{frame.height}".encode())
    for column in frame.iter_columns():
        digest.update(f"|{column.name}:{column.dtype}|".encode())
        if column.null_count():
            digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        values = column.drop_nulls()
        if column.dtype == pl.String:
            digest.update(values.str.len_bytes().to_numpy().tobytes() + "".join(values).encode())
        elif column.dtype.is_float():
            one_nan = [float("nan") if value != value else value for value in values]
            digest.update(np.array(one_nan, dtype=values.to_numpy().dtype).tobytes())
        else:
            digest.update(np.array(values.to_list(), dtype=np.int64).tobytes())
    assert data_version(frame) == digest.hexdigest()
