"""The screen that follows a training: curves, phases, and how it ends."""

from dataclasses import replace

import numpy as np
import pytest
from rich.cells import cell_len
from sample_pane import until
from textual.app import App

from workbench.analyses import find
from workbench.service import Job, JobState
from workbench.tui.app import WorkbenchApp
from workbench.tui.jobs_screen import JobsScreen
from workbench.tui.run_screen import ResultScreen, result_screen
from workbench.tui.training_screen import TrainingScreen, curves
from workbench.tui.widgets.chart import LineChart

TRAIN = find("train")
FRAME = TRAIN.Frame(
    300, 1000, "units", 2, ("autoencoder", "units"),
    (
        ("autoencoder", (("decisions", (0.9, 0.5, 0.4)), ("loss", (1.0, 0.6, 0.5)), ("validation", (1.1, 0.7, 0.6)))),
        ("units", (("loss", (2.0, 0.01)), ("validation", (3.0, 1.0)))),
    ),
    ("all",), ("1-50",),
)  # fmt: skip


class Bench(App):
    CSS = WorkbenchApp.CSS


@pytest.fixture
def job():
    """A training that waits for nobody."""
    job = Job(1, TRAIN, None, TRAIN.Params("population.safetensors"))
    job.state = JobState.RUNNING
    return job


def text(app):
    return "\n".join("".join(s.text for s in line) for line in app.screen._compositor.render_strips())


async def painted(app, pilot):
    app.screen._paint()
    await pilot.pause()
    return text(app)


def test_curves_begin_with_the_loss_and_are_logarithmic_where_they_are_far_apart():
    near = curves(dict(FRAME.curves)["autoencoder"])
    assert [s.name for s in near.series] == ["loss", "validation", "decisions"]
    assert near.series[0].y.tolist() == [1.0, 0.6, 0.5]
    assert near.series[0].x.tolist() == [1, 2, 3]
    assert not near.log_y
    assert curves(dict(FRAME.curves)["units"]).log_y
    assert not curves((("loss", (-1.0, 100.0)),)).log_y
    assert not curves(()).series
    assert [s.name for s in curves((("loss", ()), ("bias", (1.0,)))).series] == ["bias"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (40, 10), (20, 6)])
async def test_it_follows_a_training_to_its_end(job, size):
    app = Bench()
    async with app.run_test(size=size) as pilot:
        await app.push_screen(TrainingScreen(job))
        await pilot.pause()
        assert "loading torch" in text(app) or size[0] < 40
        for frame in (replace(FRAME, curves=(("autoencoder", ()),), phase="autoencoder"), FRAME):
            job.frame = frame
            screen = await painted(app, pilot)
        if size[0] >= 80:
            assert "▸units 2…" in screen
            assert "● loss" in screen
            assert "30 %" in screen
            assert "no model of 1-50" in screen
        job.frame = replace(FRAME, done=999)
        screen = await painted(app, pilot)
        assert "what is fitted at the end" in screen or size[0] < 80
        job.frame, job.state = replace(FRAME, done=1000, path="/some/[b]\x1b[31mwhere", seconds=61.0), JobState.DONE
        screen = await painted(app, pilot)
        assert "\x1b" not in screen
        assert "done in 61 s" in screen or size[0] < 80
        assert all(cell_len(line) <= size[0] for line in screen.splitlines())
        await pilot.press("escape")
        assert not isinstance(app.screen, TrainingScreen)


async def test_phases_are_gone_through_and_values_read_off(job):
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        job.frame = FRAME
        await app.push_screen(TrainingScreen(job))
        await pilot.pause()
        chart = app.screen.query_one(LineChart)
        assert len(chart.panel.series) == 2
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert app.screen.shown == "autoencoder"
        assert [s.name for s in chart.panel.series] == ["loss", "validation", "decisions"]
        await pilot.press("left", "left")
        assert "epoch 2" in text(app)
        assert "validation 0.7" in text(app)
        job.frame = replace(FRAME, epoch=3)
        await painted(app, pilot)
        assert app.screen.shown == "autoencoder"  # what was chosen stays
        await pilot.press("right_square_bracket")
        assert app.screen.phase is None
        job.frame = replace(FRAME, phase="predictor", curves=(*FRAME.curves, ("predictor", (("loss", (1.0,)),))))
        await painted(app, pilot)
        assert app.screen.shown == "predictor"  # the one at work is followed


async def test_it_is_cancelled_and_failures_are_told(job):
    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(TrainingScreen(job))
        await pilot.press("left_square_bracket", "right", "c")
        assert job.cancelling
        job.frame = FRAME
        assert "stopping" in await painted(app, pilot)
        job.state = JobState.CANCELLED
        assert "a training with resume goes on" in await painted(app, pilot)
        job.state, job.error = JobState.FAILED, "the loss became nan \x1b[2J"
        assert "failed: the loss became nan" in await painted(app, pilot)


async def test_trainings_and_nothing_else_are_shown_there(job, population):
    assert isinstance(result_screen(job), TrainingScreen)
    assert isinstance(result_screen(Job(2, find("info"), None, None)), ResultScreen)

    class Service:
        jobs = [job]

    app = Bench()
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(JobsScreen(Service()))
        await until(pilot, lambda: app.screen.selected is not None)
        await pilot.press("enter")
        await pilot.pause()
        assert isinstance(app.screen, TrainingScreen)
        assert app.screen.job is job


def test_series_with_gaps_are_borne():
    panel = curves((("loss", (np.nan, 1.0)), ("validation", (np.inf, 2.0))))
    assert len(panel.series) == 2
