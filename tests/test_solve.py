"""Runs: where they end, when they stop, what they say, what they refuse."""

import numpy as np
import pytest
from hypothesis import given
from strategies import (
    ISOTROPIC,
    LOSSES,
    OUTPUTS,
    PRECONDITIONERS,
    drawn_losses,
    drawn_outputs,
    fractions,
    norm,
    random_problem,
    seeds,
    typical_parameter,
)

from dspgd_lib import (
    Adam,
    GradientClipping,
    GradientDescent,
    NormalizedGD,
    Problem,
    SquaredLoss,
    dspgd,
    max_learning_rate,
)

every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
isotropic = pytest.mark.parametrize("K_of", ISOTROPIC.values(), ids=ISOTROPIC)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


class Plain:
    """A preconditioner made at home: value and gradient, nothing else."""

    def value(self, G):
        return 0.5 * np.sum(G * G, axis=(-2, -1))

    def gradient(self, G):
        return G


# ---------------------------------------------------------------- where runs end


@isotropic
@outputs
@pytest.mark.parametrize("fraction", [0.2, 0.6, 1.0])
@pytest.mark.parametrize("seed", range(2))
def test_isotropic_runs_end_at_the_projection_of_their_start(K_of, k, fraction, seed):
    """Theorem 2 of the paper, first part: the limit is gradient descent's, whatever η."""
    problem = Problem.gaussian(20, 80, k, seed)
    W0 = np.random.default_rng(seed + 9).standard_normal((80, k)) / np.sqrt(80)
    K = K_of(1.0)
    result = dspgd(problem, K, W0, fraction * max_learning_rate(problem, K))
    limit = problem.project(W0)
    assert result.converged and result.guaranteed
    assert norm(result.W - limit) <= 1e-9 * norm(limit)
    assert result.limit_error == 0 and norm(result.limit - limit) <= 1e-12 * norm(limit)


@isotropic
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_isotropic_runs_end_at_the_projection_on_any_problem(K_of, loss, k, seed, fraction):
    problem, rng = random_problem(seed, k, loss, n=2, d=12)
    W0 = rng.standard_normal((12, k))
    K = K_of(typical_parameter(problem, W0))
    result = dspgd(problem, K, W0, fraction * max_learning_rate(problem, K))
    assert norm(result.W - problem.project(W0)) <= 1e-9 * norm(result.W)


@pytest.mark.parametrize("seed", range(4))
def test_adam_interpolates(seed):
    problem = Problem.gaussian(50, 200, 1, seed)
    result = dspgd(problem, Adam(1.0), np.zeros(200), 1.0 / problem.sigma_max**2)
    assert result.converged and result.guaranteed
    assert norm(problem.residual(result.W)) <= 1e-9 * norm(problem.Y)
    assert norm(result.W - problem.project(np.zeros(200))) > 1e-2  # and it is not GD's solution
    assert norm(result.W - result.limit) <= result.limit_error + 1e-9


@every
@given(drawn_losses, drawn_outputs, seeds, fractions)
def test_loss_never_increases_at_a_guaranteed_learning_rate(K_of, loss, k, seed, fraction):
    problem, rng = random_problem(seed, k, loss)
    W0 = rng.standard_normal((problem.d, k))
    K = K_of(typical_parameter(problem, W0))
    eta = fraction * max_learning_rate(problem, K)
    L = dspgd(problem, K, W0, eta, tol=0, max_steps=40, record="loss").history["loss"]
    assert (np.diff(L) <= 1e-12 * L[0]).all()


def test_stability_ends_at_twice_the_guarantee():
    """Adam converges at 1.9 ε/σ_max² and chatters for ever at 2.1 (this book)."""
    problem, K = Problem.gaussian(5, 20, 1, 0), Adam(0.5)
    bound = max_learning_rate(problem, K)
    below = dspgd(problem, K, np.zeros(20), 1.9 * bound)
    above = dspgd(problem, K, np.zeros(20), 2.1 * bound, max_steps=3000)
    assert below.converged and not below.guaranteed and "above the guarantee" in below.message
    assert not above.converged and above.steps == 3000
    assert above.limit_error == np.inf and above.limit_error == np.inf
    assert "Not converged" in above.message and np.isfinite(above.W).all()
    assert f"{2.1 * bound:.4g}" in above.message and f"{bound:.4g}" in above.message


# ---------------------------------------------------------------- the record


@every
@outputs
def test_record_keeps_every_iterate(K_of, k):
    problem, rng = random_problem(1, k, SquaredLoss(), n=3, d=7)
    W0, K = rng.standard_normal((7, k)), K_of(1.0)
    eta = max_learning_rate(problem, K)
    names = ("W", "gradient", "loss", "residual_norm", "preconditioner")
    result = dspgd(problem, K, W0, eta, record=names)
    W = result.history["W"]
    assert set(result.history) == set(names)
    assert W.shape == result.history["gradient"].shape == (result.steps + 1, 7, k)
    assert (W[0] == W0).all() and (W[-1] == result.W).all()
    assert W[1] == pytest.approx(W0 - eta * K.gradient(problem.gradient(W0)), rel=1e-14)
    assert result.history["gradient"][1] == pytest.approx(problem.gradient(W[1]), abs=1e-12)
    assert result.history["loss"][1] == pytest.approx(problem.loss_value(W[1]), rel=1e-12)
    assert result.history["residual_norm"][1] == pytest.approx(norm(problem.residual(W[1])))
    V1 = result.history["gradient"][1]
    assert result.history["preconditioner"][1] == pytest.approx(K.value(V1), rel=1e-12)
    assert dspgd(problem, K, W0, eta).history == {}


def test_the_start_is_not_changed():
    W0 = np.ones((3, 1))
    result = dspgd(Problem(np.eye(2, 3), [1.0, 2.0]), GradientDescent(), W0, 1.0, max_steps=0)
    assert (W0 == 1).all() and result.W is not W0


# ---------------------------------------------------------------- when runs stop


def test_tolerance_zero_runs_exactly_the_steps_asked_for():
    problem, K = Problem.gaussian(2, 5, 1, 0), NormalizedGD(1.0)
    eta = max_learning_rate(problem, K)
    for steps in (0, 1, 2000):
        result = dspgd(problem, K, np.zeros(5), eta, tol=0, max_steps=steps, record="loss")
        assert result.steps == steps and len(result.history["loss"]) == steps + 1
    assert result.converged  # 2000 steps reach the rounding floor
    assert dspgd(problem, K, np.zeros(5), eta, tol=0, max_steps=np.int64(3)).steps == 3


@given(seeds)
def test_tolerance_bounds_the_distance_to_the_manifold(seed):
    problem, rng = random_problem(seed, 2, SquaredLoss(), n=3, d=20)
    W0, K = rng.standard_normal((20, 2)), GradientDescent()
    for tol in (1e-2, 1e-6, 1e-10):
        W = dspgd(problem, K, W0, max_learning_rate(problem, K), tol=tol).W
        size = max(norm(W), norm(problem.Y) / problem.sigma_max)
        assert norm(W - problem.project(W)) <= tol * size * (1 + 1e-9) + 1e-15 * norm(W0)


@pytest.mark.parametrize("scale", [1e-120, 1e-3, 1e120])
def test_units_do_not_matter(scale):
    problem = Problem.gaussian(3, 9, 1, 0)
    scaled = Problem(problem.X, scale * problem.Y)
    K, scaled_K = NormalizedGD(1.0), NormalizedGD(scale)
    W = dspgd(problem, K, np.ones(9), max_learning_rate(problem, K)).W
    eta = max_learning_rate(scaled, scaled_K)
    scaled_W = dspgd(scaled, scaled_K, scale * np.ones(9), eta).W
    assert scaled_W / scale == pytest.approx(W, rel=1e-10)


@given(drawn_losses, drawn_outputs, seeds)
def test_the_distance_in_the_message_bounds_the_one_to_the_manifold(loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W0, K = rng.standard_normal((problem.d, k)), GradientDescent()
    for tol, steps in [(1e-3, 100_000), (0.0, 2), (1e-9, 1)]:
        run = dspgd(problem, K, W0, max_learning_rate(problem, K), tol=tol, max_steps=steps)
        stated = norm(problem.residual(run.W)) / problem.sigma_min
        assert f"{stated:.2g}" in run.message
        assert norm(run.W - problem.project(run.W)) <= stated * (1 + 1e-9) + 1e-14 * norm(run.W)


def test_a_run_that_starts_on_the_manifold_takes_no_step():
    problem = Problem.gaussian(3, 9, 2, 0)
    result = dspgd(problem, Adam(1.0), problem.project(np.ones((9, 2))), 1e-3)
    assert result.steps == 0 and result.converged


@every
def test_zero_labels_and_zero_weights_are_no_special_case(K_of):
    K, problem = K_of(1.0), Problem(np.eye(2, 4), np.zeros(2))
    eta = 0.5 * max_learning_rate(problem, K)
    assert dspgd(problem, K, np.zeros(4), eta).steps == 0
    to_zero = dspgd(problem, K, [3.0, -2.0, 0.0, 0.0], eta)
    assert to_zero.converged and norm(to_zero.W) <= 1e-14
    beside = dspgd(problem, K, [3.0, -2.0, 1.0, 0.0], eta)
    assert beside.converged and norm(beside.W - np.eye(4)[:, 2:3]) <= 1e-11


def test_a_run_stops_at_the_rounding_floor_and_says_so():
    X = np.zeros((2, 3))
    X[0, 0], X[1, 1] = 1.0, 1e-7
    problem = Problem(X, [1.0, 1e-7])
    result = dspgd(problem, GradientDescent(), [0.1, 1.0 + 3e-10, 0.7], 0.37)
    assert result.converged and result.steps < 200
    assert "rounding floor" in result.message


def test_a_step_too_short_to_change_anything_ends_the_run():
    result = dspgd(Problem(np.eye(1, 2), [1.0]), GradientDescent(), [5.0, 1.0], 1e-30)
    assert not result.converged and result.steps == 0 and "larger learning rate" in result.message


def test_too_few_steps_are_reported():
    problem = Problem.gaussian(3, 9, 1, 0)
    result = dspgd(problem, GradientDescent(), np.zeros(9), 1e-3, max_steps=7)
    assert not result.converged and result.steps == 7
    assert (
        "Not converged" in result.message and "7 steps, all that max_steps allows" in result.message
    )


# ---------------------------------------------------------------- divergence


@pytest.mark.parametrize("factor", [2.1, 50.0, 1e100, 1e250])
@pytest.mark.parametrize("tol", [0, 1e-12])
def test_divergence_ends_with_a_sentence_and_a_finite_iterate(factor, tol):
    problem = Problem.gaussian(3, 9, 2, 0)
    eta = factor / problem.M
    result = dspgd(problem, GradientDescent(), np.ones((9, 2)), eta, tol=tol, record=("W", "loss"))
    assert not result.converged and not result.guaranteed
    assert result.message.startswith("Diverged") and "smaller learning rate" in result.message
    assert result.limit_error == np.inf and result.limit_error == np.inf
    assert np.isfinite(result.W).all() and np.isfinite(result.history["loss"]).all()
    assert len(result.history["W"]) == result.steps + 1
    assert (result.history["W"][-1] == result.W).all()


def test_divergence_is_seen_long_before_numbers_overflow():
    problem = Problem.gaussian(3, 9, 2, 0)
    L = dspgd(problem, GradientDescent(), np.ones((9, 2)), 2.1 / problem.M, record="loss").history
    assert 1e20 < L["loss"][-1] / L["loss"][0] < 1e40


def test_a_run_that_chatters_is_not_stuck_because_the_data_do_not_see_a_weight():
    seen = Problem.gaussian(3, 9, 1, 0)
    problem = Problem(np.hstack([seen.X, np.zeros((3, 1))]), seen.Y)
    result = dspgd(problem, NormalizedGD(0.1), np.ones(10), 0.5 / problem.M, max_steps=300)
    assert result.steps == 300 and "all that max_steps allows" in result.message


def test_a_bounded_step_chatters_but_does_not_diverge():
    problem, K = Problem.gaussian(3, 9, 1, 0), GradientClipping(1.0)
    start = problem.project(np.ones(9))  # the loss grows from the rounding floor: no divergence
    result = dspgd(problem, K, start, 1e3 / problem.M, tol=0, max_steps=500)
    assert result.steps == 500 and "Diverged" not in result.message
    assert np.isfinite(result.W).all()


# ---------------------------------------------------------------- preconditioners made at home


def test_any_object_with_value_and_gradient_serves_but_certifies_nothing():
    problem = Problem.gaussian(3, 9, 1, 0)
    result = dspgd(problem, Plain(), np.ones(9), 1.0 / problem.M, record="preconditioner")
    assert result.converged and not result.guaranteed
    assert norm(result.W - problem.project(np.ones(9))) <= 1e-9
    assert result.limit_error == np.inf and result.limit_error == np.inf
    assert "no smoothness" in result.message


class Quartic:
    """¼Σz⁴, whose gradient overflows far out although its value does not."""

    strong_convexity, smoothness = 0.0, 1.0

    def value(self, Z):
        return np.sum(0.25 * np.asarray(Z) ** 4, axis=(-2, -1))

    def gradient(self, Z):
        return np.asarray(Z) ** 3


def test_a_gradient_that_overflows_in_one_output_is_one_that_overflows():
    problem = Problem(1e100 * np.eye(2, 4), np.zeros((2, 2)), Quartic())
    W0 = np.zeros((4, 2))
    W0[0] = 1e-100, 1e-24
    assert np.isfinite(problem.loss_value(W0))
    with pytest.raises(ValueError, match="W0 makes the loss overflow"):
        dspgd(problem, Plain(), W0, 1.0)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_one_entry_that_is_no_number_is_enough_to_blame_the_preconditioner(bad):
    class Broken(Plain):
        def gradient(self, G):
            found = G.copy()
            found[..., 2, 0] = bad
            return found

    result = dspgd(Problem.gaussian(3, 9, 2, 0), Broken(), np.ones((9, 2)), 1e-3)
    assert result.steps == 0 and not result.converged and (result.W == 1).all()
    assert "K.gradient returned NaN or ∞" in result.message


def test_a_preconditioner_that_returns_nan_is_blamed():
    class Broken(Plain):
        def gradient(self, G):
            return G / 0.0 * 0.0

    with np.errstate(all="ignore"):
        result = dspgd(Problem.gaussian(3, 9, 1, 0), Broken(), np.ones(9), 0.1)
    assert not result.converged and "K.gradient returned NaN" in result.message
    assert (result.W == 1).all() and result.limit_error == np.inf


def test_a_preconditioner_must_be_one_object_with_both_methods():
    problem = Problem.gaussian(3, 9, 1, 0)

    class OnlyValue:
        def value(self, G):
            return 0.0

    class WrongShape(Plain):
        def gradient(self, G):
            return G[:, 0]

    for K, message in [
        (OnlyValue(), "K must have the methods value and gradient"),
        (lambda G: G, "K must have the methods value and gradient"),
        (NormalizedGD, "K must be an object, found the class NormalizedGD"),
        (NormalizedGD([1.0, 2.0]), "K must be one function, found a grid of 2"),
        (WrongShape(), r"K.gradient must return real numbers of the shape \(9, 1\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            dspgd(problem, K, np.zeros(9), 0.1)


# ---------------------------------------------------------------- complaints


BAD_ARGUMENTS = {
    "W0 must have shape": {"W0": np.zeros(8)},
    "W0 must be one matrix": {"W0": np.zeros((2, 9, 1))},
    "W0 contains NaN": {"W0": np.full(9, np.nan)},
    "W0 contains an infinite entry": {"W0": np.full(9, np.inf)},
    "W0 must have entries of at most 1e.140": {"W0": np.full(9, 1e300)},
    "eta must be positive, found 0": {"eta": 0.0},
    "eta must be positive, found -1": {"eta": -1.0},
    "eta contains NaN": {"eta": np.nan},
    "eta contains an infinite entry": {"eta": np.inf},
    "eta must be one number": {"eta": [0.1, 0.2]},
    "eta must hold real numbers": {"eta": "fast"},
    "tol must be at least 0, found -1": {"tol": -1.0},
    "tol contains NaN": {"tol": np.nan},
    "max_steps must be at least 0, found -1": {"max_steps": -1},
    "max_steps must be an integer, found 1.5": {"max_steps": 1.5},
    "max_steps must be an integer, found True": {"max_steps": True},
    "record has the unknown name 'weights'": {"record": ["weights"]},
    "record has the unknown name 'v'": {"record": "v"},
    "problem must be a Problem": {"problem": np.eye(3)},
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_with_a_reason(message):
    good = {
        "problem": Problem.gaussian(3, 9, 1, 0),
        "K": GradientDescent(),
        "W0": np.zeros(9),
        "eta": 0.01,
    }
    with pytest.raises(ValueError, match=message):
        dspgd(**(good | BAD_ARGUMENTS[message]))


def test_result_reads_as_a_summary_and_is_frozen():
    result = dspgd(Problem.gaussian(3, 9, 1, 0), GradientDescent(), np.zeros(9), 0.01)
    assert "Converged in" in repr(result) and "array" not in repr(result)
    with pytest.raises(AttributeError):
        result.steps = 3
