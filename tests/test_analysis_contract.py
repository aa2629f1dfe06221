"""What every analysis promises to both front ends, whatever it computes."""

import io
import json
import re
import shutil
from dataclasses import MISSING, fields, is_dataclass, replace
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from rich.console import Console
from trainings import ONE, fit, tiny_pairs

from workbench import generators
from workbench.analyses import find, names
from workbench.analysis import Analysis, Selection, describe_params, params_json, plain
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning import scoring
from workbench.learning.data import TrainingData
from workbench.policies import PolicySpec
from workbench.population import Population, load
from workbench.results import ResultCache, result_key

SMALL = {"episodes": 6, "count": 40, "candidates": 60, "networks": 12, "resamples": 20}
SMALL |= {"pairs": 3, "grid": 5, "points": 4}
"""Values for parameters of these names, so that an analysis takes no time."""
OWN = {
    "collect": {"hidden": 8, "set": ("updates=5..40",)},
    "train": {"set": tuple(tiny_pairs("functional"))},
    "dial": {"count": 5},
    "landscape": {"space": "latent"},
    "recovery": {"samples": 12, "keep": 3},
    "repair": {"samples": 12, "keep": 3, "method": ("algorithm1-missing", "gaussian")},
    "repairs": {"samples": 12, "keep": 3, "networks": 2, "levels": (".2",), "method": ("algorithm1-whole", "gaussian")},
}
ROWS = tuple(range(1, 90, 3))


@pytest.fixture(autouse=True)
def _generators(trained):
    """All analyses find trained generators, and torch leaves a core to others."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module", autouse=True)
def _few_comparisons():
    """Scores look at few pairs of networks."""
    few = {"NEIGHBOURS": 4, "MATCHED": 12, "PAIRS": 40, "RESAMPLES": 20, "FLOOR_DRAWS": 8, "_kept": {}}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in few.items():
            patch.setattr(scoring, name, value)
        yield


def small_params(analysis, tmp_path, population):
    have = {f.name for f in fields(analysis.Params)}
    given = {**SMALL, **OWN.get(analysis.name, {})}
    given = {name: value for name, value in given.items() if name in have}
    if analysis.writes:
        given["out"] = str(tmp_path / "made.safetensors")
    if "to" in have:
        given["to"] = str(tmp_path / "made.csv")
    if "path" in have and not analysis.selects:
        given["path"] = str(checkpoints_in(tmp_path, population))
    if "population" in have:
        given["population"] = str(population.path)
    return analysis.Params(**given)


def checkpoints_in(folder, population):
    """A folder of checkpoints, made of some of the population's networks."""
    root = folder / "checkpoints"
    if not root.exists():
        root.mkdir()
        for k, weights in enumerate(population.weights[:12]):
            layers = torch.nn.Sequential(torch.nn.Linear(4, 30), torch.nn.ELU(), torch.nn.Linear(30, 2))
            torch.nn.utils.vector_to_parameters(torch.tensor(weights), layers.parameters())
            torch.save(layers.state_dict(), root / f"network_{100 * k}_steps.pt")
        (root / "broken.pt").write_bytes(b"nothing")
    return root


@pytest.fixture(params=names())
def analysis(request):
    return find(request.param)


@pytest.fixture(params=[name for name in names() if find(name).selects])
def reading(request):
    """An analysis of a population."""
    return find(request.param)


@pytest.fixture
def selection(analysis, population):
    return Selection(population, ROWS) if analysis.selects else None


@pytest.fixture(scope="module")
def already():
    """Frames of analyses that have run."""
    return {}


@pytest.fixture
def frames(already, analysis, selection, population, tmp_path):
    """All frames of an analysis."""
    if analysis.name not in already:
        params = small_params(analysis, tmp_path, population)
        already[analysis.name] = list(analysis.run(ONE, selection, params))
    return already[analysis.name]


@pytest.fixture(scope="module")
def others(population_path, tmp_path_factory):
    """Generators of the same population trained with another seed, by name; `same` is the first one made again."""
    folder, data = tmp_path_factory.mktemp("others"), TrainingData.of(load(population_path))
    made = {name: fit(name, data, seed=1) for name in ("functional", "cartpolegen")}
    made["same"] = fit("functional", data)
    for name, generator in made.items():
        generator.save(folder / f"{name}.safetensors")
    return folder


def same(a, b):
    return type(a) is type(b) and all(
        np.array_equal(x, y, equal_nan=x.dtype.kind == "f") and x.dtype == y.dtype
        if isinstance(x, np.ndarray)
        else x == y
        for x, y in ((getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    )


def test_there_are_analyses():
    learned = {"attributes", "dial", "embed", "reconstruct", "sample", "train"}
    assert {"collect", "converge", "info", "pair", "policy", "survival", *learned, *WALKS, *REPAIRS} <= set(names())


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


def test_parameters_of_a_base_come_after_their_own():
    described = describe_params(find("sweeps").Params)
    assert [field.name for field, _ in described][:3] == ["pairs", "generator", "group"]
    assert all(doc for _, doc in described)


def test_frames_come_to_their_end(analysis, frames):
    assert frames
    assert all(isinstance(f, analysis.Frame) for f in frames)
    done = [f.done for f in frames]
    assert done == sorted(done)
    assert done[0] >= 0
    assert len({f.total for f in frames}) == 1
    assert done[-1] == frames[-1].total > 0
    assert all(d <= frames[-1].total for d in done)


def test_every_frame_is_shown_on_80_columns(analysis, frames):
    for frame in frames:
        page = io.StringIO()
        Console(file=page, width=80).print(analysis.table(frame))
        text = page.getvalue()
        assert text.strip()
        cells = [re.sub(r"\d … [-\d]", "", line) for line in text.splitlines() if re.search("[│┃]", line)]
        assert not any("…" in line for line in cells), f"something does not fit:\n{text}"
        assert "nan" not in text.lower()


def test_every_frame_has_a_summary_in_json(analysis, frames):
    for frame in frames:
        said = analysis.summary(frame)
        assert json.loads(json.dumps(plain(said), allow_nan=False)) == plain(said)
        assert said


def test_it_can_be_stopped_after_any_frame(analysis, selection, tmp_path, population):
    frames = analysis.run(Compute("cpu", 2), selection, small_params(analysis, tmp_path, population))
    assert next(frames) is not None
    frames.close()
    with pytest.raises(StopIteration):
        next(frames)


def test_threads_change_nothing(reading, population, tmp_path):
    analysis, selection = reading, Selection(population, ROWS)
    params = small_params(analysis, tmp_path, population)
    found = []
    for threads in (1, 2):
        found.append([*analysis.run(Compute("cpu", threads), selection, params)][-1])
        clear(tmp_path)
    assert same(*found)


def clear(folder):
    """Take away what a run has written."""
    for made in folder.glob("made.*"):
        made.unlink()


def test_its_last_frame_outlives_the_program(analysis, frames, selection, population, tmp_path):
    if not analysis.selects:
        pytest.skip("what is of no population is never kept")
    params = small_params(analysis, tmp_path, population)
    *_, last = frames
    cache = ResultCache(tmp_path / "results")
    cache.store("key", analysis, selection, params, last, 1.0)
    assert same(cache.load("key", analysis), last)
    assert json.loads(json.dumps(params_json(params))) == params_json(params)


def test_no_networks_are_an_answer_or_a_message(reading, population, tmp_path):
    analysis, params = reading, small_params(reading, tmp_path, population)
    try:
        frames = list(analysis.run(Compute("cpu", 1), Selection(population, ()), params))
    except WorkbenchError:
        return
    analysis.summary(frames[-1])
    Console(file=io.StringIO(), width=80).print(analysis.table(frames[-1]))


def options(params):
    arguments = []
    for field in fields(params):
        value = getattr(params, field.name)
        if field.default is MISSING:
            arguments.insert(0, value)
        elif isinstance(value, tuple):
            arguments += [x for item in value for x in (f"--{field.name}", item)]
        elif isinstance(value, bool):
            arguments += [f"--{field.name}"] * value
        elif value != "":
            arguments += [f"--{field.name}", value]
    return arguments


def test_the_command_line_says_the_same(analysis, population, tmp_path, cli):
    selection = Selection(population) if analysis.selects else None
    params = small_params(analysis, tmp_path, population)
    arguments = [population.path] if analysis.selects else []
    said = cli(analysis.name, *arguments, *options(params), "--json", "--threads", 1, "--device", "cpu")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    if selection is not None:
        told = found.pop("population")
        assert told["hash"] == population.content_hash
        assert told["networks"] == len(population)
        assert told["columns"] == list(population.columns)
    clear(tmp_path)
    *_, last = analysis.run(Compute("cpu", 1), selection, params)
    assert last.done == last.total
    assert found == json.loads(json.dumps(plain(analysis.summary(last))))


def test_the_command_line_prints_its_table(analysis, population, tmp_path, cli):
    arguments = [population.path] if analysis.selects else []
    said = cli(analysis.name, *arguments, *options(small_params(analysis, tmp_path, population)), "--threads", 1)
    assert said.code == 0, said.err
    assert "\x1b" not in said.out
    if analysis.selects:
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


MAKING = [name for name in names() if find(name).networks]
DRAWING = [name for name in names() if find(name).figure]


@pytest.mark.parametrize("name", MAKING)
def test_networks_it_makes_can_be_kept(name, population, tmp_path, cli):
    analysis, out = find(name), tmp_path / "kept" / "made.safetensors"
    params = small_params(analysis, tmp_path, population)
    said = cli(name, population.path, *options(params), "--out", out, "--threads", 1)
    assert said.code == 0, said.err
    *_, last = analysis.run(ONE, Selection(population), params)
    made = load(out)
    made.verify()
    assert np.array_equal(made.weights, last.weights.reshape(-1, 212))
    assert made.spec == population.spec
    assert len(made) == {"sweep": 4 * 4, "repair": len(last.weights)}.get(name, getattr(params, "count", 0)) > 0
    assert {"survival", "recipe", "fingerprint"} <= set(made.columns)
    from workbench.rollouts import survival

    again = survival(made.weights, made.spec, params.episodes, params.cap, params.seed).mean(1)
    assert np.array_equal(made["survival"], again)
    assert made.provenance[name]["generator"] == last.generator
    assert made.provenance[name]["seed"] == params.seed
    assert cli("info", out, "--episodes", 5, "--threads", 1).code == 0, "it is a population like any other"


@pytest.mark.parametrize("name", DRAWING)
def test_its_figure_is_drawn(name, population, tmp_path, cli):
    analysis, svg = find(name), tmp_path / "figures" / "made.svg"
    params = small_params(analysis, tmp_path, population)
    said = cli(name, population.path, *options(params), "--svg", svg, "--threads", 1)
    assert said.code == 0, said.err
    root = ElementTree.parse(svg).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    words = " ".join(root.itertext())
    assert "nan" not in svg.read_text().lower()
    told = {"sweep": "#0 to #1", "sweeps": "3 walks", "landscape": "latent: around #0"}
    told = {**told, "recovery": "#0, filled", "repairs": "2 repairs of held-out networks, missing"}.get(name)
    assert (told or str(getattr(params, "group", ""))) in words or str(getattr(params, "attribute", "no")) in words
    *_, last = analysis.run(ONE, Selection(population), params)
    assert analysis.figure(last) == svg.read_text()


def test_there_is_something_to_keep_and_to_draw():
    assert {"sample", "dial", "sweep", "repair"} <= set(MAKING)
    assert {"sample", "attributes", "sweep", "sweeps", "landscape", "repairs"} <= set(DRAWING)


@pytest.mark.parametrize(("name", "option"), [*((n, "--out") for n in MAKING), *((n, "--svg") for n in DRAWING)])
def test_what_is_there_is_not_written_over(name, option, population, tmp_path, cli):
    there = tmp_path / "there"
    there.write_text("mine")
    said = cli(name, population.path, option, there, "--threads", 1)
    assert said.code == 2
    assert said.err == f"agentemb-tui: {there}: already there; give another name or remove it\n"
    assert there.read_text() == "mine"
    said = cli(name, population.path, option, tmp_path, "--threads", 1)
    assert said.code == 2
    assert "already there" in said.err


@pytest.mark.parametrize(("name", "option"), [("sample", "--out"), ("sample", "--svg")])
def test_a_name_that_cannot_be_is_told(name, option, population, tmp_path, cli):
    said = cli(name, population.path, option, tmp_path / ("n" * 300), "--count", 2, "--episodes", 2, "--threads", 1)
    assert said.code == 2
    assert "File name too long" in said.err
    assert said.err.count("\n") == 1


WALKS, REPAIRS = ("landscape", "sweep", "sweeps"), ("recovery", "repair", "repairs")
LEARNED = [name for name in names() if find(name).reads and "generator" in {f.name for f in fields(find(name).Params)}]


@pytest.mark.parametrize("name", LEARNED)
def test_results_are_of_the_generator_they_were_made_with(name, population, tmp_path, trained, others, monkeypatch):
    analysis = find(name)
    folder = tmp_path / "agentemb-tui" / "generators"
    shutil.copytree(trained, folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    selection, params = Selection(population), small_params(analysis, tmp_path, population)

    def key():
        return result_key(analysis, selection, params, "cpu")

    before = key()
    assert key() == before
    assert analysis.reads(selection, params)[0] == folder / "small-functional-0.safetensors"
    shutil.copy(others / "functional.safetensors", folder / "small-functional-0.safetensors")
    after = key()
    assert after != before, "a file of the same name with another generator in it"
    shutil.copy(others / "same.safetensors", folder / "small-functional-0.safetensors")
    assert key() == before, "the same generator, trained again"
    assert result_key(analysis, Selection(population, ROWS), params, "cpu") != before
    # By its path it is another parameter, and so another result.
    asked = replace(params, generator=str(folder / "small-cartpolegen-0.safetensors"))
    assert result_key(analysis, selection, asked, "cpu") not in (before, after)


def test_there_are_analyses_of_generators():
    assert {"sample", "dial", "embed", "attributes", "reconstruct", *WALKS, *REPAIRS} == set(LEARNED)


def test_the_faithful_generator_beside_it_counts_too(population, tmp_path, trained, others, monkeypatch):
    folder = tmp_path / "agentemb-tui" / "generators"
    shutil.copytree(trained, folder)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    analysis, selection = find("sample"), Selection(population)
    before = result_key(analysis, selection, analysis.Params(), "cpu")
    shutil.copy(others / "cartpolegen.safetensors", folder / "small-cartpolegen-0.safetensors")
    assert result_key(analysis, selection, analysis.Params(), "cpu") != before
    (folder / "small-cartpolegen-0.safetensors").unlink()
    without = result_key(analysis, selection, analysis.Params(), "cpu")
    assert without != before


@pytest.mark.parametrize("name", LEARNED)
def test_some_networks_are_compared_by_the_same_generator(name, population, tmp_path, others, cli):
    beside = tmp_path / "small.safetensors"
    shutil.copy(population.path, beside)
    shutil.copy(others / "functional.safetensors", tmp_path / "aside.safetensors")
    analysis = find(name)
    params = small_params(analysis, tmp_path, population)
    for where in ([], ["--where", "survival > 20"]):
        said = cli(name, beside, *options(params), *where, "--json", "--threads", 1)
        assert said.code == 0, said.err
        assert json.loads(said.out)["generator"] == "functional (aside.safetensors)"


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("survival", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("survival", {"cap": -1}, "cap: expected 1 to"),
        ("survival", {"seed": -1}, "seed: expected 0 to"),
        ("converge", {"networks": 1}, "networks: expected 2 to 2,000, got 1$"),
        ("converge", {"resamples": 0}, "resamples: expected 1 to 10,000, got 0"),
        ("converge", {"measure": ("cosine",)}, "measure: expected cd, output-cd, .*permutation, got 'cosine'"),
        ("converge", {"matching": "random"}, "matching: expected optimal or greedy, got 'random'"),
        ("converge", {"layer": "2"}, "layer: 4-30-2 elu has 1 hidden layer, got 2"),
        ("converge", {"layer": "last"}, "layer: expected hidden or a layer's number from 1 on, got 'last'"),
        ("converge", {"states": "circle"}, "states: expected rollouts, box, upright or a file .*, got 'circle'"),
        ("converge", {"states": "no/such.npy"}, "no/such.npy: no such file"),
        ("converge", {"count": 3}, "count: expected 4 to 1000000 states, got 3"),
        ("converge", {"other": "no/such.safetensors"}, "no/such.safetensors: no such file"),
        ("converge", {"seed": -1}, "seed: expected 0 or more, got -1"),
        ("pair", {"first": 96}, "first: small has networks 0 to 95, got 96"),
        ("pair", {"second": -1}, "second: small has networks 0 to 95, got -1"),
        ("pair", {"matching": "random"}, "matching: expected optimal or greedy, got 'random'"),
        ("pair", {"layer": "2"}, "layer: 4-30-2 elu has 1 hidden layer, got 2"),
        ("pair", {"states": "circle"}, "states: expected rollouts, box, upright or a file .*, got 'circle'"),
        ("pair", {"count": 1_000_001}, "count: expected 4 to 1000000 states, got 1000001"),
        ("pair", {"other": "no/such.safetensors"}, "no/such.safetensors: no such file"),
        ("pair", {"seed": -1}, "seed: expected 0 or more, got -1"),
        ("info", {"episodes": 0}, "episodes: expected 1 to"),
        ("policy", {"network": 96}, "small: no network #96; it has 96"),
        ("policy", {"network": -1}, "small: no network #-1; it has 96"),
        ("policy", {"episodes": 5, "episode": 5}, "episode: expected 0 to 4, got 5"),
        ("policy", {"episode": -1}, "episode: expected 0 to 99, got -1"),
        ("sample", {"generator": "gan"}, "generator: expected cartpolegen, .*functional.* or a file, got 'gan'"),
        ("sample", {"generator": "no/such.safetensors"}, "no/such.safetensors: no such file"),
        ("sample", {"group": "1-51"}, "has no model of group '1-51'; it has 1-50, 51-100, 101-150, 151-200, all"),
        ("sample", {"source": "both"}, "source: expected prior or posterior, got 'both'"),
        ("sample", {"selector": "best"}, "selector: expected auto, none, predictor, simulator, got 'best'"),
        (
            "sample",
            {"generator": "cartpolegen", "selector": "predictor"},
            "selector: small-cartpolegen-0.safetensors has no survival predictor; none or simulator can be had",
        ),
        ("sample", {"without": "mass"}, "without: expected survival, lean_x, lean_angle, sharpness, got 'mass'"),
        ("sample", {"count": 1}, "count: expected 2 to 10000, got 1$"),
        ("sample", {"count": 10_001}, "count: expected 2 to 10000, got 10001"),
        ("sample", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("sample", {"seed": 2**63}, "seed: expected 0 to 9223372036854775807, got 9223372036854775808"),
        ("sample", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("sample", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("embed", {"generator": ""}, "generator: expected cartpolegen, .* or a file, got ''"),
        ("embed", {"group": "long"}, "has no model of group 'long'; it has 1-50, 51-100, 101-150, 151-200, all"),
        ("dial", {"selector": "none"}, "selector: expected predictor or simulator, got 'none'"),
        ("dial", {"count": 0}, "count: expected 1 to 1000, got 0"),
        ("dial", {"count": 1001}, "count: expected 1 to 1000, got 1001"),
        ("dial", {"candidates": 7}, r"candidates: expected 8 \(the count\) to 1000000, got 7"),
        ("dial", {"candidates": 1_000_001}, r"candidates: expected 8 \(the count\) to 1000000, got 1000001"),
        ("dial", {"target": 0.5}, r"target: expected 1 to 200 steps \(the cap\), got 0.5"),
        ("dial", {"target": 200.5}, r"target: expected 1 to 200 steps \(the cap\), got 200.5"),
        ("dial", {"target": float("nan")}, r"target: expected 1 to 200 steps \(the cap\), got nan"),
        ("dial", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("dial", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("dial", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("dial", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        (
            "dial",
            {"generator": "cartpolegen"},
            "dial: small-cartpolegen-0.safetensors has no survival predictor; functional generators have one",
        ),
        ("attributes", {"attribute": "mass"}, "attribute: expected survival, lean_x, .*sharpness, got 'mass'"),
        ("attributes", {"hold": ("mass",)}, "attribute: expected survival, lean_x, .*sharpness, got 'mass'"),
        ("attributes", {"hold": ("survival", "lean_x")}, "hold: lean_x cannot be moved and held at once"),
        ("attributes", {"count": 0}, "count: expected 1 to 100000, got 0"),
        ("attributes", {"network": 96}, "small: no network #96; it has 96"),
        ("attributes", {"network": -2}, "small: no network #-2; it has 96"),
        ("attributes", {"group": "x"}, "has no model of group 'x'; it has 1-50, 51-100, 101-150, 151-200, all"),
        ("attributes", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("attributes", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("attributes", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("attributes", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("reconstruct", {"count": 0}, "count: expected 1 or more, got 0"),
        ("reconstruct", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("reconstruct", {"group": "x"}, "group: expected 1-50, 51-100, 101-150, 151-200, all, got 'x'"),
        ("reconstruct", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("reconstruct", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("reconstruct", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("sweep", {"first": 96}, "first: small has networks 0 to 95, got 96"),
        ("sweep", {"second": -1}, "second: small has networks 0 to 95, got -1"),
        ("sweep", {"second": 0}, r"second: the same network as first \(#0 and #0\); different ones are needed"),
        ("sweep", {"path": ("latent", "straight")}, "path: expected latent, .*, mirrored, got 'straight'"),
        ("sweep", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("sweep", {"group": "x"}, "has no model of group 'x'; it has 1-50, 51-100, 101-150, 151-200, all"),
        (
            "sweep",
            {"generator": "cartpolegen", "path": ("tuned",)},
            "path: tuned wants a survival predictor, and small-cartpolegen-0.safetensors has none",
        ),
        ("sweep", {"low": 1.5}, "alpha: expected low below high, both within ±100, got 1.5 to 1.5"),
        ("sweep", {"low": 0.5, "high": -1.0}, "alpha: expected low below high, both within ±100, got 0.5 to -1"),
        ("sweep", {"high": 1e9}, r"alpha: expected low below high, both within ±100, got 0 to 1e\+09"),
        ("sweep", {"low": float("nan")}, "alpha: expected low below high, both within ±100, got nan to 1.5"),
        ("sweep", {"points": 1}, "points: expected 2 to 1000, got 1$"),
        ("sweep", {"margin": -1.0}, "margin: expected 0 or more and less than the cap of 200, got -1"),
        ("sweep", {"margin": 200.0}, "margin: expected 0 or more and less than the cap of 200, got 200"),
        ("sweep", {"margin": float("nan")}, "margin: expected 0 or more and less than the cap of 200, got nan"),
        ("sweep", {"cap": 20}, "margin: expected 0 or more and less than the cap of 20, got 20"),
        ("sweep", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("sweep", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("sweep", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("sweeps", {"pairs": 0}, "pairs: expected 1 to 20,000, got 0"),
        ("sweeps", {"pairs": 20_001}, "pairs: expected 1 to 20,000, got 20001"),
        ("sweeps", {"path": ("straight",)}, "path: expected latent, .*, mirrored, got 'straight'"),
        ("sweeps", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("sweeps", {"group": "x"}, "has no model of group 'x'; it has 1-50, 51-100, 101-150, 151-200, all"),
        ("sweeps", {"generator": "cartpolegen", "path": ("tuned",)}, "path: tuned wants a survival predictor"),
        ("sweeps", {"high": -1.0}, "alpha: expected low below high, both within ±100, got 0 to -1"),
        ("sweeps", {"points": 1001}, "points: expected 2 to 1000, got 1001"),
        ("sweeps", {"margin": float("nan")}, "margin: expected 0 or more and less than the cap of 200, got nan"),
        ("sweeps", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("sweeps", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("sweeps", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("landscape", {"first": 96}, "first: small has networks 0 to 95, got 96"),
        ("landscape", {"second": 1}, "landscape: a plane goes through three agents, .*; two were given"),
        ("landscape", {"space": "noise"}, "space: expected weights or latent, got 'noise'"),
        ("landscape", {"space": "latent", "generator": "gan"}, "generator: expected cartpolegen, .*, got 'gan'"),
        ("landscape", {"space": "latent", "group": "x"}, "has no model of group 'x'; it has 1-50, 51-100, "),
        ("landscape", {"grid": 1}, "grid: expected 2 to 400 points, got 1$"),
        ("landscape", {"grid": 401}, "grid: expected 2 to 400 points, got 401"),
        ("landscape", {"span": 0.0}, "span: expected above 0 and at most 100, got 0"),
        ("landscape", {"span": 100.5}, "span: expected above 0 and at most 100, got 100.5"),
        ("landscape", {"span": float("nan")}, "span: expected above 0 and at most 100, got nan"),
        ("landscape", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("landscape", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("landscape", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
        ("repair", {"network": 96}, "network: small has networks 0 to 95, got 96"),
        ("repair", {"network": -1}, "network: small has networks 0 to 95, got -1"),
        ("repair", {"level": 0.0}, "level: a level of 0 damages none of 212 weights; there is nothing to repair"),
        ("repair", {"level": 1.5}, "level: expected 0 to 1 of missing, got 1.5"),
        ("repair", {"level": -0.1}, "level: expected 0 to 1 of missing, got -0.1"),
        ("repair", {"level": float("nan")}, "level: expected 0 to 1 of missing, got nan"),
        ("repair", {"kind": "noise", "level": 101.0}, "level: expected 0 to 100 of noise, got 101"),
        ("repair", {"kind": "rust"}, "kind: expected missing, units, corrupted, noise, got 'rust'"),
        ("repair", {"method": ("magic",)}, "method: expected algorithm1-missing, .*gaussian.*, got 'magic'"),
        (
            "repair",
            {"kind": "noise", "method": ("gaussian",)},
            "method: gaussian wants the positions of damaged weights; noise does not tell them",
        ),
        ("repair", {"mask": "no/such.npy"}, "no/such.npy: no such file"),
        ("repair", {"mask": "mask.txt"}, "mask: expected a file ending in .npy or .csv, got mask.txt"),
        ("repair", {"source": "both"}, "source: expected prior or posterior, got 'both'"),
        ("repair", {"samples": 0}, "samples: expected 1 to 10,000, got 0"),
        ("repair", {"keep": 201}, r"keep: expected 1 to 200 \(the samples\), got 201"),
        ("repair", {"epsilon": 0.0}, "epsilon: expected above 0 and at most the cap of 200, got 0"),
        ("repair", {"epsilon": float("nan")}, "epsilon: expected above 0 and at most the cap of 200, got nan"),
        ("repair", {"actions": 0}, "actions: expected 1 to 10,000, got 0"),
        ("repair", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("repair", {"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ("repair", {"episodes": 0}, "episodes: expected 1 to 1000000, got 0"),
        ("repairs", {"networks": 0}, "networks: expected 1 to 10,000, got 0"),
        ("repairs", {"levels": ("half",)}, "levels: expected numbers, got half"),
        ("repairs", {"levels": (".1", "0.1")}, "levels: expected different numbers, got .1 0.1"),
        ("repairs", {"levels": (".1", "0")}, "levels: 0 damages nothing; there is nothing to repair"),
        ("repairs", {"levels": ("2",)}, "level: expected 0 to 1 of missing, got 2"),
        ("repairs", {"levels": ("nan",)}, "level: expected 0 to 1 of missing, got nan"),
        ("repairs", {"kind": "rust"}, "kind: expected missing, units, corrupted, noise, got 'rust'"),
        ("repairs", {"method": ("magic",)}, "method: expected algorithm1-missing, .*, got 'magic'"),
        ("repairs", {"generator": "gan"}, "generator: expected cartpolegen, .* or a file, got 'gan'"),
        ("repairs", {"source": "both"}, "source: expected prior or posterior, got 'both'"),
        ("repairs", {"actions": 10_001}, "actions: expected 1 to 10,000, got 10001"),
        ("repairs", {"cap": 0}, "cap: expected 1 to 1000000, got 0"),
    ],
)
def test_parameters_out_of_range_are_told(name, given, message, population, cli):
    analysis = find(name)
    params = analysis.Params(**given)
    with pytest.raises(WorkbenchError, match=message):
        list(analysis.run(ONE, Selection(population), params))
    changed = [f.name for f in fields(params) if f.name in given]
    arguments = [x for f in changed for v in np.atleast_1d(given[f]) for x in (f"--{f}", v)]
    said = cli(name, population.path, *arguments, "--threads", 1)
    assert said.code == 2
    assert re.search(message, said.err.strip())
    assert said.err.startswith("agentemb-tui: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"population": "no/such.safetensors"}, "no/such.safetensors: no such file"),
        ({"population": "."}, ".: a folder without checkpoints"),
        ({"generator": "gan"}, "generator: expected cartpolegen, .*functional.*, got 'gan'"),
        ({"seed": -1}, "seed: expected 0 to 9223372036854775807, got -1"),
        ({"seed": 2**63}, "seed: expected 0 to 9223372036854775807, got 9223372036854775808"),
        ({"stop": True}, "stop: only an unfinished training can be ended early; give --resume with it"),
        ({"set": ("depth=3",)}, "set: functional has no setting 'depth'; it has latents, "),
        ({"set": ("steps=few",)}, "set: steps is a int, got 'few'"),
        ({"set": ("steps=0",)}, "set: steps must be 1 or more, not 0"),
        ({"resume": True}, "new.safetensors.training: no unfinished training to resume"),
        ({"out": "there"}, "there: already there; give another name or remove it"),
    ],
)
def test_what_cannot_be_trained_is_told(given, message, population, tmp_path, cli, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("mine")
    analysis = find("train")
    params = analysis.Params(**{"population": str(population.path), "out": "new.safetensors", **given})
    with pytest.raises(WorkbenchError, match=message):
        list(analysis.run(ONE, None, params))
    said = cli("train", *options(params), "--threads", 1)
    assert said.code == 2
    assert re.search(message, said.err)
    assert said.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["there"], "nothing is begun"


def test_networks_that_a_generator_cannot_learn_are_told(tmp_path, population, cli, rng):
    shallow = PolicySpec((4, 2))
    weights = rng.standard_normal((40, shallow.parameters)).astype(np.float32)
    path = Population(shallow, weights).save(tmp_path / "shallow.safetensors").path
    said = cli("train", path, "--threads", 1)
    assert (said.code, said.out) == (2, "")
    assert "functional: networks with one hidden layer, biases and two outputs are expected, got 4-2" in said.err
    few = population.select(np.flatnonzero(~population["held_out"])[:9]).save(tmp_path / "few.safetensors").path
    said = cli("train", few, "--threads", 1)
    assert (said.code, said.out) == (2, "")
    assert "few: 9 training networks (the held-out fifth and those not finite apart); at least 10 are" in said.err
    said = cli("sample", path, "--threads", 1)
    assert (said.code, said.out) == (2, "")
    assert "shallow: no trained functional for 4-2 networks in " in said.err
    assert f"make one with `agentemb-tui train {path} --generator functional`" in said.err


@pytest.mark.parametrize("name", LEARNED)
def test_files_that_are_no_generator_are_told(name, population, tmp_path, cli):
    text = tmp_path / "text.safetensors"
    text.write_text("no")
    for path, message in (
        (population.path, "small.safetensors: holds a population, expected a generator"),
        (text, "text.safetensors: not a safetensors file, cut or damaged"),
        (tmp_path, "cannot be read (Is a directory)"),
    ):
        space = ("--space", "latent") if name == "landscape" else ()
        said = cli(name, population.path, "--generator", path, *space, "--threads", 1)
        assert (said.code, said.out) == (2, "")
        assert message in said.err


@pytest.mark.parametrize("name", [n for n in LEARNED if n not in ("dial", "embed", *WALKS, *REPAIRS)])
def test_groups_of_few_networks_are_told(name, population, tmp_path):
    analysis = find(name)
    params = replace(small_params(analysis, tmp_path, population), group="51-100")
    rows = tuple(np.flatnonzero((population["survival"] > 51) & ~population["held_out"]).tolist())
    with pytest.raises(WorkbenchError, match="0 held-out networks in group 51-100; .*at least 2 are needed"):
        list(analysis.run(ONE, Selection(population, rows), params))


@pytest.mark.parametrize("name", [n for n in LEARNED if "group" in {f.name for f in fields(find(n).Params)}])
@pytest.mark.parametrize("kind", ["functional", "cartpolegen"])
def test_groups_are_looked_at_on_their_own(name, kind, population, tmp_path):
    analysis = find(name)
    params = replace(small_params(analysis, tmp_path, population), generator=kind)
    last = {}
    for group, (low, high) in {"1-50": (0, 50.5), "151-200": (150.5, 201)}.items():
        *_, last[group] = analysis.run(ONE, Selection(population), replace(params, group=group))
        assert last[group].done == last[group].total
        if name in ("reconstruct", "attributes"):
            inside = (population["survival"] > low) & (population["survival"] < high) & population["held_out"]
            assert (last[group].moved if name == "attributes" else last[group].total) == inside.sum()
    if kind != "functional" or name not in ("embed", *WALKS):  # that one has a single encoder and decoder
        arrays = [f.name for f in fields(analysis.Frame) if isinstance(getattr(last["1-50"], f.name), np.ndarray)]
        assert any(not np.array_equal(*(getattr(f, a) for f in last.values())) for a in arrays)


@pytest.mark.parametrize("name", [n for n in generators.names() if n != "functional"])
def test_every_generator_can_be_sampled_and_looked_at(name, population, tmp_path):
    for analysis in map(find, ("sample", "embed", "attributes", "reconstruct")):
        params = replace(small_params(analysis, tmp_path, population), generator=name)
        *_, last = analysis.run(ONE, Selection(population), params)
        assert last.generator == f"{name} (small-{name}-0.safetensors)"
        Console(file=io.StringIO(), width=80).print(analysis.table(last))


@pytest.mark.parametrize("selector", ["none", "predictor", "simulator"])
@pytest.mark.parametrize("source", ["prior", "posterior"])
def test_samples_are_what_the_generator_makes(selector, source, population, tmp_path):
    analysis = find("sample")
    params = replace(small_params(analysis, tmp_path, population), selector=selector, source=source, group="151-200")
    *_, last = analysis.run(ONE, Selection(population), params)
    generator = generators.for_population(population, "functional")
    inside = (population["survival"] > 150.5) & ~population["held_out"]
    training = population.weights[inside] if source == "posterior" else None
    candidates = generator.sample(40 * (1 if selector == "none" else 4), "151-200", 0, training)
    made = {row.tobytes() for row in candidates.weights}
    assert {row.tobytes() for row in last.weights} <= made
    assert len({row.tobytes() for row in last.weights}) == 40
    first = last.rows[last.names[0]]
    assert first["candidates"] == (1 if selector == "none" else 4)
    assert first["episodes"] == (1600 if selector == "simulator" else 0)
    assert last.names[0] == ("functional" if selector == "none" else f"functional + {selector}")
    assert {"cartpolegen", *(f"cartpolegen + {s}" for s in (selector,) if s != "none")} <= set(last.names)
    assert [*last.names][-4:] == ["noise 10 %", "mean network", "training networks", "held-out networks"]
    for metric in ("behaviour_novelty", "weight_novelty", "behaviour_diversity", "weight_diversity"):
        assert last.rows["held-out networks"][metric] == 1
    # Drawn from the few held-out ones themselves; another group would be some fifty steps away.
    assert last.rows["held-out networks"]["w1"] < 12
    assert last.rows["training networks"]["behaviour_novelty"] == 0
    assert last.rows["mean network"]["n"] == 1
    assert (last.nearest >= 0).all()
    assert inside[last.nearest].all(), "the nearest are training networks of the group"


def test_what_is_conditioned_away_is_where_training_networks_are_on_average(population, tmp_path):
    analysis = find("sample")
    params = replace(small_params(analysis, tmp_path, population), selector="none")
    *_, plain = analysis.run(ONE, Selection(population), params)
    *_, last = analysis.run(ONE, Selection(population), replace(params, without="lean_x"))
    from workbench.analyses.attributes import attribute_direction
    from workbench.learning.scoring import Yardstick

    generator = generators.for_population(population, "functional")
    along = attribute_direction(generator, Yardstick(population, "all", 0, ONE), "lean_x")
    training = population["lean_x"][~population["held_out"]]
    np.testing.assert_allclose(along.predict(last.latents), training.mean(), atol=1e-4 * training.std() + 1e-6)
    across = (last.latents - plain.latents) - np.outer((last.latents - plain.latents) @ along.vector, along.vector)
    np.testing.assert_allclose(across, 0, atol=1e-5)
    assert np.array_equal(generator.decode(last.latents, "all", 0), last.weights)


@pytest.mark.parametrize("selector", ["predictor", "simulator"])
def test_dialled_policies_are_the_nearest_there_are(selector, population, tmp_path):
    analysis = find("dial")
    params = replace(small_params(analysis, tmp_path, population), target=9.5, selector=selector)
    first, last = analysis.run(ONE, Selection(population), params)
    assert first.steps.shape == (5, 0)
    assert last.steps.shape == (5, 6)
    generator = generators.for_population(population, "functional")
    candidates = generator.sample(60, "1-50", 0)
    predicted, off = generator.predictor.predict(candidates.weights)
    assert {row.tobytes() for row in last.weights} <= {row.tobytes() for row in candidates.weights}
    if selector == "predictor":
        assert last.tried == 0
        nearest = np.sort(np.abs(predicted - 9.5))[:5]
        np.testing.assert_allclose(np.abs(last.predicted[:, 0] - 9.5), nearest)
        assert set(last.predicted[:, 1].tolist()) <= set(off.tolist())
    else:
        assert last.tried == 60 * 50
        from workbench.rollouts import survival

        every = np.abs(survival(candidates.weights, population.spec, 200, seed=11).mean(1) - 9.5)
        assert np.abs(survival(last.weights, population.spec, 200, seed=11).mean(1) - 9.5).mean() <= np.median(every)
    assert last.error == pytest.approx(np.abs(last.steps.mean(1) - 9.5).mean())


def test_a_map_is_the_principal_plane_of_the_latents(population, tmp_path):
    analysis = find("embed")
    *_, last = analysis.run(ONE, Selection(population, ROWS), small_params(analysis, tmp_path, population))
    generator = generators.for_population(population, "functional")
    mean, deviation = generator.encode(population.weights[list(ROWS)])
    np.testing.assert_allclose(last.latents, mean, atol=1e-6)
    np.testing.assert_allclose(last.deviations, deviation.mean(0), rtol=1e-5)
    _, values, axes = np.linalg.svd(mean - mean.mean(0), full_matrices=False)
    np.testing.assert_allclose(last.explained, (values**2 / (values**2).sum())[:2], rtol=1e-3)
    np.testing.assert_allclose(np.abs((last.axes * axes[:2]).sum(1)), 1, atol=1e-3)
    assert (last.axes.max(1) == np.abs(last.axes).max(1)).all(), "their signs are fixed"
    where = last.project(mean)
    assert where.shape == (30, 2)
    np.testing.assert_allclose(where.mean(0), 0, atol=1e-6)
    assert np.array(analysis.summary(last)["map"]) == pytest.approx(where, abs=1e-5)


def test_a_network_that_is_not_finite_does_not_spoil_the_map(population, tmp_path):
    weights = np.array(population.weights)
    weights[4, 3] = np.nan
    analysis = find("embed")
    path = str(generators.choose(population, "functional"))
    params = replace(small_params(analysis, tmp_path, population), generator=path)
    *_, last = analysis.run(ONE, Selection(Population(population.spec, weights)), params)
    assert np.isnan(last.latents[4]).all()
    others = np.delete(last.project(last.latents), 4, 0)
    assert np.isfinite(others).all()
    page = io.StringIO()
    Console(file=page, width=80).print(analysis.table(last))
    assert "nan" not in page.getvalue().lower()
    assert None not in plain(analysis.summary(last)["posterior_sd"])


def test_copies_are_held_against_their_originals(population, tmp_path):
    analysis = find("reconstruct")
    *_, last = analysis.run(ONE, Selection(population), small_params(analysis, tmp_path, population))
    generator = generators.for_population(population, "functional")
    held = np.flatnonzero(population["held_out"])
    assert last.total == len(held) > 5
    from workbench.rollouts import survival

    originals = population.weights[held]
    copies = generator.decode(generator.encode(originals)[0])
    steps = np.stack([survival(w, population.spec, 6).mean(1) for w in (originals, copies)], 1)
    assert sorted(map(tuple, last.survival.tolist())) == sorted(map(tuple, steps.tolist()))
    distance = np.linalg.norm(originals - copies, axis=1) / np.linalg.norm(originals, axis=1)
    np.testing.assert_allclose(np.sort(last.distance), np.sort(distance), rtol=1e-5)
    assert ((last.agreement >= 0) & (last.agreement <= 1)).all()
    *_, noisy = analysis.run(
        ONE, Selection(population), replace(small_params(analysis, tmp_path, population), realistic=True)
    )
    assert not np.array_equal(noisy.distance, last.distance)


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


@pytest.mark.parametrize("cap", [0, 200, 500])
def test_two_measurements_are_compared_where_both_are_of_one_cap(population, cap):
    longer = replace(population, provenance={"import": {"measured": {"cap": 500}}})
    analysis = find("survival")
    *_, last = analysis.run(Compute("cpu", 1), Selection(longer, ROWS), analysis.Params(5, cap))
    said = analysis.summary(last)
    out = io.StringIO()
    Console(file=out, width=200).print(analysis.table(last))
    assert said["stored_cap"] == 500 and said["cap"] == (cap or 500)
    if cap == 200:
        assert all(row["retest"] is None for row in said["groups"].values())
        assert "not compared, as the stored survival is of cap 500, this of 200" in out.getvalue()
    else:
        assert said["groups"]["all"]["retest"]["mean"] >= 0
        assert "how far from the stored survival (cap 500 too)" in out.getvalue()


def test_baselines_and_single_networks_last_as_long_as_the_population(population):
    longer = replace(population, provenance={"import": {"measured": {"cap": 500}}})
    info, policy = find("info"), find("policy")
    *_, last = info.run(Compute("cpu", 1), Selection(longer), info.Params(episodes=20))
    assert info.summary(last)["baselines"]["rule"]["high"] > 200 and info.summary(last)["cap"] == 500
    assert "20 episodes of 500 steps at most" in info.table(last).caption
    *_, last = info.run(Compute("cpu", 1), Selection(longer), info.Params(episodes=20, cap=100))
    assert info.summary(last)["baselines"]["rule"]["high"] == 100
    (frame,) = policy.run(Compute("cpu", 1), Selection(longer), policy.Params(episodes=2))
    assert frame.cap == 500


def test_policy_shows_the_network_it_was_asked_for(population):
    analysis = find("policy")
    (frame,) = analysis.run(
        Compute("cpu", 1), Selection(population), analysis.Params(network=40, episodes=20, episode=3)
    )
    assert frame.mean == population["survival"][40]
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
