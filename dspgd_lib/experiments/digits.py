"""A fine-tuning story on data that one recognizes: handwritten digits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from .._validation import Array, nonnegative_integer
from ..problem import Problem

PIXELS = 8  # along each side
PRETRAIN, TUNE = 1000, 50
RIDGE = 0.01
UNIT = 8.0  # features are divided by it


@dataclass(frozen=True, eq=False)
class Digits:
    """Weights learned from many images, few new ones to fit, and others to read.

    Attributes
    ----------
    problem : Problem
        The new images as features, their digits as rows of the identity; squared loss.
    W0 : array of shape (d, 10)
        The pretrained weights.
    images : array of shape (m, 8, 8)
        Images that neither saw, between 0 (white) and 1.
    X : array of shape (m, d)
        Their features.
    labels : array of shape (m,)
        The digits they show.
    """

    problem: Problem
    W0: Array
    images: Array
    X: Array
    labels: Array

    def read(self, W: Array) -> Array:
        """Return the digit that weights read in each image, of shape (m,)."""
        return np.argmax(self.X @ W, axis=1)


def digits(seed: int = 0, shift: float = 0.0) -> Digits:
    """Return the task of fine-tuning on 50 of the 1,797 handwritten digits of scikit-learn.

    The features of an image are 1, its 64 pixels and all products of two pixels, without those that
    do not vary over the images of the pretraining, divided by 8. The weights W0 come from 1,000
    other images by ridge regression with the penalty 0.01.

    Parameters
    ----------
    seed : int
        Which images serve for what: `default_rng(seed)` shuffles them.
    shift : float, optional
        By how many pixels, at most 1, the images are moved to the right after the pretraining.

    Returns
    -------
    Digits
        With the other 747 images to read.

    Raises
    ------
    ValueError
        If seed or shift does not fit.

    Notes
    -----
    The images are those of E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits*,
    UCI Machine Learning Repository, 1998.

    Examples
    --------
    >>> task = digits(seed=0)
    >>> task.problem.n, task.problem.k, task.images.shape
    (50, 10, (747, 8, 8))
    >>> float((task.read(task.W0) == task.labels).mean()) > 0.97
    True
    """
    order = np.random.default_rng(nonnegative_integer("seed", seed))
    if not 0.0 <= shift <= 1.0:
        raise ValueError(f"shift must be between 0 and 1 (pixels), found {shift!r}.")
    images, labels = _loaded()
    rows = order.permutation(len(images))
    parts = np.split(rows, [PRETRAIN, PRETRAIN + TUNE])
    pretrain, tune, test = parts
    before = features(images[pretrain])
    kept = before.std(axis=0) > 0
    before, targets = before[:, kept], np.eye(10)[labels]
    gram = before @ before.T + RIDGE * np.eye(PRETRAIN)
    W0 = before.T @ np.linalg.solve(gram, targets[pretrain])
    moved = shifted(images[rows[PRETRAIN:]], shift)
    X = features(moved)[:, kept]
    problem = Problem(X[:TUNE], targets[tune])
    return Digits(problem, W0, moved[TUNE:], X[TUNE:], labels[test])


@cache
def _loaded() -> tuple[Array, Array]:
    from sklearn.datasets import load_digits  # only here: it takes a second

    data = load_digits()
    return data.images / 16.0, data.target


def features(images: Array) -> Array:
    """Return 1, the pixels and their products of images, divided by 8.

    Parameters
    ----------
    images : array of shape (m, 8, 8)
        With pixels between 0 and 1.

    Returns
    -------
    array of shape (m, 2145)

    Examples
    --------
    >>> features(np.ones((2, 8, 8))).shape
    (2, 2145)
    """
    pixels = np.asarray(images, dtype=float).reshape(len(images), -1)
    first, second = np.triu_indices(pixels.shape[1])
    products = pixels[:, first] * pixels[:, second]
    return np.hstack([np.ones((len(pixels), 1)), pixels, products]) / UNIT


def shifted(images: Array, pixels: float) -> Array:
    """Return images moved to the right by a part of a pixel; what leaves is lost.

    Parameters
    ----------
    images : array of shape (m, 8, 8)
        White is 0.
    pixels : float
        Between 0 and 1.

    Returns
    -------
    array of shape (m, 8, 8)

    Examples
    --------
    >>> shifted(np.ones((1, 8, 8)), 0.25)[0, 0, :3].tolist()
    [0.75, 1.0, 1.0]
    """
    whole = np.zeros_like(images)
    whole[:, :, 1:] = images[:, :, :-1]
    return (1.0 - pixels) * images + pixels * whole
