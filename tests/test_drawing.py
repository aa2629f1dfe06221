"""Axes and characters: nice ticks for any limits, Braille lines, and cells that keep their columns."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.axes import axis, axis_of, nice_step, number
from workbench.drawing import Braille, Cells, bars, breadth, changed, cut, pieces, plain, single

NOTHING = np.zeros(0)


@pytest.mark.parametrize(
    ("limits", "most", "labels"),
    [
        ((0, 200), 6, ("0", "50", "100", "150", "200")),
        ((0, 1), 6, ("0", "0.2", "0.4", "0.6", "0.8", "1.0")),
        ((0.0012, 0.0031), 5, ("0.001", "0.002", "0.003", "0.004")),
        ((-0.3, 7.7), 6, ("-2", "0", "2", "4", "6", "8")),
        ((0, 2_000_000), 3, ("0", "1e6", "2e6")),
        ((0, 12_000), 4, ("0", "5,000", "10,000", "15,000")),
        ((3e-7, 9e-7), 5, ("2.0e-7", "4.0e-7", "6.0e-7", "8.0e-7", "1.0e-6")),
    ],
)
def test_ticks_are_nice(limits, most, labels):
    assert axis(*limits, most).labels == labels


def test_log_ticks_are_powers_of_ten_or_1_2_5_between_them():
    assert axis(1e-6, 3, 9, log=True).labels == ("1e-6", "1e-5", "1e-4", "0.001", "0.01", "0.1", "1", "10")
    assert axis(0.2, 0.9, 6, log=True).labels == ("0.2", "0.5", "1")
    assert axis(1, 100, 3, log=True).share([1, 10, 100, 0, -1]).tolist()[:3] == [0, 0.5, 1]


@given(st.floats(), st.floats(), st.integers(0, 12), st.booleans(), st.booleans())
def test_any_limits_make_an_axis(low, high, most, log, tight):
    a = axis(low, high, most, log, tight)
    assert a.low < a.high and math.isfinite(a.low) and math.isfinite(a.high)
    assert 1 <= len(a.ticks) <= max(2, most) + 2 and len(a.labels) == len(a.ticks)
    assert list(a.ticks) == sorted(set(a.ticks))
    shares = a.share(a.ticks)
    assert ((shares > -1e-6) & (shares < 1 + 1e-6)).all()
    assert np.isnan(a.share([math.nan, math.inf])).all()
    fits = math.isfinite(low) and math.isfinite(high) and max(abs(low), abs(high)) < 1e299
    if fits and not log and high != low:
        assert ((a.share([low, high]) > -1e-6) & (a.share([low, high]) < 1 + 1e-6)).all()


@given(st.floats(1e-6, 1e6), st.integers(1, 20))
def test_steps_are_1_2_5(span, most):
    step = nice_step(span, most)
    assert span / step <= most * (1 + 1e-6)
    assert f"{step:.6e}"[0] in "125" and float(f"{step:.6e}"[1:8] + "1") < 1e-5


def test_an_axis_of_data_leaves_out_what_is_not_finite():
    a = axis_of([1, math.nan, 5], [math.inf], most=5)
    assert (a.low, a.high) == (1, 5)
    assert axis_of(NOTHING).labels == ("0", "0.2", "0.4", "0.6", "0.8", "1.0")
    assert axis_of([-1, 0, 10, 1000], log=True).low == 10


def test_numbers_for_people():
    shown = [number(v) for v in (0, 0.0123456, 1240, 3e-7, 200.0, math.nan, -2.5)]
    assert shown == ["0", "0.01235", "1,240", "3e-07", "200", "-", "-2.5"]


@given(st.lists(st.tuples(st.integers(0, 39), st.integers(0, 39)), max_size=12))
def test_a_polyline_is_the_lines_between_its_points(points):
    a, b = Braille(20, 10), Braille(20, 10)
    for (x0, y0), (x1, y1) in pairwise(points):
        a.line(x0, y0, x1, y1)
    for x, y in points[:1]:
        a.dot(x, y)
    p = np.array(points, float).reshape(-1, 2)
    b.polyline(p[:, 0], p[:, 1])
    different = sum(
        bin(i ^ j).count("1") for r, s in zip(a.cells, b.cells, strict=True) for i, j in zip(r, s, strict=True)
    )
    assert different <= len(points)  # a half is rounded up by one and down by the other


def test_gaps_dashes_and_what_is_far_outside():
    canvas = Braille(10, 2)
    canvas.polyline(np.array([0, 4, np.nan, 12, 19.0]), np.array([0, 0, 0, 0, 0.0]))
    assert canvas.lines() == ["⠉⠉⠁   ⠉⠉⠉⠉", " " * 10]
    canvas = Braille(10, 1)
    canvas.polyline(np.array([0, 19.0]), np.array([1, 1.0]), dash=3)
    assert canvas.lines() == ["⠒⠂ ⠒⠂ ⠒⠂ ⠒"]
    canvas.polyline(np.array([-1e300, 1e300, np.inf]), np.array([0, 0, 5.0]))
    canvas.polyline(NOTHING, NOTHING)


def test_cells_keep_wide_and_joining_characters_in_their_columns():
    cells = Cells(8, 1)
    assert cells.write(1, 0, "漢θ̇x", "dim") == 5
    assert cells.lines() == [[(" ", ""), ("漢θ̇x", "dim"), ("   ", "")]]
    assert breadth("漢θ̇x") == 4
    cells.write(6, 0, "漢漢")
    cells.write(-2, 0, "abcdef")
    cells.put(99, 99, "x")
    assert single("漢") == single("") == single("\x07") == "•" and single("ab") == "a"


@given(st.text("ab漢", max_size=30), st.text("ab漢", max_size=30))
def test_a_line_is_mended_by_its_changes(old, new):
    def cells(text):
        return [c for character in text for c in ((character, "") if breadth(character) == 2 else (character,))]

    a, b = cells(old), cells(new)
    size = max(len(a), len(b))
    a, b = a + [None] * (size - len(a)), b + [None] * (size - len(b))
    for start, end in changed([(old, "")], [(new, "")]):
        a[start:end] = b[start:end]
    assert a == b
    assert changed([("same", "x"), ("!", "y")], [("same", "x"), ("!", "y")]) == []


@given(st.lists(st.tuples(st.text("ab漢", max_size=8), st.sampled_from("xy"))), st.integers(0, 30))
def test_a_line_that_is_cut_fits_and_says_so(line, width):
    whole, short = "".join(text for text, _ in line), cut(line, width)
    told = "".join(text for text, _ in short)
    assert breadth(told) <= width
    if breadth(whole) <= width:
        assert short == line
    elif width:
        assert told[-1] == "…" and whole.startswith(told[:-1]) and breadth(told) >= width - 1
        assert [style for _, style in short[:-1]] == [style for _, style in line[: len(short) - 1]]


def test_bars_and_pieces():
    assert bars([0, 0.001, 0.5, 1], 2) == ["   █", " ▁██"]
    assert pieces(list("aab"), ["x", "x", "y"]) == [("aa", "x"), ("b", "y")]
    assert plain([[("█", "full"), ("⠉", "over")]]) == "█⣶\n"
