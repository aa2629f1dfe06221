"""The Sample pane on screens of any size, with data of any kind, and how little it sends."""

import os
import subprocess
import sys

import numpy as np
import pytest
from rich.cells import cell_len
from sample_pane import opened, run, scores, settled, text, until
from test_interpolate_pane import deep
from wire import count_bytes, listening

from workbench.analyses import sample
from workbench.policies import PolicySpec
from workbench.population import Population, Text
from workbench.tui.panes.sample import SamplePane
from workbench.tui.widgets.score import ScoreTable


async def test_a_damaged_generator_and_odd_names_are_survived(population, trained, tiny):
    (trained / "broken.safetensors").write_bytes(os.urandom(200))
    data = bytearray(tiny["functional"].read_bytes())
    data[-3] ^= 1
    (trained / "flipped\x1b[31m[b].safetensors").write_bytes(data)
    async with opened(population, (100, 30)) as (app, pilot):
        await pilot.press("o")
        for _ in range(len(app.pane.state.trained)):
            await pilot.press("G")
            assert "\x1b" not in text(app)
            if "flipped" in app.pane.state.generator.path.name:
                app.pane.state.change(seed=103)  # not in the cache
                await pilot.press("r")
                await until(pilot, lambda: "damaged" in text(app))
                break
        else:
            raise AssertionError("it was passed over")


async def test_columns_that_do_not_fit_come_first_with_w(population, trained):
    async with opened(population, (80, 24)) as (app, pilot):
        await run(app, pilot)
        table = app.pane.query_one(ScoreTable)
        last = sample.HEADINGS[sample.OF_SURVIVAL + 3][1]
        assert "in group" in text(app)
        assert last not in text(app)
        assert table.hidden
        assert "w other columns" in text(app)
        await pilot.press("w")
        await pilot.pause()
        assert last in text(app)
        assert "in group" not in text(app)
        await pilot.press("w")
        await pilot.resize_terminal(240, 60)
        await until(pilot, lambda: not app.pane.query_one(ScoreTable).hidden)


@pytest.mark.parametrize("size", [(80, 24), (200, 50), (60, 20), (20, 6)])
async def test_every_size_shows_the_figures_and_survives_resizing(population, trained, size):
    async with opened(population, size) as (app, pilot):
        await run(app, pilot)
        assert "paper, 200" in text(app) or size[1] < 20
        for other in ((40, 10), (120, 40), size):
            await pilot.resize_terminal(*other)
            await pilot.press("i", "o", "i", "o", "tab")
            await settled(app, pilot)
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())
        assert app.focused is not None


async def test_at_80_columns_side_panels_take_the_figures_place(population, trained):
    async with opened(population, (80, 24)) as (app, pilot):
        await run(app, pilot)
        assert "▸2 Sample" in text(app)
        assert app.pane.state.embedding is None  # no map is asked for that nobody sees
        assert app.pane.score.table.has_focus
        await pilot.press("i")
        await settled(app, pilot)
        assert app.pane.places.map.has_focus
        assert "sample 0 of 12" in text(app)
        assert "component" in text(app)
        assert "paper, 200 samples" not in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: "paper, 200 samples" in text(app))
        await pilot.press("o")
        await until(pilot, lambda: "g group" in text(app) and "paper, 200 samples" in text(app))
        await pilot.press("minus", "minus", "minus", "space")  # slow: its episode lasts nine steps
        await until(pilot, lambda: "sample 0 of 12" in text(app))
        assert app.pane.inspector.rollout.playing
        await pilot.press("space")


@pytest.mark.parametrize("keys", [("r",), ("d", *"30", "enter")])
async def test_marks_are_seen_where_the_sample_is_hidden(population, trained, keys):
    async with opened(population, (80, 24)) as (app, pilot):
        await pilot.press(*keys)
        await settled(app, pilot)
        state = app.pane.state
        kind, many = ("policy", 8) if state.shown.dialled else ("sample", 12)
        await pilot.press("down", "j", "up", "m")
        assert state.marks == {1}
        assert f"{kind} 1 of {many}  ◆ marked (1 in all)   x saves the marked" in text(app)
        await pilot.press("right_square_bracket")
        assert f"{kind} 2 of {many}   x saves the marked" in text(app)
        if state.shown.dialled:
            assert [line[:11].rstrip() for line in scores(app)[2:5]] == [" ◆policy 1", "▶ policy 2", "  policy 3"]
        await pilot.press("x")
        assert "save 1 marked to" in text(app)
        await pilot.press("escape", "up", "m")
        assert not state.marks
        assert f"{kind} 1 of {many}" in text(app) and "◆" not in text(app)
        await pilot.press(*["up"] * 3)
        assert state.cursor == 0
        await pilot.press(*["down"] * (many + 3))
        assert state.cursor == many - 1


async def test_what_can_be_trained_is_offered(nothing_trained, tmp_path):
    saved = deep(40).save(tmp_path / "deep.safetensors")
    async with opened(saved) as (app, pilot):
        await until(pilot, lambda: "t trains cartpolegen (about 10 s)" in text(app))
        await pilot.press("t")
        await until(pilot, lambda: "population: The population file" in text(app))
        assert app.screen.query_one("#field-generator").value == "cartpolegen"
    saved = deep(40).select(np.arange(5)).save(tmp_path / "few.safetensors")
    async with opened(saved, (80, 24)) as (app, pilot):
        await until(pilot, lambda: "none can be trained: few:" in text(app) and "at least 10 are needed" in text(app))
        await pilot.press("t")
        await until(pilot, lambda: app.pane._said.startswith("few:"))
        assert not app.screen.query("#field-generator")


async def test_help_lists_every_key_of_the_pane(population, trained):
    async with opened(population, (100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        for key, words in SamplePane.KEYS:
            assert any(key in line and words in line for line in text(app).splitlines()), key


async def test_forms_are_filled_in(population, trained):
    async with opened(population) as (app, pilot):
        await pilot.press("v")
        await until(pilot, lambda: "attribute: The attribute to move along" in text(app))
        assert app.screen.query_one("#field-generator").value == "functional"
        await pilot.press("escape", "t")
        await until(pilot, lambda: "population: The population file" in text(app))
        assert app.screen.query_one("#field-seed").value == "1"  # of 0 there is one
        assert app.screen.query_one("#field-population").value == str(population.path)
        assert app.screen.query_one("#field-resume").value == "no"


async def test_a_cursor_move_sends_little_and_an_idle_screen_nothing(population, trained):
    async with opened(population, (120, 40)) as (app, pilot):
        await run(app, pilot)

        async def quiet():
            while data or not app.pane.places.map.display:
                data.clear()
                await pilot.pause(0.3)

        with listening(app) as data:
            await pilot.press("home")
            await settled(app, pilot)
            await quiet()
            for key in ("right_square_bracket", "right", "left", "up", "down"):
                await pilot.press(key)
                await settled(app, pilot)
                assert count_bytes(data) < 9000  # twice 4,500 where a busy machine paints the episode by itself
                await quiet()
            await pilot.pause(0.6)
            assert data == []


def odd(n):
    spec = PolicySpec.cartpole()
    weights = np.random.default_rng(1).normal(size=(n, spec.parameters)).astype(np.float32)
    weights[:2] = np.nan
    names = Text.of([f"\x1b[2J[red]{k}[/red]\x07" for k in range(n)])
    return Population(spec, weights, {"survival": np.full(n, np.nan), "\x1b[31mrun": names})


def acrobot(n):
    spec = PolicySpec((6, 8, 8, 3), activation="tanh", env="Acrobot-v1")
    return Population(spec, np.random.default_rng(0).normal(size=(n, spec.parameters)).astype(np.float32))


@pytest.mark.parametrize("make", [acrobot, odd])
@pytest.mark.parametrize("networks", [0, 6])
async def test_populations_of_any_kind_bear_all_keys(trained, tmp_path, make, networks):
    saved = make(6).select(np.arange(networks)).save(tmp_path / "p\x1b[31m[b].safetensors")
    async with opened(saved) as (app, pilot):
        await pilot.press("r", "g", "G", "p", "c", "a", "n", "escape", "s", "S", "escape", "w", "m", "M", "i", "i")
        await until(pilot, lambda: not app.pane.state.working)
        await pilot.press("o", "o", "space", "full_stop", "comma", "plus", "minus", "e", "E", "equals_sign", "escape")
        await pilot.press("d", *"50", "enter", "r", "C", "left", "right", "home", "x", "escape")
        await until(pilot, lambda: not app.pane.state.working)
        assert "\x1b" not in text(app)
        assert "Traceback" not in text(app)


def test_torch_is_not_imported_with_the_pane():
    code = "import workbench.tui.panes.sample, workbench.tui.run_screen, sys; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
