"""The flow: where it ends, that dspgd tends to it as η → 0, that its energy falls."""

import numpy as np
import pytest
from strategies import (
    LEFT_INVARIANT,
    LOSSES,
    OUTPUTS,
    norm,
    random_problem,
    start_at_radius,
    typical_parameter,
)

from dspgd_lib import (
    Adam,
    Cosh,
    GradientDescent,
    NormalizedGD,
    PNorm,
    Problem,
    Quadratic,
    SmoothedSign,
    SquaredLoss,
    Start,
    certified_limit,
    distance_bound,
    dspgd,
    max_learning_rate,
)
from dspgd_lib.flow import preconditioned_flow
from dspgd_lib.nearest import min_norm

losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)
SEPARABLE = {"adam": Adam, "smoothed-sign": SmoothedSign, "cosh": lambda p: Cosh()}
separable = pytest.mark.parametrize("K_of", SEPARABLE.values(), ids=SEPARABLE)


def case(k, loss, seed=0, n=5, d=20):
    problem, rng = random_problem(seed, k, loss, n=n, d=d)
    return problem, rng.standard_normal((d, k)) / np.sqrt(d)


# ---------------------------------------------------------------- where it ends


@separable
@losses
@outputs
def test_dspgd_tends_to_the_flow_at_first_order(K_of, loss, k):
    """Half the learning rate, half the gap; and the extrapolation to η = 0 is far nearer."""
    problem, rng = random_problem(0, k, loss, n=5, d=20)
    W0 = start_at_radius(problem, rng, 3.0)  # so that cosh, too, has a learning rate to speak of
    K = K_of(typical_parameter(problem, W0))
    flow = preconditioned_flow(problem, K, W0)
    eta = 0.2 * max_learning_rate(problem, K, W0)
    coarse, fine = (dspgd(problem, K, W0, eta / part, tol=1e-10).W for part in (1, 2))
    assert flow.converged and flow.limit_error <= 1e-7
    gap = norm(coarse - flow.limit)
    assert gap > 100 * flow.limit_error  # the comparison means something
    assert norm(fine - flow.limit) == pytest.approx(gap / 2, rel=0.1)
    assert norm(2 * fine - coarse - flow.limit) <= 0.1 * gap


@pytest.mark.parametrize("K_of", LEFT_INVARIANT.values(), ids=LEFT_INVARIANT)
@outputs
def test_isotropic_and_left_invariant_flows_end_at_the_projection_of_their_start(K_of, k):
    problem, W0 = case(k, SquaredLoss())
    K = K_of(typical_parameter(problem, W0))
    flow = preconditioned_flow(problem, K, W0, tol=1e-7)
    assert flow.converged
    assert norm(flow.limit - problem.project(W0)) <= 1e-12 * norm(W0)
    assert norm(flow.W - flow.limit) <= 1e-5 * norm(W0)  # the path itself gets there
    if K.sector(1.0)[0] > 0 and np.isfinite(K.smoothness):
        assert flow.limit_error == 0


@pytest.mark.parametrize("p", [1.3, 2.0, 3.0, 5.0])
def test_one_example_and_a_power_give_the_nearest_point_in_the_dual_norm(p):
    """argmin ‖W − W0‖_q, 1/p + 1/q = 1: Hölder's inequality holds with equality."""
    problem, W0 = case(1, SquaredLoss(), n=1, d=7)
    x, q = problem.X[0], p / (p - 1)
    residual = float(problem.Y[0, 0] - x @ W0[:, 0])
    flow = preconditioned_flow(problem, PNorm(p), W0)
    step = (flow.limit - W0)[:, 0]
    expected = residual * np.sign(x) * np.abs(x) ** (p - 1) / np.sum(np.abs(x) ** p)
    assert step == pytest.approx(expected, abs=1e-8)
    assert np.linalg.norm(step, q) * np.linalg.norm(x, p) == pytest.approx(abs(residual))


def test_adam_on_one_example_moves_from_one_norm_to_another():
    """Towards argmin ‖·‖₂ for large ε and argmin ‖·‖_∞ for small ε."""
    problem, W0 = case(1, SquaredLoss(), seed=3, n=1, d=7)
    ends = {p: min_norm(problem, W0, p) for p in (2, np.inf)}
    apart = norm(ends[2] - ends[np.inf])
    limits = [preconditioned_flow(problem, Adam(eps), W0, tol=1e-7).limit for eps in (1e-4, 1e4)]
    assert norm(limits[0] - ends[np.inf]) <= 1e-2 * apart
    assert norm(limits[1] - ends[2]) <= 1e-2 * apart


@pytest.mark.parametrize("K", [Adam(0.5), SmoothedSign(0.5), PNorm(3.0)], ids=repr)
@outputs
def test_the_estimated_error_is_honest(K, k):
    problem, W0 = case(k, SquaredLoss(), seed=1)
    precise = preconditioned_flow(problem, K, W0, tol=1e-10)
    for tol in (1e-4, 1e-6):
        rough = preconditioned_flow(problem, K, W0, tol=tol)
        assert 0 < rough.limit_error <= 1000 * tol
        assert norm(rough.limit - precise.limit) <= 3 * rough.limit_error


@pytest.mark.parametrize(
    "K", [Quadratic(np.diag(np.linspace(1, 3, 20))), Adam(0.5)], ids=["quadratic", "adam"]
)
@losses
def test_the_error_is_what_a_coarser_run_changes_plus_what_is_certified_of_the_rest(K, loss):
    problem, W0 = case(2, loss, seed=3)
    fine, coarse = (preconditioned_flow(problem, K, W0, tol=tol) for tol in (1e-3, 1e-2))
    end = Start(problem, K, fine.W)
    rest = certified_limit(end, 1e-9 * end.max_learning_rate).error
    changed = float(norm(coarse.limit - fine.limit))
    assert rest > 1e-4 * changed > 0
    assert fine.limit_error == pytest.approx(changed + rest, rel=1e-7)


@pytest.mark.parametrize("K", [Adam(0.5), SmoothedSign(2.0)], ids=repr)
@losses
def test_the_distance_bound_holds_for_the_flow(K, loss):
    problem, W0 = case(1, loss, seed=2)
    flow = preconditioned_flow(problem, K, W0)
    assert norm(flow.limit - problem.project(W0)) <= distance_bound(Start(problem, K, W0))


def test_labels_and_starts_in_other_units():
    problem, W0 = case(1, SquaredLoss())
    limit = preconditioned_flow(problem, Adam(1.0), W0).limit
    scaled = Problem(problem.X, 1e6 * problem.Y)
    assert preconditioned_flow(scaled, Adam(1e6), 1e6 * W0).limit / 1e6 == pytest.approx(limit)


# ---------------------------------------------------------------- the path


@pytest.mark.parametrize(
    "K", [GradientDescent(), NormalizedGD(0.3), Adam(0.3), PNorm(3.0)], ids=repr
)
@losses
@outputs
def test_loss_and_potential_fall_along_the_path(K, loss, k):
    problem, W0 = case(k, loss)
    flow = preconditioned_flow(problem, K, W0, tol=1e-7)
    time, path, L = (flow.history[name] for name in ("time", "W", "loss"))
    potential = K.value(problem.gradient(path))
    assert (path[0] == W0).all() and time[0] == 0 and (np.diff(time) > 0).all()
    assert path.shape == (flow.steps + 1, problem.d, k) and len(L) == flow.steps + 1
    assert L == pytest.approx(problem.loss_value(path))
    assert (np.diff(L) <= 1e-6 * L[0]).all()
    assert (np.diff(potential) <= 1e-6 * potential[0]).all()
    assert norm(problem.residual(flow.W)) <= 1e-4 * norm(problem.residual(W0))


def test_the_path_of_gradient_flow_is_the_exponential():
    problem, W0 = case(2, SquaredLoss())
    path = preconditioned_flow(problem, GradientDescent(), W0).history
    values, vectors = np.linalg.eigh(problem.X @ problem.X.T)
    for t, W in zip(path["time"][::20], path["W"][::20], strict=True):
        decay = vectors @ np.diag(np.exp(-t * values)) @ vectors.T
        assert norm(problem.residual(W) - decay @ problem.residual(W0)) <= 1e-6


def test_a_start_on_the_manifold_stays():
    problem, W0 = case(1, SquaredLoss())
    flow = preconditioned_flow(problem, Adam(1.0), problem.project(W0))
    assert flow.converged and flow.steps == 0 and flow.limit_error <= 1e-12
    assert norm(flow.limit - problem.project(W0)) <= 1e-14


def test_zero_weights_interpolate_zero_labels():
    problem = Problem(case(2, SquaredLoss())[0].X, np.zeros((5, 2)))
    flow = preconditioned_flow(problem, Adam(0.5), np.zeros((20, 2)))
    assert flow.converged and flow.steps == 0 and not flow.W.any() and not flow.limit.any()


def test_too_few_steps_are_reported():
    problem, W0 = case(1, SquaredLoss())
    flow = preconditioned_flow(problem, Adam(1.0), W0, max_steps=3)
    assert not flow.converged and flow.steps == 3 and flow.limit_error == np.inf
    assert "Not converged in 3 steps" in flow.message
    assert "message='Not converged" in repr(flow) and "array" not in repr(flow)


def test_a_preconditioner_made_at_home_serves():
    class Plain:
        def value(self, G):
            return 0.5 * np.sum(G * G, axis=(-2, -1))

        def gradient(self, G):
            return G

    problem, W0 = case(1, SquaredLoss())
    flow = preconditioned_flow(problem, Plain(), W0)
    assert flow.converged and norm(flow.limit - problem.project(W0)) <= 1e-12


# ---------------------------------------------------------------- complaints


BAD_ARGUMENTS = {
    "problem must be a Problem": {"problem": np.eye(3)},
    "K must be an object, found the class Adam": {"K": Adam},
    "W0 must have shape": {"W0": np.zeros(8)},
    "W0 must be one matrix": {"W0": np.zeros((2, 9, 1))},
    "tol must be between 1e-12 and 0.01, found 0.1": {"tol": 0.1},
    "tol must be between 1e-12 and 0.01, found 1e-14": {"tol": 1e-14},
    "tol must be positive": {"tol": 0.0},
    "max_steps must be at least 1": {"max_steps": 0},
    "K must be one function, found a grid of 2": {"K": Adam([1.0, 2.0])},
    "labels that no W interpolates": {
        "problem": Problem([[1.0, 2.0], [2.0, 4.0]], [1.0, 1.0], strict=False),
        "W0": np.zeros(2),
    },
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_with_a_reason(message):
    good = {"problem": Problem.gaussian(3, 9, 1, 0), "K": Adam(1.0), "W0": np.zeros(9)}
    with pytest.raises(ValueError, match=message):
        preconditioned_flow(**(good | BAD_ARGUMENTS[message]))
