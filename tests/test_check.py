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
    "'right', which is not an array": lambda G: np.array("right"),
    "which is not an array of num": lambda G: [[1.0], [1.0, 2.0]],
    "complex numbers such as 0+0j, expected real ones": lambda G: right(G) + 0j,
    "it returns a masked array, expected a plain one": lambda G: np.ma.masked_array(right(G)),
    "you return the shape (0,)": lambda G: [],
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
    with pytest.raises(ValueError, match="low must be positive"):
        check.positive(0.0, 1.0)
    with pytest.raises(ValueError, match=r"low must not exceed high, found 10 > 0\.1"):
        check.positive(10, 0.1)
    for scales in ((1.0, 0.1), (0.0, 1.0), (1.0,), 3.0):
        with pytest.raises(ValueError, match="scales must be two positive numbers"):
            check.matrices(2, 1, scales)
    for bad in ({"rtol": -1.0}, {"atol": np.nan}, {"rtol": "small"}, {"seed": 0.5}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            check.same(right, right, SOURCE, **bad)
    with pytest.raises(ValueError, match="right must be a function, found 3"):
        check.same(right, 3, SOURCE)
    for answer in (1j, "seven", [], np.ma.masked_array([1.0])):
        with pytest.raises(ValueError, match="the answer of right must be a real number"):
            check.same(right, lambda G, answer=answer: answer, SOURCE)
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


def test_answers_are_compared_by_their_size_whatever_their_sign():
    def nearly(G):
        return -1e6 * (1.0 + 1e-8) * np.ones_like(G)

    assert check.same(nearly, lambda G: -1e6 * np.ones_like(G), SOURCE).passed
    assert not check.same(lambda G: 1.001 * nearly(G), nearly, SOURCE).passed


def test_nan_equals_nan_only():
    assert check.same(lambda G: np.nan, lambda G: np.nan, SOURCE).passed
    assert not check.same(lambda G: np.nan, lambda G: 0.0, SOURCE).passed
    assert not check.same(lambda G: 0.0, lambda G: np.nan, SOURCE).passed


# ---------------------------------------------------------------- statements

NO_STATEMENT = {
    "it returns 0.5, expected True or False": 0.5,
    "it returns nan, expected True or False": np.nan,
    "it returns -1, expected True or False": -1.0,
    "it returns 1, expected True or False": 1,
    "it returns an empty array, expected True or False": np.empty(0, dtype=bool),
    "it returns 'yes', which is not": "yes",
    "it returns complex numbers such as 0+1j": 1j,
    "it returns None. Hint: is the return statement missing": None,
    "it returns a masked array": np.ma.masked_array([True]),
}


@pytest.mark.parametrize("complaint", NO_STATEMENT)
@pytest.mark.parametrize("verdict", [check.holds, check.refutes])
def test_a_statement_is_true_or_false_and_nothing_else(verdict, complaint):
    report = verdict(lambda G: NO_STATEMENT[complaint], SOURCE)
    assert not report and complaint in report.message
    assert report.message.startswith("Not yet: for the input [[0, 0], [0, 0], [0, 0]], it returns")


@pytest.mark.parametrize("answer", [True, np.True_, [True, True], np.full((2, 2), True)])
def test_arrays_of_truths_are_true_where_all_are(answer):
    assert check.holds(lambda G: answer, SOURCE).passed
    assert not check.holds(lambda G: np.append(answer, False), SOURCE).passed


def test_a_false_claim_is_refuted_by_a_counterexample():
    def triangle(a, b, c):
        return check.at_most((a - c) ** 2, (a - b) ** 2 + (b - c) ** 2)

    number = check.positive(0.1, 10.0)
    report = check.refutes(triangle, number, number, number, claim="the inequality")
    a, b, c = report.counterexample
    assert report and not triangle(a, b, c) and min(a, c) < b < max(a, c)
    start = "Well done: the inequality is false, for example for the inputs "
    assert report.message == f"{start}{a:.4g}, {b:.4g} and {c:.4g}."
    assert not check.holds(triangle, number, number, number)


def test_a_true_claim_is_not_refuted_nor_one_that_breaks():
    report = check.refutes(lambda G: np.sum(G * G) >= 0, SOURCE, claim="‖G‖² ≥ 0", trials=30)
    assert repr(report) == "Not yet: ‖G‖² ≥ 0 holds on all 30 inputs tried."
    assert report.counterexample is None
    for broken, said in ((lambda G: 1 / 0 > 0, "raises ZeroDivision"), (add_in_place, "changes")):
        report = check.refutes(broken, SOURCE)
        assert not report and said in report.message
    with pytest.raises(ValueError, match="inputs is empty"):
        check.refutes(lambda: False)


def test_at_most_knows_infinity_and_refuses_what_is_no_number():
    assert check.at_most(np.inf, np.inf) and check.at_most([1.0, -np.inf], np.inf)
    assert check.at_most(-3.0, [-3.0 + 1e-12, -3.0 - 1e-12])
    assert not check.at_most(np.inf, 1e300) and not check.at_most(np.nan, np.nan)
    assert not check.at_most(-3.0, -3.1) and not check.at_most([0.0, 1.0], 0.5)
    for bad in ([], "one", 1j, None, np.ma.masked_array([1.0])):
        with pytest.raises(ValueError, match="left must be a real number or an array"):
            check.at_most(bad, 1.0)
        with pytest.raises(ValueError, match="right must be a real number or an array"):
            check.at_most(1.0, bad)
    with pytest.raises(ValueError, match="left and right must have shapes that fit"):
        check.at_most([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="rtol must be a number that is not negative"):
        check.at_most(1.0, 2.0, rtol=-1.0)


def test_lists_of_inputs_are_handed_out_as_copies():
    data = [[[1.0, 2.0]], [[3.0, 4.0]]]

    def overwrite(rows):
        rows[0][0] = 7.0
        return False

    report = check.holds(overwrite, data)
    report.counterexample[0][0][0] = 9.0
    assert data == [[[1.0, 2.0]], [[3.0, 4.0]]]
