"""The means of a chapter: what they draw is the data, and nothing beyond a bound is hidden."""

import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.collections import PolyCollection
from profiles import examples

from dspgd_lib import NormalizedGD, Problem, dspgd, max_learning_rate, show
from dspgd_lib.figures.canvas import _draw
from dspgd_lib.figures.marks import number
from dspgd_lib.plotting import LOOKS, PALETTE
from dspgd_lib.show import _regions, _scales, _words

T = np.arange(1, 61)


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(picture, panel=0):
    """Return the axes of a drawn panel."""
    return _draw(picture.panels[panel])[1]


def lines(ax, gid):
    return [line for line in ax.lines if line.get_gid() == gid]


def words(ax):
    return [text.get_text().replace("\n", " ") for text in ax.texts]


def boxes(ax):
    return [text.get_window_extent() for text in ax.texts if text.get_text().strip()]


def overlaps(a, b):
    return a.x0 < b.x1 and b.x0 < a.x1 and a.y0 < b.y1 and b.y0 < a.y1


def check_words(ax):
    """All words lie within the axes, none over another, and no axis has more than five ticks."""
    frame = ax.get_window_extent()
    found = boxes(ax)
    for i, box in enumerate(found):
        assert frame.x0 <= box.x0 and box.x1 <= frame.x1, ax.texts[i].get_text()
        assert frame.y0 <= box.y0 and box.y1 <= frame.y1, ax.texts[i].get_text()
        assert not any(overlaps(box, other) for other in found[:i]), words(ax)
    for axis, (low, high) in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim())):
        ticks = [tick for tick in axis.get_majorticklocs() if low <= tick <= high]
        assert 1 <= len(ticks) <= 5 and len(axis.get_minorticklocs()) == 0


# ------------------------------------------------------------------------------- bound


def test_the_dots_are_the_data_and_the_line_is_the_bound():
    measured, proved = 0.9 / T, 1.0 / T
    ax = drawn(show.bound(T, measured, proved))
    (dots,), (line,) = lines(ax, "measured"), lines(ax, "proved")
    assert set(zip(*dots.get_data(), strict=True)) <= set(zip(T, measured, strict=True))
    assert 25 <= len(dots.get_xdata()) <= 43
    assert {1, 60} <= set(dots.get_xdata())
    np.testing.assert_array_equal(line.get_data(), [T, proved])
    assert not lines(ax, "beyond")


def test_unsorted_places_are_sorted_with_their_values():
    order = np.random.default_rng(0).permutation(60)
    ax = drawn(show.bound(T[order], (0.9 / T)[order], (1 / T)[order]))
    np.testing.assert_array_equal(lines(ax, "proved")[0].get_data(), [T, 1 / T])


def test_the_forbidden_side_is_shaded():
    for below in (True, False):
        values = 0.9 / T if below else 1.1 / T
        ax = drawn(show.bound(T, values, 1 / T, below=below))
        (shade,) = [c for c in ax.collections if c.get_gid() == "forbidden"]
        assert isinstance(shade, PolyCollection)
        corners = shade.get_paths()[0].vertices
        assert corners[:, 1].max() >= 1.0 if below else corners[:, 1].min() <= 1 / 60
        at_ten = corners[np.isclose(corners[:, 0], 10.0), 1]
        assert (at_ten >= 0.1 - 1e-12).all() if below else (at_ten <= 0.1 + 1e-12).all()


def test_how_close_they_come_is_written():
    picture = show.bound(T, np.where(T == 30, 0.93, 0.8) / T, 1 / T, y_label="gap")
    ax = drawn(picture)
    assert "at closest 0.93 of the bound" in words(ax)
    assert "at closest 0.93 of its bound, at 30" in repr(picture)
    np.testing.assert_allclose(lines(ax, "closest")[0].get_data(), [[30.0], [0.93 / 30]])
    lower = show.bound(T, 1.07 * T, T, below=False)
    assert "at closest 1.07 times the bound" in words(drawn(lower))


def test_a_near_miss_is_not_rounded_to_a_hit():
    assert "at closest 0.9996 of the bound" in words(drawn(show.bound(T, 0.9996 / T, 1 / T)))
    assert "attains the bound" in words(drawn(show.bound(T, 1 / T, 1 / T)))
    assert "attains its bound" in repr(show.bound(T, 1 / T, 1 / T))


def test_a_pair_that_starts_equal_is_told_by_its_end():
    t = np.arange(30)
    picture = show.bound(t, 0.5**t, 0.6**t)
    assert "starts on the bound, ends at 0.0051 of it" in words(drawn(picture))


@pytest.mark.parametrize("below", [True, False])
@pytest.mark.parametrize("scales", ["log-log", "linear", "linear-log"])
def test_a_dot_beyond_the_bound_is_never_hidden(below, scales):
    measured = (0.9 if below else 1.1) / T
    measured[17] = (1.25 if below else 0.8) / T[17]
    picture = show.bound(T, measured, 1 / T, below=below, scales=scales)
    ax = drawn(picture)
    said = "1 of 60 beyond the bound, by a factor of up to 1.25"
    assert said in words(ax) and f"{said}, first at 18" in repr(picture)
    np.testing.assert_allclose(lines(ax, "beyond")[0].get_data(), [[18.0], [measured[17]]])
    assert not any("closest" in text for text in words(ax))
    check_words(ax)


def test_a_dot_beyond_by_a_hair_is_beyond_but_rounding_is_not():
    assert "beyond" in repr(show.bound(T, (1 + 1e-7) / T, 1 / T))
    assert "beyond" not in repr(show.bound(T, (1 + 1e-12) / T, 1 / T))


def test_a_dot_beyond_is_told_where_no_factor_tells():
    assert "1 of 3 beyond" in repr(
        show.bound([1, 2, 3], [0.5, 0.2, 0.1], [1, 0, 1], scales="linear")
    )
    assert "1 of 3 beyond" in repr(show.bound([1, 2, 3], [0.5, 0.2, 0.1], [1, 0, 1]))
    assert "1 of 2 beyond" in repr(show.bound([1, 2], [0.0, 1.0], [0.5, 0.5], below=False))


def test_a_dot_below_the_axis_counts_too():
    picture = show.bound(T, np.where(T == 5, 0, 2.0 / T), 1 / T, below=False)
    ax = drawn(picture)
    assert "1 of 60 beyond the bound" in " ".join(words(ax))
    assert "1 value lies below the axis" in repr(picture)
    assert lines(ax, "below")[0].get_xdata().tolist() == [5]


def test_one_seed_beyond_the_bound_shows():
    runs = np.tile(0.5 / T, (10, 1))
    runs[3, 20] = 2 / T[20]
    picture = show.bound(T, runs, 1 / T)
    assert "1 of 60 beyond the bound, by a factor of up to 2.00" in repr(picture)
    assert "Of 10 seeds the largest is shown" in repr(picture)
    assert [c for c in drawn(picture).collections if c.get_gid() == "band"]


def test_values_that_are_rounding_do_not_count():
    t = np.arange(100)
    measured, proved = np.maximum(0.4**t, 1e-16), 0.5**t
    assert "beyond" in repr(show.bound(t, measured, proved))
    quiet = show.bound(t, measured, proved, floor=1e-15)
    assert "beyond" not in repr(quiet) and "up to 1e−15 count as rounding" in repr(quiet)


def test_an_infinite_or_a_trivial_bound_is_no_bound():
    proved = np.where(T < 10, np.inf, 1 / T)
    ax = drawn(show.bound(T, 0.9 / T, proved))
    assert np.isnan(lines(ax, "proved")[0].get_ydata()[:9]).all()
    assert "beyond" not in repr(show.bound(T, 0.9 / T, 1 - T, below=False))
    assert "nothing is proved" in repr(show.bound(T, 0.9 / T, None))


def test_curves_pair_by_name_and_have_the_look_of_their_preconditioner():
    measured = {"Adam": 0.9 / T, "normalized GD": 0.5 / T}
    proved = {"normalized GD": 0.6 / T, "Adam": 1 / T}
    ax = drawn(show.bound(T, measured, proved))
    colors = [line.get_color() for line in lines(ax, "measured")]
    assert colors == [LOOKS["Adam"].color, LOOKS["NormalizedGD"].color]
    assert [line.get_color() for line in lines(ax, "proved")] == colors
    np.testing.assert_array_equal(lines(ax, "proved")[1].get_ydata(), 0.6 / T)
    assert {"Adam", "normalized GD", "dots measured, lines proved"} <= set(words(ax))
    assert "at closest 0.90 of its bound" in words(ax)


def test_one_bound_holds_for_several_curves():
    ax = drawn(show.bound(T, {"a": 0.9 / T, "b": 0.5 / T}, 1 / T))
    assert len(lines(ax, "proved")) == 1 and "proved" in words(ax)


def test_runs_of_different_length_go_over_their_steps():
    runs = {"short": 0.5 ** np.arange(9), "long": 0.7 ** np.arange(20)}
    picture = show.bound(None, runs, None)
    assert "from 0 to 19" in repr(picture)
    assert lines(drawn(picture), "measured")[0].get_xdata().tolist() == list(range(9))


def test_a_real_run_keeps_below_its_bound():
    problem = Problem.gaussian(n=10, d=30, k=1, seed=0)
    W0, K = np.random.default_rng(1).standard_normal((30, 1)), NormalizedGD(5.0)
    run = dspgd(problem, K, W0, max_learning_rate(problem, K), tol=1e-6, record="W")
    W = run.history["W"]
    away = np.linalg.norm(W - problem.project(W0), axis=(1, 2))
    bound = np.linalg.norm(problem.residual(W), axis=(1, 2)) / problem.sigma_min
    picture = show.bound(None, away, bound, y_label=r"$\Vert W_t - W_{GD}\Vert$")
    assert "beyond" not in repr(picture) and "at closest" in repr(picture)
    check_words(drawn(picture))


# ------------------------------------------------------------------------------- sweep


@pytest.mark.parametrize("power", [-1, 0.5, 2, 0])
def test_exact_data_have_the_slope_predicted(power):
    x = np.geomspace(0.01, 10, 15)
    picture = show.sweep(x, 3 * x**power, power=power)
    said = f"slope {number(power, '.2f')}, predicted {number(power)}"
    assert said in repr(picture)
    ax = drawn(picture)
    assert said in words(ax)
    (law,) = lines(ax, "law")
    np.testing.assert_allclose(law.get_ydata(), 3 * law.get_xdata() ** power)
    assert law.get_linestyle() == "--"


def test_a_wrong_prediction_is_seen():
    x = np.geomspace(0.01, 10, 15)
    assert "slope −1.50, predicted −1" in repr(show.sweep(x, x**-1.5, power=-1))


def test_the_slope_is_that_of_the_range_asked_for():
    x = np.geomspace(0.01, 100, 41)
    picture = show.sweep(x, np.maximum(1 / x, 1.0), power=-1, within=(0, 1.0))
    assert "slope −1.00" in repr(picture)
    assert lines(drawn(picture), "law")[0].get_xdata().max() <= 1 + 1e-12


def test_dots_are_medians_and_the_band_holds_the_middle():
    x, values = np.arange(1.0, 8.0), np.random.default_rng(0).lognormal(size=(10, 7))
    picture = show.sweep(x, values)
    ax = drawn(picture)
    np.testing.assert_allclose(lines(ax, "measured")[0].get_ydata(), np.median(values, axis=0))
    (band,) = [c for c in ax.collections if c.get_gid() == "band"]
    height = band.get_paths()[0].vertices[:, 1]
    low, high = np.percentile(values, [10, 90], axis=0)
    np.testing.assert_allclose([height.min(), height.max()], [low.min(), high.max()])
    assert "median of 10 seeds" in repr(picture) and "measured (10 seeds)" in words(ax)


def test_a_law_is_drawn_and_compared():
    x = np.geomspace(0.1, 10, 9)
    as_function = show.sweep(x, 1.03 / x, law=lambda at: 1 / at)
    as_array = show.sweep(x, 1.03 / x, law=1 / x)
    for picture in (as_function, as_array):
        assert "1.03 times its law" in repr(picture)
        (law,) = lines(drawn(picture), "law")
        np.testing.assert_allclose(law.get_ydata(), 1 / law.get_xdata())
    with_zero = show.sweep(np.arange(5.0), np.zeros(5), law=np.full(5, 0.25), scales="linear")
    assert "at most 0.25 from its law" in repr(with_zero)


def test_several_curves_have_their_own_slopes():
    x = np.geomspace(0.1, 10, 9)
    curves = {"Adam": 1 / x, "soft clipping": x}
    ax = drawn(show.sweep(x, curves, power={"Adam": -1, "soft clipping": 1}))
    assert "Adam: slope −1.00, predicted −1" in words(ax)
    assert "soft clipping: slope 1.00, predicted 1" in words(ax)


def test_zeros_and_rounding_do_not_stretch_the_axis():
    x = np.geomspace(1, 100, 20)
    y = 1 / x
    y[3], y[7] = 0.0, 1e-18
    ax = drawn(show.sweep(x, y))
    low, high = ax.get_ylim()
    assert 1e-3 < low < 1e-2 and 1 < high < 10
    assert len(lines(ax, "below")[0].get_xdata()) == 2
    assert "2 values lie below the axis" in repr(show.sweep(x, y))


# ------------------------------------------------------------------------------- labels

finite = st.floats(-5, 5)


@st.composite
def curves(draw):
    count, points = draw(st.integers(1, 4)), draw(st.integers(2, 80))
    names = draw(
        st.lists(
            st.sampled_from([style.name for style in LOOKS.values()] + ["η = 1/M", "W"]),
            min_size=count,
            max_size=count,
            unique=True,
        )
    )
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    start, slope, noise = rng.uniform(-4, 4, (3, count, 1))
    t = np.linspace(0, 1, points)
    values = 10 ** (start + slope * t + 0.1 * noise * rng.standard_normal((count, points)))
    return np.linspace(1, 50, points), dict(zip(names, values, strict=True))


@settings(max_examples=examples(12))
@given(curves(), st.floats(0.5, 3), st.booleans(), st.sampled_from(list(_scales.SCALES)))
def test_labels_stay_within_the_axes_and_apart(given_curves, factor, below, scales):
    x, measured = given_curves
    proved = {name: factor * values for name, values in measured.items()}
    picture = show.bound(x, measured, proved, below=below, scales=scales, y_label="loss")
    ax = drawn(picture)
    check_words(ax)
    assert all(any(name in text for text in words(ax)) for name in measured)
    wrong = factor < 1 if below else factor > 1
    assert ("beyond" in repr(picture)) == wrong


@settings(max_examples=examples(8))
@given(curves(), st.sampled_from([-1.0, 0.5]))
def test_labels_of_sweeps_stay_apart(given_curves, power):
    x, values = given_curves
    ax = drawn(show.sweep(x, values, power=power, x_label="ε", y_label="steps"))
    check_words(ax)
    assert all(any(name in text for text in words(ax)) for name in values)


@given(st.floats(-300, 300), st.floats(0.001, 300))
def test_logarithmic_axes_have_few_ticks_in_plain_words(low, decades):
    low, high = 10.0**low, 10.0 ** min(low + decades, 308.0)
    ticks = _scales.log_ticks(low, high)
    assert len(ticks) <= 5
    assert (ticks >= low * (1 - 1e-9)).all() and (ticks <= high * (1 + 1e-9)).all()
    labels = _scales.labels(ticks, True)
    assert len(set(labels)) == len(labels) and not any("e" in label for label in labels)


@given(st.lists(st.floats(1e-300, 1e300), min_size=1, max_size=50))
def test_limits_hold_the_values_with_a_decade_at_most(values):
    low, high = _scales.limits(np.array(values), True)
    assert min(values) / 10.001 <= low <= min(values) and max(values) <= high
    assert high <= max(values) * 10.001


def test_a_page_can_carry_the_picture_of_a_long_run():
    t = np.arange(1, 20_001)
    runs = np.random.default_rng(0).uniform(0.5, 1, (5, len(t))) / t
    assert len(show.bound(t, runs, 1 / t).html()) < 45_000
    assert len(show.sweep(t, runs, law=1 / t).html()) < 45_000


def test_pictures_use_colours_of_the_palette_only():
    x = np.geomspace(0.1, 10, 12)
    pictures = [
        show.bound(x, {"a": x, "Adam": 2 * x, "b": 3 * x}, {"a": x, "Adam": x, "b": 4 * x}),
        show.bound(x, 0.5 * x, x),
        show.sweep(x, {name: (i + 1) / x for i, name in enumerate("abcdef")}, power=-1),
        MAP,
    ]
    for picture in pictures:
        svg = picture.html()
        colors = {color.lower() for color in re.findall(r"#[0-9a-fA-F]{6}\b", svg)}
        assert not colors - set(PALETTE), colors


# ------------------------------------------------------------------------------- behaviours

X, Y = np.geomspace(0.1, 10, 20), np.geomspace(0.05, 5, 25)
KINDS = np.where(Y[:, None] > 2, 2, (X > 1).astype(int))
NAMES = {0: "walks", 1: "comes to rest", 2: ("jumps for ever", "#aa3377")}
RUNS = [(0.5, 0.5, 0.5 ** np.arange(20)), (3.0, 3.0, [1.0, 2.0, np.inf])]
MAP = show.behaviours(
    X, Y, KINDS, RUNS, x_label="ε", y_label="η", names=NAMES, boundary={"η = 2": (X, 2 + 0 * X)},
    run_label="distance",
)  # fmt: skip


def test_a_map_shows_its_regions_and_names_them():
    ax = drawn(MAP)
    patches = {patch.get_gid(): patch.get_path() for patch in ax.patches}
    for row in range(len(Y)):
        for column in range(len(X)):
            inside = [
                gid for gid, path in patches.items() if path.contains_point((X[column], Y[row]))
            ]
            assert inside == [f"kind-{KINDS[row, column]}"]
    assert {"walks", "comes to rest", "jumps for ever", "η = 2"} <= set(words(ax))
    share = round(100 * float((KINDS == 2).mean()))
    assert f"jumps for ever fills {share} %" in repr(MAP)
    check_words(ax)


def test_the_name_of_a_region_lies_in_it():
    ax = drawn(MAP)
    for text in ax.texts:
        for kind, name in ((0, "walks"), (1, "comes to rest"), (2, "jumps for ever")):
            if text.get_text().replace("\n", " ") == name:
                box = text.get_window_extent()
                middle = (0.5 * (box.x0 + box.x1), 0.5 * (box.y0 + box.y1))
                x, y = ax.transData.inverted().transform(middle)
                assert KINDS[np.abs(Y - y).argmin(), np.abs(X - x).argmin()] == kind


def test_runs_are_numbered_as_on_the_map():
    ax, small = drawn(MAP), drawn(MAP, 1)
    badges = {
        text.get_text(): text.get_position() for text in ax.texts if text.get_text().isdigit()
    }
    assert badges == {"1": (0.5, 0.5), "2": (3.0, 3.0)}
    assert {"1", "2", "walks", "jumps for ever", "distance"} <= set(words(small))
    assert "Run 1 at (0.5, 0.5), walks: from 1 to 1.91e−6 in 19 steps." in repr(MAP)
    assert "from 1 to inf in 2 steps" in repr(MAP)
    for i in (1, 2):
        (run,) = lines(small, f"run-{i}")
        assert np.isfinite(run.get_xydata()).all()
    found = [box for box in boxes(small)]
    assert not any(overlaps(a, b) for i, a in enumerate(found) for b in found[:i])


@given(st.integers(1, 8), st.integers(1, 8), st.integers(0, 2**32))
def test_outlines_hold_their_cells_and_no_others(rows, columns, seed):
    mask = np.random.default_rng(seed).random((rows, columns)) < 0.5
    path = _regions.region(mask, np.arange(columns + 1.0), np.arange(rows + 1.0))
    area = 0.0
    for loop in _regions.outlines(mask):
        y, x = np.array(loop, dtype=float).T
        area += 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
    assert area == mask.sum()
    if mask.any():
        row, column = _regions.deepest(mask)
        assert mask[row, column] and len(path.vertices)


def test_a_way_in_a_plane_keeps_its_shape():
    way = np.array([(0.0, 0.0), (2.0, 0.0), (2.0, 1.0)])
    picture = show.behaviours(X, Y, KINDS, [(1.0, 1.0, way)], names=NAMES)
    points = lines(drawn(picture, 1), "run-1")[0].get_xydata()
    sides = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert sides[0] == pytest.approx(2 * sides[1])


# ------------------------------------------------------------------------------- table


class Cells(HTMLParser):
    """Reads a table as a browser does: the texts of its heads and cells."""

    def __init__(self):
        super().__init__()
        self.found, self.scopes, self.open = [], [], False

    def handle_starttag(self, tag, attributes):
        if tag in ("td", "th"):
            self.found.append("")
            self.open = True
            self.scopes.append(dict(attributes).get("scope"))
        elif tag == "sup":
            self.found[-1] += "^"

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data):
        if self.open:
            self.found[-1] += data


def read(table):
    parser = Cells()
    parser.feed(table._repr_html_())
    return parser


def value(text):
    """Return the number that a cell shows, in HTML or in characters."""
    raised = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
    text = text.strip().replace(",", "").replace("−", "-").replace("∞", "inf")
    text = re.sub(r"^(-?)10(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻^])", r"\g<1>1·10", text)
    mantissa, _, power = text.partition("·10")
    return float(mantissa) * 10.0 ** int(power.replace("^", "").translate(raised) or 0)


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=6))
def test_a_table_holds_every_number_in_html_and_in_characters(numbers):
    table = show.table([(f"row {i}", x) for i, x in enumerate(numbers)], ["name", "number"])
    cells = read(table).found[2:]
    shown = [line.split("  ")[-1] for line in repr(table).splitlines()[2:]]
    for x, html, text in zip(numbers, cells[1::2], shown, strict=True):
        assert value(html) == pytest.approx(float(f"{x:.3g}"), rel=1e-12)
        assert value(text) == pytest.approx(float(f"{x:.3g}"), rel=1e-12)
    assert cells[::2] == [f"row {i}" for i in range(len(numbers))]


def test_a_table_is_semantic_and_escaped():
    table = show.table([("<b>", 1.2e-5, True)], ["a < b", "gap", "ok"], caption="R & D")
    html = table._repr_html_()
    assert html.startswith('<table class="book-table"') and "<caption" in html
    assert "&lt;b&gt;" in html and "a &lt; b" in html and "R &amp; D" in html
    assert "1.2·10<sup>−5</sup>" in html and "yes" in html
    assert read(table).scopes == ["col", "col", "col", "row", None, None]


def test_points_stand_below_each_other():
    table = show.table([("a", 1.5), ("b", 10.0), ("c", 0.125)], ["name", "x"])
    lines_of = repr(table).splitlines()[2:]
    assert lines_of == ["a      1.5", "b     10", "c      0.125"]
    assert "1.5\u2007\u2007" in table._repr_html_()


def test_a_table_fits_a_phone():
    rows = [("gradient descent with a long name", 1234567, 1.25e-5, -0.25)] * 2
    table = show.table(
        rows, ["optimizer", "steps until the loss is small", "distance", "slope"], caption="x " * 40
    )
    assert max(map(len, repr(table).splitlines())) <= 45
    for word in ("gradient", "long", "1,234,567", "1.25·10⁻⁵", "−0.25", "small"):
        assert word in repr(table)


def test_numbers_are_formatted_as_asked():
    table = show.table([(1, 0.5, None)], ["a", "b", "c"], form=["{:03d}", "{:.0%}", None])
    assert repr(table).splitlines()[-1].split() == ["001", "50%", "–"]
    assert "half" in repr(show.table([(0.5,)], ["a"], form=lambda x: "half"))
    assert repr(show.table(np.eye(2), ["a", "b"], align="lr")).splitlines()[0] == "a  b"


def test_words_for_numbers():
    assert _words.raised("1e-05") == "10⁻⁵" and _words.raised("-1e+20") == "−10²⁰"
    assert _words.spoken(1.2e-5) == "1.2e−5" and _words.spoken(12345.0) == "12,345"
    assert _words.ratio(1.0) == "1" and _words.ratio(0.99996) == "0.99996"


# ------------------------------------------------------------------------------- hostile input

NAN = np.where(T == 3, np.nan, 1.0)
BAD = [
    (lambda: show.bound(T, T[:-1], T), "measured must have one value for each of the 60"),
    (lambda: show.bound(T, T, T[:-1]), "proved must have the shape of x"),
    (lambda: show.bound(T, NAN, T), "measured contains NaN"),
    (lambda: show.bound(T, T, NAN), "proved contains NaN"),
    (lambda: show.bound(NAN, T, T), "x contains NaN"),
    (lambda: show.bound(T, np.where(T == 3, np.inf, 1.0), T), "measured contains an infinite"),
    (lambda: show.bound(T, -T, T, scales="log-log"), "measured must be positive on a log"),
    (lambda: show.bound(T - 1, T, T, scales="log-log"), "x must be positive on a logarithmic"),
    (lambda: show.bound(T, 0 * T, T, scales="log-log"), "measured has no positive value"),
    (lambda: show.bound(T, {"a": T}, {"b": T}), "proved must have the keys of the measured"),
    (lambda: show.bound(T, T, {"a": T}), "measured must be one with the same keys"),
    (lambda: show.bound(T, {}, None), "measured is an empty dict"),
    (lambda: show.bound(T, {1: T}, None), "measured must have names as keys"),
    (lambda: show.bound({"b": T}, {"a": T}, None), "x and measured must have the same keys"),
    (lambda: show.bound(T, {str(i): T for i in range(7)}, None), "measured holds 7 curves"),
    (lambda: show.bound(T, np.ones((2, 2, 60)), T), r"measured must have shape \(n,\)"),
    (lambda: show.bound(T, ["a"] * 60, T), "measured must hold real numbers"),
    (lambda: show.bound([], [], []), "must be an array of numbers"),
    (lambda: show.bound(T, T, T, scales="loglog"), "scales must be one of"),
    (lambda: show.bound(T, T, T, names=("a",)), "names must be two texts"),
    (lambda: show.bound(T, T, T, y_label=3), "y_label must be a text"),
    (lambda: show.bound(T, T, T, below="yes"), "below must be True or False"),
    (lambda: show.bound(T, np.ma.masked_less(T, 3), T), "measured must hold real numbers"),
    (lambda: show.sweep(T, T, law=T[1:]), "law must have the shape of x"),
    (lambda: show.sweep(T, T, law=lambda x: 1.0), "law must be an array of numbers"),
    (lambda: show.sweep(T, T, law=lambda x: x[1:]), "law must return one value for each"),
    (lambda: show.sweep(T, T, power="one"), "power must hold real numbers"),
    (lambda: show.sweep(T, T, power=1, scales="linear"), "power is a slope on two log"),
    (lambda: show.sweep([1.0], [1.0], power=1), "power needs at least two dots"),
    (lambda: show.sweep(T, {"a": T}, power={"b": 1}), "power must have the keys of values"),
    (lambda: show.sweep(T, T, within=(2, 1)), "within must be two numbers"),
    (lambda: show.sweep(T, np.ones((60, 3))), "values must have one value for each"),
    (lambda: show.table([], ["a"]), "rows is empty"),
    (lambda: show.table([(1, 2)], ["a"]), r"rows\[0\] must have one entry for each"),
    (lambda: show.table(["ab"], ["a", "b"]), r"rows\[0\] must have one entry .* found a text"),
    (lambda: show.table([range(6)], list("abcdef")), "columns holds 6 heads"),
    (lambda: show.table([(1,)], "a"), "columns must be a list"),
    (lambda: show.table([(np.nan,)], ["a"]), "rows holds NaN in the column 'a'"),
    (lambda: show.table([(np.ones(3),)], ["a"]), "rows holds an array"),
    (lambda: show.table([(1.0,)], ["a"], form="{:d}"), "cannot write"),
    (lambda: show.table([(1.0,)], ["a"], align=["middle"]), "align must say"),
    (lambda: show.table([(1.0,)], ["a"], form=["{}", "{}"]), "form must be one"),
    (lambda: show.table(3, ["a"]), "rows must be a list"),
    (lambda: show.behaviours(X, Y, KINDS.T), r"kinds must have the shape .* pass kinds.T"),
    (lambda: show.behaviours(X[::-1], Y, KINDS), "x must be increasing"),
    (lambda: show.behaviours(X, Y, KINDS + 0.5), "kinds must hold integers"),
    (lambda: show.behaviours(X, Y, KINDS, names={0: "a"}), "names says nothing of the kind 1"),
    (lambda: show.behaviours(X, Y, KINDS, [(100.0, 1.0, T)]), "off the map"),
    (lambda: show.behaviours(X, Y, KINDS, [(1.0, 1.0)]), r"runs\[0\] must be \(x, y, series\)"),
    (lambda: show.behaviours(X, Y, KINDS, [(1, 1, T)] * 7), "runs holds 7 runs"),
    (lambda: show.behaviours(X, Y, KINDS, [(1, 1, np.ones((3, 3)))]), "must have a series"),
    (lambda: show.behaviours(X, Y, KINDS, boundary={"a": (X, Y)}), "two arrays of one shape"),
    (lambda: show.behaviours(X, Y, np.arange(500).reshape(25, 20)), "kinds holds 500"),
]


@pytest.mark.parametrize(("call", "said"), BAD, ids=[said for _, said in BAD])
def test_bad_input_is_refused_with_its_name_and_a_remedy(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([1.0], [1.0]),
        ([1.0, 1.0], [2.0, 2.0]),
        ([0.0, 1e300], [1e-300, 1e300]),
        ([1e-320, 1.0], [1e-320, 5.0]),
        ([-1, 0, 1], [0, 0, 0]),
        ([1, 2, 3], [5, 5, 5]),
        ([-1e9, 1e9], [-1e-9, 1e-9]),
        ([True, False], [1, 2]),
    ],
)
def test_odd_data_have_a_picture(x, y):
    for picture in (show.bound(x, y, y), show.sweep(x, y, law=y), show.bound(x, y, None)):
        check_words(drawn(picture))
        assert "nan" not in repr(picture)
