"""The functions that loops are vectorised over, against SciPy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import erfcx, ndtr

from ats_assets.options.normal import fast_exp, normal_cdf, normal_density, scaled_tail


@given(st.floats(-37, 37))
def test_relative_errors_are_tiny_in_the_tails_too(x: float) -> None:
    within = 1e-12 if abs(x) <= 30 else 5e-12
    assert normal_cdf(x) == pytest.approx(float(ndtr(x)), rel=within, abs=1e-305)
    assert normal_density(x) == pytest.approx(float(np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)), rel=within, abs=1e-305)
    assert scaled_tail(abs(x)) == pytest.approx(float(erfcx(abs(x))), rel=1e-13)


@given(st.floats(-700, 300))
def test_the_exponential(x: float) -> None:
    assert fast_exp(x) == pytest.approx(float(np.exp(x)), rel=1e-11 if abs(x) > 350 else 1e-12)
