"""Keys pressed in the app, then what is on the screen. Waits are for jobs and paints, never for time."""

import asyncio
import os
from contextlib import asynccontextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from workbench.analyses import policy
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.groups import CARTPOLE
from workbench.policies import PolicySpec
from workbench.population import Population, Text, load
from workbench.rollouts import survival
from workbench.service import JobState
from workbench.text import counted
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.dataset import DatasetPane

SIZE = (160, 45)


@asynccontextmanager
async def opened(population, size=SIZE):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        await until(pilot, lambda: app.pane._overview is not None and app.pane._overview.state.final)
        await until(pilot, lambda: app.pane._inspecting is not None or not len(population))
        await settled(app, pilot)
        yield app, pilot
        app.close_service()


async def until(pilot, condition):
    for _ in range(1000):
        await pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came")


async def settled(app, pilot):
    """The network under the cursor is measured and drawn."""
    await until(pilot, lambda: app.pane._inspecting is None or app.pane._inspecting.state.final)
    await pilot.pause()


def text(app):
    """The screen as plain text, a line a row."""
    return "\n".join("".join(s.text for s in line) for line in app.screen._compositor.render_strips())


async def typed(pilot, words):
    for character in words:
        await pilot.press({" ": "space", ">": "greater_than_sign", "<": "less_than_sign", ".": "full_stop"}.get(
            character, character))  # fmt: skip


async def test_shows_population_groups_and_the_first_network(population):
    async with opened(population) as (app, pilot):
        await until(pilot, lambda: "rule agent" in text(app))
        screen = text(app)
        assert population.name in screen and f"{len(population):,} networks" in screen
        for name, count in zip(CARTPOLE.names, CARTPOLE.count(population["survival"]), strict=True):
            assert any(name in line and f"{count:,}" in line for line in screen.splitlines())
        assert f"survival {survival(population.weights[0], population.spec).mean():.1f}" in screen
        assert "weights by unit" in screen and "it pushes" in screen


async def test_inspector_shows_what_the_analysis_computes(population):
    async with opened(population) as (app, pilot):
        await pilot.press("down", "down", "down")
        await settled(app, pilot)
        frame = app.pane._inspecting.frame
        (expected,) = policy.run(Compute("cpu", 1), Selection(population), policy.Params(network=3))
        assert frame.network == 3 and np.array_equal(frame.steps, expected.steps)
        half = (expected.high - expected.low) / 2
        assert f"survival {expected.mean:.1f} ± {half:.1f} (95 %, n 100, seed 0)" in text(app)


async def test_moving_through_the_table(population):
    async with opened(population) as (app, pilot):
        table = app.pane.table
        await pilot.press("end")
        assert table.row == len(population) - 1
        await pilot.press("home", "j", "j", "k")
        assert table.row == 1
        await pilot.press("pagedown")
        assert table.row == min(1 + table.page_size, len(population) - 1)
        await pilot.press("up")
        assert "▶" in text(app)


async def test_filter_keeps_what_it_says_and_escape_clears_it(population):
    async with opened(population) as (app, pilot):
        await pilot.press("slash")
        await typed(pilot, "survival > 50")
        await pilot.press("enter")
        await until(pilot, lambda: app.pane.view.arrangement.expression == "survival > 50")
        expected = np.flatnonzero(population["survival"] > 50)
        assert np.array_equal(app.pane.view.rows, expected)
        assert f"{len(expected):,} of {len(population):,} networks" in text(app)
        await pilot.press("escape")
        await until(pilot, lambda: len(app.pane.view.rows) == len(population))


async def test_filter_that_does_not_parse_is_told_and_changes_nothing(population):
    async with opened(population) as (app, pilot):
        await pilot.press("slash")
        await typed(pilot, "survival >")
        await pilot.press("enter")
        await until(pilot, lambda: "does not parse" in text(app))
        assert len(app.pane.view.rows) == len(population)
        await pilot.press("escape", "slash")
        await typed(pilot, "nonsense > 1")
        await pilot.press("enter")
        await until(pilot, lambda: "no column 'nonsense'" in text(app))


async def test_filter_without_a_match_says_so(population):
    async with opened(population) as (app, pilot):
        await pilot.press("slash")
        await typed(pilot, "survival > 900")
        await pilot.press("enter")
        await until(pilot, lambda: "the filter lets none through" in text(app))
        assert "no network under the cursor" in text(app)
        await pilot.press("m", "down", "space", "e", "n", "escape", "escape")
        await until(pilot, lambda: len(app.pane.view.rows) == len(population))


async def test_sort_goes_down_up_and_back(population):
    async with opened(population) as (app, pilot):
        await pilot.press("right")  # from the marks to survival
        assert app.pane.table.column_name == "survival"
        await pilot.press("s")
        await until(pilot, lambda: app.pane.view.arrangement.descending)
        assert (np.diff(population["survival"][app.pane.view.rows]) <= 0).all()
        await pilot.press("s")
        await until(pilot, lambda: not app.pane.view.arrangement.descending)
        assert (np.diff(population["survival"][app.pane.view.rows]) >= 0).all()
        await pilot.press("s")
        await until(pilot, lambda: not app.pane.view.arrangement.sort)
        assert np.array_equal(app.pane.view.rows, np.arange(len(population)))


async def test_groups_one_after_the_other(population):
    async with opened(population) as (app, pilot):
        for g, name in enumerate(CARTPOLE.names):
            await pilot.press("g")
            await until(pilot, lambda g=g: app.pane.view.arrangement.group == g)
            assert np.array_equal(app.pane.view.rows, np.flatnonzero(CARTPOLE.assign(population["survival"]) == g))
            assert f"group {name}" in text(app)
        await pilot.press("g")
        await until(pilot, lambda: app.pane.view.arrangement.group is None)


async def test_marks_single_and_range(population):
    async with opened(population) as (app, pilot):
        marks = app.pane.view.marks
        await pilot.press("m", "m")
        assert marks.nonzero()[0].tolist() == [0, 1] and app.pane.table.row == 2
        assert "2 marked" in text(app)
        await pilot.press("v", "down", "down", "m")
        assert marks.nonzero()[0].tolist() == [0, 1, 2, 3, 4]
        await pilot.press("slash")
        await typed(pilot, "marked")
        await pilot.press("enter")
        await until(pilot, lambda: len(app.pane.view.rows) == 5)
        await pilot.press("M")
        assert not marks.any()


async def test_jump_and_find(population):
    async with opened(population) as (app, pilot):
        await pilot.press("number_sign", "7", "enter")
        assert app.pane.table.row == 7
        await pilot.press("number_sign", *"99999", "enter")
        assert "no network #99999" in text(app)
        await pilot.press("home", "f")
        await typed(pilot, "survival > 50")
        await pilot.press("enter")
        hits = np.flatnonzero(population["survival"] > 50)
        first = hits[hits > 0][0]
        assert app.pane.table.row == first
        await pilot.press("n")
        assert app.pane.table.row == hits[hits > first][0]
        await pilot.press("N")
        assert app.pane.table.row == first


async def test_rollout_steps_plays_and_changes_episode(population):
    async with opened(population) as (app, pilot):
        rollout = app.pane.inspector.rollout
        steps = app.pane._inspecting.frame.steps
        assert rollout.length == steps[0] and f"t=1/{steps[0]}" in text(app)
        await pilot.press("full_stop", "full_stop", "comma")
        assert int(rollout.at) == 1 and f"t=2/{steps[0]}" in text(app)
        await pilot.press("space")
        assert rollout.playing
        await pilot.press("plus", "plus", "minus", "space")
        assert not rollout.playing
        await pilot.press("e")
        await settled(app, pilot)
        assert app.pane._inspecting.frame.episode == 1 and rollout.length == steps[1]
        await pilot.press("E", "E")
        await settled(app, pilot)
        assert app.pane._inspecting.frame.episode == 99 and rollout.length == steps[99]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (60, 20), (40, 10), (20, 6)])
async def test_every_size_shows_the_table_and_survives_resizing(population, size):
    async with opened(population, size) as (app, pilot):
        assert "survival" in text(app) or size[0] < 40
        for other in ((40, 10), (200, 50), size):
            await pilot.resize_terminal(*other)
            await pilot.press("i", "o", "down", "i", "o")
        assert all(len(line) <= size[0] for line in text(app).splitlines())


async def test_help_lists_every_key_of_the_pane(population):
    async with opened(population, (100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        screen = text(app)
        for key, words in DatasetPane.KEYS:
            assert any(key in line and words in line for line in screen.splitlines()), key
        await pilot.press("escape")
        assert len(app.screen_stack) == 1


async def test_running_an_analysis_on_marked_networks_from_its_form(population):
    async with opened(population) as (app, pilot):
        await pilot.press("m", "m", "m")
        from workbench.analyses import find

        app._open_run(find("survival"))
        await until(pilot, lambda: "on 3 marked networks" in text(app))
        field = app.screen.query_one("#field-episodes")
        field.value = "many"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "expected a whole number, got 'many'" in text(app))
        field.value = "20"
        await pilot.press("ctrl+r")
        await until(pilot, lambda: app.service.jobs[-1].analysis.name == "survival")
        job = app.service.jobs[-1]
        await until(pilot, lambda: job.state is JobState.DONE)
        await until(pilot, lambda: "Survival of 3 networks: 20 episodes each" in text(app))
        await pilot.press("escape", "J")
        await until(pilot, lambda: "survival" in text(app) and "done" in text(app))


async def test_collecting_in_the_app_is_shown_and_can_be_cancelled(population, tmp_path):
    async with opened(population) as (app, pilot):
        from workbench.analyses import find

        app._open_run(find("collect"))
        await pilot.pause()
        await pilot.press("ctrl+r")
        await until(pilot, lambda: "out: something is expected here" in text(app))
        app.screen.query_one("#field-out").value = str(tmp_path / "new.safetensors")
        app.screen.query_one("#field-count").value = "100000"
        await pilot.press("ctrl+r")
        job = app.service.jobs[-1]
        await until(pilot, lambda: job.frame is not None and job.frame.done > 0)
        await pilot.press("escape")
        await until(pilot, lambda: "jobs: collect" in text(app))
        await pilot.press("J", "c")
        await until(pilot, lambda: job.state is JobState.CANCELLED)
        assert (tmp_path / "new.safetensors.collecting" / "plan.json").exists()
        await until(pilot, lambda: "cancelled" in text(app))


async def test_the_line_of_jobs_keeps_its_width_while_they_run(population, monkeypatch):
    async with opened(population) as (app, pilot):
        widths = []
        for told in ("9 % 101/s 9 min left", "10 % 99/s 80 s left", "100 % 1/s"):
            running = [SimpleNamespace(analysis=SimpleNamespace(name="survival"), progress=told)]
            monkeypatch.setattr(app.service, "running", lambda running=running: running)
            app._paint_jobs()
            await pilot.pause()
            assert f"jobs: survival {told}" in text(app)
            widths.append(app.query_one("#jobs").region.width)
        assert len(set(widths)) == 1
        monkeypatch.setattr(app.service, "running", list)
        app._paint_jobs()
        await pilot.pause()
        assert "jobs:" not in text(app)


async def test_a_file_that_is_no_population_ends_the_app_with_code_2(tmp_path):
    path = tmp_path / "broken.safetensors"
    path.write_bytes(os.urandom(100))
    app = WorkbenchApp(str(path))
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.fault)
    assert app.return_code == 2 and "not a safetensors file" in app.fault


async def test_palette_offers_every_analysis(population):
    from workbench.analyses import names

    async with opened(population) as (app, _):
        offered = {command.title for command in app.get_system_commands(app.screen)}
        assert {f"Run {name}" for name in names()} <= offered


def acrobot(n):
    rng = np.random.default_rng(0)
    spec = PolicySpec((6, 8, 8, 3), activation="tanh", env="Acrobot-v1")
    return Population(spec, rng.normal(size=(n, spec.parameters)).astype(np.float32))


def odd(n):
    """Cart-Pole networks with what is not finite, constant or twice there, and names that would move the cursor."""
    spec = PolicySpec.cartpole()
    weights = np.random.default_rng(1).normal(size=(n, spec.parameters)).astype(np.float32)
    weights[0], weights[1], weights[2] = np.nan, np.inf, 0.5
    weights[4] = weights[3]
    names = Text.of([f"\x1b[2J[red]{k}[/red]\x07" for k in range(n)])
    return Population(spec, weights, {"survival": np.full(n, np.nan), "\x1b[31mrun": names})


@pytest.mark.parametrize(
    ("make", "networks"),
    [
        (acrobot, 1),
        (odd, 0),
        (odd, 6),
        *(pytest.param(*other, marks=pytest.mark.slow) for other in ((acrobot, 0), (acrobot, 6), (odd, 1))),
    ],
)
async def test_populations_of_any_kind_open_and_bear_all_keys(tmp_path, make, networks):
    path = tmp_path / "p\x1b[31m[b].safetensors"
    saved = (make(networks) if networks > 5 else make(6).select(np.arange(networks))).save(path)
    async with opened(saved) as (app, pilot):
        await pilot.press("j", "k", "end", "home", "pagedown", "left", "right", "s", "s", "s", "g", "g", "m", "v", "m")
        await pilot.press("M", "space", "full_stop", "comma", "plus", "minus", "e", "E", "i", "i", "o", "o", "escape")
        await settled(app, pilot)
        screen = text(app)
        assert "\x1b" not in screen
        assert "\x07" not in screen
        assert counted(networks, "network") in screen
        if make is odd and networks == 6:
            await until(pilot, lambda: "1 duplicate" in text(app))
            assert "2 not finite, 1 constant" in text(app)


async def test_the_key_of_the_pane_one_is_on_leaves_it_as_it_is(population):
    async with opened(population) as (app, pilot):
        pane = app.pane
        await pilot.press("down", "down", "1")
        assert app.pane is pane
        assert pane.table.row == 2


async def test_escape_clears_the_filter_after_the_inspector_was_hidden_and_shown(population):
    async with opened(population) as (app, pilot):
        await pilot.press("g")
        await until(pilot, lambda: app.pane.view.arrangement.group == 0)
        await pilot.press("i", "i", "escape")
        await until(pilot, lambda: app.pane.view.arrangement.group is None)


async def test_a_damaged_file_is_told_in_the_pane(population, tmp_path):
    path = tmp_path / "flipped.safetensors"
    data = bytearray(population.path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    async with opened(load(path)) as (app, pilot):
        await until(pilot, lambda: "damaged: its content hash" in text(app).replace("\n", " "))
