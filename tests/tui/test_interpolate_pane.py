"""The Interpolate pane: keys pressed, then what is on the screen."""

import json
import shlex
import threading
from dataclasses import replace

import numpy as np
import pytest
from converge_pane import joined
from interpolate_pane import go_to, opened, pressed, settled
from rich.cells import cell_len
from sample_pane import text, typed, until
from test_converge_pane import acrobot, linear, odd
from wire import count_bytes, listening

from workbench.analyses import find, landscape, policy, sweep, sweeps
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.service import JobState
from workbench.tui import interpolating
from workbench.tui.commands import command_line
from workbench.tui.landscape_screen import LandscapeScreen
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.interpolate import InterpolatePane
from workbench.tui.run_screen import ResultScreen
from workbench.tui.widgets.walk import agent_words, words

EVERY_KEY = (
    "right", "left", "home", "end", "p", "up", "down", "v", "a", "b", "G", "g", "P", "right_square_bracket",
    "left_square_bracket", "c", "s", "z", "z", "i", "i", "o", "o", "equals_sign", "escape", "C", "r", "space", "space",
    "full_stop", "comma", "plus", "minus", "e", "E",
)  # fmt: skip
WEIGHTS = ("original", "aligned")


async def test_at_once_there_is_the_walk_from_the_best_to_the_worst(population, trained, cli):
    survival = population["survival"]
    best, worst = int(np.argmax(survival)), int(np.argmin(survival))
    async with opened(population, (160, 44)) as (app, pilot):
        state = app.pane.state
        assert (state.params.first, survival[state.params.second]) == (best, survival[worst])
        assert app.pane.chart.has_focus
        *_, expected = sweep.run(Compute("cpu", 1), Selection(population), state.params)
        assert state.frame.paths == ("latent", "decoded", "original", "aligned")
        assert np.array_equal(state.frame.survival, expected.survival)
        assert np.array_equal(state.frame.nearest, expected.nearest)
        assert joined(app, "#words").startswith(sweep.sentence(expected))
        a, b = expected.originals
        assert f"A #{best} ({a:.1f}) → B #{state.params.second} ({b:.1f})" in text(app)
        for name in ("▸latent", "decoded", "original", "aligned", "straight line"):
            assert f"{name} " in joined(app, "#chart")
        await pilot.press("equals_sign")
        line = command_line(find("sweep"), state.params, population)
        assert line in joined(app, "#line")
    said = json.loads(cli(*shlex.split(line)[1:], "--json", "--threads", "1").out)
    assert said["sentence"] == sweep.sentence(expected)


async def test_every_point_has_an_agent(population, trained):
    async with opened(population, (160, 44), marks=(3, 70)) as (app, pilot):
        frame, state = app.pane.state.frame, app.pane.state
        assert frame.names == ("#3", "#70")
        for key, path in (("left", "latent"), ("right", "latent"), ("p", "decoded"), ("down", "original")):
            await pressed(app, pilot, key)
            k, t = state.place
            assert frame.paths[k] == path
            shown = joined(app, "#agent")
            assert f"{path} at {frame.alphas[t]:.2f}" in shown
            assert f"survives {frame.survival[k, t]:.1f} ± {1.96 * frame.error[k, t]:.1f} steps" in shown
            as_a, as_b = frame.agreement[k, t]
            assert f"acts as A {as_a:.0%}, as B {as_b:.0%} of states" in shown
            assert f"nearest training network #{frame.nearest[k, t]}, {frame.distance[k, t]:.2f} x" in shown
            assert f"sharpness {frame.lean[k, t, 2]:.2f}" in shown
            assert f"alpha {frame.alphas[t]:.4g}" in joined(app, "#chart")
        await pressed(app, pilot, "home")
        assert state.alpha == 0
        await pressed(app, pilot, "end")
        assert state.alpha == 1.5


async def test_four_are_watched_from_the_same_start(population, trained):
    async with opened(population, (160, 44), marks=(3, 70)) as (app, pilot):
        state, views = app.pane.state, app.pane.rollouts.views
        frame = state.frame
        k, t = state.place
        agents = population.weights[3], frame.weights[k, t], population.weights[70], frame.weights[k, -1]
        for view, weights in zip(views, agents, strict=True):
            alone = Selection(Population(population.spec, weights[None]))
            (expected,) = policy.run(Compute("cpu", 1), alone, policy.Params())
            assert np.array_equal(view.trace.states, expected.states)
        assert all(np.array_equal(v.trace.states[0, 0, 0], views[0].trace.states[0, 0, 0]) for v in views)
        shown = joined(app, "#rollouts")
        assert all(name in shown for name in ("A #3", f"latent {frame.alphas[t]:.2f}", "B #70", "latent 1.50"))
        await pressed(app, pilot, "end", "left")
        assert f"latent {frame.alphas[-2]:.2f}" in joined(app, "#rollouts")
        between = int(np.abs(frame.alphas - 0.5).argmin())
        assert f"latent {frame.alphas[between]:.2f}" in joined(app, "#rollouts")
        await pilot.press("full_stop", "full_stop", "full_stop", "comma")
        assert [int(v.at) for v in views] == [2, 2, 2, 2]
        await pressed(app, pilot, "p")
        assert [int(v.at) for v in views] == [2, 2, 2, 2]
        await pilot.press("plus")
        assert {v.speed for v in views} == {4}
        await pilot.press("space")
        assert all(v.playing for v in views)
        await pressed(app, pilot, "left", "e")
        assert all(v.playing or v.at >= v.length - 1 for v in views)
        assert "episode 2" in joined(app, "#line")
        await pilot.press("space")
        assert not any(v.playing for v in views)


async def test_choices_walk_at_once(population, trained):
    async with opened(population, marks=(3, 70)) as (app, pilot):
        state, before = app.pane.state, app.pane.state.params
        assert (await pressed(app, pilot, "v")).names == ("#70", "#3")
        assert (await pressed(app, pilot, "c", "s", "right_square_bracket")).cap == 500
        frame = state.frame
        assert (frame.seed, frame.alphas[-1]) == (1, 1.75)
        assert state.params == replace(before, first=70, second=3, cap=500, seed=1, high=1.75)
        assert (await pressed(app, pilot, *["left_square_bracket"] * 9)).alphas[-1] == 1
        assert "cap 500 seed 1" in joined(app, "#line")
        await typed(pilot, ["R", "ctrl+u", "-", "0", ".", "5", ".", ".", "2", "enter"])
        await settled(app, pilot)
        assert (state.frame.alphas[0], state.frame.alphas[-1]) == (-0.5, 2)
        await pressed(app, pilot, "n", "ctrl+u", "9", "enter", "S", "ctrl+u", "4", "enter")
        assert (len(state.frame.alphas), state.frame.seed) == (11, 4)
        sets = {}
        for _ in range(4):
            frame = await pressed(app, pilot, "P")
            sets[state.which] = frame.paths
        assert sets == {
            "usual": ("latent", "decoded", "original", "aligned"),
            "all": ("latent", "tuned", "decoded", "original", "aligned", "mirrored"),
            "latent": ("latent", "tuned"),
            "weights": ("decoded", "original", "aligned", "mirrored"),
        }
        assert (await pressed(app, pilot, "G")).generator.startswith("cartpolegen")
        groups = state.groups
        frame = await pressed(app, pilot, "g")
        assert frame.group == groups[(groups.index("all") + 1) % len(groups)]
        assert app.service.jobs == [job for job in app.service.jobs if job.background]


async def test_what_cannot_be_is_one_line_and_the_picture_stays(population, trained):
    async with opened(population, marks=(3, 70)) as (app, pilot):
        frame = app.pane.state.frame
        for keys, told in (
            (["R", "ctrl+u", *"2..1", "enter"], "expected low below high"),
            (["R", "ctrl+u", *"x", "enter"], "expected a range as in 0..1.5, got 'x'"),
            (["n", "ctrl+u", "1", "enter"], "points: expected 2 to 1000, got 1"),
            (["A", "ctrl+u", *"999", "enter"], "A: no network #999; they are #0 to #95"),
            (["B", "ctrl+u", "x", "enter"], "B: expected a number, got 'x'"),
            (["S", "ctrl+u", *"9" * 12, "enter"], "seed: expected 0 to 2,147,483,648"),
            (["a"], "no other network for A: m marks more"),
            (["B", "ctrl+u", "3", "enter"], "the same network as A (#3 and #3)"),
        ):
            await typed(pilot, keys)
            await until(pilot, lambda told=told: told in joined(app, "#line"))
            assert app.pane.state.frame is frame
            assert "● ▸latent" in text(app)
        await pressed(app, pilot, "B", "ctrl+u", "5", "enter")
        assert app.pane.state.frame.names == ("#3", "#5")


async def test_ends_go_through_marks_and_follow_new_ones(population, trained):
    async with opened(population, marks=(3, 5, 8)) as (app, pilot):
        seen = [(await pressed(app, pilot, key)).names for key in ("a", "a", "b", "b")]
        assert seen == [("#8", "#5"), ("#3", "#5"), ("#3", "#8"), ("#3", "#5")]
        await pressed(app, pilot, "v")
        await go_to(app, pilot, DatasetPane, "1")
        await go_to(app, pilot)
        assert app.pane.state.frame.names == ("#5", "#3")  # what was chosen here stays
        await go_to(app, pilot, DatasetPane, "1")
        app.view.marks[3] = False
        await go_to(app, pilot)
        assert app.pane.state.frame.names == ("#5", "#8")


async def test_what_is_shown_survives_another_pane(population, trained):
    async with opened(population) as (app, pilot):
        await pressed(app, pilot, "c", "p", "home", "right", "right")
        state, frame = app.pane.state, app.pane.state.frame
        await go_to(app, pilot, DatasetPane, "1")
        await go_to(app, pilot)
        assert app.pane.state is state
        assert state.frame is frame
        assert app.pane.chart.cursor == 2
        assert "▸decoded" in text(app)


async def test_saturation_is_said_with_the_key_that_raises_the_cap(population, trained):
    async with opened(population, (160, 44), marks=(3, 70)) as (app, pilot):
        state = app.pane.state
        frame = replace(state.frame, survival=np.full_like(state.frame.survival, 200.0))
        assert words(frame).endswith("a higher cap (500) may tell them apart. c raises it to 500.")
        state.frame = frame
        app.pane.show_walk()
        await pilot.pause()
        assert words(frame) in joined(app, "#words")
        assert (await pressed(app, pilot, "c")).cap == 500


async def test_the_axis_goes_to_the_cap_or_shows_what_there_is(population, trained):
    async with opened(population, marks=(3, 70)) as (app, pilot):
        assert app.pane.chart.panel.y_range == (0, 200)
        await pilot.press("z")
        assert app.pane.chart.panel.y_range is None
        await pilot.press("z")
        assert app.pane.chart.panel.y_range == (0, 200)


async def test_without_a_generator_weights_are_walked_and_it_says_so(population, nothing_trained):
    async with opened(population) as (app, pilot):
        assert app.pane.state.frame.paths == WEIGHTS
        assert "no trained generator for these networks (t in the Sample pane trains one)" in joined(app, "#line")
        assert (await pressed(app, pilot, "P")).paths == (*WEIGHTS, "mirrored")
        await pilot.press("G")
        assert "no other trained generator" in joined(app, "#line")
        await pilot.press("g")
        assert "no generator, no groups" in joined(app, "#line")
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LandscapeScreen) and app.screen.is_mounted)
        await pilot.press("w")
        await until(pilot, lambda: "no trained generator" in joined(app, "#landscape-about"))


async def test_a_newer_walk_takes_the_place_of_a_slow_one_whose_picture_stays(population, trained, monkeypatch):
    real, gate, slow = find("sweep"), threading.Event(), []

    def run(compute, selection, params):
        for frame in real.run(compute, selection, params):
            yield frame
            if frame.done == 1 and params.seed == 1:
                slow.append(params)
                gate.wait(20)

    async with opened(population, marks=(3, 70)) as (app, pilot):
        monkeypatch.setattr(interpolating, "find", lambda _: replace(real, run=run))
        await pilot.press("s")
        await until(pilot, lambda: app.pane.state.frame.seed == 1)  # its first picture comes at once
        assert app.pane.state.frame.done == 1
        await pilot.press("s")
        gate.set()
        frame = await pressed(app, pilot, "s")
        assert (frame.seed, frame.done, len(slow)) == (3, 3, 1)


async def test_a_walk_that_fails_is_one_line(population, trained, monkeypatch):
    def broken(compute, selection, params):
        raise RuntimeError("[red]no[/red]\x1b[2J")
        yield

    async with opened(population) as (app, pilot):
        frame, real = app.pane.state.frame, find("sweep")
        monkeypatch.setattr(interpolating, "find", lambda _: replace(real, run=broken))
        await pressed(app, pilot, "s")
        assert "sweep failed: defect in sweep: RuntimeError: [red]no" in joined(app, "#line")
        assert app.pane.state.frame is frame
        assert "\x1b" not in text(app)


async def test_many_pairs_fill_a_table(population, trained):
    async with opened(population, (100, 40), marks=(3, 5, 8)) as (app, pilot):
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
        job = app.pane.state.walks
        await until(pilot, lambda: job.state is JobState.DONE)
        await until(pilot, lambda: "3 of 3 pairs of selected networks" in text(app))
        assert job.params == sweeps.Params(path=job.params.path)
        for path in app.pane.state.frame.paths:
            assert f" {path} " in text(app)
        await pilot.press("escape", "W")
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
        assert app.pane.state.walks is job
        await pilot.press("escape")
        app.view.marks[:] = False
        await pilot.press("W")
        await until(pilot, lambda: app.pane.state.walks is not job and app.pane.state.walks.frame is not None)
        assert app.pane.state.walks.frame.which == "held-out networks"
        await pilot.press("escape", "C")
        await until(pilot, lambda: app.pane.state.walks.state.final)


async def test_the_landscape_around_one_agent_and_the_plane_through_three(population, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population, (100, 30), marks=(3, 70)) as (app, pilot):
        state = app.pane.state

        async def played(*keys):
            await pilot.press(*keys)
            await until(pilot, lambda: isinstance(app.screen, LandscapeScreen) and state.surroundings.state.final)
            await until(pilot, lambda: app.screen.frame is state.surroundings.frame)
            return state.surroundings.frame

        frame = await played("L")
        assert "weights: around #3" in text(app)
        assert landscape.sentence(frame) in joined(app, "#landscape-told")
        assert np.isfinite(frame.survival).all()
        await pilot.press("p")
        await until(pilot, lambda: "mark one in the Dataset pane" in joined(app, "#landscape-about"))
        assert (await played("w")).space == "latent"
        assert (await played("c", "s", "n")).survival.shape == (20, 20)
        assert (state.surroundings.params.cap, state.surroundings.params.seed) == (500, 1)
        assert (await played("right_square_bracket")).x[-1] == 2
        await pilot.press("equals_sign")
        line = command_line(find("landscape"), state.surroundings.params, population)
        await until(pilot, lambda: line in joined(app, "#landscape-about"))
        await pilot.press("y")
        await until(pilot, lambda: app.clipboard == line)
        await pilot.press("escape", "x", "enter")
        await until(pilot, (tmp_path / "landscape-3.svg").exists)
        await until(pilot, lambda: "figure written to" in joined(app, "#landscape-about"))
        await pilot.press("x", "enter")
        await until(pilot, lambda: "already there" in joined(app, "#landscape-about"))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: not isinstance(app.screen, LandscapeScreen))
        app.view.marks[8] = True
        frame = await played("L", "p")
        assert frame.names == ("#3", "#70", "#8")
        assert "plane through #3 #70 #8" in text(app)
        await pilot.press("question_mark")
        await until(pilot, lambda: "keys: landscape" in text(app))
        await pilot.press("escape", "escape")
        await settled(app, pilot)
        assert app.pane.chart.has_focus


async def test_saving_never_over_a_file_and_only_as_what_it_can_be(population, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population, marks=(3, 70)) as (app, pilot):
        frame = app.pane.state.frame
        await pilot.press("x", "enter")
        path = tmp_path / "walk-3-70-0.safetensors"
        await until(pilot, lambda: f"networks saved to {path}" in joined(app, "#line"))
        saved = load(path)
        assert np.array_equal(saved.weights, frame.weights.reshape(-1, frame.weights.shape[-1]))
        assert np.array_equal(saved["alpha"], np.tile(frame.alphas, len(frame.paths)))
        for name, told in (
            (path.name, "already there; give another name"),
            ("a.svg", f"figure written to {tmp_path / 'a.svg'}"),
            ("a.png", "expected a file ending in .safetensors or .svg"),
        ):
            await typed(pilot, ["x", "ctrl+u", *name])
            await pilot.press("enter")
            await until(pilot, lambda told=told: told in joined(app, "#line"))
        await typed(pilot, ["x", "ctrl+u", *"no/such/a.svg"])
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "no").exists() or "no/such" in joined(app, "#line"))
        assert app.pane.chart.has_focus


async def test_help_lists_every_key_of_the_pane(population, trained):
    async with opened(population, (100, 60)) as (app, pilot):
        await pilot.press("question_mark")
        await pilot.pause()
        for key, does in InterpolatePane.KEYS:
            assert any(key in line and does in line for line in text(app).splitlines()), key


@pytest.mark.parametrize(
    "size",
    [(80, 24), (160, 44), *(pytest.param(s, marks=pytest.mark.slow) for s in ((200, 50), (80, 50), (60, 20), (20, 6)))],
)
async def test_every_size_shows_the_picture_and_survives_resizing(population, trained, size):
    async with opened(population, size) as (app, pilot):
        if size[0] >= 80:
            assert "● ▸latent" in text(app)
            assert joined(app, "#words").startswith(sweep.sentence(app.pane.state.frame)[:60])
        for other in ((40, 10), (120, 40), size):
            await pilot.resize_terminal(*other)
            await pressed(app, pilot, "i", "o", "space", "left", "i", "o")
        assert all(cell_len(line) <= size[0] for line in text(app).splitlines())
        assert app.focused is not None


async def test_at_80_columns_the_four_come_under_the_chart(population, trained):
    async with opened(population, (80, 24)) as (app, pilot):
        assert not app.pane.rollouts.region
        await pressed(app, pilot, "i")
        assert all(v.size.width >= 18 and v.size.height >= 8 for v in app.pane.rollouts.views)
        assert "● ▸latent" in text(app)
        assert "t=1/" in joined(app, "#rollouts")
        await pressed(app, pilot, "escape")
        assert not app.pane.rollouts.region
        await pressed(app, pilot, "space")
        assert app.pane.rollouts.playing and app.pane.rollouts.region
        await pilot.resize_terminal(60, 24)
        await settled(app, pilot)
        assert all(v.size.width >= 19 and v.size.height >= 8 for v in app.pane.rollouts.views)
        await pressed(app, pilot, "left", "right", "escape")
        assert app.pane.chart.has_focus


async def test_figures_of_an_agent_that_do_not_fit_end_with_a_sign(population, trained):
    async with opened(population, (40, 10)) as (app, pilot):
        box = app.pane.query_one("#agent")
        for key in ("end", "home"):
            await pressed(app, pilot, key)
            frame, place = app.pane.state.frame, app.pane.state.place
            lasted, told = agent_words(frame, *place, brief=True)
            lines = ["".join(part for part, _ in line) for line in box._lines]
            for line, words in zip(lines, ((lasted, told[0]), told[1:]), strict=True):
                whole = all(one in line for one in words)
                assert len(line) <= box.size.width and (whole or line.endswith("…"))
            assert any(line.endswith("…") for line in lines)


@pytest.mark.parametrize("size", [(80, 24), pytest.param((160, 44), marks=pytest.mark.slow), (200, 50)])
async def test_a_cursor_move_sends_little_an_animation_little_and_an_idle_screen_nothing(population, trained, size):
    async with opened(population, size) as (app, pilot):
        if not app.pane.rollouts.region:
            await pressed(app, pilot, "i")
        with listening(app) as data:
            for key in ("left", "left", "right", "l", "h"):
                data.clear()
                await pressed(app, pilot, key)
                assert 0 < count_bytes(data) <= 3000
            data.clear()
            await pilot.pause(0.6)
            assert data == []
            for view in app.pane.rollouts.views:
                view.playing = True
            for _ in range(8):
                data.clear()
                for view in app.pane.rollouts.views:
                    view._tick()
                await pilot.pause()
                assert count_bytes(data) <= 3000  # ten times a second


def deep(n):
    spec = PolicySpec((4, 8, 8, 2), activation="tanh")
    return Population(spec, np.random.default_rng(0).normal(size=(n, spec.parameters)).astype(np.float32))


@pytest.mark.parametrize(
    ("make", "networks"),
    [
        (odd, 2),
        (linear, 0),
        (linear, 1),
        (deep, 2),
        *(pytest.param(m, n, marks=pytest.mark.slow) for m in (acrobot, odd, linear, deep) for n in (0, 1, 2)),
    ],
)
async def test_populations_of_any_kind_bear_all_keys(tmp_path, make, networks):
    saved = make(6).select(np.arange(networks)).save(tmp_path / "p\x1b[31m[b].safetensors")
    async with opened(saved, (100, 40), episodes=2, points=3, cap=30) as (app, pilot):
        await pressed(app, pilot, *EVERY_KEY)
        if networks < 2:
            assert "a walk goes between two networks, and there" in text(app)
        elif make is not odd:
            assert app.pane.state.frame.paths[0] == "original"
            assert "original: " in joined(app, "#words")
        await pilot.press("W")
        await until(pilot, lambda: isinstance(app.screen, ResultScreen))
        await pilot.press("escape", "C")
        await until(pilot, lambda: app.pane.state.walks.state.final)
        await pilot.press("L")
        await pilot.pause()
        await pilot.press("C", "p", "w", "C", "escape", "escape", "escape")
        await until(pilot, lambda: not app.pane.state.working)
        await settled(app, pilot)
        assert "\x1b" not in text(app)
        assert "Traceback" not in text(app)
