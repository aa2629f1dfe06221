"""Charts and the map in an app of their own: what is drawn, where the cursor goes, and how little is sent."""

from contextlib import asynccontextmanager

import numpy as np
import pytest
from rich.cells import cell_len
from textual.app import App
from wire import count_bytes, listening

from workbench.axes import axis
from workbench.charts import histogram_lines
from workbench.panels import Histogram
from workbench.tui.app import WorkbenchApp
from workbench.tui.widgets.chart import Chart, HistogramChart, LineChart, Reference, Series
from workbench.tui.widgets.scatter import LatentMap, halftone, limits

SIZES = [(80, 24), (200, 50), (40, 12), (24, 7), (10, 4), (6, 2), (1, 1)]
NONE = np.zeros((0, 2))
GRID = np.linspace(0, 200, 101)
FLAT = np.full(101, 1 / 200)


class Bench(App):
    CSS = WorkbenchApp.CSS

    def __init__(self, make):
        super().__init__()
        self.make = make
        self.heard = []

    def compose(self):
        yield self.make()

    def on_latent_map_moved(self, message):
        self.heard.append(message.index)

    def on_line_chart_moved(self, message):
        self.heard.append((message.index, message.x))


@asynccontextmanager
async def shown(make, size=(80, 24)):
    app = Bench(make)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        widget = app.query_one(make)
        widget.focus()
        yield app, pilot, widget


def text(app):
    return "\n".join("".join(s.text for s in line) for line in app.screen._compositor.render_strips())


async def sent(app, pilot, key):
    """What a key has painted: columns (x, width) by line; and bytes, in 24-bit colour."""
    updates = []
    with listening(app, updates) as data:
        await pilot.press(key)
        await pilot.pause()
    return [span for update in updates for span in update.spans], count_bytes(data)


def cloud(rng, n=5000, m=40):
    return rng.normal(size=(n, 2)), rng.normal(size=(m, 2))


def cross():
    """Samples in the middle, right, left, above and below of it, and far to the right and above."""
    return np.array([[0, 0], [1, 0.1], [-1, 0], [0, 1], [0.1, -1], [3, 2.0]])


# The map.


@pytest.mark.parametrize("size", SIZES)
async def test_the_map_fits_any_size_and_bears_any_data(size, rng):
    points, samples = cloud(rng)
    async with shown(LatentMap, size) as (app, pilot, view):
        for p, s in (
            (points, samples),
            (NONE, samples),
            (points, NONE),
            (NONE, NONE),
            (np.zeros((50, 2)), np.zeros((3, 2))),
            (np.full((50, 2), np.nan), np.array([[np.nan, 1], [0, 0], [np.inf, 2]])),
            (np.full((9, 2), 1e308) * rng.choice([-1, 1], (9, 2)), samples * 1e300),
        ):
            view.show(p, s, {1: "A", 99: "漢"}, "a [b] 漢字 title", groups=np.arange(len(s)) - 1, axis_names=("x", "y"))
            for go in ((-1, 0), (1, 0), (0, -1), (0, 1)):
                view.action_go(*go)
            view.action_edge(-1)
            view.action_step(-1)
            await pilot.pause()
            assert all(cell_len(line) == size[0] for line in text(app).splitlines())
            assert view.selected is None if not len(s) else 0 <= view.selected < len(s)
        for other in ((30, 9), (200, 50), size):
            await pilot.resize_terminal(*other)
            await pilot.pause()
            assert all(cell_len(line) == other[0] for line in text(app).splitlines())


async def test_the_map_says_what_is_where(rng):
    points, samples = cloud(rng)
    samples[0], samples[1] = (50, 0), (0.5, -60)
    async with shown(LatentMap) as (app, pilot, view):
        view.show(
            points, samples, {5: "A", 6: "◆"}, "latents", groups=np.arange(40) % 2, group_names=("short", "long"),
            axis_names=("PC 1 (41 %)", "PC 2 (20 %)"),
        )  # fmt: skip
        view.select(7)
        await pilot.pause()
        screen = text(app)
        for words in ("latents", "population (5,000)", "● short (20)", "○ long (20)", "beyond (2)", "PC 1 (41 %)"):
            assert words in screen
        assert "✛ 7 ○ long  at" in screen and "PC 2 (20 %)" in screen
        plot = screen.splitlines()[4:-3]
        drawn = "\n".join(plot)
        assert drawn.count("✛") == 1 and "A" in drawn and "◆" in drawn
        assert any(line.endswith("▸") for line in plot) and "▾" in plot[-1]
        assert any("⠁" <= c <= "⣿" for c in drawn)
        assert app.heard == []  # whoever selects knows it


async def test_arrows_go_to_the_nearest_sample_in_their_direction():
    async with shown(LatentMap) as (app, pilot, view):
        view.show(NONE, cross(), {}, "")
        assert view.selected == 0
        for there, back, index in (("right", "left", 1), ("h", "l", 2), ("k", "j", 3), ("down", "up", 4)):
            await pilot.press(there)
            assert view.selected == index
            await pilot.press(back)
            assert view.selected == 0
        await pilot.press("right", "right", "right")
        assert view.selected == 5
        await pilot.press("home", "left_square_bracket", "right_square_bracket", "end")
        assert app.heard == [1, 0, 2, 0, 3, 0, 4, 0, 1, 5, 0, 1, 5]
        view.select(99)
        assert view.selected == 5 and f"✛ {5} " in text(app)


async def test_a_click_goes_to_the_nearest_sample():
    async with shown(LatentMap) as (app, pilot, view):
        view.show(NONE, cross(), {}, "")
        await pilot.pause()
        for index in (3, 5, 2):
            x, y = view._spots[index].tolist()
            await pilot.click(LatentMap, offset=(x, y))
            assert view.selected == index
        assert app.heard == [3, 5, 2]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_move_on_the_map_sends_three_small_pieces(size, rng):
    points, samples = cloud(rng, 74_000, 300)
    async with shown(LatentMap, size) as (app, pilot, view):
        view.show(points, samples, {}, "latents", axis_names=("PC 1", "PC 2"))
        await pilot.pause()
        for key in ("right", "up", "left", "down", "right", "up"):
            spans, data = await sent(app, pilot, key)
            assert len({y for y, _, _ in spans}) <= 3 and data <= 1024
            above = [x1 - x0 for y, x0, x1 in spans if y < size[1] - 1]
            assert sum(above) <= 12
        assert await sent(app, pilot, "f12") == ([], 0)


def test_density_is_where_the_points_are(rng):
    points = np.concatenate([rng.normal((-2, 2), 0.1, (4000, 2)), rng.normal((2, -2), 0.1, (40, 2)), [[np.nan, 0]]])
    canvas, level = halftone(points, axis(-4, 4, tight=True), axis(-4, 4, tight=True), 40, 20)
    assert level.shape == (20, 40) and level[:10, :20].max() == 7
    assert 0 < level[10:, 20:].max() < 7
    assert not level[:10, 20:].any() and not level[10:, :20].any()
    dots = [[bin(cell).count("1") for cell in row] for row in canvas.cells]
    assert np.array_equal(dots, level)
    (low, high), _ = limits(np.concatenate([rng.uniform(-1, 1, (999, 2)), [[1e6, 1e6]]]))
    assert -1.3 < low < -0.95 and 0.95 < high < 1.3


# Charts.


@pytest.mark.parametrize("size", SIZES)
async def test_charts_fit_any_size(size, rng):
    nan = np.full(20, np.nan)
    async with shown(HistogramChart, size) as (app, pilot, chart):
        for values in (rng.uniform(0, 200, 300), nan, np.zeros(0)):
            chart.show((0, 200), values, "a", GRID, FLAT, "b", FLAT, "note", values)
            for other in ((30, 9), size):
                await pilot.resize_terminal(*other)
                await pilot.pause()
                assert all(cell_len(line) == other[0] for line in text(app).splitlines())
        chart.show_panel(None)
        await pilot.pause()
        assert not text(app).strip()
    async with shown(LineChart, size) as (app, pilot, chart):
        for y in (np.arange(20.0), nan, np.where(np.arange(20) % 3, 1, nan)):
            chart.show([Series("s", np.arange(20), y)], "x", "y", [Reference(3, "r"), Reference(4, "v", True)])
            chart.action_move(-1)
            chart.action_leap(-1)
            chart.action_edge(0)
            await pilot.pause()
            assert all(cell_len(line) == size[0] for line in text(app).splitlines())
        chart.show([], "x", "y")
        chart.action_move(1)
        assert chart.cursor is None


async def test_bars_and_curve_are_both_seen(rng):
    values = rng.uniform(0, 200, 500)
    async with shown(HistogramChart) as (app, pilot, chart):
        chart.show((0, 200), values, "generated", GRID, FLAT, "held out", None, "KL 0.1", np.arange(123.0))
        await pilot.pause()
        screen = text(app)
        for words in (
            "██ generated (n 500)",
            "⠒⠒⠒⠒ held out (n 123)",
            "% per 10 steps",
            "survival time (steps)",
            "KL 0.1",
        ):
            assert words in screen
        styled = [
            s for line in app.screen._compositor.render_strips()[2:-3] for s in line if "⠀" < s.text.strip()[:1] <= "⣿"
        ]
        # On a bar the curve is drawn in reverse: seen without colours, too.
        assert any(s.style.reverse for s in styled) and not all(s.style.reverse for s in styled)
    panel = Histogram((0, 200), values, "generated", GRID, FLAT, "held out")
    pieces = [piece for line in histogram_lines(panel, 80, 24) for piece in line]
    assert {"full", "over", "first", "dim"} <= {style for _, style in pieces}


def losses(epochs):
    x = np.arange(1.0, epochs + 1)
    return [Series("total", x, 3 / x), Series("KL", x, 1 / x, "○", "second")]


async def test_the_cursor_reads_all_series_and_stays_at_the_end_as_they_grow():
    async with shown(LineChart) as (app, pilot, chart):
        chart.show(losses(20), "epoch", "loss", x_range=(0, 100))
        assert chart.cursor is None and "│ epoch" not in text(app)
        await pilot.press("left")
        assert "│ epoch 20  ● total 0.15  ○ KL 0.05" in text(app)
        chart.show(losses(30), "epoch", "loss", x_range=(0, 100))
        await pilot.pause()
        assert "│ epoch 30  ● total 0.1  ○ KL 0.03333" in text(app)
        await pilot.press("h", "h", "l", "home", "pagedown", "left", "left", "end", "right")
        assert app.heard == [
            (19, 20.0), (28, 29.0), (27, 28.0), (28, 29.0), (0, 1.0), (3, 4.0), (2, 3.0), (1, 2.0), (29, 30.0),
        ]  # fmt: skip
        chart.place(9)
        chart.show(losses(40), "epoch", "loss", x_range=(0, 100))
        assert chart.cursor == 9
        chart.show(losses(5), "epoch", "loss")
        assert chart.cursor == 4
        chart.place(None)
        await pilot.pause()
        assert "│ epoch" not in text(app)


async def test_the_chart_paints_only_what_changed():
    async with shown(LineChart, (200, 50)) as (app, pilot, chart):
        chart.show(losses(100), "epoch", "loss")
        chart.place(50)
        await pilot.pause()
        spans, data = await sent(app, pilot, "left")
        assert sum(x1 - x0 for y, x0, x1 in spans if y > 0) <= 47 * 6 and data < 8000
        chart.show(losses(100), "epoch", "loss")
        assert await sent(app, pilot, "f12") == ([], 0)


async def test_a_change_of_theme_colours_everything_anew():
    async with shown(HistogramChart) as (app, pilot, chart):
        chart.show((0, 200), GRID, "a", GRID, FLAT, "b")
        await pilot.pause()
        assert any(s.style.bgcolor.name == "#121212" for line in app.screen._compositor.render_strips() for s in line)
        app.theme = "textual-light"
        await pilot.pause()
        await pilot.pause()
        after = {str(s.style) for line in app.screen._compositor.render_strips() for s in line}
        assert not any("#121212" in style for style in after)


class Alphabet(Chart):
    def lines(self, width, height):
        return [[("abcdefghijklmnopqrstuvwxyz" * 4, "")]]


async def test_lines_that_stay_are_whole_after_another_size():
    async with shown(Alphabet, (42, 4)) as (app, pilot, _):
        for width in (41, 40, 55, 42):
            await pilot.resize_terminal(width, 4)
            await pilot.pause()
            assert text(app).splitlines()[0] == ("abcdefghijklmnopqrstuvwxyz" * 4)[:width]


async def test_the_path_of_the_sample_under_the_cursor_is_joined(rng):
    points, samples = rng.normal(size=(50, 2)), np.array([[-1, -1], [1, 1.0]])
    path = np.array([[-0.5, -1], [0, 1], [1, 1], [99, 0]])
    async with shown(LatentMap) as (app, pilot, view):
        view.show(points, samples, {}, "", path_of=lambda k: path if k == 1 else NONE)
        await pilot.pause()
        assert "○" not in text(app)
        plain = text(app)
        await pilot.press("right_square_bracket")
        await pilot.pause()
        rows = text(app).splitlines()
        first, last = ([y for y, row in enumerate(rows) if sign in row[: view.size.width]] for sign in "○✛")
        assert first and last and min(last) < max(first)
        dotted = sum("⠀" < c <= "⣿" for c in text(app))
        await pilot.press("T")
        await pilot.pause()
        assert "○" not in text(app)
        assert sum("⠀" < c <= "⣿" for c in text(app)) < dotted
        await pilot.press("T", "left_square_bracket")
        await pilot.pause()
        assert text(app) == plain
