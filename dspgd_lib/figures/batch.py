"""Results for all stops of a figure, computed in one go for a page and one by one in Jupyter."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dspgd_lib.plotting import is_static


@dataclass
class Batch:
    """A function of one number whose values are cheaper together than one by one.

    Parameters
    ----------
    compute
        Takes an array of values and returns one result for each.
    values
        The stops of the figure.

    Examples
    --------
    >>> squares = Batch(lambda values: (values**2).tolist(), [1.0, 2.0, 3.0])
    >>> squares(2.0), squares(2.5)
    (4.0, 6.25)
    """

    compute: Callable[[np.ndarray], Sequence[Any]]
    values: Sequence[float]
    _known: dict[float, Any] = field(default_factory=dict, repr=False)

    def __call__(self, value: float) -> Any:
        """Return the result for one value: of a stop, or of any other."""
        value = float(value)
        if value not in self._known:
            stops = [float(stop) for stop in self.values]
            wanted = stops if is_static() and value in stops else [value]
            results = self.compute(np.array(wanted))
            self._known.update(zip(wanted, results, strict=True))
        return self._known[value]
