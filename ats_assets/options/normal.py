"""The normal distribution in kernels: functions without branches or calls, so that loops over them are vectorised.

Relative errors are at most 1e-12 within ±30 and 5e-12 within ±37, tails included; SciPy's functions are the oracle in the tests.
"""

from math import sqrt

from ats_assets.kernels.kernel import inlined_kernel

ROOT_HALF = 0.7071067811865476
OVER_ROOT_TWO_PI = 0.3989422804014327
SQUARINGS = 10
SMALLEST = 1.0 / 1024.0


@inlined_kernel
def fast_exp(x: float) -> float:
    """The exponential of x in [-745, 300]: of x / 1024 by its series, squared ten times.

    Examples
    --------
    >>> round(fast_exp(1.0), 12)
    2.718281828459
    """
    y = max(x, -745.0) * SMALLEST
    series = 1.0 / 479001600.0 + y * (1.0 / 6227020800.0 + y * (1.0 / 87178291200.0))
    series = 1.0 / 40320.0 + y * (1.0 / 362880.0 + y * (1.0 / 3628800.0 + y * (1.0 / 39916800.0 + y * series)))
    series = 1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0 + y * (1.0 / 5040.0 + y * series)))
    p = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * series)))
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p


@inlined_kernel
def scaled_tail(z: float) -> float:
    """exp(z²) erfc(z) for z >= 0: a polynomial in s = 2t - 1, t = 2 / (2 + z), times t; made by interpolation at Chebyshev's nodes in 50 digits."""
    t = 2.0 / (2.0 + z)
    s = 2.0 * t - 1.0
    p = 6.610183151765426e-08 + s * (-1.3521432351900775e-08 + s * -4.946607757245824e-09)
    p = 1.5086348591214197e-07 + s * (-3.7163646958410467e-07 + s * (5.4877197623039765e-08 + s * p))
    p = -6.050557593208622e-07 + s * (-1.955995913496622e-06 + s * (1.0739744686311663e-06 + s * p))
    p = -1.7103607461026778e-05 + s * (-1.0831436166846611e-05 + s * (8.137641345236003e-06 + s * p))
    p = -0.00033153601371393716 + s * (-1.7178632240152004e-05 + s * (7.223098558594817e-05 + s * p))
    p = -0.003239592446753025 + s * (0.0015453059557186107 + s * (0.00041864697777651254 + s * p))
    p = 0.13973604627794914 + s * (0.0182211157501113 + s * (-0.010755330940908886 + s * p))
    return t * (0.5107913526210117 + s * (0.3435803422069429 + s * p))


@inlined_kernel
def normal_density(x: float) -> float:
    """The density at x.

    Examples
    --------
    >>> round(normal_density(0.0), 6)
    0.398942
    """
    return OVER_ROOT_TWO_PI * fast_exp(-0.5 * x * x)


@inlined_kernel
def normal_cdf(x: float) -> float:
    """The probability of a value up to x.

    Examples
    --------
    >>> round(normal_cdf(0.0), 12), round(normal_cdf(1.959963984540054), 12)
    (0.5, 0.975)
    """
    z = sqrt(x * x) * ROOT_HALF  # the absolute value, which must not be a branch
    tail = 0.5 * fast_exp(-z * z) * scaled_tail(z)
    return tail if x < 0.0 else 1.0 - tail


@inlined_kernel
def quick_bell(x: float) -> float:
    """exp(-x² / 2) to an absolute error of 3e-12, at half the cost: of an exponent / 64 by its series, squared six times; below exp(-40) it stays.

    Examples
    --------
    >>> round(quick_bell(1.0), 10)
    0.6065306597
    """
    y = max(-0.5 * x * x, -40.0) * 0.015625
    p = 1.0 + y * (1.0 + y * (0.5 + y * (1.0 / 6.0 + y * (1.0 / 24.0 + y * (1.0 / 120.0 + y * (1.0 / 720.0))))))
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    p = p * p
    return p * p


@inlined_kernel
def quick_cdf(x: float, bell: float) -> float:
    """The probability of a value up to x to an absolute error of 3e-11, from exp(-x² / 2): `scaled_tail` of lower degree."""
    t = 2.0 / (2.0 + abs(x) * ROOT_HALF)
    s = 2.0 * t - 1.0
    p = 6.770090661640485e-05 + s * (-1.060033313901190e-05 + s * (-8.513089840432389e-06 + s * 2.852086384206944e-06))
    p = 4.200580990802370e-04 + s * (-3.281154994481435e-04 + s * (-2.135486612685002e-05 + s * p))
    p = -1.075511823916837e-02 + s * (-3.239822815357063e-03 + s * (1.544056049191817e-03 + s * p))
    p = 3.435803420618669e-01 + s * (1.397360328556056e-01 + s * (1.822112999656437e-02 + s * p))
    tail = 0.5 * bell * t * (5.107913527582278e-01 + s * p)
    return tail if x < 0.0 else 1.0 - tail
