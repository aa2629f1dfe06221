"""The Sample pane: keys pressed, then what is on the screen. Its generators are tiny, and trained here."""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import threading
from contextlib import asynccontextmanager
from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len

from workbench import generators
from workbench.analyses import dial, embed, find, sample
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.learning.contract import settings_from, train
from workbench.learning.data import TrainingData
from workbench.policies import PolicySpec
from workbench.population import Population, Text, load
from workbench.service import JobState
from workbench.tui import sampling
from workbench.tui.app import WorkbenchApp
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.sample import SamplePane
from workbench.tui.sampling import COUNT, SampleState, Trained, command_line, following, training_form
from workbench.tui.widgets.score import ScoreTable

SIZE = (150, 40)
TINY = {
    "functional": ("steps=20", "unit_steps=10", "predictor_steps=10", "latents=4", "hidden=16", "components=2"),
    "cartpolegen": ("epochs=1", "latents=4"),
}


@pytest.fixture(scope="session")
def tiny(population_path, tmp_path_factory):
    """Files of a functional generator and of cartpolegen, hardly trained."""
    folder = tmp_path_factory.mktemp("generators")
    data = TrainingData.of(load(population_path))
    paths = {}
    for name, settings in TINY.items():
        kind = generators.find(name)
        *_, (generator, _) = train(kind, data, settings_from(kind, settings), 0, Compute("cpu", 1))
        paths[name] = folder / f"tiny-{name}.safetensors"
        generator.save(paths[name])
    return paths


@pytest.fixture
def nothing_trained(tmp_path, monkeypatch):
    """No generator anywhere; the folder where one would be found."""
    monkeypatch.setattr(generators, "shipped", lambda _folder: tmp_path / "shipped")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "state" / "agentemb-tui" / "generators"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def trained(nothing_trained, tiny):
    """Both generators are found."""
    for path in tiny.values():
        (nothing_trained / path.name).write_bytes(path.read_bytes())
    return nothing_trained


@asynccontextmanager
async def opened(population, size=SIZE, count=12):
    app = WorkbenchApp(str(population.path), Compute("cpu", 1))
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: isinstance(app.pane, DatasetPane) and app.pane.is_mounted)
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.pane, SamplePane) and app.pane.state.trained is not None)
        if app.pane.state.generator is not None:
            app.pane.state.change(count=count, group="all")
            app.pane.choices_changed()
        await pilot.pause()
        yield app, pilot
        app.close_service()


async def until(pilot, condition):
    for _ in range(1500):
        await pilot.pause()
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it never came:\n{text(pilot.app)}")


async def settled(app, pilot):
    """Nothing runs, and all of it is shown."""
    pane = app.pane
    await until(pilot, lambda: not pane.state.working)
    await until(pilot, lambda: pane.state.shown is None or pane.state.shown.frame is pane.state.job.frame)
    await until(pilot, lambda: pane.state.embedding is None or pane.state.map is not None or pane.state.embedding.error)
    await until(pilot, lambda: pane._inspecting is None or pane._inspecting.state.final)
    await pilot.pause()


async def run(app, pilot):
    await pilot.press("r")
    await settled(app, pilot)
    return app.pane.state.shown


async def typed(pilot, words):
    for character in words:
        await pilot.press({"-": "minus", ".": "full_stop", "/": "slash", "_": "underscore"}.get(character, character))


def scores(app):
    """The lines of the table."""
    return ["".join(part for part, _ in line).rstrip() for line in app.pane.score.table._lines]


def text(app):
    return "\n".join("".join(s.text for s in line) for line in app.screen._compositor.render_strips())


async def test_without_a_generator_it_says_what_to_do_and_t_trains_one(population, nothing_trained):
    async with opened(population) as (app, pilot):
        assert "no trained generator for these networks" in text(app)
        assert "t trains one (about" in text(app)
        await pilot.press("r", "g", "G", "s", "d", *"50", "enter", "x", "m", "space", "w", "C", "equals_sign")
        assert app.service.running() == []
        await pilot.press("t")
        await until(pilot, lambda: "population: The population file" in text(app))
        app.screen.query_one("#field-generator").value = "cartpolegen"
        app.screen.query_one("#field-set").value = "epochs=1 latents=4"
        await pilot.press("ctrl+r")
        job = app.service.jobs[-1]
        await until(pilot, lambda: job.state is JobState.DONE)
        await until(pilot, lambda: "done in" in text(app) and "written to" in text(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.pane.state.generator is not None)
        assert app.pane.state.generator.name == "cartpolegen"
        assert app.pane.state.generator.own
        assert "r samples new networks" in text(app)


async def test_what_is_shown_is_what_the_analysis_computes_and_the_command_line_says(population, trained, cli):
    async with opened(population) as (app, pilot):
        await pilot.press("s")
        state = app.pane.state
        shown = await run(app, pilot)
        assert shown.job.analysis is find("sample")
        assert shown.job.params == state.params
        *_, expected = sample.run(Compute("cpu", 1), Selection(population), state.params)
        assert shown.frame.rows.keys() == expected.rows.keys()
        assert np.array_equal(shown.frame.survival, expected.survival)
        for name, row in expected.rows.items():
            line = next(line for line in scores(app) if line[1:].startswith(f"{name} "))
            assert all(cell in line for cell in sample.cells(row)[: sample.OF_SURVIVAL])
            assert line in text(app)
        assert f"W1 (floor {expected.floor:.1f})" in text(app)
        assert expected.sentence.split(":")[0] in text(app)
        assert "paper, 200 samples" in text(app)
        await pilot.press("equals_sign")
        line = command_line(find("sample"), state.params, population)
        assert line in text(app).replace("\n ", "").replace("\n", "")
    said = cli(*shlex.split(line)[1:], "--json", "--threads", "1")
    assert said.code == 0
    for name, row in json.loads(said.out)["rows"].items():
        assert {k: np.nan if v is None else v for k, v in row.items()} == pytest.approx(
            expected.rows[name], nan_ok=True
        )


async def test_choices_change_by_one_key_each_and_are_told(population, trained):
    async with opened(population) as (app, pilot):
        state = app.pane.state
        assert state.params == sample.Params(count=12)
        assert {t.name for t in state.trained} == set(TINY)
        await pilot.press("p", "c", "a", "s", "s")
        assert state.params == replace(
            sample.Params(count=12), source="posterior", selector="none", without="lean_x", seed=2
        )
        await pilot.press("n", "ctrl+u", *"33", "enter", "S", "ctrl+u", *"7", "enter")
        await until(pilot, lambda: state.params.count == 33 and state.params.seed == 7)
        assert "without lean_x  n 33  seed 7" in text(app)
        for wrong, told in (("1", "expected 2 to 100000, got 1"), ("x", "expected a number, got 'x'")):
            await pilot.press("n", "ctrl+u", wrong, "enter")
            await until(pilot, lambda told=told: told in text(app))
        assert state.params.count == 33
        groups = state.generator.groups
        for k in range(len(groups)):
            await pilot.press("g")
            assert state.params.group == groups[(groups.index("all") + 1 + k) % len(groups)]
        await pilot.press("G")
        assert state.params.generator == "cartpolegen"
        assert app.service.running() == []  # nothing runs before r, unless runs are fast


async def test_a_changed_choice_runs_at_once_after_a_fast_run_and_waits_after_a_slow_one(
    population, trained, monkeypatch
):
    async with opened(population) as (app, pilot):
        monkeypatch.setattr(sampling, "FAST", 0.0)
        await run(app, pilot)
        first = app.pane.state.job
        await pilot.press("s")
        assert app.pane.state.job is first
        assert "r samples: " in text(app)
        assert "seed 1" in text(app)
        monkeypatch.setattr(sampling, "FAST", 1e9)
        await pilot.press("s")
        assert app.pane.state.job is not first
        await settled(app, pilot)
        assert app.pane.state.shown.job.params.seed == 2
        monkeypatch.setattr(sampling, "FAST", 0.0)
        await pilot.press("S", "ctrl+u", "0", "enter")  # a run of this session is shown again
        await settled(app, pilot)
        assert app.pane.state.job is first


@pytest.fixture
def gate(monkeypatch):
    """`sample` waits at its first rows until this is set."""
    real, gate = find("sample"), threading.Event()

    def slowly(compute, selection, params):
        for frame in real.run(compute, selection, params):
            yield frame
            if frame.done == 2:
                gate.wait(20)

    monkeypatch.setattr("workbench.tui.panes.sample.find", lambda _: replace(real, run=slowly))
    yield gate
    gate.set()


async def test_a_running_job_tells_how_far_it_is_and_fills_the_screen(population, trained, gate):
    async with opened(population) as (app, pilot):
        app.pane.state.change(seed=102)  # not in the cache
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and len(app.pane.state.shown.frame.names) == 1)
        await until(pilot, lambda: "C cancels" in text(app))
        assert "functional + predictor" in text(app)
        assert not any("held-out" in line for line in scores(app))
        gate.set()
        await settled(app, pilot)
        assert any("held-out" in line for line in scores(app))


async def test_cancelling_keeps_what_there_is(population, trained, gate):
    async with opened(population) as (app, pilot):
        app.pane.state.change(seed=101)  # not in the cache
        await pilot.press("r")
        await until(pilot, lambda: app.pane.state.shown is not None and len(app.pane.state.shown.frame.names) == 1)
        await pilot.press("C")
        assert "sample stops   C cancels" in text(app)
        gate.set()
        await until(pilot, lambda: app.pane.state.job.state is JobState.CANCELLED)
        await until(pilot, lambda: "cancelled, not complete" in text(app))
        assert app.pane.state.shown.frame.done < app.pane.state.shown.frame.total
        assert "12 samples of all" in text(app)
        shown = await run(app, pilot)
        assert shown.frame.done == shown.frame.total


async def test_map_cursor_and_sample(population, trained):
    async with opened(population) as (app, pilot):
        app.view.marks[[3, 5]] = True
        shown = await run(app, pilot)
        pane = app.pane
        params, frame, known = pane.state.map
        assert params == embed.Params("functional", "all")
        assert len(known) == len(population)
        latents = pane.places.map
        assert np.allclose(latents.samples[:12], frame.project(shown.frame.latents))
        assert np.allclose(latents.samples[12:], known[[3, 5]])
        assert "samples (12)" in text(app)
        assert "marked networks (2)" in text(app)
        await pilot.press("home")
        for k in (1, 2):
            await pilot.press("right_square_bracket")
            await settled(app, pilot)
            assert pane.state.cursor == k
            assert f"sample {k} of 12" in text(app)
            assert f"nearest training network #{shown.frame.nearest[k]:,}:" in text(app)
            assert f"same action in {shown.frame.agreement[k]:.0%} of states" in text(app)
            assert f"survival {shown.frame.survival[k]:.1f} ± " in text(app)
            assert pane._inspecting.frame.survival == pytest.approx(shown.frame.survival[k])
        await pilot.press("end")
        await settled(app, pilot)
        assert pane._inspecting.frame.network == 5
        assert np.array_equal(pane._inspecting.selection.weights, population.weights)
        assert f"network #5 of {population.name}, marked there" in text(app)
        assert pane.suggested()["network"] == "5"
        await pilot.press("m")
        assert "marked in the Dataset pane" in text(app)
        await pilot.press("escape", "home", "full_stop", "full_stop")
        assert int(pane.inspector.rollout.at) == 2
        await pilot.press("space")
        assert pane.inspector.rollout.playing
        await pilot.press("space", "e")
        await settled(app, pilot)
        assert pane._inspecting.frame.episode == 1


async def test_copied_and_not_memorised_are_told_in_words(population, trained, monkeypatch):
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        frame = replace(shown.frame, distance=np.array([0.001, 1.5] * 6))
        app.pane.state.shown = replace(shown, frame=frame)
        app.pane.show_watched()
        await pilot.pause()
        assert "copied: 0.00 x held-out distance" in text(app)
        await pilot.press("home", "right_square_bracket")
        await pilot.pause()
        assert "not memorised: 1.50 x held-out distance" in text(app)


async def test_what_is_chosen_shown_and_marked_survives_another_pane(population, trained):
    async with opened(population) as (app, pilot):
        await pilot.press("p")
        shown = await run(app, pilot)
        await pilot.press("home", "right_square_bracket", "m", "right_square_bracket")
        jobs = [job for job in app.service.jobs if job.analysis.name in ("sample", "embed")]
        await pilot.press("1")
        await until(pilot, lambda: isinstance(app.pane, DatasetPane))
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.pane, SamplePane) and app.pane.is_mounted)
        await settled(app, pilot)
        state = app.pane.state
        assert state.shown is shown
        assert (state.params.source, state.cursor, state.marks) == ("posterior", 2, {1})
        assert "sample 2 of 12" in text(app)
        assert [job for job in app.service.jobs if job.analysis.name in ("sample", "embed")] == jobs
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: "sample 1 of 12  ◆ marked (1 in all)" in text(app))


async def test_marks_are_of_one_set_of_samples(population, trained):
    async with opened(population) as (app, pilot):
        await run(app, pilot)
        await pilot.press("m", "m", "m")
        assert app.pane.state.marks == {app.pane.state.cursor}
        await pilot.press("M")
        assert not app.pane.state.marks
        await pilot.press("m", "s")
        await run(app, pilot)
        assert not app.pane.state.marks


async def test_saving_all_samples_or_the_marked_ones_never_over_a_file(population, trained, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    async with opened(population) as (app, pilot):
        await pilot.press("x")
        assert "nothing to save yet; r samples" in text(app)
        shown = await run(app, pilot)
        await pilot.press("x", "enter")
        path = tmp_path / "samples-all-0.safetensors"
        await until(pilot, path.exists)
        await until(pilot, lambda: f"12 networks saved to {path}" in text(app).replace("\n ", ""))
        saved = load(path)
        assert np.array_equal(saved.weights, shown.frame.weights)
        assert np.array_equal(saved["survival"], shown.frame.survival)
        before = path.read_bytes()
        await pilot.press("x", "enter")
        await until(pilot, lambda: "already there; give another name" in text(app))
        assert path.read_bytes() == before
        await pilot.press("home", "m", "right_square_bracket", "right_square_bracket", "m", "x")
        assert "save 2 marked to" in text(app)
        await typed(pilot, ["ctrl+u", *"some.safetensors"])
        await pilot.press("enter")
        await until(pilot, (tmp_path / "some.safetensors").exists)
        assert np.array_equal(load(tmp_path / "some.safetensors").weights, shown.frame.weights[[0, 2]])
        await typed(pilot, ["x", "ctrl+u", *"no/such/some.safetensors"])
        await pilot.press("enter")
        await until(pilot, lambda: (tmp_path / "no").exists() or "no/such" in text(app))
        await pilot.press("x", "escape")
        assert app.pane.places.map.has_focus


async def test_the_dial(population, trained):
    async with opened(population) as (app, pilot):
        await pilot.press("d", *"30", "enter")
        await settled(app, pilot)
        shown = app.pane.state.shown
        assert shown.dialled
        assert shown.job.params == dial.Params(30.0)
        assert "8 policies dialled to 30 steps" in text(app)
        assert dial.sentence(shown.frame).split(";")[0] in text(app)
        for k in (0, 7):
            predicted, off = shown.frame.predicted[k]
            line = next(line for line in scores(app) if f" policy {k} " in line)
            assert f"{predicted:.1f} ± {off:.1f}" in line
        assert "policies (8)" in text(app)
        await pilot.press("end")
        await settled(app, pilot)
        assert app.pane._inspecting.frame.survival == pytest.approx(shown.frame.steps[7].mean())
        assert "policy 7 of 8" in text(app)
        await pilot.press("equals_sign")
        assert "agentemb-tui dial" in text(app)
        assert "--target 30" in text(app)
        await pilot.press("d", *"900", "enter")
        await until(pilot, lambda: "target: expected 1 to 200 steps" in text(app))
        assert (await run(app, pilot)).frame.names[0] == "functional + predictor"


async def test_a_job_that_fails_is_one_line(population, trained):
    async with opened(population) as (app, pilot):
        await pilot.press("G", "c", "c")
        assert (app.pane.state.params.generator, app.pane.state.params.selector) == ("cartpolegen", "predictor")
        await pilot.press("r")
        await until(pilot, lambda: "sample failed: selector:" in text(app))
        assert "has no survival predictor" in text(app)
        assert "Traceback" not in text(app)
        await pilot.press("c", "c", "c")
        assert await run(app, pilot) is not None


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
        assert "1 Dataset  ▸2 Sample" in text(app)
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
        await pilot.press("space")
        await until(pilot, lambda: "sample 0 of 12" in text(app))
        assert app.pane.inspector.rollout.playing
        await pilot.press("space")


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
        compositor = type(app.screen._compositor)
        paint, data = compositor.render_partial_update, []

        def listen(self):
            update = paint(self)
            if update is not None:
                data.append(update.render_segments(app.console))
            return update

        await pilot.press("home")
        await settled(app, pilot)
        compositor.render_partial_update = listen
        before, app.console._color_system = app.console._color_system, 3
        try:
            for key in ("right_square_bracket", "right", "left", "up", "down"):
                data.clear()
                await pilot.press(key)
                await settled(app, pilot)
                assert len("".join(data).encode()) < 4500
            await pilot.pause(0.3)
            data.clear()
            await pilot.pause(0.6)
            assert data == []
        finally:
            compositor.render_partial_update = paint
            app.console._color_system = before


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


async def test_a_new_generator_of_the_same_name_is_not_mistaken_for_the_one_before(population, trained, tiny):
    async with opened(population) as (app, pilot):
        shown = await run(app, pilot)
        state = app.pane.state
        assert state.current
        first = trained / "a.safetensors"
        first.write_bytes(tiny["functional"].read_bytes())
        app.pane.look(first)
        await until(pilot, lambda: len(state.trained) == 3)
        assert state.generator.path == first
        assert state.params.generator == "functional"
        assert not state.current
        assert shown.params(state.trained).generator == str(trained / "tiny-functional.safetensors")
        assert "r samples: a  all" in text(app)


def test_an_unfinished_training_is_gone_on_with(population, nothing_trained):
    state = SampleState()
    assert training_form(population, state) == {
        "population": str(population.path), "generator": "functional", "seed": "0",
    }  # fmt: skip
    for name, trained_on in (("other", "another"), ("mine", population.content_hash)):
        folder = nothing_trained / f"{name}.safetensors.training"
        folder.mkdir()
        plan = {"population": trained_on, "generator": "cartpolegen", "seed": 4, "settings": {"epochs": 3}}
        (folder / "plan.json").write_text(json.dumps(plan))
    (nothing_trained / "broken.safetensors.training").mkdir()
    assert training_form(population, state) == {
        "population": str(population.path), "generator": "cartpolegen", "seed": "4", "set": "epochs=3",
        "resume": "yes", "out": str(nothing_trained / "mine.safetensors"),
    }  # fmt: skip


def test_options_follow_each_other():
    assert following("abc", "a") == "b"
    assert following("abc", "c") == "a"
    assert following("abc", "x") == "a"


def test_the_command_line_has_what_is_not_default(population):
    plain = command_line(find("sample"), sample.Params(), population)
    assert plain == shlex.join(["agentemb-tui", "sample", str(population.path)])
    asked = sample.Params("a b.safetensors", "1-50", 7, seed=3)
    assert command_line(find("sample"), asked, load()) == (
        "agentemb-tui sample --generator 'a b.safetensors' --group 1-50 --count 7 --seed 3"
    )
    train_params = find("train").Params("p", set=("epochs=1", "latents=2"), resume=True)
    assert command_line(find("train"), train_params, None) == (
        "agentemb-tui train p --set epochs=1 --set latents=2 --resume"
    )


def test_a_group_that_a_generator_has_no_model_of_gives_way(tmp_path):
    state = SampleState(sample.Params(group="1-50", count=COUNT))
    state.take([Trained(tmp_path, "functional", "functional", ("51-100", "all"), 5, "p", True, 0)])
    assert state.params.group == "all"


def test_torch_is_not_imported_with_the_pane():
    code = "import workbench.tui.panes.sample, workbench.tui.run_screen, sys; print('torch' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"
