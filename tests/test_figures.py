"""Figures and plain-text charts: what is on the axes, names of any kind, and every datum where it belongs."""

import math
import re
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from workbench.charts import histogram_lines, series_lines
from workbench.drawing import breadth, plain
from workbench.figures import HeatMap, Histogram, Lines, Reference, Series, figure, text_histogram, text_lines
from workbench.svg import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH

SVG = "{http://www.w3.org/2000/svg}"
ODD = "a <b> & \"c\" 'd' ]]> \x00\x1b[31m 漢字 θ̇ \ud800"
GRID = np.linspace(0, 200, 101)
NOTHING = np.zeros(0)


def normal(mean, width):
    return np.exp(-0.5 * ((GRID - mean) / width) ** 2) / (width * math.sqrt(2 * math.pi))


def histogram(values, **more):
    return Histogram((0, 200), values, "generated", GRID, normal(100, 20), "held out", **more)


def sweep(**more):
    x = np.linspace(0, 1, 11)
    series = (Series("straight", x, 200 * x), Series("curved", x, 200 * x**2, "○", "second"))
    return Lines(series, "α", "survival", (Reference(22, "random"), Reference(0.5, "half", vertical=True)), **more)


def parse(svg):
    return ElementTree.fromstring(svg)


def words(svg):
    return [e.text for e in parse(svg).iter(f"{SVG}text")]


def circles(svg):
    """Marks of data (n, 2), without those of the legend, which are above the axes."""
    found = [(float(e.get("cx")), float(e.get("cy"))) for e in parse(svg).iter(f"{SVG}circle")]
    return np.array([c for c in found if c[1] > TOP - 8]).reshape(-1, 2)


# Panels.


def test_areas_of_bars_and_curves_are_comparable(rng):
    panel = histogram(rng.normal(100, 20, 5000))
    assert panel.y_label == "% per 10 steps"
    for bins in (7, 40, 150):
        assert (panel.heights(panel.bars_values, bins) * 200 / bins / panel.per).sum() == pytest.approx(100)
    curve = panel.curves()[0]
    assert np.trapezoid(curve, GRID) / panel.per == pytest.approx(100, rel=1e-3)
    assert panel.heights(panel.bars_values, 40).max() == pytest.approx(curve.max(), rel=0.15)
    half = histogram(np.r_[rng.uniform(0, 200, 500), np.full(500, 900.0), np.nan])
    assert (half.heights(half.bars_values, 20) * 200 / 20 / half.per).sum() == pytest.approx(50)


def test_a_single_tall_bar_is_cut_and_its_height_told(rng):
    text = text_histogram(histogram(np.r_[rng.uniform(0, 190, 700), np.full(300, 199.9)]), 80, 24)
    cut = next(line for line in text.splitlines() if "▲" in line)
    assert float(re.search(r"(\d+) ▲", cut)[1]) > 60
    assert "▲" not in text_histogram(histogram(rng.uniform(0, 200, 1000)), 80, 24)


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (40, 12), (24, 7), (23, 6), (10, 4), (5, 2), (1, 1), (0, 0)])
def test_text_charts_fit_any_size(size, rng):
    panels = [
        histogram(rng.uniform(0, 200, 300), bars_density=normal(100, 60), notes="p < .05", title=ODD),
        histogram(NOTHING),
        Histogram((5, 5), np.full(9, np.nan), ODD, NOTHING, NOTHING, ODD),
    ]
    drawn = [histogram_lines(panel, *size) for panel in panels]
    curves = [
        sweep(title="t"),
        sweep(log_y=True),
        Lines((), "", ""),
        Lines(
            (Series(ODD, np.full(5, np.nan), np.arange(5)), Series("b", np.arange(3), np.full(3, np.inf), "漢")),
            ODD,
            ODD,
        ),
        Lines(
            (Series("flat", np.zeros(4), np.zeros(4), joined=False),), "x", "y", x_range=(3, 1), y_range=(1e308, -1e308)
        ),
        Lines((Series("huge", np.array([-1e308, 1e308]), np.array([1e308, -1e308])),), "x", "y", log_y=True),
    ]
    drawn += [series_lines(panel, *size, cursor) for panel in curves for cursor in (None, 0, 99)]
    for lines in drawn:
        assert len(lines) == (size[1] if size[0] else 0)
        assert all(breadth("".join(text for text, _ in line)) == size[0] for line in lines)


def test_text_says_what_is_on_it(rng):
    text = text_histogram(histogram(rng.uniform(0, 200, 300), line_values=np.arange(1234.0), notes="note"))
    for expected in (
        "██ generated (n 300)",
        "⠒⠒⠒⠒ held out (n 1,234)",
        "% per 10 steps",
        "survival time (steps)",
        "note",
    ):
        assert expected in text
    text = text_lines(sweep())
    for expected in ("● straight  ○ curved", "survival", "random", "half", "α", "200┤", "1.0"):
        assert expected in text
    assert "● straight 100  ○ curved 50" in plain(series_lines(sweep(), 80, 20, 5))


def test_gaps_have_no_marks_and_dense_lines_few():
    x = np.arange(12.0)
    y = np.where(x % 4 == 1, np.nan, x)
    panel = Lines((Series("s", x, y, joined=False),), "x", "y")
    assert sum(line.count("●") for line in text_lines(panel, 120, 30).splitlines()[1:]) == 9
    dense = Lines((Series("s", np.arange(5000.0), np.ones(5000)),), "x", "y")
    assert 2 < sum(line.count("●") for line in text_lines(dense, 80, 20).splitlines()[1:]) < 10


# Figures.


def every_panel(rng):
    values = rng.uniform(-1, 1, (12, 9))
    values[0, 0] = np.nan
    return [
        histogram(
            rng.uniform(0, 200, 50),
            bars_density=normal(90, 30),
            line_values=rng.uniform(0, 200, 80),
            notes=ODD,
            title=ODD,
        ),
        sweep(title="sweep"),
        sweep(log_y=True, x_range=(0.2, 0.8)),
        HeatMap(values, ODD, ODD, ODD, diverging=True, marked=[(0, 0), (11, 8), (50, 50)], title=ODD),
        HeatMap(values, x_names=[ODD] * 9, y_names=["y"], value_range=(0, 0), upward=True),
        HeatMap(values, x_range=(-3, 3), y_range=(0, 0)),
    ]


def test_figures_are_well_formed_and_the_same_every_time(rng):
    panels = every_panel(rng)
    svg = figure(panels, ODD)
    root = parse(svg)
    assert svg == figure(panels, ODD)
    assert root.get("width") == str(3 * WIDTH) and "\x1b" not in svg and "\x00" not in svg
    assert any("a <b> & \"c\" 'd' ]]>" in text for text in words(svg))
    numbers = re.sub(r"<text.*?</text>|#\w{6}", "", svg)
    assert not re.search(r"\d\.\d{3}|nan|inf|\de[-+]?\d", numbers)
    assert {e.tag.removeprefix(SVG) for e in root.iter()} <= {"svg", "g", "rect", "path", "line", "text", "circle"}


@pytest.mark.parametrize(
    ("count", "columns", "across"), [(1, None, 1), (2, None, 2), (4, None, 2), (7, None, 3), (4, 9, 4)]
)
def test_panels_stand_in_columns(count, columns, across):
    root = parse(figure([sweep()] * count, columns=columns))
    assert root.get("width") == str(across * WIDTH)
    assert len(root.findall(f"{SVG}g")) == count


def test_every_datum_lies_within_the_axes(rng):
    x, y = rng.normal(size=200) * 1e5, rng.normal(size=200) * 1e-9
    for s in (Series("s", x, y, joined=False), Series("s", x, np.abs(y), joined=False)):
        for log in (False, True):
            found = circles(figure([Lines((s,), "x", "y", log_y=log)]))
            assert len(found) == (200 if not log else (s.y > 0).sum())
            assert (found[:, 0] >= LEFT - 0.01).all() and (found[:, 0] <= WIDTH - RIGHT + 0.01).all()
            assert (found[:, 1] >= TOP - 0.01).all() and (found[:, 1] <= HEIGHT - BOTTOM + 0.01).all()
    root = parse(figure([histogram(rng.uniform(0, 200, 500), line_values=rng.uniform(0, 200, 9))]))
    for e in root.iter(f"{SVG}path"):
        if e.get("fill-opacity"):
            tops = [float(v) for v in re.findall(r"V([\d.]+)", e.get("d"))]
            assert min(tops) >= TOP and max(tops) <= HEIGHT - BOTTOM


def test_points_are_where_their_values_are():
    x, y = np.array([0, 5, 10.0]), np.array([0, 50, 100.0])
    found = circles(figure([Lines((Series("s", x, y, joined=False),), "x", "y")]))
    middle = ((LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2)
    assert found.tolist() == [[LEFT, HEIGHT - BOTTOM], list(middle), [WIDTH - RIGHT, TOP]]


def test_a_given_range_leaves_out_marks_beyond_it_and_keeps_those_on_its_border_whole():
    x, y = np.array([0.0, 0.5, 1.0, 1.5]), np.array([0.0, 300.0, 200.0, 10.0])
    panel = Lines([Series("s", x, y, joined=False)], "α", "survival", x_range=(0.0, 1.0), y_range=(0.0, 200.0))
    svg = figure([panel])
    assert len(circles(svg)) == 2 and len(list(parse(svg).iter(f"{SVG}svg"))) == 1


def test_names_stand_where_their_numbers_would():
    names = ("1-50", "51-100", "all")
    panel = Lines([Series("s", np.arange(3.0), np.array([3.0, 2, 1]))], "group", "W1", names=names)
    ticks = {e.text: float(e.get("x")) for e in parse(figure([panel])).iter(f"{SVG}text") if e.text in names}
    assert list(ticks.values()) == pytest.approx(sorted(circles(figure([panel]))[:, 0]), abs=0.01)
    assert all(name in text_lines(panel) for name in names)


def test_long_titles_are_smaller_and_gaps_are_left_free():
    sizes = []
    for title in ("short", "one that is longer than the only panel which stands below it is wide"):
        heading = next(e for e in parse(figure([sweep()], title)).iter(f"{SVG}text") if e.text == title)
        sizes.append(float(heading.get("font-size")))
        assert 0.55 * sizes[-1] * len(title) < WIDTH
    assert sizes[0] > sizes[1]
    gap = parse(figure([sweep(), None, sweep(), sweep()], columns=2))
    assert float(gap.get("width")) == 2 * WIDTH and len(gap.findall(f"{SVG}g")) == 3


def test_a_heat_map_has_every_cell_once(rng):
    for upward in (False, True):
        values = np.arange(12.0).reshape(3, 4)
        values[2, 3] = np.nan
        svg = figure([HeatMap(values, marked=[(2, 3)], upward=upward)])
        inner = next(e for e in parse(svg).iter(f"{SVG}svg") if e.get("viewBox") == "0 0 4 3")
        cells = {}
        for e in inner:
            for column, row, run in re.findall(r"M(\d+) (\d+)h(\d+)v1", e.get("d")):
                cells |= {(int(row), int(column) + k): e.get("fill") for k in range(int(run))}
        assert len(cells) == 12
        low, high = ((2, 0), (0, 3)) if upward else ((0, 0), (2, 3))
        assert cells[low] == "#440154" and cells[high] == "#d0d0d0"
        assert "grey: no value" in words(svg)


@pytest.mark.parametrize(
    "values", [np.zeros((0, 0)), np.zeros((1, 1)), np.full((2, 2), np.nan), np.full((2, 3), np.inf)]
)
def test_empty_panels_are_figures_too(values):
    for diverging in (False, True):
        parse(figure([HeatMap(values, diverging=diverging)]))
    parse(figure([]))
    parse(
        figure(
            [histogram(NOTHING, line_values=NOTHING), Lines((), "", ""), Lines((Series("", NOTHING, NOTHING),), "", "")]
        )
    )


def test_series_are_told_apart_without_colour():
    x = np.arange(200.0)
    marks = "●○◇×+■△*"
    svg = figure([Lines([Series(f"s{k}", x, x * k, mark) for k, mark in enumerate(marks)], "x", "y")])
    shapes = [e.get("d") for e in parse(svg).iter(f"{SVG}path") if e.get("transform")]
    assert len(set(shapes)) == 5 and "*" in words(svg)


def test_figures_need_numpy_alone():
    code = "import sys, workbench.figures; print(*{n.split('.')[0] for n in sys.modules})"
    names = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())
    assert not names & {"textual", "rich", "scipy", "matplotlib", "torch", "numba"}
