import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ats_assets.bars.panel import median_of_columns

values = hnp.arrays(np.float64, st.tuples(st.integers(1, 9), st.integers(1, 4)), elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)))


@given(values)
def test_median_is_that_of_numpy(array: np.ndarray) -> None:
    ours = median_of_columns(array)
    for column in range(array.shape[1]):
        numbers = array[:, column][~np.isnan(array[:, column])]
        expected = np.median(numbers) if len(numbers) else np.nan
        np.testing.assert_allclose(ours[column], expected, rtol=1e-15, atol=1e-300)


def test_median_does_not_overflow() -> None:
    assert median_of_columns(np.array([[1.6e308], [1.7e308]]))[0] < np.inf
