"""How the stops of a figure are stored: each place by how it changes from stop to stop.

What a slider moves, it moves little from one stop to the next. So a place holds 0 where it is as it
was, and where only whole numbers in it changed, "~" and by how much: mostly small numbers, which
compress well. `figures.js` reads this.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?\d+")


def columns(stops: list[list[str]]) -> list[list[str | int]]:
    """Turn the texts of every stop into one column for each place.

    Parameters
    ----------
    stops : list of lists of str
        What each stop holds; places that it does not use are empty.

    Returns
    -------
    list of lists

    Examples
    --------
    >>> columns([["M10 20", "a"], ["M12 20", "a"], ["M12 15", "b"]])
    [['M10 20', '~2 ', '~ -5'], ['a', 0, 'b']]
    """
    longest = max(map(len, stops))
    places = zip(*(texts + [""] * (longest - len(texts)) for texts in stops), strict=True)
    return [
        [text if i == 0 else _change(place[i - 1], text) for i, text in enumerate(place)]
        for place in places
    ]


def _change(before: str, after: str) -> str | int:
    """Say how a text differs from the one before, or give it whole."""
    if before == after:
        return 0
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", after):
        return after
    steps = []
    for old, new in zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True):
        if old == new:
            steps.append("")
        elif old == str(int(old)) and new == str(int(new)):
            steps.append(str(int(new) - int(old)))
        else:  # "05" is no whole number: it stands behind a decimal point
            return after
    return "~" + " ".join(steps)
