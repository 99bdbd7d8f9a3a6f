"""A net's arithmetic without PyTorch, each row for itself: a product by a library of linear algebra may differ in its last bits by how many rows are beside a row.

Single precision, in the order written. All are called compiled.
"""

from typing import Final

import numpy as np

from ats_assets.kernels.kernel import kernel

_ONE: Final = np.float32(1.0)
_TWO: Final = np.float32(2.0)
_ZERO: Final = np.float32(0.0)
_LOW: Final = np.float32(-3e38)
_EPSILON: Final = np.float32(1e-5)


def _add_product(x, w, out):
    """Add x w to `out`: (n, k) times (k, m). Four rows share what is loaded of w, and each is summed in the same order."""
    n, inner = x.shape
    m = w.shape[1]
    i = 0
    while i + 4 <= n:
        a, b, c, d = out[i], out[i + 1], out[i + 2], out[i + 3]
        for q in range(inner):
            weights = w[q]
            xa, xb, xc, xd = x[i, q], x[i + 1, q], x[i + 2, q], x[i + 3, q]
            for j in range(m):
                value = weights[j]
                a[j] += xa * value
                b[j] += xb * value
                c[j] += xc * value
                d[j] += xd * value
        i += 4
    while i < n:
        a = out[i]
        for q in range(inner):
            weights = w[q]
            xa = x[i, q]
            for j in range(m):
                a[j] += xa * weights[j]
        i += 1


add_product = kernel(_add_product)


def _recur(gates, w, hidden):
    """The steps of an LSTM: of what the inputs give the gates (in, forget, cell, out), (steps, n, 4 h), and the recurrent weights (h, 4 h) the states, (steps, n, h)."""
    steps, n, width = gates.shape
    h = width // 4
    cell = np.zeros((n, h), np.float32)
    for t in range(steps):
        if t > 0:
            add_product(hidden[t - 1], w, gates[t])
        for i in range(n):
            g, c, out = gates[t, i], cell[i], hidden[t, i]
            for j in range(h):
                taken = _ONE / (_ONE + np.exp(-g[j]))
                kept = _ONE / (_ONE + np.exp(-g[h + j]))
                new = _TWO / (_ONE + np.exp(-_TWO * g[2 * h + j])) - _ONE
                c[j] = kept * c[j] + taken * new
            for j in range(h):
                told = _ONE / (_ONE + np.exp(-g[3 * h + j]))
                out[j] = told * (_TWO / (_ONE + np.exp(-_TWO * c[j])) - _ONE)


recur = kernel(_recur)


def _normalised(x, weight, bias, out):
    """Each row of x, (n, m), with mean 0 and deviation 1, times weight plus bias."""
    n, m = x.shape
    for i in range(n):
        total = _ZERO
        for j in range(m):
            total += x[i, j]
        mean = total / np.float32(m)
        squares = _ZERO
        for j in range(m):
            squares += (x[i, j] - mean) * (x[i, j] - mean)
        scale = _ONE / np.sqrt(squares / np.float32(m) + _EPSILON)
        for j in range(m):
            out[i, j] = (x[i, j] - mean) * scale * weight[j] + bias[j]


normalised = kernel(_normalised)


def _shares(near, present):
    """In place the share that each step that is there has of all: exp(near) over the sum."""
    most = _LOW
    for s in range(len(near)):
        if present[s] > _ZERO and near[s] > most:
            most = near[s]
    total = _ZERO
    for s in range(len(near)):
        near[s] = np.exp(near[s] - most) if present[s] > _ZERO else _ZERO
        total += near[s]
    for s in range(len(near)):
        near[s] /= total


shares = kernel(_shares)


def _attended(qkv, present, heads, out):
    """Attention among the steps of each row: of queries, keys and values side by side, (n, steps, 3 d), to the steps that are there, (n, steps); `out` is (n, steps, d)."""
    n, steps, width = qkv.shape
    d = width // 3
    size = d // heads
    scale = _ONE / np.sqrt(np.float32(size))
    keys = np.empty((size, steps), np.float32)
    near = np.empty(steps, np.float32)
    for i in range(n):
        for first in range(0, d, size):
            keys[:] = qkv[i, :, d + first : d + first + size].T
            for t in range(steps):
                near[:] = _ZERO
                for j in range(size):
                    asked, row = qkv[i, t, first + j] * scale, keys[j]
                    for s in range(steps):
                        near[s] += asked * row[s]
                shares(near, present[i])
                found = out[i, t, first : first + size]
                found[:] = _ZERO
                for s in range(steps):
                    share, given = near[s], qkv[i, s, 2 * d + first : 2 * d + first + size]
                    for j in range(size):
                        found[j] += share * given[j]


attended = kernel(_attended)


def affine(x: np.ndarray, w: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """The product x w plus bias: float32 of shape (..., k), (k, m) and (m,)."""
    out = np.empty((*x.shape[:-1], w.shape[1]), np.float32)
    out[...] = bias
    add_product.compiled(x.reshape(-1, x.shape[-1]), w, out.reshape(-1, w.shape[1]))
    return out
