"""The data of the chapter on fine-tuning: handwritten digits, their features and their parts."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from dspgd_lib import Adam, Start, dspgd, energy_distance_bound
from dspgd_lib.experiments.digits import digits, features, shifted
from dspgd_lib.experiments.reading import STARTS, compare, exchange, exchanged, readings, totals


def test_the_parts_are_disjoint_and_the_labels_fit():
    task, data = digits(seed=3), load_digits()
    assert task.problem.Y.sum(axis=1).tolist() == [1.0] * 50
    assert len(task.labels) == len(task.images) == 1797 - 1050
    pixels = {
        image.tobytes(): label for image, label in zip(data.images / 16, data.target, strict=True)
    }
    assert all(pixels[i.tobytes()] == y for i, y in zip(task.images, task.labels, strict=True))


def test_the_features_are_pixels_and_their_products_without_constant_columns():
    task = digits(seed=0)
    assert task.problem.d == task.X.shape[1] == 1761 and task.W0.shape == (1761, 10)
    image = np.arange(64.0).reshape(1, 8, 8) / 64
    row = 8 * features(image)[0]
    assert row[0] == 1 and row[1:65] == pytest.approx(image.ravel())
    assert row[65:].sum() == pytest.approx((image.sum() ** 2 + (image**2).sum()) / 2)


def test_the_pretrained_weights_read_almost_all():
    task = digits(seed=0)
    assert np.mean(task.read(task.W0) == task.labels) == pytest.approx(0.992, abs=6e-4)
    fits = task.problem.project(task.W0)
    assert task.problem.loss_value(fits) < 1e-20
    assert np.mean(task.read(fits) == task.labels) == pytest.approx(0.980, abs=6e-4)


def test_a_shift_moves_the_images_after_the_pretraining_only():
    still, moved = digits(seed=1), digits(seed=1, shift=0.5)
    assert (still.W0 == moved.W0).all()
    assert moved.images == pytest.approx(shifted(still.images, 0.5))
    assert shifted(still.images, 1.0)[:, :, 1:] == pytest.approx(still.images[:, :, :-1])


@pytest.mark.parametrize("shift", [-0.1, 1.5, np.nan])
def test_a_shift_by_more_than_a_pixel_is_refused(shift):
    with pytest.raises(ValueError, match="shift must be between 0 and 1"):
        digits(shift=shift)


def test_a_seed_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="seed"):
        digits(seed=-1)


@pytest.mark.parametrize("start", STARTS[::2])
def test_the_record_is_what_a_run_finds(start):
    """Adam's end is known to the tolerance of the run."""
    now, then = compare(0, start), readings()[start][0]
    assert (now.seed, now.start) == (0, start)
    for name in ("loss", "walked", "apart"):
        assert getattr(now, name) == pytest.approx(getattr(then, name), rel=1e-6)
    assert list(now.images) == list(then.images) and now.right == then.right
    assert now.accuracy == pytest.approx(then.accuracy)


def test_a_start_without_a_name_is_refused():
    with pytest.raises(ValueError, match="start must be one of"):
        compare(0, "one")


def test_the_opening_of_the_chapter():
    near, far = readings()["pretrained"][0], readings()["zero"][0]
    assert [round(one.loss, 2) for one in (near, far)] == [2.45, 25.0]
    assert [round(one.apart, 2) for one in (near, far)] == [0.73, 2.38]
    assert [round(one.walked, 2) for one in (near, far)] == [4.84, 8.94]
    assert [len(one.images) for one in (near, far)] == [0, 12] and far.right == (3, 6)
    assert near.accuracy == pytest.approx([0.980, 0.980], abs=6e-4)
    assert far.accuracy[1] == pytest.approx(0.83, abs=5e-3)
    assert [round(one.margin, 2) for one in (near, far)] == [0.78, 0.45]
    assert all(one.error < 0.002 for runs in readings().values() for one in runs)


def test_distance_and_sureness_share_in_what_is_read_differently():
    """4, 20, 42 and 161: a short or a long difference, added to a sure or an unsure fit."""
    assert exchange(0) == exchanged()[0]
    far_moved, near_moved = np.sum(exchanged(), axis=0)
    short, long = totals("pretrained")[0], totals("zero")[0]
    assert (short, far_moved, near_moved, long) == (4, 20, 42, 161)
    assert [far_moved / short, long / near_moved] == pytest.approx([5, 4], abs=0.5)
    assert [near_moved / short, long / far_moved] == pytest.approx([10, 8], abs=0.51)
    pairs = list(zip(readings()["pretrained"], readings()["zero"], strict=True))
    assert np.mean([a.apart / b.apart for a, b in pairs]) == pytest.approx(1 / 3, abs=0.01)
    assert all(a.margin > 1.4 * b.margin for a, b in pairs)


def test_over_ten_seeds_neither_reads_much_better():
    expected = {"pretrained": (4, 2, 1), "shifted": (33, 15, 14), "zero": (161, 45, 68)}
    assert {start: totals(start) for start in STARTS} == expected
    counts = {start: [len(one.images) for one in readings()[start]] for start in STARTS}
    ends = {start: (min(many), max(many)) for start, many in counts.items()}
    assert ends == {"pretrained": (0, 1), "shifted": (1, 6), "zero": (10, 22)}
    apart = [round(one.apart, 2) for one in readings()["pretrained"]]
    assert (min(apart), max(apart)) == (0.57, 1.01)
    better = [np.subtract(*one.right) for one in readings()["zero"]]
    assert sum(b > 0 for b in better) == 2 and sum(b == 0 for b in better) == 1


def test_the_leash_of_the_digits_in_figures():
    """2bL/ε for the two ε of the text, and what is measured for the larger one."""
    task = digits(seed=0)
    p, W0 = task.problem, task.W0
    loss = p.loss_value(W0)
    assert [2 * Adam(eps).bend * loss for eps in (0.01, 1.0)] == pytest.approx(
        [189, 1.89], rel=3e-3
    )
    for share, times in ((1.0, 2), (1.9, 20)):  # part 2 of the theorem, over b·L/ε
        start = Start(p, Adam(0.01), W0)
        work = loss / (1 - share / 2)
        assert Adam(0.01).bend * work == pytest.approx(times * 94.3, rel=1e-3)
        assert energy_distance_bound(start, share * 0.01 / p.M) <= 1.0001 * Adam(0.01).bend * work
    apart = {}
    for eps in (0.1, 1.0):
        run = dspgd(p, Adam(eps), W0, eps / p.M, tol=1e-2)
        apart[eps] = run.limit - p.project(W0)
    assert np.linalg.norm(apart[1.0]) == pytest.approx(0.016, abs=5e-4)
    assert 2 * Adam(1.0).bend * loss > 100 * np.linalg.norm(apart[1.0])
    law, R = np.zeros_like(W0), p.residual(W0)
    assert np.abs(p.gradient(W0)).max() == pytest.approx(0.15, abs=0.01)  # fifteen times 0.01
    for _ in range(2000):
        V = p.X.T @ R
        law, R = law + np.abs(V) * V, R - p.X @ V / p.M
    law = (p.project(law) - p.project(0 * law)) / p.M
    missed = [np.linalg.norm(a - law / eps) / np.linalg.norm(a) for eps, a in apart.items()]
    assert missed == pytest.approx([0.207, 0.024], rel=0.02)
    assert np.linalg.norm(law) / 0.01 > 2 * readings()["pretrained"][0].apart
