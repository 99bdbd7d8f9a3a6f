"""The k best scores, equally weighted; none where more than k are all equal, for then they say nothing."""

import numpy as np

from ats_assets.plugins import Plugin
from ats_assets.portfolio.method import Floats, places
from ats_assets.settings import Positive, Section


class TopKLongSettings(Section):
    """How many are held."""

    top_k: Positive = 10


class TopKLong:
    """Equal weights of the k best scores, of all of them where there are no more than k.

    Examples
    --------
    >>> TopKLong(TopKLongSettings(top_k=2)).weights(np.array([-0.1, 0.1, 0.2, 0.3])).tolist()
    [0.0, 0.0, 0.5, 0.5]
    >>> TopKLong(TopKLongSettings(top_k=2)).weights(np.array([0.1, 0.2, 0.2, 0.3])).tolist()  # equal scores share the last place
    [0.0, 0.25, 0.25, 0.5]
    """

    def __init__(self, settings: TopKLongSettings) -> None:
        self.settings = settings

    def weights(self, scores: Floats) -> Floats:
        """The share of each in a book of k places."""
        k, known = self.settings.top_k, scores[np.isfinite(scores)]
        if not len(known) or (len(known) > k and known.min() == known.max()):
            return np.zeros(len(scores))
        return places(scores, k) / min(k, len(known))


PLUGIN = Plugin(settings=TopKLongSettings, make=TopKLong)
