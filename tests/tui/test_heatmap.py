"""The map of a matrix in an app of its own: what is drawn, where the cursor goes, and how little is sent."""

from contextlib import asynccontextmanager

import numpy as np
import pytest
from rich.cells import cell_len
from test_charts import sent, text
from textual.app import App

from workbench.matrices import ABOVE, BELOW, NOTHING, RAMP
from workbench.tui.app import WorkbenchApp
from workbench.tui.widgets.heatmap import MatrixMap

SIZES = [(80, 24), (200, 50), (40, 12), (24, 7), (23, 30), (10, 4), (6, 2), (2, 1), (1, 1)]
NAMES = [f"#{k}" for k in range(1000)]
HALVES = [("good", 50), ("bad", 50)]


class Bench(App):
    CSS = WorkbenchApp.CSS
    BINDINGS = [("f11", "update", "")]

    def __init__(self):
        super().__init__()
        self.heard = []

    def compose(self):
        yield MatrixMap()

    def action_update(self):
        self.query_one(MatrixMap).update(self.values)

    def on_matrix_map_moved(self, message):
        self.heard.append((message.row, message.column))

    def on_matrix_map_opened(self, message):
        self.heard.append(("open", message.row, message.column))


@asynccontextmanager
async def shown(size=(80, 24), depth="truecolor"):
    app = Bench()
    app.console._color_system = {"truecolor": 3, "standard": 1}[depth]
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        view = app.query_one(MatrixMap)
        view.focus()
        yield app, pilot, view


def inside(app, wide=2):
    """The blocks in the frame, line by line, without the lines between runs."""
    lines = text(app).splitlines()
    top, bottom = (next(y for y, line in enumerate(lines) if corner in line) for corner in "┌└")
    left, right = lines[top].index("┌") + 1, lines[top].index("┐")
    rows = [line[left:right].replace("│", "")[::wide] for line in lines[top + 1 : bottom]]
    return [row for row in rows if "─" not in row]


def styles(app, character):
    """The styles of the pieces that begin with a character."""
    return [s.style for line in app.screen._compositor.render_strips() for s in line if s.text.strip()[:1] == character]


# What is drawn.


@pytest.mark.parametrize("size", SIZES)
async def test_any_matrix_fits_any_size(size, rng):
    values = rng.normal(size=(120, 90))
    values[0, 0], values[1, 1], values[2, 2] = np.nan, np.inf, -np.inf
    odd = ["a [b]\x1b[31m 漢字"] * 120
    async with shown(size) as (app, pilot, view):
        for v, more in (
            (values, {"runs": [(odd[0], 60), ("", 60)], "title": odd[0] * 9, "value_label": odd[0], "diverging": True}),
            (values[:, :1], {"runs": [("x", 1)] * 120, "value_range": (0, 0)}), (values[:30, :30], {"title": "t"}),
            (np.zeros((0, 0)), {}), (np.zeros((0, 4)), {}), (np.zeros(0), {}), (np.ones((1, 1)), {}),
            (np.full((9, 9), np.nan), {"runs": [("a", 4), ("b", 0), ("c", 5)]}), (np.sign(values) * 1.7e308, {}),
        ):  # fmt: skip
            view.show(v, names=odd[:3], **more)
            for action, *how in (
                ("go", 0, -1), ("go", 1, 0), ("edge", -1), ("page", 1), ("zoom",), ("go", 0, 1), ("go", 1, 0),
                ("page", -1), ("edge", 0), ("open",), ("edge", -1), ("zoom",), ("go", -1, 0),
            ):  # fmt: skip
                getattr(view, f"action_{action}")(*how)
                assert all(0 <= at < max(1, n) for at, n in zip(view.cursor, view.values.shape, strict=True))
            view.select(10**6, -(10**6))
            view.update(v)
            await pilot.pause()
            assert all(cell_len(line) == size[0] for line in text(app).splitlines())
            assert "\x1b" not in text(app)
        for other in ((30, 9), (200, 50), size):
            view.show(values, names=odd)
            view.action_zoom()
            await pilot.resize_terminal(*other)
            await pilot.pause()
            assert all(cell_len(line) == other[0] for line in text(app).splitlines())


async def test_a_matrix_that_fits_is_drawn_cell_by_cell(rng):
    values = rng.uniform(0, 10, (15, 15))
    values[3, 4] = np.nan
    async with shown() as (app, pilot, view):
        view.show(values, names=NAMES, value_range=(0, 10), title="distances", value_label="far")
        view.select(14, 14)
        await pilot.pause()
        screen = text(app)
        expected = [
            "".join(NOTHING if np.isnan(v) else RAMP[min(4, int(v / 2))] for v in row) for row in values.tolist()
        ]
        expected[14] = expected[14][:14] + "["
        assert inside(app) == expected
        for words in ("distances", "far", "8 … 10", "·· no value", "#14 × #14  ", "#7│"):
            assert words in screen
        # Everything is in sight by itself: there is nothing to say of it, and `z` changes nothing.
        assert " z " not in screen
        await pilot.press("z")
        await pilot.pause()
        assert text(app) == screen
        assert app.heard == []


async def test_blocks_are_means_of_one_run_each_and_say_so(rng):
    values = np.kron([[1.0, 4], [4, 2]], np.ones((50, 50)))
    values[:6, :6] = np.nan
    values[3, 3] = 1.5
    async with shown() as (app, pilot, view):
        view.show(values, names=NAMES, runs=HALVES, value_range=(0, 5))
        view.select(99, 99)
        await pilot.pause()
        screen = text(app)
        assert "good (50)" in screen and "bad (50)" in screen and "good│" in screen and "bad│" in screen
        assert "blocks of 6 × 6 · z cells" in screen and screen.count("┼") == 1
        rows = inside(app)
        assert rows[:9] == ["░" * 9 + "█" * 9] * 9 and rows[9:17] == ["█" * 9 + "▒" * 9] * 8
        assert rows[17] == "█" * 9 + "▒" * 8 + "["
        assert "#98–#99 × #98–#99  mean 2 of 4" in screen
        view.select(2, 5)
        await pilot.pause()
        assert "#0–#5 × #0–#5  mean 1.5 of 1" in text(app)
        view.update(np.where(np.arange(100) < 50, values, np.nan))
        await pilot.pause()
        assert inside(app)[12] == "█" * 9 + NOTHING * 9


async def test_signs_and_marks_are_seen_without_colours(rng):
    values = rng.uniform(-1, 1, (12, 12))
    async with shown() as (app, pilot, view):
        view.show(values, names=NAMES, value_range=(-1, 1), diverging=True)
        view.select(5, 7)
        await pilot.pause()
        for r, row in enumerate(inside(app)):
            for c, character in enumerate(row):
                assert character == "[" if (r, c) == (5, 7) else character in (BELOW if values[r, c] < 0 else ABOVE)
        lines = text(app).splitlines()
        marked = next(line for line in lines if "▶" in line)
        assert marked.index("[]") == lines[2].index("▼▼") and marked == lines[8]
        assert f"#5 × #7  {values[5, 7]:.4f}".rstrip("0") in lines[-1]
        assert len({s.color for s in styles(app, "[")}) == 1 and styles(app, "[")[0].reverse
        # What is one character wide has another cursor.
        view.show(rng.uniform(size=(10, 70)), names=NAMES)
        await pilot.pause()
        assert text(app).count("✛") == 1 and "[]" not in text(app)


async def test_colours_are_of_the_theme_and_16_of_them_leave_the_shades(rng):
    values = np.arange(100.0).reshape(10, 10)
    seen = {}
    for depth in ("truecolor", "standard"):
        async with shown(depth=depth) as (app, pilot, view):
            view.show(values, names=NAMES)
            for theme in ("textual-dark", "textual-light"):
                app.theme = theme
                await pilot.pause()
                await pilot.pause()
                full = styles(app, "█")
                seen[depth, theme] = {(s.color.triplet, s.bgcolor.triplet) for s in full}
    for theme in ("textual-dark", "textual-light"):
        # Two levels of a shade; what is under it is of the ramp as well.
        assert len(seen["truecolor", theme]) == len({under for _, under in seen["truecolor", theme]}) == 2
        assert len({under for _, under in seen["standard", theme]}) == 1
        few = {colour.hex for colour, _ in seen["standard", theme]}
        assert few == {"#ffffff" if theme == "textual-dark" else "#000000"}
    assert not seen["truecolor", "textual-dark"] & seen["truecolor", "textual-light"]


async def test_without_colours_shades_are_plain(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown() as (app, pilot, view):
        view.show(np.arange(100.0).reshape(10, 10), names=NAMES)
        await pilot.pause()
        shades = [s for c in "░▒▓█" for s in styles(app, c)]
        assert len({(s.color, s.bgcolor) for s in shades}) <= 2 and len(shades) >= 10


async def test_the_range_of_shades_only_grows(rng):
    async with shown() as (app, pilot, view):
        view.show(np.full((10, 10), np.nan), names=NAMES)
        await pilot.pause()
        values = np.full((10, 10), 3.0)
        values[0] = np.arange(10)
        view.update(values)
        await pilot.pause()
        assert "8 … 10" in text(app)
        view.update(values / 4)
        await pilot.pause()
        assert "8 … 10" in text(app)
        view.update(values * 9)
        await pilot.pause()
        assert "80 … 100" in text(app)
        view.show(values / 9, names=NAMES)
        await pilot.pause()
        assert "0.8 … 1" in text(app)


# Where the cursor goes.


async def test_keys_go_from_cell_to_cell():
    async with shown() as (app, pilot, view):
        view.show(np.zeros((10, 12)), names=NAMES)
        for key in (
            "left",
            "right",
            "l",
            "down",
            "j",
            "h",
            "k",
            "up",
            "up",
            "end",
            "right",
            "home",
            "pagedown",
            "enter",
        ):
            await pilot.press(key)
        await pilot.press("pageup")
        assert app.heard == [
            (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (1, 1), (0, 1), (0, 11), (0, 0), (9, 0), ("open", 9, 0), (0, 0),
        ]  # fmt: skip
        view.select(3, 4)
        await pilot.pause()
        assert view.cursor == (3, 4) and len(app.heard) == 12  # whoever selects knows it


async def test_keys_go_from_block_to_block_and_back_to_cells():
    async with shown() as (app, pilot, view):
        view.show(np.zeros((100, 100)), names=NAMES, runs=HALVES)
        view.select(13, 47)
        await pilot.press("left", "right", "right", "right", "down", "end", "end", "home")
        assert app.heard == [(13, 36), (13, 42), (13, 48), (13, 50), (18, 50), (18, 98), (18, 0)]
        await pilot.press("z", "right", "down")
        assert app.heard[-2:] == [(18, 1), (19, 1)]
        await pilot.press("z", "right")
        assert app.heard[-1] == (19, 6) and "blocks of" in text(app)
        # The corner of the first block is where the cursor already is.
        view.select(3, 3)
        await pilot.press("up", "left")
        assert view.cursor == (3, 3) and app.heard[-1] == (19, 6)


async def test_the_view_scrolls_by_half_a_page_when_the_cursor_leaves_it():
    values = np.add.outer(np.arange(100) * 100, np.arange(100)).astype(float)
    async with shown() as (app, pilot, view):
        view.show(values, names=NAMES[:100], value_range=(0, 1e4))
        await pilot.press("z")
        await pilot.pause()
        rows = len(inside(app, 1))
        assert f"1–{rows} × 1–75 of 100 × 100 · z whole" in text(app)
        starts = []
        for _ in range(99):
            view.action_go(1, 0)
            starts.append(view._rows.first)
            assert text(app).count("✛") == 1
        moved = [k + 1 for k in range(1, 99) if starts[k] != starts[k - 1]]
        assert moved == list(range(rows, 100, (rows + 1) // 2))[: len(moved)] and starts[-1] == 100 - rows
        await pilot.press("end", "pageup")
        await pilot.pause()
        assert view.cursor == (99 - rows, 99) and "26–100 of" in text(app)
        assert text(app).splitlines()[-1].split() == [f"#{99 - rows}", "×", "#99", f"{values[99 - rows, 99]:,.0f}"]


async def test_a_click_goes_there_and_a_click_on_the_cursor_opens():
    async with shown() as (app, pilot, view):
        view.show(np.zeros((100, 100)), names=NAMES, runs=HALVES)
        await pilot.pause()
        row, column = next((y, line.index("[]")) for y, line in enumerate(text(app).splitlines()) if "[]" in line)
        await pilot.click(MatrixMap, offset=(column + 3, row + 2))
        assert app.heard == [(12, 6)]
        await pilot.click(MatrixMap, offset=(column + 2, row + 2))
        assert app.heard.pop() == ("open", 12, 6)
        await pilot.click(MatrixMap, offset=(column, row), times=2)
        assert app.heard == [(12, 6), (0, 0), ("open", 0, 0)]
        await pilot.click(MatrixMap, offset=(column, row), times=3)
        assert app.heard[3:] == [("open", 0, 0)]
        for nowhere in ((column - 1, row), (column, row - 1), (column + 18, row), (79, 10), (0, 23)):
            await pilot.click(MatrixMap, offset=nowhere)
        assert len(app.heard) == 4


# What is sent.


@pytest.mark.parametrize("zoomed", [False, True])
@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_a_move_sends_less_than_a_kilobyte(size, zoomed, rng):
    async with shown(size) as (app, pilot, view):
        # No two neighbours are alike, so nothing is saved by joining them.
        view.show(rng.uniform(0, 9, (100, 100)), names=NAMES, runs=HALVES, title="noise", value_label="distance")
        view.zoomed = zoomed
        view.paint()
        await pilot.pause()
        for key in (
            "right",
            "down",
            "right",
            "right",
            "right",
            "down",
            "up",
            "left",
            "right",
            "right",
            "right",
            "down",
        ):
            spans, data = await sent(app, pilot, key)
            assert 0 < data <= 1024
            assert len({y for y, _, _ in spans}) <= 4
        assert await sent(app, pilot, "f12") == ([], 0)


async def test_only_cells_that_have_come_are_sent(rng):
    values = np.full((15, 15), np.nan)
    values[:7] = rng.uniform(0, 9, (7, 15))
    async with shown((200, 50)) as (app, pilot, view):
        view.show(values, names=NAMES, value_range=(0, 9))
        view.select(14, 14)
        await pilot.pause()
        row = next(y for y, line in enumerate(text(app).splitlines()) if "│··" in line)
        app.heard.clear()
        values[7, :3] = 5
        assert NOTHING in inside(app)[7][:3]
        app.values = values
        spans, data = await sent(app, pilot, "f11")
        assert {y for y, _, _ in spans} == {row} and sum(x1 - x0 for _, x0, x1 in spans) <= 6 and data < 512
        assert inside(app)[7][:4] == "▒▒▒·"
        assert await sent(app, pilot, "f11") == ([], 0)
