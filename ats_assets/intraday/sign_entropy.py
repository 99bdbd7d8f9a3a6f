"""How much there is to be told of what comes next: entropies of sequences of signs, such as the sides of ticks.

Both are between 0 and about 1: 1 where nothing that was can tell the next sign, 0 where it is always told.
"""

import math

import numpy as np

from ats_assets.intraday.bar_ends import Codes
from ats_assets.kernels.kernel import kernel


@kernel
def shannon_entropy(signs: Codes, word: int) -> float:
    """-sum p log2 p / `word`, p the share of each word of so many signs in a row, in bits a sign; zero signs are left out. NaN of fewer signs than a word has.

    C. Shannon, A mathematical theory of communication, Bell System Technical Journal 27, 1948; of words as in M. López de Prado, Advances in Financial Machine Learning, 2018,
    section 18.3. A short sequence has too little of it: of n signs use words of less than log2(n).

    Parameters
    ----------
    signs
        Of shape (n,).
    word
        From 1 to 16.
    """
    counts = np.zeros(1 << word, np.int64)
    code, seen, n = 0, 0, 0
    for i in range(len(signs)):
        if signs[i] != 0:
            code = ((code << 1) | (1 if signs[i] > 0 else 0)) & ((1 << word) - 1)
            seen += 1
            if seen >= word:
                counts[code] += 1
                n += 1
    if n == 0:
        return np.nan
    entropy = 0.0
    for count in counts:
        if count:
            entropy -= count / n * math.log(count / n) / math.log(2.0)
    return entropy / word


@kernel
def lempel_ziv(signs: Codes) -> float:
    """C log2(n) / n, c the number of pieces that the sequence falls into where each is the shortest that did not occur before its end; zero signs are left out.

    A. Lempel and J. Ziv, On the complexity of finite sequences, IEEE Transactions on Information Theory 22, 1976; F. Kaspar and H. Schuster, Easily calculable measure for the
    complexity of spatiotemporal patterns, Physical Review A 36, 1987, whose algorithm it is. NaN of fewer than two signs.
    """
    bits = signs[signs != 0] > 0
    n = len(bits)
    if n < 2:
        return np.nan
    pieces, start, length, place, longest = 1, 0, 1, 1, 1
    while place + length <= n:
        if bits[start + length - 1] == bits[place + length - 1]:
            length += 1
            if place + length > n:
                pieces += 1
        else:
            longest = max(longest, length)
            start += 1
            if start == place:
                pieces += 1
                place += longest
                start, length, longest = 0, 1, 1
            else:
                length = 1
    return pieces * math.log(n) / math.log(2.0) / n
