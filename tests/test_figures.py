"""The slider mechanism and every figure of the book."""

import io
import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dspgd_lib import plotting, potentials, preconditioners, spectral
from dspgd_lib.experiments import distance_to_interpolators, limit_against_learning_rate
from dspgd_lib.figures import (
    bregman,
    convex_toolbox,
    experiments,
    explorer,
    landing,
    mirror_descent,
    normalized_gd,
    overparameterized,
)
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import Dots, Line, Text


def distances():
    return experiments.distances(distance_to_interpolators([1.0, 9.0], seeds=[0, 1], n=5, d=20))


def learning_rates():
    grid = {"fractions": [0.1, 0.2, 0.4], "seeds": [0], "n": 5, "d": 20}
    return experiments.learning_rates([limit_against_learning_rate(e, **grid) for e in (1.0, 9.0)])


FIGURES = [
    landing.which_solution,
    overparameterized.planes_and_lines,
    overparameterized.coordinates,
    overparameterized.move_the_start,
    convex_toolbox.tangents,
    convex_toolbox.largest_gap,
    convex_toolbox.sector,
    bregman.tangent_gap,
    bregman.balls,
    bregman.touching,
    mirror_descent.two_planes,
    mirror_descent.exponent,
    normalized_gd.where_it_lands,
    normalized_gd.clock,
    distances,
    learning_rates,
]


@pytest.fixture(scope="module", params=FIGURES, ids=lambda make: make.__name__)
def figure(request):
    return request.param()


def square(ax):
    ax.set(xlim=(0, 1), ylim=(0, 1))


def toy(**replace):
    def frame(slope, way="up"):
        sign = {"up": 1, "down": -1}[way]
        line = Line([(0, 0.5), (1, 0.5 + sign * slope)], "#000")
        return Frame([[line]], [f"a line going {way} by {slope:g}"], f"slope {slope:g}")

    parts = {
        "panels": [Panel(square, "unit square")],
        "frame": frame,
        "controls": [
            Slider("slope", "slope", [0.1, 0.2, 0.4], start=1),
            Buttons("way", "direction", {"rising": "up", "falling": "down"}),
        ],
        "label": "a line",
    }
    return Explorer(**(parts | replace))


def all_widgets(root):
    yield root
    for child in getattr(root, "children", ()):
        yield from all_widgets(child)


def of_kind(root, kind):
    return [w for w in all_widgets(root) if type(w) is kind]


def test_the_static_figure_holds_one_overlay_for_every_combination():
    figure = toy()
    overlays = [w.value for w in of_kind(figure.static(), widgets.HTML)]
    assert len(overlays) == figure.stops == 6
    assert len(set(overlays)) == 6
    assert sum("going down by 0.4" in text for text in overlays) == 1


def test_every_stack_is_linked_to_its_control_and_starts_where_the_still_picture_is():
    figure = toy()
    root = figure.static()
    (slider,), (buttons,) = (
        of_kind(root, widgets.SelectionSlider),
        of_kind(root, widgets.ToggleButtons),
    )
    outer, *inner = of_kind(root, widgets.Stack)
    assert (slider.index, outer.selected_index) == (1, 1)
    assert len(inner) == 3 and all(stack.selected_index == buttons.index == 0 for stack in inner)
    shown = outer.children[outer.selected_index].children[0].value
    assert shown == figure.html(**figure.start)
    assert shown in figure.still()


def test_the_live_figure_recomputes_for_values_between_the_stops():
    root = toy().live()
    (slider,) = of_kind(root, widgets.FloatLogSlider)
    overlay = of_kind(root, widgets.HTML)[-1]
    slider.value = 0.3
    assert "going up by 0.3" in overlay.value
    (buttons,) = of_kind(root, widgets.ToggleButtons)
    buttons.value = "down"
    assert "going down by 0.3" in overlay.value


@pytest.mark.parametrize("static", [True, False])
def test_showing_a_figure_displays_the_life_that_fits_the_place(static, monkeypatch):
    shown = []
    monkeypatch.setenv("DSPGD_STATIC", "1" if static else "0")
    monkeypatch.setattr("dspgd_lib.figures.explorer.display", lambda what, **_: shown.append(what))
    toy()._ipython_display_()
    if static:
        bundle, widget = shown
        assert set(bundle) == {"text/html", "image/png", "text/plain"}
        assert of_kind(widget, widgets.Stack) and not of_kind(widget, widgets.FloatLogSlider)
    else:
        (widget,) = shown
        assert of_kind(widget, widgets.FloatLogSlider) and not of_kind(widget, widgets.Stack)


@pytest.mark.parametrize(
    "wrong",
    [
        {"panels": []},
        {"controls": []},
        {"controls": [Slider("slope", "slope", list(np.linspace(0, 1, 201)), log=False)]},
    ],
    ids=["no panel", "no control", "too many stops"],
)
def test_a_figure_that_cannot_be_shown_names_itself(wrong):
    with pytest.raises(ValueError, match="'a line'"):
        toy(**wrong)


def test_every_stop_of_every_figure_is_described_in_words(figure):
    root = figure.static()
    frames = [w.value for w in of_kind(root, widgets.HTML)]
    assert len(frames) == figure.stops <= 100
    for frame in frames:
        assert frame.count('role="img"') == len(figure.panels)
        labels = re.findall(r'aria-label="([^"]*)"', frame)
        assert all(len(label) > 20 for label in labels)
        assert "nan" not in frame and "inf" not in re.sub("infin", "", frame)
    assert len(set(frames)) == len(frames)
    assert max(map(len, frames)) < 24_000
    assert all(panel.alt for panel in figure.panels)


def test_every_figure_starts_live_where_its_still_picture_stands(figure):
    assert of_kind(figure.live(), widgets.HTML)[-1].value in figure.still()


def test_every_figure_has_a_still_picture_for_print(figure):
    picture = figure.picture()
    assert all(ax.lines for ax in picture.axes)
    plt.close(picture)


MARKS = [
    Line([(0, 0), (1, 1)], "#123456", dash="2 2", opacity=0.5),
    Dots([(0.2, 0.2), (0.9, 0.1)], "#123456", "D"),
    Dots([(0.2, 0.2)], "#123456", hollow=True),
    Text((0.5, 0.5), "a < b", "#123456", bold=True),
]


@pytest.mark.parametrize("mark", MARKS, ids=lambda mark: type(mark).__name__)
def test_a_mark_draws_itself_on_the_page_and_on_paper(mark):
    svg = mark.svg(lambda points: 100 * points)
    assert svg.count("#123456") == 1
    fig, ax = plt.subplots()
    square(ax)
    mark.draw(ax)
    assert ax.lines or ax.texts
    plt.close(fig)


def test_marks_leave_out_points_that_are_not_finite_and_thin_out_crowds():
    crowd = [(0.0, 0.0), (np.nan, 1.0), (1e-6, 0.0), (1.0, np.inf), (1.0, 1.0)]
    assert Dots(crowd, "k").svg(lambda points: 100 * points).count("M") == 2
    line = Line(crowd, "k").svg(lambda points: 100 * points)
    assert 'points="0,0 100,100"' in line


def test_every_look_has_a_marker_of_its_own_shape():
    outlines = {
        Dots([(0, 0)], "k", style.marker).svg(lambda points: points)
        for style in plotting.LOOKS.values()
    }
    assert len(outlines) == len(plotting.LOOKS)


def test_text_is_escaped():
    assert "a &lt; b" in MARKS[-1].svg(lambda points: points)


def test_each_preconditioner_has_a_look_of_its_own():
    names = {
        kind.__name__
        for module in (potentials, preconditioners, spectral)
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
    }
    assert set(names) >= {"GradientDescent", "NormalizedGD", "GradientClipping", "Adam"}
    looks = [plotting.LOOKS[name] for name in names]
    assert len({look.color for look in looks}) == len({look.marker for look in looks}) == len(looks)


def test_the_overlay_lies_where_the_saved_picture_has_its_axes(figure):
    for panel in figure.panels:
        fig, ax = explorer._draw(panel)
        before = ax.bbox.bounds
        with plt.style.context(plotting.STYLE_SHEET), io.BytesIO() as out:
            fig.savefig(out, format="svg", dpi=100)
        assert np.allclose(ax.bbox.bounds, before, atol=0.01)
        plt.close(fig)
