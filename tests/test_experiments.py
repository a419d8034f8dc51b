"""The numbers behind the two figures of the paper."""

import numpy as np
import pytest
from strategies import norm

from dspgd_lib import (
    Adam,
    NormalizedGD,
    SmoothedSign,
    Start,
    dspgd,
    energy_distance_bound,
)
from dspgd_lib.experiments import (
    NORMS,
    distance_to_interpolators,
    limit_against_learning_rate,
    setting,
)
from dspgd_lib.nearest import min_norm

SMALL = {"n": 5, "d": 20}
both = pytest.mark.parametrize("K_of", [Adam, SmoothedSign])


# ---------------------------------------------------------------- the data


def test_the_setting_is_the_one_that_the_book_states():
    problem, W0 = setting(3)
    again, start = setting(3)
    assert (problem.n, problem.d, problem.k) == (50, 200, 1)
    assert (problem.X == again.X).all() and (W0 == start).all()
    assert norm(W0) == pytest.approx(1, abs=0.25)
    assert not (setting(4)[0].X == problem.X).any()
    # the start comes from a stream of its own
    assert abs(np.corrcoef(W0[:, 0] * np.sqrt(200), problem.X.ravel()[:200])[0, 1]) < 0.3


# ---------------------------------------------------------------- Figure 1


@both
def test_distances_are_those_of_single_runs(K_of):
    eps = np.array([0.05, 1.0, 20.0])
    found = distance_to_interpolators(eps, [7, 8], preconditioner=K_of, **SMALL)
    for s, seed in enumerate([7, 8]):
        problem, W0 = setting(seed, **SMALL)
        assert found.start_norm[s] == pytest.approx(norm(W0))
        assert found.start_gradient[s] == pytest.approx(np.abs(problem.gradient(W0)).max())
        for e, value in enumerate(eps):
            eta = min(0.1, value) / problem.sigma_max**2
            assert found.eta[s, e] == pytest.approx(eta)
            limit = dspgd(problem, K_of(float(value)), W0, eta).W
            for i, p in enumerate(NORMS):
                distance = norm(limit - min_norm(problem, W0, p))
                assert abs(found.distance[s, e, i] - distance) <= found.limit_error[s, e] + 1e-9
    assert found.fixed.tolist() == [False, True, True]
    assert found.distance.shape == (2, 3, 3) and found.seeds.tolist() == [7, 8]


@both
@pytest.mark.parametrize("precision", [1e-2, 1e-4])
def test_every_limit_is_certified_to_the_precision_asked_for(K_of, precision):
    eps = np.geomspace(0.01, 100.0, 5)
    found = distance_to_interpolators(
        eps, range(4), preconditioner=K_of, precision=precision, **SMALL
    )
    for s in range(4):
        problem, W0 = setting(s, **SMALL)
        way = norm(problem.project(W0) - W0)
        natural = np.minimum(way, K_of(eps).bend * problem.loss_value(W0))
        # up to the size of W that the stopping rule compares with
        assert (found.limit_error[s] <= 2 * precision * natural).all()
        assert (found.limit_error[s] > 0).all()


@both
def test_the_two_ends_are_bounded_by_theorems(K_of):
    """Large ε: within the energy bound of gradient descent's end. p = 2 is that end itself."""
    eps = np.array([3.0, 30.0, 300.0])
    found = distance_to_interpolators(eps, range(3), preconditioner=K_of, **SMALL)
    assert np.abs(found.gd_distance[:, 1]).max() <= 1e-12
    for s in range(3):
        problem, W0 = setting(s, **SMALL)
        bound = [
            float(energy_distance_bound(Start(problem, K_of(e), W0), rate))
            for e, rate in zip(eps.tolist(), found.eta[s].tolist(), strict=True)
        ]
        assert (found.distance[s, :, 1] <= bound + found.limit_error[s]).all()
        gap = np.abs(found.distance[s] - found.gd_distance[s])
        assert (gap <= found.distance[s, :, 1:2] + 1e-12).all()  # triangle inequality
    # ∇K(V) = V/ε − V|V|/ε² + … for Adam, V/ε − V³/(2ε³) + … for the smoothed sign
    order = 1 if K_of is Adam else 2
    assert found.distance[:, 1, 1] / found.distance[:, 2, 1] == pytest.approx(10**order, rel=0.2)


def test_the_trends_of_the_figure_at_the_size_of_the_book():
    """Observed, not proved: from near sign descent to gradient descent, p = 1 and 2 fall."""
    found = distance_to_interpolators([0.1, 1.0, 10.0], range(3), precision=1e-2)
    change = np.diff(found.distance, axis=1)
    slack = found.limit_error[:, 1:] + found.limit_error[:, :-1]
    assert (change[:, :, 0] < -slack).all() and (change[:, :, 1] < -slack).all()
    assert (change[:, :, 2] > slack).all()
    assert found.fixed.all() and np.isfinite(found.limit_error).all()
    assert (found.distance[:, :, 0] > found.distance[:, :, 1:].max(axis=2)).all()
    # p = 2 and p = ∞ are comparably far at small ε, but only comparably
    ratio = found.distance[:, 0, 1] / found.distance[:, 0, 2]
    assert (0.5 < ratio).all() and (ratio < 2.0).all() and np.ptp(ratio) > 0.05


# ---------------------------------------------------------------- Figure 2


@both
def test_the_limit_moves_at_first_order_in_the_learning_rate(K_of):
    fractions = np.geomspace(0.02, 1.9, 6)
    found = limit_against_learning_rate(1.0, fractions, range(3), preconditioner=K_of, **SMALL)
    assert found.slope.shape == (3,) and (np.abs(found.slope - 1) <= 0.1).all()
    assert (found.from_flow[:, 0] > 100 * found.flow_error).all()
    sigma = np.array([setting(s, **SMALL)[0].sigma_max for s in range(3)])
    assert found.eta == pytest.approx(fractions / sigma[:, None] ** 2)
    assert (found.limit_error < 1e-12).all()  # proved past 1/(βM) as well
    assert (np.diff(found.from_smallest, axis=1) > 0).all() and (
        found.from_smallest[:, 0] == 0
    ).all()


def test_each_number_is_that_of_a_single_run():
    fractions = np.array([0.1, 0.5, 1.5])
    found = limit_against_learning_rate(0.5, fractions, [5], **SMALL)
    problem, W0 = setting(5, **SMALL)
    unit = norm(W0)
    W = [dspgd(problem, Adam(0.5), W0, float(eta)).W for eta in found.eta[0]]
    assert found.from_start[0] == pytest.approx([norm(w - W0) / unit for w in W], abs=1e-9)
    assert found.from_smallest[0] == pytest.approx([norm(w - W[0]) / unit for w in W], abs=1e-9)


def test_how_far_the_limit_is_from_the_start_hides_how_it_moves():
    """Its row-space part is fixed, so that only the null-space part N changes, by δ at most:
    ‖W_∞ − W0‖² = ‖W_GD − W0‖² + ‖N‖². So it changes by at most ‖N‖/‖W_∞ − W0‖ times δ."""
    found = limit_against_learning_rate(1.0, np.geomspace(0.05, 1.5, 4), range(3), **SMALL)
    for s in range(3):
        problem, W0 = setting(s, **SMALL)
        row = norm(problem.project(W0) - W0) / norm(W0)
        off = np.sqrt(np.maximum(found.from_start[s] ** 2 - row**2, 0.0))
        change = np.abs(found.from_start[s] - found.flow_from_start[s])
        share = np.maximum(off, np.sqrt(found.flow_from_start[s] ** 2 - row**2)) / row
        assert (change <= share * found.from_flow[s] + 1e-8).all()


def test_gradient_descent_and_mirror_descent_do_not_move():
    found = limit_against_learning_rate(1.0, np.geomspace(0.05, 1.9, 5), range(3), **SMALL)
    assert found.gd_converged.all() and found.gd_from_smallest.max() <= 1e-12
    assert found.mirror_converged.all() and found.mirror_from_smallest.max() <= 1e-8
    assert found.from_smallest[:, -1].min() >= 1e-4


# ---------------------------------------------------------------- complaints


@pytest.mark.parametrize(
    "message, call",
    [
        ("eps must be positive", lambda: distance_to_interpolators([1.0, -1.0], [0])),
        ("seeds must not be empty", lambda: distance_to_interpolators([1.0], [])),
        ("seeds must be an integer", lambda: distance_to_interpolators([1.0], [0.5])),
        ("eta_fraction must be positive", lambda: distance_to_interpolators([1.0], [0], 0.0)),
        ("precision must be positive", lambda: distance_to_interpolators([1.0], precision=-1.0)),
        (
            "preconditioner must be Adam or SmoothedSign, found NormalizedGD",
            lambda: distance_to_interpolators([1.0], [0], preconditioner=NormalizedGD),
        ),
        ("eps must be one number", lambda: limit_against_learning_rate([1.0, 2.0])),
        ("fractions must ascend", lambda: limit_against_learning_rate(1.0, [0.2, 0.1])),
        ("fractions must ascend", lambda: limit_against_learning_rate(1.0, [0.2, 0.2])),
        ("stay below 2", lambda: limit_against_learning_rate(1.0, [0.2, 2.0])),
        ("seeds must not be empty", lambda: limit_against_learning_rate(1.0, [0.2], [])),
        ("d must be at least 1", lambda: setting(0, 5, 0)),
    ],
)
def test_bad_arguments_are_refused_with_a_reason(message, call):
    with pytest.raises(ValueError, match=message):
        call()
