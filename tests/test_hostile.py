"""Whatever comes in: a right answer, or a ValueError that names the argument; never anything else.

Each public function is called with one argument replaced by something hostile. Warnings are
errors here, so that none of the calls may overflow unnoticed.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from profiles import examples
from strategies import LOSSES, seeds

import dspgd_lib as lib
from dspgd_lib import experiments

PROBLEM = lib.Problem.gaussian(3, 7, 1, 0)
TWO = lib.Problem.gaussian(3, 7, 2, 0)
W0 = np.linspace(-1.0, 1.0, 7)
RATE = 0.2 / PROBLEM.M
POINT = np.linspace(0.1, 0.8, 6).reshape(3, 2)


class Rude:
    """A K that writes into its argument and returns it."""

    def value(self, G):
        return 0.5 * np.sum(G * G, axis=(-2, -1))

    def gradient(self, G):
        G *= 0.5
        return G


class Unreal:
    """A K made at home; what it returns is what it is told to."""

    smoothness = 1.0

    def __init__(self, returns):
        self.returns = returns

    def value(self, G):
        return 0.5 * np.sum(np.abs(G) ** 2, axis=(-2, -1))

    def gradient(self, G):
        return self.returns(G)


class Flat:
    def __init__(self, **attributes):
        vars(self).update(attributes)

    def value(self, G):
        return 0.5 * np.sum(G * G, axis=(-2, -1))

    def gradient(self, G):
        return G


class Liar(lib.SquaredLoss):
    strong_convexity, smoothness = 2.0, 1.0


HOSTILE = {
    "none": None,
    "string": "fast",
    "bytes": b"1",
    "nothing": [],
    "empty stack": np.zeros((0, 7, 1)),
    "dictionary": {"a": 1},
    "class": lib.Adam,
    "module": np,
    "object": object(),
    "function": lambda *args: 1.0,
    "nan": np.nan,
    "infinite": np.inf,
    "negative": -1.0,
    "zero": 0.0,
    "true": True,
    "huge": 1e300,
    "tiny": 1e-320,
    "large": 1e160,
    "big integer": 10**400,
    "complex": 1j,
    "complex array": np.full((7, 1), 1j),
    "objects": np.array([[object()]]),
    "ragged": [[1.0], [1.0, 2.0]],
    "strings": np.array(["1", "2"]),
    "nan array": np.full((7, 1), np.nan),
    "masked": np.ma.masked_array(np.ones((7, 1)), mask=np.eye(7, 1)),
    "integers": np.arange(7),
    "booleans": np.ones((7, 1), dtype=bool),
    "huge array": np.full((7, 1), 1e200),
    "tiny array": np.full((7, 1), 1e-200),
    "vector": np.ones(3),
    "deep": np.ones((2, 2, 2, 7, 1)),
    "column major": np.asfortranarray(np.ones((7, 1))),
    "wide": np.ones((7, 3)),
    "problem": PROBLEM,
    "grid": lib.Adam([1.0, 2.0]),
    "loss": lib.SquaredLoss(),
    "rude": Rude(),
    "nan gradient": Unreal(lambda G: np.full(G.shape, np.nan)),
    "complex gradient": Unreal(lambda G: 1j * G),
    "other shape": Unreal(lambda G: G[..., :2, :]),
    "text gradient": Unreal(lambda G: "downhill"),
    "smoothness -1": Flat(smoothness=-1.0),
    "smoothness nan": Flat(smoothness=np.nan),
    "smoothness 0": Flat(smoothness=0),
    "smoothness text": Flat(smoothness="1"),
    "m above beta": Flat(smoothness=1.0, sector=lambda radius: (2.0, 1.0)),
    "m above smoothness": Flat(smoothness=1.0, sector=lambda radius: (2.0, 3.0)),
    "liar": Liar(),
}

GENEROUS = {"max_steps": 30}
START = {"problem": PROBLEM, "K": lib.Adam(1.0), "W0": W0}


def at_start(bound, *names):
    def call(problem, K, W0, **rest):
        return bound(lib.Start(problem, K, W0), *(rest[name] for name in names))

    return call


CALLS = {
    "Problem": (lib.Problem, {"X": PROBLEM.X, "Y": PROBLEM.Y, "loss": lib.SquaredLoss()}),
    "gaussian": (lib.Problem.gaussian, {"n": 3, "d": 7, "k": 1, "seed": 0}),
    "weights": (PROBLEM.weights, {"W": W0}),
    "residual": (PROBLEM.residual, {"W": W0}),
    "loss_value": (PROBLEM.loss_value, {"W": W0}),
    "problem.gradient": (PROBLEM.gradient, {"W": W0}),
    "project": (PROBLEM.project, {"W": W0}),
    "problem.divergence": (PROBLEM.divergence, {"A": W0, "B": W0}),
    "loss.gradient": (lib.SquaredLoss().gradient, {"Z": POINT}),
    "loss.divergence_from": (lib.LogCoshLoss().divergence_from, {"B": POINT, "H": POINT}),
    **{K.__name__: (K, {"eps": 1.0}) for K in (lib.NormalizedGD, lib.Adam, lib.ColumnNormalized)},
    "PNorm": (lib.PNorm, {"p": 3.0}),
    "GradientClipping": (lib.GradientClipping, {"c": 3.0}),
    "Hypentropy": (lib.Hypentropy, {"width": 3.0}),
    "Quadratic": (lib.Quadratic, {"Q": np.eye(2)}),
    "Spectral": (lib.Spectral, {"base": lib.Adam(1.0)}),
    "Separable": (lib.Separable, {"profile": lib.profiles.Soft(1.0)}),
    **{
        f"{f!r}.{name}": (getattr(f, name), {argument: 0.5 * POINT})
        for f in (lib.Adam(1.0), lib.NegativeEntropy(), lib.Spectral(lib.PNorm(3.0)), lib.Cosh())
        for name, argument in (("value", "A"), ("gradient", "A"), ("conjugate", "S"))
    },
    "divergence": (lib.Adam(1.0).divergence, {"A": POINT, "B": POINT}),
    "sector": (lib.Adam(1.0).sector, {"radius": 1.0}),
    "dspgd": (
        lib.dspgd,
        START | {"eta": RATE, "tol": 1e-9, "record": ("W",), "callback": None} | GENEROUS,
    ),
    "sweep": (
        lib.sweep,
        START | {"eta": [RATE, RATE], "tol": 1e-9, "record": (), "callback": None} | GENEROUS,
    ),
    "product": (lib.sweep, START | {"eta": [RATE, RATE], "product": True, "tol": 1e-2} | GENEROUS),
    "mirror_descent": (
        lib.mirror_descent,
        {"problem": PROBLEM, "psi": lib.Hypentropy(1.0), "W0": W0, "eta": RATE, "tol": 1e-9}
        | {"order": [0, 1, 2], "record": ("W",)}
        | GENEROUS,
    ),
    "mirror_curvature": (
        lib.mirror_curvature,
        {"problem": PROBLEM, "psi": lib.Hypentropy(1.0), "W": W0},
    ),
    "flow": (lib.preconditioned_flow, START | {"tol": 1e-3} | GENEROUS),
    "min_norm": (lib.min_norm, {"problem": PROBLEM, "W0": W0, "p": 3.0}),
    "bregman_projection": (
        lib.bregman_projection,
        {"problem": PROBLEM, "f": lib.Hypentropy(1.0), "C": W0},
    ),
    "max_learning_rate": (lib.max_learning_rate, START),
    "bregman": (lib.bregman, {"f": lib.Adam(1.0), "A": POINT, "B": POINT}),
    "fundamental_identity": (
        lib.fundamental_identity,
        {"problem": PROBLEM, "K": lib.Adam(1.0), "W": W0, "U": W0, "eta": RATE},
    ),
    "loss_conjugate_at": (lib.loss_conjugate_at, {"problem": PROBLEM, "W": W0}),
    "certified_limit": (at_start(lib.certified_limit, "eta"), START | {"eta": RATE}),
    "one_step_bound": (at_start(lib.one_step_bound, "eta"), START | {"eta": RATE}),
    "loss_rate": (at_start(lib.loss_rate, "eta"), START | {"eta": RATE}),
    "weight_rate": (
        at_start(lib.weight_rate, "eta"),
        START | {"K": lib.NormalizedGD(1.0), "eta": RATE},
    ),
    "energy": (at_start(lib.energy, "eta"), START | {"eta": RATE}),
    "path_length_bound": (at_start(lib.path_length_bound), START),
    "gradient_sum_bound": (at_start(lib.gradient_sum_bound), START),
    "reach_bound": (at_start(lib.reach_bound), START),
    "distance_bound": (at_start(lib.distance_bound, "eta"), START | {"eta": RATE}),
    "sector_distance_bound": (
        at_start(lib.sector_distance_bound, "form"),
        START | {"form": "best"},
    ),
    "energy_distance_bound": (at_start(lib.energy_distance_bound, "eta"), START | {"eta": RATE}),
    "angle_distance_bound": (at_start(lib.angle_distance_bound, "eta"), START | {"eta": RATE}),
    "setting": (experiments.setting, {"seed": 0, "n": 3, "d": 7}),
}
CASES = [(name, argument) for name, (_, good) in CALLS.items() for argument in good]


def mutable(value):
    return value.copy() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_but_answers_and_reasons_comes_out(hostile):
    wrong = []
    for name, argument in CASES:
        function, good = CALLS[name]
        arguments = good | {argument: HOSTILE[hostile]}
        before = {key: mutable(value) for key, value in arguments.items()}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                function(**arguments)
        except ValueError as error:
            assert len(str(error)) > 20, f"{name}({argument}={hostile}): {error}"
        except Exception as error:
            wrong.append(f"{name}({argument}={hostile}) raises {error!r}")
        for key, value in before.items():
            if isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray):
                assert (arguments[key] is value) or np.array_equal(
                    arguments[key], value, equal_nan=value.dtype.kind in "fc"
                ), f"{name} changed its argument {key}"
    assert wrong == []


ARRAYS = [
    (name, argument)
    for name, argument in CASES
    if isinstance(CALLS[name][1][argument], (np.ndarray, float)) and argument != "tol"
]
EDGES = [0.0, -0.0, 1.0, -1.0, 5e-324, 1e-160, 1e-154, 1e154, 1e160, 1.7e308, -1.7e308, 710.0]
numbers = st.sampled_from(EDGES) | st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=examples(400))
@given(st.sampled_from(ARRAYS), st.data())
def test_numbers_at_the_edges_of_floats_get_an_answer_or_a_reason(case, data):
    name, argument = case
    function, good = CALLS[name]
    shape = np.shape(good[argument])
    value = (
        data.draw(hnp.arrays(np.float64, shape, elements=numbers)) if shape else data.draw(numbers)
    )
    before = mutable(value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            found = function(**(good | {argument: value}))
        except (ValueError, RuntimeError) as error:
            assert len(str(error)) > 20
            return
    assert np.array_equal(value, before)
    if isinstance(found, np.ndarray):
        assert not np.isnan(found).any()


COMPLAINTS = [
    ("dspgd", "eta", "true", "^eta must be a number"),
    ("dspgd", "tol", "true", "^tol must be a number"),
    ("dspgd", "record", "none", "^record must be a list of names"),
    ("dspgd", "W0", "masked", "^W0 must be a plain array, found a masked one"),
    ("dspgd", "W0", "empty stack", "^W0 must "),
    ("sweep", "W0", "empty stack", "^W0 must not be empty"),
    ("product", "product", "empty stack", "^product must be True or False"),
    ("dspgd", "K", "complex gradient", "^K.gradient must return real.* of complex128: pass"),
    ("dspgd", "K", "text gradient", "^K.gradient must return real numbers"),
    ("dspgd", "K", "rude", "read-only"),
    ("sweep", "K", "rude", "read-only"),
    ("flow", "K", "rude", "read-only"),
    ("flow", "K", "nan gradient", "^K.gradient must be finite"),
    ("flow", "K", "other shape", r"^K.gradient must return real.* of the shape .*\): it must act"),
    ("dspgd", "callback", "string", "^callback must be a function"),
    ("dspgd", "K", "smoothness -1", "^K.smoothness must be positive"),
    ("dspgd", "K", "smoothness nan", "^K.smoothness must be positive"),
    ("dspgd", "K", "smoothness text", "^K.smoothness must be positive"),
    ("dspgd", "K", "m above beta", "^K.sector must return 0 ≤ m ≤ β"),
    ("reach_bound", "K", "m above smoothness", "^K.sector says m = "),
    ("Problem", "loss", "liar", "^loss must have 0 ≤ strong_convexity ≤ smoothness"),
    ("Problem", "loss", "class", "^loss must be an object, found the class Adam"),
    ("Problem", "loss", "object", "^loss must have value, gradient"),
    ("Problem", "X", "masked", "^X must be a plain array"),
    ("reach_bound", "problem", "class", "^problem must be a Problem"),
    ("bregman_projection", "problem", "none", "^problem must be a Problem"),
    ("bregman_projection", "f", "class", "^f must be an object"),
    ("min_norm", "p", "none", "^p must be"),
    ("min_norm", "p", "true", "^p must be"),
    ("min_norm", "p", "huge", "^p must be"),
    ("mirror_descent", "psi", "grid", "^psi must be one function, found a grid of 2"),
    ("Adam", "eps", "tiny", "^eps must be"),
    ("Adam", "eps", "true", "^eps must be a number"),
]


@pytest.mark.parametrize(("name", "argument", "hostile", "message"), COMPLAINTS)
def test_the_reason_names_the_argument(name, argument, hostile, message):
    function, good = CALLS[name]
    with pytest.raises(ValueError, match=message):
        function(**(good | {argument: HOSTILE[hostile]}))


# ---------------------------------------------------------------- extreme sizes


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@given(seeds, st.integers(-170, 170), st.integers(-170, 170))
def test_problems_of_every_size_are_solved_or_refused(loss, seed, of_X, of_Y):
    """Scaling the data scales everything; where floats end, a sentence says so."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((2, 5)), rng.standard_normal((2, 1))
    try:
        problem = lib.Problem(10.0**of_X * X, 10.0**of_Y * Y, loss)
    except ValueError as error:
        assert "change its units" in str(error) and max(abs(of_X), abs(of_Y)) > 135
        return
    assert 0 < problem.mu <= problem.M < np.inf and 1 <= problem.kappa < np.inf
    for K in (lib.GradientDescent(), lib.Adam(1.0), lib.SmoothedSign(1.0)):
        start = lib.Start(problem, K, np.zeros(5))
        assert 0 < start.max_learning_rate < np.inf
        assert 0 <= lib.loss_rate(start, start.max_learning_rate) <= 1
        run = lib.dspgd(problem, K, np.zeros(5), start.max_learning_rate, max_steps=50)
        # Nothing is certified to be exact for Adam before it has arrived.
        exact = isinstance(K, lib.GradientDescent)
        assert exact or run.limit_error > 0 or problem.loss_value(run.W) < 1e-300
        assert run.history == {} and np.isfinite(run.W).all()


def test_a_smoothing_too_small_for_its_own_reciprocal_is_refused():
    for K in (lib.Adam, lib.NormalizedGD, lib.SmoothedSign, lib.SoftClipping):
        with pytest.raises(ValueError, match=r"^eps must be "):
            K(1e-320)


@pytest.mark.parametrize("K", ["smoothness -1", "smoothness text", "m above beta"])
def test_an_object_that_contradicts_itself_is_refused_before_it_runs(K):
    calls = []
    for run in (lib.dspgd, lib.sweep):
        with pytest.raises(ValueError, match=r"^K\.s"):
            run(PROBLEM, HOSTILE[K], W0, RATE, callback=lambda steps, W: calls.append(steps))
    assert calls == []


def test_a_learning_rate_that_overflows_says_so():
    for eta in (1e300, 1e155):
        run = lib.dspgd(PROBLEM, lib.GradientDescent(), W0, eta)
        assert run.steps <= 1 and run.message.startswith("Diverged")
        assert "smaller learning rate" in run.message and np.isfinite(run.W).all()


def test_answers_share_no_memory_with_questions():
    Z, W = np.ones((3, 1)), np.ones((7, 1))
    outputs = [
        lib.SquaredLoss().gradient(Z),
        lib.GradientDescent().gradient(W),
        lib.PNorm(2.0).gradient(W),
        lib.Quadratic(np.eye(7)).gradient(W),
        PROBLEM.project(W),
        lib.dspgd(PROBLEM, lib.Adam(1.0), W, RATE, max_steps=0).W,
        lib.sweep(PROBLEM, lib.Adam(1.0), W, RATE, max_steps=0).W,
        lib.mirror_descent(PROBLEM, lib.GradientDescent(), W, RATE, max_steps=0).W,
        lib.min_norm(PROBLEM, PROBLEM.project(W), 1),
        lib.bregman_projection(PROBLEM, lib.GradientDescent(), PROBLEM.project(W)),
    ]
    for output in outputs:
        assert not np.shares_memory(output, Z) and not np.shares_memory(output, W)
        output[...] = 7.0
    assert (Z == 1).all() and (W == 1).all()
