"""Matrices in characters: every cell drawn once, means as numpy's, and nothing told by colour alone."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.axes import axis
from workbench.drawing import breadth, plain
from workbench.figures import HeatMap, text_heat_map
from workbench.matrices import ABOVE, BELOW, HEAT, NOTHING, RAMP, SIGN, Shades, heat_map_lines, means, reading
from workbench.sides import fitted, run_names, side, unfitted

ODD = "a <b> [bold]c[/] \x00\x1b[31m 漢字 θ̇ \ud800"
SHADES = set(RAMP + BELOW + ABOVE + NOTHING)


def cells(text, wide):
    """The characters inside the frame (r, c)."""
    inside = [line[line.index("│") + 1 :] for line in text.splitlines() if "│" in line]
    return [line[: line.index("│") : wide] for line in inside]


def runs_of(n, k):
    """Lengths of k runs that are n together."""
    return [n // k] * (k - 1) + [n - (k - 1) * (n // k)]


# The sides.


@given(st.integers(1, 300), st.integers(1, 300), st.integers(1, 5), st.integers(1, 60), st.integers(1, 200))
def test_every_cell_is_in_one_block_and_every_block_drawn_once(r, c, k, height, width):
    lengths = runs_of(r, min(k, r)), runs_of(c, min(k, c))
    for rows, columns in (fitted((r, c), lengths, height, width), fitted((r, r), lengths[:1] * 2, height, width)):
        for s, room in ((rows, height), (columns, width)):
            assert s.edges[0] == 0 and (np.diff(s.edges) > 0).all() and s.edges[-1] in (r, c)
            assert len(s.shown) == len(s.cuts) and len(s.which) <= room
            blocks, count = np.unique(s.which[s.which >= 0], return_counts=True)
            assert blocks.tolist() == list(s.shown) and (count == s.wide).all()
            assert (s.which < 0).sum() == s.cuts.sum()
            assert [i for b in s.shown for i in s.items(b)] == list(range(s.edges[-1]))
            assert all(s.block(i) == b for b in s.shown for i in s.items(b))
            ends = np.cumsum(lengths[0 if s.edges[-1] == r else 1])
            # No block is of two runs.
            assert not s.cuts.any() or set(ends) <= set(s.edges)
    # The last are the sides of a square, and it stays one.
    assert np.array_equal(rows.edges, columns.edges)


def test_blocks_are_as_fine_as_the_room_allows():
    for n, height, width, block, wide in (
        (100, 19, 75, 6, 2), (100, 45, 190, 3, 2), (18, 18, 36, 1, 2), (18, 18, 35, 1, 1), (30, 99, 30, 1, 1),
    ):  # fmt: skip
        rows, columns = fitted((n, n), ([n], [n]), height, width)
        assert (np.diff(rows.edges).max(), columns.wide) == (block, wide)
        assert rows.whole == columns.whole == (block == 1)
    rows, columns = fitted((3, 500), ([3], [500]), 20, 100)
    assert rows.whole and np.diff(columns.edges).max() == 5
    rows, columns = fitted((100, 100), ([50, 50], [50, 50]), 19, 75)
    assert rows.cuts.sum() == 1 and len(rows.which) == 19
    # Lines would take the room of the cells.
    assert not fitted((100, 100), ([10] * 10, [10] * 10), 19, 75)[0].cuts.any()
    # Runs that are not of this side are not drawn.
    assert not fitted((100, 100), ([50, 40], [50, 40]), 19, 75)[0].cuts.any()


@given(st.integers(1, 200), st.integers(1, 4), st.integers(2, 60), st.integers(0, 199), st.integers(0, 250))
def test_a_side_that_scrolls_has_the_item_in_sight_and_no_room_left_over(n, k, room, item, first):
    s = side(runs_of(n, min(k, n)), 1, 1, room).showing(min(item, n - 1), first)
    assert min(item, n - 1) in s.shown and len(s.which) <= room
    if len(s.cuts) > len(s.shown):
        assert len(s.which) >= room - 1 - 1
    again = s.showing(s.shown[-1], s.first)
    assert again.first == s.first


def test_leaving_the_view_moves_it_by_half_a_page():
    s, _ = unfitted((100, 100), ([100], [100]), 20, 30)
    assert s.showing(20, 0).first == 10 and s.showing(19, 0).first == 0
    assert s.showing(9, 10).first == 0 and s.showing(99, 0).first == 80 and s.showing(50, 99).first == 40


def test_runs_have_their_names_in_the_middle_of_what_is_seen():
    s = side([10, 20], 1, 2, 80)
    assert run_names(s, [("good", 10), ("bad", 20)], True) == [(5, "good (10)"), (37, "bad (20)")]
    assert run_names(s.showing(29, 25), [("good", 10), ("bad", 20)], True)[-1][1] == "bad (20)"
    assert run_names(side([3, 4], 1, 1, 80), [("\x1b[1mgood", 3), ("b", 4)], False) == [(1, "�[1mgood"), (5, "b")]
    assert run_names(side([1, 4], 1, 1, 80), [("good", 1), ("bad", 4)], True) == [(0, "…"), (2, "bad")]


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 30), st.integers(1, 60))
def test_means_are_numpys(r, c, height, width):
    values = np.random.default_rng(r * c).normal(size=(r, c))
    values[values > 1] = np.nan
    values[values < -2] = -np.inf
    rows, columns = fitted((r, c), ([r], [c]), height, width)
    got = means(values, rows, columns)
    assert got.shape == (len(rows.shown), len(columns.shown))
    for i, a in enumerate(rows.shown):
        for j, b in enumerate(columns.shown):
            block = values[np.ix_(rows.items(a), columns.items(b))]
            finite = block[np.isfinite(block)]
            assert np.isnan(got[i, j]) if not len(finite) else math.isclose(got[i, j], finite.mean(), abs_tol=1e-12)


def test_what_a_block_is_in_words():
    values = np.array([[1, np.nan], [np.inf, 4.5]])
    whole = range(2)
    assert reading(values, range(1), range(1)) == "1" and reading(values, range(1), range(1, 2)) == "no value"
    assert reading(values, range(1, 2), range(1)) == "inf" and reading(values, whole, whole) == "mean 2.75 of 2"
    assert reading(values, range(1), whole) == "mean 1 of 1" and reading(values * np.nan, whole, whole) == "no value"
    assert "inf" not in reading(np.full((2, 2), 1.7e308), whole, whole)


# Shades.


def test_shades_rise_with_values_and_levels_are_finer():
    values = np.linspace(-3, 7, 1001)
    characters, styles = Shades(axis(-3, 7, tight=True)).of(values)
    ink, level = [RAMP.index(c) for c in characters], [HEAT.index(s) for s in styles]
    assert ink == sorted(ink) and set(ink) == set(range(5)) and level == sorted(level) and set(level) == set(range(10))
    assert all(i == j // 2 for i, j in zip(ink, level, strict=True))
    characters, styles = Shades(axis(0, 1, tight=True)).of(np.array([-9, 9, np.nan, np.inf, -np.inf]))
    assert "".join(characters) == " █···" and styles.tolist() == [HEAT[0], HEAT[-1], "dim", "dim", "dim"]


def test_signs_are_told_by_characters():
    values = np.linspace(-1, 1, 801)
    characters, styles = Shades(axis(-1, 1, tight=True), diverging=True).of(values)
    for v, c, s in zip(values, characters, styles, strict=True):
        assert c in (BELOW if v < 0 else ABOVE if v > 0 else " ") and (SIGN.index(s) < 5) == (v < 0)
    below, above = [BELOW.index(c) for c in characters[:400]], [ABOVE.index(c) for c in characters[401:]]
    assert below == sorted(below, reverse=True) and above == sorted(above) and set(below) == set(above) == set(range(4))
    assert Shades(axis(-1, 1, tight=True), True).of(np.array([np.nan]))[0][0] == NOTHING
    assert not set(BELOW) & set(ABOVE + RAMP + NOTHING)


@pytest.mark.parametrize("diverging", [False, True])
@pytest.mark.parametrize("limits", [(-2, 2), (-1e300, 1e300), (-1e-9, 1e-9)])
def test_the_key_tells_the_shades_that_are_drawn(limits, diverging):
    shades = Shades(axis(*limits, tight=True), diverging)
    borders, swatches = shades.key()
    edges = np.linspace(*limits, len(borders))
    assert len(set(borders)) == len(borders) == len(swatches) + 1
    assert np.allclose([float(b.replace(",", "")) for b in borders], edges, rtol=0.01, atol=limits[1] / 100)
    for low, high, swatch in zip(edges, edges[1:], swatches, strict=False):
        inside = shades.of(np.linspace(low, high, 9)[1:-1])
        assert set(inside[0]) == {c for c, _ in swatch} and {s for _, s in swatch} <= set(inside[1])


# The panel as text.


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 12), (24, 7), (23, 6), (10, 4), (5, 2), (1, 1), (0, 0)])
def test_any_matrix_fits_any_size(size, rng):
    values = rng.normal(size=(12, 9))
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    for panel in (
        HeatMap(values, ODD, ODD, ODD, diverging=True, marked=[(0, 0), (11, 8), (50, 50), (-1, 0)], title=ODD),
        HeatMap(values, x_names=[ODD] * 9, y_names=["y"], value_range=(0, 0), upward=True),
        HeatMap(values, x_range=(-3, 3), y_range=(0, 0), value_range=(1e308, -1e308)),
        HeatMap(np.sign(values) * 1.7e308),
        HeatMap(np.zeros((0, 5))), HeatMap(np.zeros(0)), HeatMap(np.full((3, 4), np.nan)), HeatMap(np.ones((1, 1))),
        HeatMap(rng.normal(size=(300, 2)), x_names=["漢" * 9] * 2, y_names=["漢" * 30] * 300),
        HeatMap(np.arange(999.0)),
    ):  # fmt: skip
        lines = heat_map_lines(panel, *size)
        assert len(lines) == (size[1] if size[0] else 0)
        assert all(breadth("".join(text for text, _ in line)) == size[0] for line in lines)
        assert "\x1b" not in plain(lines) and "\x00" not in plain(lines)


def test_a_matrix_that_fits_is_drawn_cell_by_cell():
    values = np.arange(20.0).reshape(4, 5)
    values[1, 2] = np.nan
    drawn = cells(text_heat_map(HeatMap(values)), 2)
    level = np.minimum(values / 19 * 5, 4)
    assert drawn == ["".join(NOTHING if np.isnan(v) else RAMP[int(v)] for v in row) for row in level]
    upward = cells(text_heat_map(HeatMap(values, upward=True)), 2)
    assert upward == drawn[::-1]
    signed = "\n".join(cells(text_heat_map(HeatMap(values - 9.5, diverging=True)), 2))
    assert [signed.split()[k] for k in (0, 1, 2, 3)] == ["###≡≡", "==·--", "░░▒▒▒", "▓▓███"]


def test_a_large_matrix_is_drawn_by_blocks():
    values = np.kron(np.array([[0.0, 1], [2, 4]]), np.ones((60, 60)))
    drawn = cells(text_heat_map(HeatMap(values)), 2)
    half = len(drawn) // 2
    assert 8 <= half <= 10
    for rows, left, right in ((drawn[:half], " ", "░"), (drawn[half:], "▒", "█")):
        assert all(row == left * half + right * half for row in rows)
    # All shades are for what is drawn: the means.
    text = text_heat_map(HeatMap(np.kron(values, [[0, 2.0]])))
    assert "█" in text and "3.2 … 4" in text


def test_marks_stand_beside_the_shade_of_their_cell():
    values = np.arange(20.0).reshape(4, 5)
    for upward, line in ((False, 3), (True, 0)):
        plain = text_heat_map(HeatMap(values, upward=upward))
        text = text_heat_map(HeatMap(values, marked=[(3, 0)], marked_label="matched", upward=upward))
        before, rows = ([row.split("│")[1] for row in t.splitlines() if "│" in row] for t in (plain, text))
        assert before[line].startswith("▓▓")
        assert rows == [*before[:line], "◆" + before[line][1:], *before[line + 1 :]]
        assert "◆  matched" in text and "marked" not in text
    assert "◆" in text_heat_map(HeatMap(np.ones((10, 70)), marked=[(3, 1)]))


def test_a_block_says_what_it_is_of_and_with_marks_has_their_mean():
    values = np.zeros((30, 30))
    values[np.arange(30), np.arange(30)] = 1.0
    panel = HeatMap(values, marked=[(k, k) for k in range(30)], value_range=(0, 1), items="units", x_label="below")
    fine = text_heat_map(panel, 80, 40)
    assert "each cell" not in fine and fine.count("◆█") == 30 and "◆  marked\n" in fine
    coarse = text_heat_map(panel, 80, 22)
    assert "┌ each cell is 2 × 2 units ─" in coarse and coarse.count("◆█") == 15
    assert "◆  marked, their mean" in coarse
    assert "◆█" not in text_heat_map(replace(panel, marked=[(k, 29 - k) for k in range(30)]), 80, 22)
    assert "┌ 4 × 4 units ───┐" in text_heat_map(panel, 80, 12)


def test_blocks_that_are_not_square_are_told_downwards_first():
    text = text_heat_map(HeatMap(np.ones((9, 200)), stretched=True), 60, 20)
    assert "each cell is 1 × 4 values" in text
    assert "each cell" not in text_heat_map(HeatMap(np.ones((9, 20)), stretched=True), 60, 20)


def test_text_says_what_is_on_it():
    values = np.linspace(0, 10, 900).reshape(30, 30)
    values[:2, :2] = np.nan
    sides = {"x_range": (-3, 3), "y_range": (-2, 2), "value_range": (0, 10), "upward": True}
    text = text_heat_map(HeatMap(values, "PC 1", "PC 2", "survival", title="over the plane", **sides))
    for words in ("over the plane", "PC 1", "PC 2", "survival", "8 … 10", "·· no value", "2┤", "┬", "-2"):
        assert words in text
    lines = text.splitlines()
    assert next(k for k, x in enumerate(lines) if " 1┤" in x) < next(k for k, x in enumerate(lines) if "-1┤" in x)
    names = HeatMap(values[:3, :3], x_names=["a", "b", "c"], y_names=["one", "two", "\x1bthree"], diverging=True)
    text = text_heat_map(names)
    assert "one│" in text and "�three│" in text and text.splitlines()[-1].split() == ["a", "b", "c"]
    wide = text_heat_map(HeatMap(np.outer(np.ones(5), np.arange(70)), value_label="steps", title="t"))
    assert "steps  0    13.8 ░░ 27.6 ▒▒ 41.4 ▓▓ 55.2 ██ 69" in wide.splitlines()[0]
    # Where there is no room beside a title, the shades have a line of their own.
    long = text_heat_map(HeatMap(np.outer(np.ones(5), np.arange(70)), title="t" * 70)).splitlines()
    assert long[0] == "t" * 70 and "░░ 27.6 ▒▒" in long[1]
