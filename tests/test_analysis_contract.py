"""What every analysis promises to both front ends, whatever it computes."""

import io
import json
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from rich.console import Console

from workbench.analyses import find, names
from workbench.analysis import Analysis, Selection, describe_params, params_json
from workbench.cli import _plain
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.results import ResultCache

SMALL = {"episodes": 6, "count": 40, "hidden": 8, "set": ("updates=5..40",)}
"""Values for parameters of these names, so that an analysis takes no time."""
ROWS = tuple(range(1, 90, 3))


def small_params(analysis, tmp_path):
    have = {f.name for f in fields(analysis.Params)}
    given = {name: value for name, value in SMALL.items() if name in have}
    if analysis.writes and "out" in have:
        given["out"] = str(tmp_path / "made.safetensors")
    return analysis.Params(**given)


@pytest.fixture(params=names())
def analysis(request):
    return find(request.param)


@pytest.fixture(params=[name for name in names() if not find(name).writes])
def reading(request):
    """An analysis that is no task."""
    return find(request.param)


@pytest.fixture
def selection(analysis, population):
    return None if analysis.writes else Selection(population, ROWS)


def same(a, b):
    return type(a) is type(b) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f") and x.dtype == y.dtype
        if isinstance(x, np.ndarray)
        else x == y
        for x, y in ((getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    )


def test_there_are_analyses():
    assert {"collect", "info", "policy", "survival"} <= set(names())


def test_it_is_described(analysis):
    assert isinstance(analysis, Analysis)
    assert analysis.title
    assert "\n" not in analysis.title
    assert not analysis.title.endswith(".")
    for kind in (analysis.Params, analysis.Frame):
        assert is_dataclass(kind)
        assert kind.__dataclass_params__.frozen
        assert kind.__doc__
    assert {"done", "total"} <= {f.name for f in fields(analysis.Frame)}
    for field, doc in describe_params(analysis.Params):
        assert doc.endswith("."), f"{field.name}: {doc!r}"
        assert field.type in (int, float, str, bool, tuple[str, ...]), f"{field.name} cannot be an option"


def test_frames_come_to_their_end(analysis, selection, tmp_path):
    frames = list(analysis.run(Compute("cpu", 1), selection, small_params(analysis, tmp_path)))
    assert frames
    assert all(isinstance(f, analysis.Frame) for f in frames)
    done = [f.done for f in frames]
    assert done == sorted(done)
    assert done[0] >= 0
    assert len({f.total for f in frames}) == 1
    assert done[-1] == frames[-1].total > 0
    assert all(d <= frames[-1].total for d in done)


def test_every_frame_is_shown_on_80_columns(analysis, selection, tmp_path):
    for frame in analysis.run(Compute("cpu", 1), selection, small_params(analysis, tmp_path)):
        page = io.StringIO()
        Console(file=page, width=80).print(analysis.table(frame))
        text = page.getvalue()
        assert text.strip()
        assert "…" not in text, f"something does not fit:\n{text}"
        assert "nan" not in text.lower()


def test_every_frame_has_a_summary_in_json(analysis, selection, tmp_path):
    for frame in analysis.run(Compute("cpu", 1), selection, small_params(analysis, tmp_path)):
        said = analysis.summary(frame)
        assert json.loads(json.dumps(said, allow_nan=False)) == _plain(said)
        assert said


def test_it_can_be_stopped_after_any_frame(analysis, selection, tmp_path):
    frames = analysis.run(Compute("cpu", 2), selection, small_params(analysis, tmp_path))
    assert next(frames) is not None
    frames.close()
    with pytest.raises(StopIteration):
        next(frames)


def test_threads_change_nothing(reading, population, tmp_path):
    analysis, selection = reading, Selection(population, ROWS)
    params = small_params(analysis, tmp_path)
    one, two = ([*analysis.run(Compute("cpu", n), selection, params)][-1] for n in (1, 2))
    assert same(one, two)


def test_its_last_frame_outlives_the_program(reading, population, tmp_path):
    analysis, selection = reading, Selection(population, ROWS)
    params = small_params(analysis, tmp_path)
    *_, last = analysis.run(Compute("cpu", 1), selection, params)
    cache = ResultCache(tmp_path / "results")
    cache.store("key", analysis, selection, params, last, 1.0)
    assert same(cache.load("key", analysis), last)
    assert json.loads(json.dumps(params_json(params))) == params_json(params)


def test_no_networks_are_an_answer_or_a_message(reading, population, tmp_path):
    analysis = reading
    try:
        frames = list(analysis.run(Compute("cpu", 1), Selection(population, ()), small_params(analysis, tmp_path)))
    except WorkbenchError:
        return
    analysis.summary(frames[-1])
    Console(file=io.StringIO(), width=80).print(analysis.table(frames[-1]))


def options(analysis, params):
    arguments = []
    for field in fields(params):
        value = getattr(params, field.name)
        if field.name == "out":
            arguments.insert(0, value)
        elif isinstance(value, tuple):
            arguments += [x for item in value for x in (f"--{field.name}", item)]
        elif isinstance(value, bool):
            arguments += [f"--{field.name}"] * value
        elif value != "":
            arguments += [f"--{field.name}", value]
    return arguments


def test_the_command_line_says_the_same(analysis, population, tmp_path, cli):
    selection = None if analysis.writes else Selection(population)
    params = small_params(analysis, tmp_path)
    arguments = [] if analysis.writes else [population.path]
    said = cli(analysis.name, *arguments, *options(analysis, params), "--json", "--threads", 1, "--device", "cpu")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    if selection is not None:
        told = found.pop("population")
        assert told["hash"] == population.content_hash
        assert told["networks"] == len(population)
        assert told["columns"] == list(population.columns)
    else:
        (tmp_path / "made.safetensors").unlink()
    *_, last = analysis.run(Compute("cpu", 1), selection, params)
    assert found == json.loads(json.dumps(_plain(analysis.summary(last))))


def test_the_command_line_prints_its_table(analysis, population, tmp_path, cli):
    arguments = [] if analysis.writes else [population.path]
    said = cli(analysis.name, *arguments, *options(analysis, small_params(analysis, tmp_path)), "--threads", 1)
    assert said.code == 0, said.err
    assert "\x1b" not in said.out
    if not analysis.writes:
        assert f"{population.path}"[:40] in said.out.replace("\n", "")
        assert "96 networks, 4-30-2 elu (212 weights)" in " ".join(said.out.split())


def test_the_command_line_tells_every_parameter(analysis, cli):
    said = cli(analysis.name, "--help")
    assert said.code == 0
    text = " ".join(said.out.split())
    assert analysis.title in text
    for field, doc in describe_params(analysis.Params):
        first = " ".join(doc.split()[:3])
        assert first in text, field.name


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("survival", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("survival", {"cap": 0}, "cap: expected 1 to"),
        ("survival", {"seed": -1}, "seed: expected 0 to"),
        ("info", {"episodes": 0}, "episodes: expected 1 to"),
        ("policy", {"network": 96}, "small: no network #96; it has 96"),
        ("policy", {"network": -1}, "small: no network #-1; it has 96"),
        ("policy", {"episodes": 5, "episode": 5}, "episode: expected 0 to 4, got 5"),
        ("policy", {"episode": -1}, "episode: expected 0 to 99, got -1"),
    ],
)
def test_parameters_out_of_range_are_told(name, given, message, population):
    analysis = find(name)
    with pytest.raises(WorkbenchError, match=message):
        list(analysis.run(Compute("cpu", 1), Selection(population), analysis.Params(**given)))


def test_a_selection_is_of_rows_that_are_there(population):
    assert len(Selection(population)) == 96
    part = Selection(population, (7, 3))
    assert part.indices.tolist() == [7, 3]
    assert np.array_equal(part.weights, population.weights[[7, 3]])
    assert isinstance(Selection(population).weights, np.memmap)
    for row in (96, -1):
        with pytest.raises(WorkbenchError, match=f"small: no network #{row}; it has 96"):
            Selection(population, (0, row))


def test_info_finds_what_one_should_be_wary_of(population):
    weights = np.array(population.weights[:30])
    weights[3] = weights[9]
    weights[4] = weights[9]
    weights[5, 7], weights[6, 0] = np.nan, np.inf
    weights[8] = 0.25
    odd = population.select(np.arange(30))
    odd = type(odd)(odd.spec, weights, odd.columns)
    info = find("info")
    *_, last = info.run(Compute("cpu", 1), Selection(odd), info.Params(episodes=500))
    said = info.summary(last)
    assert (said["not_finite"], said["constant"], said["duplicates"]) == (2, 1, 2)
    assert said["held_out"] == population["held_out"][:30].sum()
    survival = population["survival"][:30]
    assert said["groups"]["all"]["mean"] == pytest.approx(survival.mean())
    low = survival[survival < 50.5]
    group = said["groups"]["1-50"]
    assert (group["networks"], group["mean"], group["std"]) == (len(low), *map(pytest.approx, (low.mean(), low.std())))
    assert said["baselines"]["rule"] == {"mean": 200, "low": 200, "high": 200}
    assert said["baselines"]["random"]["low"] < 22 < said["baselines"]["random"]["high"] + 1


def test_analyses_do_without_columns(population):
    bare = type(population)(population.spec, population.weights)
    for name in ("info", "survival"):
        analysis = find(name)
        *_, last = analysis.run(Compute("cpu", 1), Selection(bare), analysis.Params(episodes=5))
        said = analysis.summary(last)
        Console(file=io.StringIO(), width=80).print(analysis.table(last))
        if name == "info":
            assert said["groups"] is None
        else:
            assert said["groups"]["all"]["retest"] is None


def test_survival_repeats_what_was_stored(population):
    # The collection measured with the same twenty episodes.
    analysis = find("survival")
    *_, last = analysis.run(Compute("cpu", 2), Selection(population, ROWS), analysis.Params(episodes=20))
    assert np.array_equal(last.survival, population["survival"][list(ROWS)])
    np.testing.assert_allclose(last.error, population["survival_se"][list(ROWS)], rtol=1e-6)
    assert analysis.summary(last)["groups"]["all"]["retest"] == {"mean": 0.0, "p95": 0.0}


def test_policy_shows_the_network_it_was_asked_for(population):
    analysis = find("policy")
    (frame,) = analysis.run(
        Compute("cpu", 1), Selection(population), analysis.Params(network=40, episodes=20, episode=3)
    )
    assert frame.survival == population["survival"][40]
    assert frame.behaviour[0] == pytest.approx(population["lean_x"][40], rel=1e-5)
    trace = frame.trace
    assert trace.steps.tolist() == [[frame.steps[3]]]
    assert trace.states[0, 0, frame.steps[3] - 1].any()
    assert not trace.states[0, 0, frame.steps[3] :].any()
    i, j = 5, 20
    state = np.array([[0, 0, frame.angles[i], frame.velocities[j]]])
    from workbench.policies import forward

    out = forward(population.weights[[40]], population.spec, state)[0, 0]
    assert frame.margin[i, j] == pytest.approx(out[1] - out[0], abs=1e-5)
