"""Geometry of the drawn planes: what the figures derive their pictures from."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dspgd_lib import LogCosh, NegativeEntropy, Problem, bregman
from dspgd_lib.figures.plane import (
    around,
    circle,
    crossings,
    foot,
    line_in_box,
    on_line,
    rays,
    reach_of_ball,
    segment,
)
from dspgd_lib.figures.space import Camera, Floor, grid

number = st.floats(-3, 3).map(lambda value: round(value, 6))


def vectors(*shape):
    return arrays(float, shape, elements=number)


def nonzero(size):
    return vectors(size).filter(lambda x: np.linalg.norm(x) > 0.1)


def distances_from_line(points, ends):
    """Return how far points lie from the straight line through two others."""
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    away = points - ends[0]
    return np.abs(away[..., 0] * along[1] - away[..., 1] * along[0])


# ------------------------------------------------------------------------------ straight things


@given(vectors(4, 3), nonzero(3), number)
def test_the_foot_is_the_orthogonal_projection_of_the_library(points, x, y):
    feet = foot(points, x, y)
    assert np.allclose(feet @ x, y, atol=1e-12)
    assert np.allclose(foot(feet, x, y), feet, atol=1e-12)
    assert np.allclose(np.cross(points - feet, x), 0, atol=1e-10)
    found = Problem(x[None], np.array([[y]])).project(points[..., None])
    assert np.allclose(found[..., 0], feet, atol=1e-10)


@given(nonzero(2), number, vectors(5), st.sampled_from([0, 1]))
def test_points_of_a_line_have_the_given_weight_and_the_label(x, y, w, entry):
    assume(abs(x[1 - entry]) > 0.01)
    points = on_line(x, y, w, entry)
    assert points.shape == (5, 2)
    assert np.array_equal(points[:, entry], w)
    assert np.allclose(points @ x, y, atol=1e-10)


@given(vectors(3), nonzero(3), st.floats(0.1, 9))
def test_a_segment_reaches_equally_far_to_both_sides(middle, direction, reach):
    ends = segment(middle, direction, reach)
    assert np.allclose(ends.mean(axis=0), middle)
    assert np.allclose(ends[1] - ends[0], 2 * reach * direction)


@given(nonzero(2), number, vectors(2), st.floats(0.1, 4), st.floats(0.1, 4))
def test_the_ends_of_a_clipped_line_lie_on_the_border_of_the_box(x, y, corner, width, height):
    box = tuple((low, low + size) for low, size in zip(corner, (width, height), strict=True))
    corners = np.array([(a, b) for a in box[0] for b in box[1]])
    sides = corners @ x - y
    assume(np.abs(sides).min() > 1e-6)
    if (sides > 0).all() or (sides < 0).all():
        with pytest.raises(ValueError, match="misses the box"):
            line_in_box(x, y, box)
        return
    ends = line_in_box(x, y, box)
    assert np.allclose(ends @ x, y, atol=1e-9)
    low, high = np.array(box).T
    assert (ends >= low - 1e-9).all() and (ends <= high + 1e-9).all()
    assert (np.minimum(np.abs(ends - low), np.abs(ends - high)).min(axis=1) < 1e-9).all()
    assert tuple(ends[0]) < tuple(ends[1])


def test_a_line_along_an_axis_is_clipped_at_the_other_two_sides():
    assert line_in_box([0.0, 2.0], 2.0, ((-1, 3), (0, 4))).tolist() == [[-1.0, 1.0], [3.0, 1.0]]
    assert line_in_box([1.0, 0.0], 0.0, ((0, 3), (0, 4))).tolist() == [[0.0, 0.0], [0.0, 4.0]]
    with pytest.raises(ValueError, match="misses the box"):
        line_in_box([1.0, 0.0], -1.0, ((0, 3), (0, 4)))


@given(st.floats(0.1, 2), st.floats(0.1, 2))
def test_rays_leave_an_open_quadrant_at_its_border_or_never(a, b):
    directions = rays(24)
    _, leave = crossings([a, b], directions, ((0, np.inf), (0, np.inf)))
    falls = (directions < 0).any(axis=1)
    assert np.array_equal(np.isfinite(leave), falls)
    assert np.allclose(((a, b) + leave[falls, None] * directions[falls]).min(axis=1), 0)


# ---------------------------------------------------------------------- floors and perspective


@given(vectors(3), nonzero(3), nonzero(3), vectors(4, 3))
def test_projection_on_a_floor_is_idempotent_and_orthogonal(origin, first, second, points):
    assume(np.linalg.norm(np.cross(first, second)) > 0.1)
    floor = Floor.along(origin, first, second)
    assert np.allclose(floor.axes @ floor.axes.T, np.eye(2), atol=1e-9)
    feet = floor.project(points)
    assert np.allclose(floor.project(feet), feet, atol=1e-9)
    assert np.allclose((points - feet) @ floor.axes.T, 0, atol=1e-9)
    assert np.allclose(floor.coordinates(floor.origin), 0)
    along = floor.coordinates(origin + first)
    assert np.allclose(along, [np.linalg.norm(first), 0], atol=1e-9)


@given(vectors(3), nonzero(3), nonzero(3))
def test_a_whole_space_keeps_lengths(origin, first, second):
    up = np.cross(first, second)
    assume(np.linalg.norm(up) > 0.1)
    floor = Floor.along(origin, first, second, up)
    points = floor.points(np.eye(3))
    assert np.allclose(np.linalg.norm(points - origin, axis=1), 1)
    assert np.allclose(floor.coordinates(points), np.eye(3), atol=1e-9)


def test_a_grid_has_a_line_for_every_tick_that_runs_from_side_to_side():
    lines = grid([0.0, 1.0, 2.0], [-1.0, 5.0])
    assert lines.shape == (5, 2, 2)
    assert all(line[0, 0] == line[1, 0] for line in lines[:3])
    assert lines[3:].tolist() == [[[0.0, -1.0], [2.0, -1.0]], [[0.0, 5.0], [2.0, 5.0]]]


cameras = st.builds(Camera, st.floats(-180, 180), st.floats(0, 90), st.floats(0, 0.12))


@given(cameras, vectors(2, 3))
def test_the_perspective_keeps_straight_lines_straight(camera, ends):
    seen = camera.see(ends)
    assume(np.linalg.norm(seen[1] - seen[0]) > 0.1)
    between = ends[0] + np.linspace(0, 1, 7)[:, None] * (ends[1] - ends[0])
    assert distances_from_line(camera.see(between), seen).max() < 1e-9


@given(cameras, vectors(4, 2))
def test_points_without_a_height_stand_on_the_floor(camera, points):
    flat = np.c_[points, np.zeros(4)]
    assert np.allclose(camera.see(points), camera.see(flat))
    assert np.allclose(camera.see(np.zeros(3)), 0)


def test_what_is_farther_away_looks_smaller():
    camera = Camera(turn=0, tilt=0, strength=0.1)
    near, far = (np.ptp(camera.see([(0, y, 0), (0, y, 1)])[:, 1]) for y in (-1, 1))
    assert near > 1 > far


# ------------------------------------------------------------------------------- closed curves


@given(vectors(2), st.floats(0.1, 3), st.sampled_from([4, 12, 97]))
def test_a_circle_is_closed_and_round(centre, radius, count):
    curve = circle(centre, radius, count)
    assert curve.shape == (count + 1, 2)
    assert np.array_equal(curve[0], curve[-1])
    assert np.allclose(np.linalg.norm(curve - centre, axis=1), radius)


@given(st.sampled_from([1.0, 1.5, 2.0, 4.0, np.inf]), vectors(2), st.floats(0.01, 5))
def test_the_points_of_a_norm_ball_have_the_asked_norm(p, centre, radius):
    def norm(points):
        return np.linalg.norm(points - centre, p, axis=1)

    reach = reach_of_ball(norm, centre, radius, far=20.0, count=16)
    assert np.allclose(norm(around(centre, reach)), radius)
    exact = radius / np.linalg.norm(rays(16), p, axis=1)
    assert np.allclose(reach, exact)


@pytest.mark.parametrize("f", [NegativeEntropy(), LogCosh()], ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("first", [True, False], ids=["D(A, C)", "D(C, A)"])
def test_the_points_of_a_bregman_ball_have_the_asked_divergence(f, first):
    centre, level, far = np.array([1.2, 0.8]), 0.2, 0.79
    C = np.broadcast_to(centre[:, None], (24, 2, 1))

    def value(points):
        pair = (points[..., None], C)
        return bregman(f, *(pair if first else pair[::-1]))

    reach = reach_of_ball(value, centre, level, far, count=24)
    found, inner = value(around(centre, reach)[:-1]), reach < far
    assert np.allclose(found[inner], level) and (found[~inner] <= level).all()
    assert inner.any()


def test_a_ball_that_never_ends_reaches_as_far_as_one_looks():
    def width(points):
        return np.abs(points[:, 0])

    reach = reach_of_ball(width, [0.0, 0.0], 1.0, far=7.0, count=8)
    assert reach[2] == reach[6] == 7.0
    assert np.allclose(reach[[0, 4]], 1)
    assert np.allclose(reach[[1, 3, 5, 7]], np.sqrt(2))


def test_each_ray_can_have_a_far_end_of_its_own():
    far = np.array([1.0, 2.0, 3.0, 4.0])
    reach = reach_of_ball(lambda points: 0 * points[:, 0], [0.0, 0.0], 1.0, far, count=4)
    assert np.array_equal(reach, far)
