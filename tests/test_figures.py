"""The slider mechanism and every figure of the book."""

import gzip
import io
import itertools
import json
import re

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest

from dspgd_lib import plotting, potentials, preconditioners, spectral
from dspgd_lib.experiments import distance_to_interpolators, limit_against_learning_rate
from dspgd_lib.figures import (
    adjusted_bregman,
    bregman,
    canvas,
    convergence,
    convex_toolbox,
    dual_preconditioning,
    experiments,
    fine_tuning,
    implicit_bias_general,
    implicit_bias_isotropic,
    landing,
    mirror_descent,
    normalized_gd,
    overparameterized,
)
from dspgd_lib.figures._packing import columns
from dspgd_lib.figures.batch import Batch
from dspgd_lib.figures.canvas import Canvas
from dspgd_lib.figures.explorer import Buttons, Explorer, Frame, Panel, Slider
from dspgd_lib.figures.marks import SCALE, Dots, Line, Text
from dspgd_lib.figures.picture import Picture


def distances():
    return experiments.distances(distance_to_interpolators([1.0, 9.0], seeds=[0, 1], n=5, d=20))


def learning_rates():
    grid = {"fractions": [0.1, 0.2, 0.4], "seeds": [0], "n": 5, "d": 20}
    return experiments.learning_rates([limit_against_learning_rate(e, **grid) for e in (1.0, 9.0)])


FIGURES = [
    landing.which_solution,
    overparameterized.right_angle,
    overparameterized.planes_and_lines,
    overparameterized.coordinates,
    overparameterized.move_the_start,
    convex_toolbox.off_the_floor,
    convex_toolbox.two_parabolas,
    convex_toolbox.tangents,
    convex_toolbox.largest_gap,
    bregman.tangent_gap,
    bregman.balls,
    bregman.touching,
    bregman.two_sides,
    bregman.kink,
    mirror_descent.two_planes,
    mirror_descent.exponent,
    mirror_descent.ledger,
    mirror_descent.image,
    mirror_descent.broken,
    dual_preconditioning.zoo,
    dual_preconditioning.sector,
    dual_preconditioning.metric,
    dual_preconditioning.fifty,
    adjusted_bregman.blade,
    adjusted_bregman.fan,
    adjusted_bregman.gap_over_eta,
    adjusted_bregman.d_over_n,
    convergence.why_allowed,
    convergence.ledger,
    implicit_bias_isotropic.floor,
    implicit_bias_isotropic.one_step,
    implicit_bias_isotropic.circles,
    implicit_bias_isotropic.bundle,
    implicit_bias_isotropic.tilted,
    implicit_bias_general.cone,
    implicit_bias_general.adam_in_disc,
    implicit_bias_general.turned,
    fine_tuning.leash,
    fine_tuning.chord,
    fine_tuning.bars,
    normalized_gd.where_it_lands,
    normalized_gd.clock,
    normalized_gd.fork,
    normalized_gd.behaviours,
    distances,
    learning_rates,
]


@pytest.fixture(scope="module", params=FIGURES, ids=lambda make: make.__name__)
def figure(request):
    return request.param()


# Here they slide over whole numbers, or over what a short experiment above was asked for.
FEW_STOPS = {
    "Distance from three interpolators",
    "How the limit depends on the learning rate",
    "What lines from below tell",
}


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


def moved(number, step):
    return str(int(number) + int(step)) if step else number


def unpacked(column):
    """What the script makes of a column."""
    texts = []
    for text in column:
        if text == 0:
            texts.append(texts[-1])
        elif text.startswith("~"):
            steps = iter(text[1:].split(" "))
            texts.append(re.sub(r"-?\d+", lambda n, s=steps: moved(n[0], next(s)), texts[-1]))
        else:
            texts.append(text)
    return texts


def packed(figure):
    """What the page holds of a figure: every stop as the script would show it."""
    html = figure.static()
    data = json.loads(re.search(r"<script[^>]*>(.*)</script>", html, re.S)[1])
    for column in itertools.chain(*data["places"], data["alts"], data["captions"]):
        column[:] = unpacked(column)

    def joined(columns, i):
        return "".join(column[i] for column in columns)

    places = data["places"]
    shown = [
        {
            "overlays": [
                [joined(c, i) for c in pair] for pair in zip(places[::2], places[1::2], strict=True)
            ],
            "alts": [column[i] for column in data["alts"]],
            "caption": data["captions"][0][i],
        }
        for i in range(figure.stops)
    ]
    return html, data, shown


def test_the_page_holds_every_combination_of_values_in_order():
    html, data, shown = packed(toy())
    assert [frame["alts"] for frame in shown] == [
        [f"a line going {way} by {slope}"] for slope in (0.1, 0.2, 0.4) for way in ("up", "down")
    ]
    assert data["labels"] == [["0.1", "0.2", "0.4"], ["rising", "falling"]]
    assert 'type="range" min="0" max="2" value="1" aria-valuetext="0.2"' in html
    assert (
        html.count('type="radio"') == 2 and 'value="0" autocomplete="off" disabled checked' in html
    )


def test_the_page_shows_the_start_before_any_script_runs():
    figure = toy()
    html, _, shown = packed(figure)
    first = shown[2]
    assert figure.html(**figure.start) in html
    assert "".join(first["overlays"][0]) in html.replace("</svg><g>", "")
    assert f'aria-label="{first["alts"][0]}"' in html and first["caption"] in html


def test_numbers_behind_a_decimal_point_survive_the_packing():
    texts = ["0.05 and 7", "0.06 and -8", "0.6 and -8", "M8.5 -0", "M9.25 0", "1-5", "12"]
    (column,) = columns([[text] for text in texts])
    assert unpacked(column) == texts
    assert column[4] == "M9.25 0" and column[1] == texts[1]  # 05, -0 are no whole numbers


def test_the_page_holds_what_each_stop_shows(figure):
    _, _, shown = packed(figure)
    values = itertools.product(*(control.values for control in figure.controls))
    names = [control.name for control in figure.controls]
    everywhere = list(zip(shown, values, strict=True))
    for frame, chosen in everywhere[:: max(1, len(everywhere) // 12)]:
        html = figure.html(**dict(zip(names, chosen, strict=True)))
        for shapes, words in frame["overlays"]:
            assert f"{shapes}</svg><g>{words}</g>" in html
        assert frame["caption"] in html


def test_what_does_not_move_is_stored_once():
    def frame(slope, way="up"):
        still = Line([(0, 0), (1, 1)], "#000000")
        return Frame([[still, Line([(0, 0), (1, slope)], "#000000")]], ["two lines"], "a</b>")

    html = toy(frame=frame).static()
    assert html.count("M0 100l100 -100") <= 2 + 3  # drawn at the start and stored once; it moves
    assert html.count('"two lines",0,0,0,0,0') == 1


def test_no_text_of_a_figure_can_end_its_script():
    def frame(slope, way="up"):
        return Frame([[]], ["</script><!-- x"], "</script>")

    html, _, shown = packed(toy(frame=frame))
    assert shown[0]["alts"] == ["</script><!-- x"] and shown[0]["caption"] == "</script>"
    inside = html[html.index("<script") + 8 : html.rindex("</script>")]
    assert "</" not in inside and "<!" not in inside


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
    (what,) = shown
    if static:
        assert set(what) == {"text/html", "text/plain"} and "<script" in what["text/html"]
    else:
        assert of_kind(what, widgets.FloatLogSlider)


@pytest.mark.parametrize("static", [True, False])
def test_a_batch_computes_all_stops_of_a_page_at_once_and_one_value_in_jupyter(static, monkeypatch):
    monkeypatch.setenv("DSPGD_STATIC", "1" if static else "0")
    asked = []

    def double(values):
        asked.append(values.tolist())
        return 2 * values

    twice = Batch(double, [1.0, 2.0, 3.0])
    assert [twice(v) for v in (2.0, 3.0, 2.0, 2.5)] == [4.0, 6.0, 4.0, 5.0]
    assert asked == ([[1.0, 2.0, 3.0], [2.5]] if static else [[2.0], [3.0], [2.5]])


def test_a_picture_is_text_and_lines_in_the_colours_of_the_page():
    def draw(ax):
        ax.plot([1, 10], [1, 100], color=plotting.look(preconditioners.Adam(1.0)).color)
        ax.set(title="0.125 of 1", xscale="log", yscale="log", xlabel=r"$\varepsilon$ of $w_1$")

    html = Picture([Panel(draw, "a <line>")]).html()
    assert 'aria-label="a &lt;line&gt;"' in html and "var(--caa3377)" in html
    assert ">ε of w₁</text>" in html and ">0.125 of 1<" in html and ">10¹</text>" in html
    assert not re.search("#[0-9a-f]{6}|font-family|<style|<image", html)
    names = re.findall(r' id="([^"]*)"', html)
    assert len(names) == len(set(names))
    assert set(re.findall(r'(?:url\(|href=")#([\w.-]+)', html)) == set(names)


def test_a_picture_without_a_panel_says_so():
    with pytest.raises(ValueError, match="panels is empty"):
        Picture([])


@pytest.mark.parametrize(
    "wrong",
    [
        {"panels": []},
        {"controls": []},
        {"controls": [Slider("slope", "slope", list(np.linspace(0, 1, 601)), log=False)]},
    ],
    ids=["no panel", "no control", "too many stops"],
)
def test_a_figure_that_cannot_be_shown_names_itself(wrong):
    with pytest.raises(ValueError, match="'a line'"):
        toy(**wrong)


def test_every_stop_of_every_figure_is_described_in_words(figure):
    _, _, shown = packed(figure)
    assert len(shown) == figure.stops
    for frame in shown:
        assert len(frame["alts"]) == len(frame["overlays"]) == len(figure.panels)
        assert all(len(alt) > 20 for alt in frame["alts"])
        assert not re.search(r"\bnan\b|\binf\b", str(frame))
    assert len({str(frame) for frame in shown}) > 0.9 * len(shown)
    assert all(panel.alt for panel in figure.panels)


def test_figures_use_the_palette_only_and_weigh_little(figure):
    html, _, _ = packed(figure)
    assert set(re.findall("#[0-9a-fA-F]{6}", html)) == set()
    assert len(gzip.compress(html.encode())) < 50_000


def test_sliders_feel_continuous_and_start_where_there_is_room_on_both_sides(figure):
    stops = [len(c.values) for c in figure.controls if isinstance(c, Slider)]
    least = 120 if len(figure.controls) == 1 else 40
    assert max(stops) >= least or figure.label in FEW_STOPS
    assert min(stops) >= 12
    assert all(0 < c.start < len(c.values) - 1 for c in figure.controls if isinstance(c, Slider))


def test_every_figure_starts_live_where_its_still_picture_stands(figure):
    assert of_kind(figure.live(), widgets.HTML)[-1].value in figure.static()


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
    assert svg.count("#123456") == 1 and len(svg) < 260
    fig, ax = plt.subplots()
    square(ax)
    mark.draw(ax)
    assert ax.lines or ax.texts
    plt.close(fig)


def test_marks_leave_out_points_that_are_not_finite_and_thin_out_crowds():
    crowd = [(0.0, 0.0), (np.nan, 1.0), (1e-6, 0.0), (1.0, np.inf), (1.0, 1.0)]
    assert Dots(crowd, "k").svg(lambda points: 100 * points).count("M") == 2
    line = Line(crowd, "k").svg(lambda points: 100 * points)
    assert 'd="M0 0l200 200"' in line


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
        fig, ax = canvas._draw(panel)
        before = ax.bbox.bounds
        with canvas._look(), io.BytesIO() as out:
            fig.savefig(out, format="svg", dpi=100)
        assert np.allclose(ax.bbox.bounds, before, atol=0.01)
        plt.close(fig)


def test_words_of_an_overlay_stay_inside_their_panel():
    drawn = Canvas.of(Panel(square, "square", (360, 300), axes=False))
    for at, anchor in (((1, 0.5), "start"), ((0, 0.5), "end"), ((0, 0.5), "middle")):
        (word,) = drawn.layer([Text(at, "exponential decay", "#2b3038", anchor=anchor)]).words
        x = float(re.search(r'x="(-?\d+)"', word)[1]) / SCALE
        wide = 0.5 * 12.5 * len("exponential decay")
        left = {"start": x, "end": x - wide, "middle": x - wide / 2}[anchor]
        assert 0 <= left and left + wide <= 360


def luminance(color):
    parts = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(a, b):
    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("style", plotting.LOOKS.values(), ids=lambda style: style.name)
def test_every_look_is_legible_on_light_and_on_dark_pages(style):
    color = style.color.lower()
    assert contrast(color, "#ffffff") >= 4.5
    assert contrast(plotting.PALETTE[color], plotting.PALETTE["#ffffff"]) >= 4.5
