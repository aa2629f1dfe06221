"""The Sample pane: keys pressed, then what is on the screen."""

import json
import shlex
import threading
from dataclasses import replace

import numpy as np
import pytest
from sample_pane import opened, run, scores, settled, text, typed, until

from workbench.analyses import dial, embed, find, sample
from workbench.analysis import Selection
from workbench.compute import Compute
from workbench.population import load
from workbench.service import JobState
from workbench.tui import sampling
from workbench.tui.commands import command_line
from workbench.tui.panes.dataset import DatasetPane
from workbench.tui.panes.sample import SamplePane


async def test_without_a_generator_it_says_what_to_do_and_t_trains_one(population, nothing_trained):
    async with opened(population) as (app, pilot):
        assert "no trained generator for these networks" in text(app)
        await until(pilot, lambda: "t trains functional (about" in text(app))
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
        assert {t.name for t in state.trained} == {"functional", "cartpolegen"}
        await pilot.press("p", "c", "a", "s", "s")
        assert state.params == replace(
            sample.Params(count=12), source="posterior", selector="none", without="lean_x", seed=2
        )
        await pilot.press("n", "ctrl+u", *"33", "enter", "S", "ctrl+u", *"7", "enter")
        await until(pilot, lambda: state.params.count == 33 and state.params.seed == 7)
        assert "without lean_x  n 33  seed 7" in text(app)
        for wrong, told in (("1", "count: expected 2 to "), ("x", "expected a number, got 'x'")):
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
            assert pane._inspecting.frame.mean == pytest.approx(shown.frame.survival[k])
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
        await pilot.press("home", "m", "M", "m", "end")
        assert next(line for line in scores(app) if "policy 0" in line).startswith(" ◆policy 0")
        assert next(line for line in scores(app) if "policy 7" in line).startswith("▶ policy 7")
        await settled(app, pilot)
        assert app.pane._inspecting.frame.mean == pytest.approx(shown.frame.steps[7].mean())
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
