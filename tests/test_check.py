"""The friendly checks: they find mistakes, shrink them, explain them, and never raise for them."""

import numpy as np
import pytest

from dspgd_lib import GradientDescent, NormalizedGD, check

K = NormalizedGD(0.5)
SOURCE = check.matrices(d=3, k=2)


def right(G):
    return G / np.sqrt(np.sum(G * G) + 0.25)


def test_a_right_answer_passes_on_every_input():
    report = check.same(right, K.gradient, SOURCE, trials=150)
    assert report and report.passed and report.counterexample is None
    assert repr(report) == "Well done: right on all 150 inputs tried."


def add_in_place(G):
    G += 1.0
    return right(G - 1.0)


WRONG = {
    "2 times too large": lambda G: 2 * right(G),
    "2 times too small": lambda G: right(G) / 2,
    "the sign is wrong": lambda G: -right(G),
    "an axis is lost": lambda G: right(G).sum(axis=1),
    "the transpose": lambda G: right(G).T,
    "divide by at 0": lambda G: G / np.linalg.norm(G),
    "returns None": lambda G: None,
    "not an array of numbers": lambda G: "right",
    "raises ZeroDivisionError": lambda G: 1 / 0,
    "changes its own argument": add_in_place,
    "expected": lambda G: G / np.sqrt(np.sum(G * G, axis=0) + 0.25),
}


@pytest.mark.parametrize("hint", WRONG)
def test_a_wrong_answer_is_reported_with_its_hint(hint):
    report = check.same(WRONG[hint], K.gradient, SOURCE)
    assert not report and report.message.startswith("Not yet: for the input [[")
    assert hint in report.message


def test_a_factor_is_named_only_if_it_is_the_same_everywhere():
    assert "too small" in check.same(lambda G: right(G) / 3, K.gradient, SOURCE).message
    report = check.same(lambda G: G / (np.linalg.norm(G) + 0.5), K.gradient, SOURCE)
    assert not report and "Hint" not in report.message


def test_the_transpose_of_a_square_matrix_is_recognised():
    report = check.same(lambda G: G.T, lambda G: G, check.matrices(2, 2))
    assert "the transpose" in report.message


def test_the_counterexample_is_simple_and_fails():
    report = check.same(WRONG["2 times too large"], K.gradient, SOURCE)
    (G,) = report.counterexample
    assert np.count_nonzero(G) == 1 and set(np.abs(G[G != 0])) == {1.0}
    assert not np.allclose(WRONG["2 times too large"](G), K.gradient(G))
    column_norms = check.same(WRONG["expected"], K.gradient, SOURCE).counterexample[0]
    assert (
        np.count_nonzero(column_norms) == 2
    )  # one entry in each column is the least that shows it


def test_mistakes_at_extreme_sizes_are_found():
    overflow = check.same(
        lambda G: G * (np.abs(G).max() < 1e6), lambda G: G, check.matrices(2, 2, (1e-8, 1e8))
    )
    assert not overflow and "digits that cancel or overflow" in overflow.message


def test_claims_that_hold_and_claims_that_do_not():
    def cocoercive(G, H):
        S = K.gradient(G) - K.gradient(H)
        return check.at_most(np.sum(S * S) / K.smoothness, np.sum(S * (G - H)), rtol=1e-6)

    report = check.holds(cocoercive, SOURCE, SOURCE, claim="co-coercivity")
    assert report.message == "Well done: co-coercivity holds on all 200 inputs tried."
    report = check.holds(
        lambda G: K.value(G) >= GradientDescent().value(G), SOURCE, claim="K ≥ ½‖G‖²"
    )
    assert not report and "K ≥ ½‖G‖² is false" in report.message


def test_several_arguments_lists_and_numbers():
    report = check.same(
        lambda G, eps: NormalizedGD(eps).gradient(G),
        lambda G, eps: G / np.hypot(np.linalg.norm(G), eps),
        SOURCE,
        check.positive(1e-2, 1e2),
    )
    assert report.passed
    report = check.holds(lambda n, G: n < 3, [1, 2, 3], SOURCE)
    assert (
        not report and report.counterexample[0] == 3 and "the inputs 3 and [[0, 0]" in repr(report)
    )


def test_the_same_seed_tries_the_same_inputs():
    def seen(seed):
        inputs = []
        check.holds(lambda G: inputs.append(G) is None, SOURCE, seed=seed, trials=20)
        return np.array(inputs)

    assert (seen(1) == seen(1)).all() and (seen(1) != seen(2)).any()
    sizes = np.abs(seen(3)).max(axis=(1, 2))
    assert sizes[0] == 0 and sizes[sizes > 0].min() < 1e-3 and sizes.max() > 1e3


def test_a_mistake_in_the_check_itself_is_raised():
    for arguments in [(), ("matrices",), ([],)]:
        with pytest.raises(ValueError, match="inputs"):
            check.same(right, right, *arguments)
    with pytest.raises(ValueError, match="trials"):
        check.same(right, right, SOURCE, trials=0)
    with pytest.raises(ValueError, match="low"):
        check.positive(0.0, 1.0)
    with pytest.raises(ValueError, match="d must"):
        check.matrices(0, 1)


def test_reports_are_frozen():
    with pytest.raises(AttributeError):
        check.same(right, right, SOURCE).passed = False


def test_infinite_answers_are_compared_too():
    source = check.matrices(2, 1, (1e-2, 1e2))
    assert check.same(K.conjugate, K.conjugate, source).passed
    report = check.same(lambda S: min(K.conjugate(S), 1.0), K.conjugate, source)
    assert not report and "expected inf" in repr(report)
