"""Batches of runs: each member is the run that `dspgd` would have made alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from profiles import examples
from strategies import (
    LOSSES,
    OUTPUTS,
    PRECONDITIONERS,
    drawn_losses,
    drawn_outputs,
    norm,
    random_problem,
    seeds,
    typical_parameter,
)

from dspgd_lib import (
    Adam,
    Cosh,
    GradientClipping,
    GradientDescent,
    LogCoshLoss,
    NormalizedGD,
    PNorm,
    Problem,
    Result,
    SmoothedSign,
    Spectral,
    SquaredLoss,
    _batch,
    dspgd,
    max_learning_rate,
    sweep,
)

every = pytest.mark.parametrize("K_of", PRECONDITIONERS.values(), ids=PRECONDITIONERS)
losses = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
outputs = pytest.mark.parametrize("k", OUTPUTS)


class Plain:
    """A preconditioner made at home: value and gradient, nothing else."""

    def value(self, G):
        return 0.5 * np.sum(G * G, axis=(-2, -1))

    def gradient(self, G):
        return G


def assert_same(runs, singles, W_error=1e-12):
    """Every member of the batch is the single run: same ending, same steps, same weights."""
    assert isinstance(runs, Result) and len(runs.W) == len(singles)
    for i, single in enumerate(singles):
        assert runs.steps[i] == single.steps
        assert runs.converged[i] == single.converged
        assert runs.guaranteed[i] == single.guaranteed
        assert runs.message[i].split()[0] == single.message.split()[0]
        assert norm(runs.W[i] - single.W) <= W_error * norm(single.W)
        if single.limit_error == np.inf:
            assert runs.limit_error[i] == np.inf and np.isnan(runs.limit[i]).all()
        else:
            assert norm(runs.limit[i] - single.limit) <= W_error * norm(single.W)
            assert runs.limit_error[i] == pytest.approx(single.limit_error, rel=1e-3)


# ---------------------------------------------------------------- equal to single runs


@every
@given(drawn_losses, drawn_outputs, seeds)
def test_a_grid_of_parameters_and_learning_rates_equals_single_runs(K_of, loss, k, seed):
    problem, rng = random_problem(seed, k, loss)
    W0 = rng.standard_normal((problem.d, k))
    parameters = typical_parameter(problem, W0) * np.array([0.5, 2.0, 10.0])
    Ks = [K_of(float(p)) for p in parameters]
    eta = np.array([0.9 * max_learning_rate(problem, K) for K in Ks])
    stop = {"tol": 1e-4, "max_steps": 120}
    singles = [dspgd(problem, K, W0, float(e), **stop) for K, e in zip(Ks, eta, strict=True)]
    assert_same(sweep(problem, K_of(parameters), W0, eta, **stop), singles)


@pytest.mark.parametrize("K", [PNorm([2.5, 3.0, 4.0]), Spectral(PNorm([2.5, 3.0, 4.0]))], ids=repr)
@outputs
def test_grids_without_a_global_smoothness_equal_single_runs(K, k):
    problem, rng = random_problem(3, k, SquaredLoss(), n=4, d=9)
    W0 = rng.standard_normal((9, k))
    singles = []
    for p in (2.5, 3.0, 4.0):
        one = Spectral(PNorm(p)) if isinstance(K, Spectral) else PNorm(p)
        singles.append(dspgd(problem, one, W0, 1e-4, max_steps=200))
    assert_same(sweep(problem, K, W0, 1e-4, max_steps=200), singles)


@losses
@outputs
def test_a_grid_of_starts_equals_single_runs(loss, k):
    problem, rng = random_problem(5, k, loss, n=4, d=9)
    W0 = rng.standard_normal((6, 9, k)) * np.geomspace(1e-3, 1e3, 6)[:, None, None]
    K, eta = NormalizedGD(1.0), 0.5 / problem.M
    singles = [dspgd(problem, K, start, eta, tol=1e-9, max_steps=3000) for start in W0]
    runs = sweep(problem, K, W0, eta, tol=1e-9, max_steps=3000)
    assert_same(runs, singles)
    assert runs.converged.any() and not runs.converged.all()


@pytest.mark.parametrize("interleaved", [False, True])
@outputs
def test_runs_on_many_data_sets_equal_single_runs(interleaved, k):
    data = [Problem.gaussian(4, 9, k, seed) for seed in range(3)]
    problems = data * 4 if interleaved else [problem for problem in data for _ in range(4)]
    W0 = np.random.default_rng(0).standard_normal((12, 9, k))
    eta = 0.3 / np.array([problem.M for problem in problems])
    singles = [
        dspgd(problem, Adam(1.0), start, float(rate), tol=1e-9)
        for problem, start, rate in zip(problems, W0, eta, strict=True)
    ]
    assert_same(sweep(problems, Adam(1.0), W0, eta, tol=1e-9), singles)


def test_at_the_default_tolerance_too():
    problem, W0 = Problem.gaussian(20, 80, 1, 0), np.full((80, 1), 0.1)
    eps = np.geomspace(0.1, 10.0, 12)
    singles = [dspgd(problem, Adam(float(e)), W0, 0.1 / problem.M) for e in eps]
    runs = sweep(problem, Adam(eps), W0, 0.1 / problem.M)
    assert runs.converged.all()
    assert runs.steps == pytest.approx([single.steps for single in singles], abs=2)  # rounding
    assert norm(runs.W - np.array([single.W for single in singles])).max() <= 1e-11
    assert norm(runs.limit - np.array([single.limit for single in singles])).max() <= 1e-13


def test_blocks_change_nothing(monkeypatch):
    problem, eps = Problem.gaussian(4, 9, 2, 0), np.geomspace(0.5, 5.0, 7)
    arguments = (problem, Adam(eps), np.ones((9, 2)), 0.1 / problem.M)
    whole = sweep(*arguments, tol=1e-9)
    monkeypatch.setattr(_batch, "BLOCK", 3 * 18)
    parts = sweep(*arguments, tol=1e-9)
    assert (parts.steps == whole.steps).all()
    assert parts.W == pytest.approx(whole.W, rel=1e-12)


@pytest.mark.parametrize("k", OUTPUTS)
def test_a_run_that_has_ended_repeats_its_last_entry(k):
    problem, names = Problem.gaussian(3, 9, k, 0), _batch.RECORDABLE
    K, W0, tol = NormalizedGD([0.5, 1.0, 4.0]), np.ones((9, k)), [1e-9, 1e-2, 1e-5]
    rates = max_learning_rate(problem, K)
    runs = sweep(problem, K, W0, rates, tol=tol, record=names)
    assert len(set(runs.steps)) == 3
    for i, last in enumerate(runs.steps):
        single = dspgd(problem, K[i], W0, float(rates[i]), tol=tol[i], record=names)
        assert single.steps == last < len(runs.history["W"])
        for name in names:
            found = runs.history[name][:, i]
            assert found[: last + 1] == pytest.approx(single.history[name], rel=1e-9, abs=1e-12)
            assert (found[last:] == found[last]).all()


def test_one_of_everything_is_one_run():
    problem = Problem.gaussian(3, 9, 1, 0)
    runs = sweep(problem, Adam(1.0), np.zeros(9), 0.1 / problem.M)
    assert runs.W.shape == (1, 9, 1) and runs.converged.shape == (1,)
    assert_same(runs, [dspgd(problem, Adam(1.0), np.zeros(9), 0.1 / problem.M)], 1e-11)
    grid_of_one = sweep(problem, Adam([1.0]), np.zeros((1, 9, 1)), [0.1 / problem.M], tol=[1e-12])
    assert (grid_of_one.W == runs.W).all()


# ---------------------------------------------------------------- every kind of ending


@pytest.mark.parametrize("tol", [0.0, 1e-12])
def test_members_diverge_alone(tol):
    problem, W0 = Problem.gaussian(3, 9, 2, 0), np.ones((9, 2))
    eta = np.array([0.5, 2.1, 50.0, 1e100, 1e250, 1.0]) / problem.M
    runs = sweep(problem, GradientDescent(), W0, eta, tol=tol, max_steps=2000)
    singles = [
        dspgd(problem, GradientDescent(), W0, float(e), tol=tol, max_steps=2000) for e in eta
    ]
    assert_same(runs, singles, W_error=1e-9)
    assert runs.converged.tolist() == [True, False, False, False, False, True]
    assert [m.startswith("Diverged") for m in runs.message] == [
        False,
        True,
        True,
        True,
        True,
        False,
    ]
    assert np.isfinite(runs.W).all()


def test_members_of_cosh_diverge_alone():
    """Here a step can leave the range of floating-point numbers altogether."""
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.ones((9, 1))
    eta = np.array([1e-6, 10.0, 1e-4, 1e300])
    runs = sweep(problem, Cosh(), W0, eta, tol=1e-6, max_steps=2000)
    singles = [dspgd(problem, Cosh(), W0, float(e), tol=1e-6, max_steps=2000) for e in eta]
    assert_same(runs, singles, W_error=1e-9)
    assert np.isfinite(runs.W).all()


def test_chatter_ends_at_max_steps():
    problem, share = Problem.gaussian(5, 20, 1, 0), np.array([0.5, 1.9, 2.1, 10.0])
    runs = sweep(problem, Adam(0.5), np.zeros(20), share * 0.5 / problem.M, max_steps=3000)
    assert runs.converged.tolist() == [True, True, False, False]
    assert runs.steps[2:].tolist() == [3000, 3000] and (runs.steps[:2] < 3000).all()
    assert runs.guaranteed.tolist() == [True, False, False, False]
    assert np.isfinite(runs.limit_error).tolist() == [True, True, False, False]


def test_tolerance_zero_runs_exactly_the_steps_asked_for():
    problem = Problem.gaussian(2, 5, 1, 0)
    runs = sweep(
        problem,
        NormalizedGD(1.0),
        np.zeros(5),
        1.0 / problem.M,
        tol=[0.0, 1e-3, 0.0],
        max_steps=2000,
    )
    assert runs.steps[0] == runs.steps[2] == 2000 and runs.steps[1] < 2000
    assert runs.message[0].startswith("Ran 2000 steps as asked for") and runs.converged.all()
    assert sweep(problem, GradientDescent(), np.zeros(5), 0.1, tol=0, max_steps=0).steps == [0]


def test_rounding_floor_and_idle_steps_end_members():
    X = np.zeros((2, 3))
    X[0, 0], X[1, 1] = 1.0, 1e-7
    problem, start = Problem(X, [1.0, 1e-7]), [0.1, 1.0 + 3e-10, 0.7]
    rates = np.array([0.37, 1e-30])
    runs = sweep(problem, GradientDescent(), start, rates)
    assert_same(runs, [dspgd(problem, GradientDescent(), start, float(rate)) for rate in rates])
    assert "rounding floor" in runs.message[0] and "larger learning rate" in runs.message[1]


def test_members_that_start_on_the_manifold_take_no_step():
    problem = Problem.gaussian(3, 9, 2, 0)
    W0 = np.stack([problem.project(np.ones((9, 2))), np.ones((9, 2))])
    runs = sweep(problem, Adam(1.0), W0, 0.5 / problem.M)
    assert runs.steps[0] == 0 < runs.steps[1] and runs.converged.all()


def test_a_preconditioner_that_returns_nan_is_blamed():
    class Broken(Plain):
        def gradient(self, G):
            return np.where(norm(G)[..., None, None] > 10.0, np.nan, G)

    problem = Problem.gaussian(3, 9, 1, 0)
    near = problem.project(np.ones(9))
    runs = sweep(problem, Broken(), np.stack([near + 1e-3, near + 10.0]), 0.1 / problem.M)
    assert runs.converged.tolist() == [True, False]
    assert "K.gradient returned NaN" in runs.message[1] and (runs.W[1] == near + 10.0).all()


@given(seeds)
def test_members_do_not_interact(seed):
    """A run does not depend on the company it is in."""
    problem, rng = random_problem(seed, 2, LogCoshLoss())
    W0 = rng.standard_normal((5, problem.d, 2)) * rng.choice([1e-2, 1.0, 1e2], (5, 1, 1))
    eps, chosen = rng.choice([0.3, 3.0, 30.0], 5), rng.permutation(5)[:3]
    eta, stop = 0.5 * eps / problem.M, {"tol": 1e-6, "max_steps": 300}
    together = sweep(problem, SmoothedSign(eps), W0, eta, **stop)
    apart = sweep(problem, SmoothedSign(eps[chosen]), W0[chosen], eta[chosen], **stop)
    assert (apart.steps == together.steps[chosen]).all()
    assert norm(apart.W - together.W[chosen]).max() <= 1e-11 * norm(W0).max()


# ---------------------------------------------------------------- products


def half(start):
    return 0.5 * start.max_learning_rate


@settings(max_examples=examples(6))
@given(drawn_losses, drawn_outputs, seeds)
def test_a_product_is_every_single_run(loss, k, seed):
    rng = np.random.default_rng(seed)
    problems = [random_problem(seed + i, k, loss, n=2, d=5)[0] for i in range(2)]
    W0, eps = rng.standard_normal((3, 5, k)), np.array([0.3, 1.0, 3.0, 9.0])
    share, stop = np.array([0.25, 1.0]), {"tol": 1e-3, "max_steps": 60}
    runs = sweep(
        problems,
        Adam(eps),
        W0,
        lambda start: share * start.max_learning_rate,
        product=True,
        record=["loss"],
        **stop,
    )
    assert runs.W.shape == (2, 4, 3, 2, 5, k) and runs.steps.shape == runs.message.shape
    assert runs.history["loss"].shape == (runs.steps.max() + 1, 2, 4, 3, 2)
    for place in np.ndindex(runs.steps.shape):
        p, e, w, r = place
        K = Adam(float(eps[e]))
        rate = share[r] * max_learning_rate(problems[p], K)
        single = dspgd(problems[p], K, W0[w], rate, record=["loss"], **stop)
        assert runs.steps[place] == single.steps and runs.converged[place] == single.converged
        assert norm(runs.W[place] - single.W) <= 1e-11 * (1 + norm(single.W))
        L = runs.history["loss"][(slice(None), *place)]
        assert L[: single.steps + 1] == pytest.approx(single.history["loss"], rel=1e-7)
        assert (L[single.steps :] == L[single.steps]).all()


def test_as_many_starts_as_problems_go_along_with_them():
    problems = [Problem.gaussian(2, 5, 1, seed) for seed in range(3)]
    W0 = np.random.default_rng(0).standard_normal((3, 5, 1))
    runs = sweep(problems, Adam([1.0, 2.0]), W0, half, product=True, max_steps=20, tol=0)
    assert runs.W.shape == (3, 2, 5, 1)
    alone = dspgd(problems[2], Adam(1.0), W0[2], half, max_steps=20, tol=0)
    assert norm(runs.W[2, 0] - alone.W) <= 1e-12
    crossed = sweep(problems[0], Adam([1.0, 2.0]), W0, half, product=True, max_steps=20, tol=0)
    assert crossed.W.shape == (2, 3, 5, 1)
    assert sweep(problems[0], Adam(1.0), W0[0], half, product=True, max_steps=3).W.shape == (5, 1)


def test_a_function_of_the_start_gives_learning_rates_and_tolerances():
    problem, W0, asked = Problem.gaussian(2, 5, 1, 0), np.ones((5, 1)), []

    def tol(start):
        asked.append(start)
        return 1e-3 / start.K.eps

    runs = sweep(problem, Adam([0.5, 2.0]), W0, half, tol=tol)
    assert [start.K for start in asked] == [Adam(0.5), Adam(2.0)]
    assert all(start.problem is problem and (start.W0 == W0).all() for start in asked)
    eta = 0.5 * max_learning_rate(problem, Adam([0.5, 2.0]))
    same = sweep(problem, Adam([0.5, 2.0]), W0, eta, tol=[2e-3, 5e-4])
    assert (runs.steps == same.steps).all() and (runs.W == same.W).all()


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("eta must be a number or have shape", {"eta": np.ones((2, 2)), "product": True}),
        ("eta must return one number", {"eta": lambda start: [0.1, 0.2]}),
        ("eta must return one number", {"eta": lambda start: np.ones((2, 2)), "product": True}),
        ("eta must hold real numbers", {"eta": lambda start: "fast"}),
        ("eta must be positive", {"eta": lambda start: 0.0}),
        ("tol must return one number", {"tol": lambda start: [0.1], "product": True}),
    ],
)
def test_what_cannot_be_combined_is_refused_with_a_reason(message, arguments):
    good = {"problem": Problem.gaussian(3, 9, 1, 0), "K": Adam(1.0), "W0": np.zeros(9), "eta": 0.1}
    with pytest.raises(ValueError, match=message):
        sweep(**(good | arguments))


# ---------------------------------------------------------------- history and callback


def test_histories_of_runs_that_have_ended_are_those_of_single_runs():
    problem, names = Problem.gaussian(3, 9, 2, 0), ("W", "gradient", "loss", "residual_norm")
    W0 = problem.project(np.ones((9, 2))) + np.array([1e-6, 1.0, 100.0])[:, None, None]
    runs = sweep(problem, Adam(1.0), W0, half, tol=1e-4, record=[*names, "preconditioner"])
    assert len(set(runs.steps.tolist())) == 3
    for i, steps in enumerate(runs.steps):
        single = dspgd(problem, Adam(1.0), W0[i], half, tol=1e-4, record=[*names, "preconditioner"])
        for name, entries in runs.history.items():
            assert entries.shape[:2] == (runs.steps.max() + 1, 3)
            assert (entries[steps:, i] == entries[steps, i]).all()
            assert entries[: steps + 1, i] == pytest.approx(
                single.history[name], rel=1e-6, abs=1e-9
            )
        assert (runs.history["W"][-1, i] == runs.W[i]).all()


def test_the_callback_sees_every_iterate_and_stops_what_it_likes():
    problem, seen = Problem.gaussian(3, 9, 1, 0), []
    W0 = np.stack([np.zeros((9, 1)), np.ones((9, 1)), problem.project(np.ones(9))])

    def stop(steps, W):
        seen.append((steps, W.copy()))
        return [steps >= 5, False, False] if steps < 8 else True

    runs = sweep(problem, Adam(1.0), W0, half, record=["W"], callback=stop)
    assert runs.steps.tolist() == [5, 8, 0] and [steps for steps, _ in seen] == list(range(9))
    assert not runs.converged[:2].any() and runs.converged[2]
    for i in (0, 1):
        assert f"Stopped by the callback after {runs.steps[i]} steps" in runs.message[i]
    for steps, W in seen:
        assert (W == runs.history["W"][steps]).all()


def test_the_callback_gets_copies_and_answers_in_truth_values():
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.zeros((2, 9, 1))
    kept = []
    run = dspgd(problem, Adam(1.0), W0[0], half, callback=lambda t, W: kept.append(W), record=["W"])
    assert (np.array(kept) == run.history["W"]).all()

    def meddle(steps, W):
        W[...] = 7.0
        return 1  # not a truth value

    same = sweep(problem, Adam(1.0), W0, half, callback=meddle)
    assert (same.W[0] == run.W).all() or norm(same.W[0] - run.W) <= 1e-12
    with pytest.raises(ValueError, match="callback must return True, or one truth value for each"):
        sweep(problem, Adam(1.0), W0, half, callback=lambda t, W: np.ones((2, 1), dtype=bool))


def test_a_callback_that_says_nothing_changes_nothing():
    problem, seen = Problem.gaussian(3, 9, 1, 0), []
    quiet = dspgd(problem, Adam(1.0), np.zeros(9), half, callback=lambda steps, W: seen.append(W))
    plain = dspgd(problem, Adam(1.0), np.zeros(9), half)
    assert (quiet.W == plain.W).all() and len(seen) == plain.steps + 1
    early = dspgd(problem, Adam(1.0), np.zeros(9), half, callback=lambda steps, W: steps == 3)
    assert early.steps == 3 and early.message.startswith("Stopped by the callback after 3 steps")
    assert np.isfinite(early.limit_error)


# ---------------------------------------------------------------- preconditioners made at home


def test_any_object_that_acts_on_stacks_serves():
    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.random.default_rng(1).standard_normal((4, 9, 1))
    runs = sweep(problem, Plain(), W0, 1.0 / problem.M)
    assert runs.converged.all() and not runs.guaranteed.any()
    assert norm(runs.W - problem.project(W0)).max() <= 1e-9
    assert (runs.limit_error == np.inf).all()


def test_a_preconditioner_must_treat_each_matrix_of_a_stack_alone():
    class Mixing(Plain):
        def __init__(self, unit=1.0):
            self.unit = unit

        def gradient(self, G):
            return self.unit * G / (1.0 + np.linalg.norm(G))

    class WrongShape(Plain):
        def gradient(self, G):
            return G[..., 0]

    problem, W0 = Problem.gaussian(3, 9, 1, 0), np.ones((4, 9, 1))
    for K, message in [
        (Mixing(), "K.gradient must treat each matrix of a stack"),
        (Mixing(1e-9), "K.gradient must treat each matrix of a stack"),  # in any units
        (WrongShape(), r"K.gradient must return real numbers of the shape \(4, 9, 1\)"),
        (lambda G: G, "K must have the methods value and gradient"),
        (NormalizedGD, "K must be an object, found the class NormalizedGD"),
    ]:
        with pytest.raises(ValueError, match=message):
            sweep(problem, K, W0, 0.1)


# ---------------------------------------------------------------- complaints


BAD_ARGUMENTS = {
    "K and eta must agree on the number of runs, found K for 2, eta for 3": {
        "K": NormalizedGD([1.0, 2.0]),
        "eta": [0.1, 0.2, 0.3],
    },
    "W0 and tol must agree": {"W0": np.zeros((2, 9, 1)), "tol": [1e-3] * 3},
    "problem and K must agree": {
        "problem": [Problem.gaussian(3, 9, 1, 0)] * 3,
        "K": Spectral(Adam([1.0, 2.0])),
    },
    "problem must hold problems of one shape": {
        "problem": [Problem.gaussian(3, 9, 1, 0), Problem.gaussian(4, 9, 1, 0)]
    },
    "problem must hold problems with one loss": {
        "problem": [Problem.gaussian(3, 9, 1, 0), Problem.gaussian(3, 9, 1, 0, LogCoshLoss())]
    },
    "problem must not be an empty list": {"problem": []},
    "problem must be a Problem, found 3": {"problem": 3},
    "problem must be a Problem, found 'X'": {"problem": ["X", "y"]},
    "W0 must have shape": {"W0": np.zeros((2, 8, 1))},
    "W0 must have shape .* found": {"W0": np.zeros((2, 2, 9, 1))},
    "W0 contains NaN": {"W0": np.full(9, np.nan)},
    "W0 must have entries of at most 1e.140": {"W0": np.full(9, 1e300)},
    "eta must be positive, found 0": {"eta": [0.1, 0.0]},
    "eta must be a number or have shape": {"eta": np.ones((2, 2))},
    "eta contains NaN": {"eta": [0.1, np.nan]},
    "tol must be at least 0": {"tol": [1e-3, -1.0]},
    "max_steps must be at least 0, found -1": {"max_steps": -1},
}


@pytest.mark.parametrize("message", BAD_ARGUMENTS)
def test_bad_arguments_are_refused_with_a_reason(message):
    good = {
        "problem": Problem.gaussian(3, 9, 1, 0),
        "K": GradientClipping(1.0),
        "W0": np.zeros(9),
        "eta": 0.01,
    }
    with pytest.raises(ValueError, match=message):
        sweep(**(good | BAD_ARGUMENTS[message]))


def test_the_result_reads_as_a_summary_and_the_arguments_are_not_changed():
    W0 = np.ones((2, 9, 1))
    runs = sweep(Problem.gaussian(3, 9, 1, 0), GradientDescent(), W0, [0.01, 0.02])
    assert (W0 == 1).all() and "steps" in repr(runs) and "W=" not in repr(runs)
    with pytest.raises(AttributeError):
        runs.steps = 3
