"""Networks compared with networks: the analyses `converge` and `pair`, in a process and from the command line."""

import csv
import io
import itertools
import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from scipy.optimize import linear_sum_assignment

from workbench import comparing, service
from workbench.analyses import converge, pair
from workbench.analysis import Selection, plain
from workbench.comparing import COLUMNS, CONTROLS
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.numerics.regions import Condition, Region
from workbench.numerics.similarity import MEASURES
from workbench.numerics.similarity.grouped import mutual, summarise
from workbench.policies import PolicySpec, activations, forward, initial
from workbench.population import Population
from workbench.results import ResultCache, result_key
from workbench.rollouts.reference_set import reference_set
from workbench.service import JobState, ModelService

ONE = Compute("cpu", 1)
PLAIN = PolicySpec((4, 5, 2))
DEEP = PolicySpec((4, 7, 3, 2), "tanh")
LINEAR = PolicySpec((4, 2))
SWINGING = PolicySpec((3, 4, 1), env="Pendulum-v1")
ACROBOT = PolicySpec((6, 4, 3), env="Acrobot-v1")
SMALL = {"count": 60, "resamples": 20, "states": "box"}
QUICK = ("--count", 60, "--states", "box", "--threads", 1)


def some(spec=PLAIN, n=8, seed=0, survival=(20.0, 190.0)):
    columns = {"survival": np.resize(np.asarray(survival, float), n)} if survival else {}
    return Population(spec, initial(spec, n, seed), columns)


@pytest.fixture
def few(tmp_path):
    """A population of small networks, good and bad ones in turn."""
    return some().save(tmp_path / "few.safetensors")


@pytest.fixture
def save(tmp_path):
    return lambda population, name: population.save(tmp_path / f"{name}.safetensors")


def last_of(analysis, population, rows=None, **given):
    given = {**{k: v for k, v in SMALL.items() if k in analysis.Params.__dataclass_fields__}, **given}
    *_, last = analysis.run(ONE, Selection(population, rows), analysis.Params(**given))
    return last


def printed(analysis, frame, width=80):
    page = io.StringIO()
    Console(file=page, width=width).print(analysis.ANALYSIS.table(frame))
    return page.getvalue()


def complaint(said):
    """The one line of an input that cannot be used."""
    assert said.code == 2, said
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert "Traceback" not in line and line.startswith("agentemb-tui: ")
    return line.removeprefix("agentemb-tui: ")


# Converge.


def test_matrices_are_of_the_networks_drawn(few):
    frame = last_of(converge, few)
    states = reference_set("box", few, 60).states
    assert (frame.names, frame.rows.tolist()) == (tuple(f"#{k}" for k in range(8)), list(range(8)))
    assert frame.columns == tuple(COLUMNS)
    hidden, outputs = activations(few.weights, PLAIN, states)
    for c, name in enumerate(frame.columns):
        given = outputs if COLUMNS[name].output else hidden
        for i, j in ((0, 1), (1, 0), (5, 2), (7, 7)):
            assert frame.matrices[c, i, j] == pytest.approx(COLUMNS[name].measure(given[i], given[j]), abs=1e-6)
        both = frame.matrix(name)
        np.testing.assert_allclose(both, (frame.matrices[c] + frame.matrices[c].T) / 2)
    assert (frame.states, frame.count) == ("uniform box", 60)
    assert frame.states_hash == reference_set("box", few, 60).hash
    assert frame.described == (
        f"8 networks, 28 pairs, both directions; 60 states: uniform box ({frame.states_hash}); "
        "last hidden layer, optimal matching, |a|; seed 0"
    )


def test_the_summary_is_of_groups_and_of_controls(few):
    frame = last_of(converge, few)
    assert frame.groups == ("151-200", "1-50")
    assert frame.labels == ("151-200", "1-50", "151-200 × 1-50", *CONTROLS)
    good, bad = np.arange(1, 8, 2), np.arange(0, 8, 2)
    for label, a, b in (("151-200", good, good), ("1-50", bad, bad), ("151-200 × 1-50", good, bad)):
        for c, name in enumerate(frame.columns):
            assert frame.statistic(label, name) == summarise(mutual(frame.matrices[c]), a, b, 20, 0)
    null = comparing.controls(
        converge.compared(Selection(few), converge.Params(**SMALL)), reference_set("box", few, 60).states,
        converge.Params().how, frame.columns, ONE, 0,
    )  # fmt: skip
    for label in CONTROLS:
        matrix = null[label][frame.columns.index("output-cd")]
        assert frame.statistic(label, "output-cd").mean == pytest.approx(np.nanmean(matrix))
        n = len(matrix)
        assert frame.statistic(label, "cd").pairs == n * (n - 1) // 2
    assert frame.statistic("units at random", "cka").pairs == 0
    assert frame.contrasts.shape == (8, 2)
    assert "hidden CD" in frame.sentence and "output CD" in frame.sentence and "agree" in frame.sentence


def test_networks_that_learned_the_same_are_told_from_those_that_did_not():
    rng = np.random.default_rng(0)
    weights = initial(PLAIN, 16, 0)
    weights[:8] = weights[0] + 0.01 * rng.normal(size=(8, PLAIN.parameters))
    population = Population(PLAIN, weights, {"survival": np.repeat([190.0, 20.0], 8)})
    frame = last_of(converge, population, resamples=200)
    assert frame.statistic("151-200", "cd").mean < 0.5 * frame.statistic("1-50", "cd").mean
    assert frame.sentence.startswith("Good networks are closer by hidden CD: holds (")
    assert "within 1-50; the first smaller in 100% of resamples, p 0.005)." in frame.sentence
    assert "further apart by output CD: " in frame.sentence and "by output CD: holds" not in frame.sentence
    assert frame.contrasts[frame.columns.index("cd")].tolist() == [1.0, 1 / 201]
    clustered = frame.order("clustering", "cd")
    at = np.flatnonzero(clustered < 8)
    assert np.ptp(at) == 7, "those that are alike stand beside each other"


def test_orders(few):
    frame = last_of(converge, replace(few, columns={"survival": np.array([20, np.nan, 190, 30, 10, 200, 180, np.nan])}))
    assert frame.groups == ("151-200", "1-50", "unmeasured")
    assert frame.order("survival", "cd").tolist() == [5, 2, 6, 3, 0, 4, 1, 7]
    assert frame.order("group", "cd").tolist() == [5, 2, 6, 3, 0, 4, 1, 7]
    for name in frame.columns:
        assert sorted(frame.order("clustering", name).tolist()) == list(range(8))
    shown = converge.heat_map(frame, "agreement", "survival")
    order = frame.order("survival", "agreement")
    np.testing.assert_array_equal(shown.values, frame.matrix("agreement")[np.ix_(order, order)])
    assert list(shown.x_names) == [f"#{k}" for k in order]


def test_many_networks_are_not_clustered(few, monkeypatch):
    monkeypatch.setattr(converge, "CLUSTERED", 7)
    frame = last_of(converge, few)
    assert frame.orders.shape == (0, 8)
    np.testing.assert_array_equal(frame.order("clustering", "cd"), frame.order("survival", "cd"))
    assert ElementTree.fromstring(converge.svg(frame)) is not None


def test_progress_counts_pairs_and_matrices_fill(few, monkeypatch):
    monkeypatch.setattr(comparing, "CONTROL", 3)
    population = some(n=40)
    frames = []
    known = []
    for frame in converge.run(ONE, Selection(population), converge.Params(**SMALL)):
        frames.append(frame)
        known.append(int(np.isfinite(frame.matrices).sum()))
        assert frame.matrices is frames[0].matrices
    done = [f.done for f in frames]
    assert done == sorted(set(done))
    assert {f.total for f in frames} == {40 * 41 // 2 * 2 * (comparing.HIDDEN_COST + comparing.OUTPUT_COST) + 1}
    assert known[0] == 0 and known == sorted(known) and known[-1] == 8 * 40 * 40
    assert (frames[0].constant == -1).all() and (frames[-1].constant >= 0).all()
    assert [len(f.labels) for f in frames[:-1]] == [0] * (len(frames) - 1)


def test_what_was_compared_stays_when_it_is_cancelled(few, tmp_path):
    population = some(n=40)
    begun = []

    def stops(job):
        if job.state is JobState.RUNNING and not begun:
            begun.append(job)

    work = ModelService(ONE, ResultCache(tmp_path / "results"))
    work.watchers.append(stops)

    def slowly(compute, selection, params):
        for k, frame in enumerate(converge.run(compute, selection, params)):
            if k == 2:
                begun[0].cancel()
            yield frame

    analysis = replace(converge.ANALYSIS, run=slowly)
    job = work.submit(analysis, Selection(population), converge.Params(**SMALL))
    assert job.wait(60)
    assert job.state is JobState.CANCELLED
    frame = job.frame
    assert 0 < frame.done < frame.total
    share = np.isfinite(frame.matrices).mean()
    assert 0 < share < 1
    assert frame.labels == ()
    text = printed(converge, frame)
    assert "comparing…" in text and "nan" not in text
    assert json.dumps(plain(converge.summary(frame)), allow_nan=False)
    converge.write_matrix(ONE, Selection(population), converge.Params(**SMALL), frame, tmp_path / "part.npz")
    with np.load(tmp_path / "part.npz") as kept:
        assert np.isfinite(kept["output-cd"]).any()


def test_networks_that_are_not_finite_or_constant_are_named():
    population = some(n=14)
    weights = np.array(population.weights)
    weights[3, 2], weights[6] = np.nan, 0  # one is not finite, one gives the same everywhere
    weights[8, :4], weights[8, 20] = 0, 0.5  # a unit of it does
    frame = last_of(converge, Population(PLAIN, weights, population.columns))
    assert frame.constant.tolist() == [0, 0, 0, 5, 0, 0, 5, 0, 1, 0, 0, 0, 0, 0]
    assert frame.notes == (
        "not finite, compared with nothing: #3",
        "constant units, left out of CD: #6: 0, 1, 2, 3, 4; #8: 0",
    )
    assert np.isnan(frame.matrices[:, 3]).all() and np.isnan(frame.matrices[:, :, 3]).all()
    hidden = [c for c, name in enumerate(frame.columns) if not COLUMNS[name].output]
    assert np.isnan(frame.matrices[hidden, 6]).all()
    assert np.isfinite(np.delete(np.delete(frame.matrices, [3, 6], 1), [3, 6], 2)).all()
    text = printed(converge, frame)
    assert "nan" not in text and "#8: 0" in " ".join(text.split())
    assert "nan" not in frame.sentence
    assert "nan" not in converge.svg(frame).lower()
    assert frame.statistic("1-50", "cd").pairs == 15, "six good ones of seven"


def test_many_are_not_all_named():
    population = some(n=30)
    weights = np.array(population.weights)
    weights[:, :4] = 0
    frame = last_of(converge, Population(PLAIN, weights), measure=("cd",))
    assert frame.notes[0].endswith("#7: 0 and 22 more networks")


def test_nothing_but_broken_networks_is_said_in_words():
    population = some(n=4)
    frame = last_of(converge, Population(PLAIN, np.full_like(population.weights, np.nan), population.columns))
    assert np.isnan(frame.matrices).all()
    assert frame.sentence == "Hidden CD has no value within 151-200. Output CD has no value within 151-200."
    assert "nan" not in printed(converge, frame)
    assert sorted(frame.order("clustering", "cd").tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("survival", "groups"), [(None, ("unmeasured",)), ((20.0,), ("1-50",)), ((190, *[20.0] * 20), ("151-200", "1-50"))]
)
def test_one_group_is_held_against_nothing(survival, groups):
    frame = last_of(converge, some(n=6, survival=survival))
    assert frame.groups == groups
    assert frame.sentence == "One group of networks: nothing to hold its distances against but the controls."
    assert np.isnan(frame.contrasts).all()
    assert set(frame.labels) >= {groups[-1], *CONTROLS}
    assert "nan" not in printed(converge, frame)


def test_two_populations_of_other_widths_and_depths(few, save):
    other = save(some(DEEP, 5, 1, (10.0, 120.0)), "other")
    frame = last_of(converge, few, other=str(other.path))
    assert frame.names == (*(f"few #{k}" for k in range(8)), *(f"other #{k}" for k in range(5)))
    assert frame.groups == ("few 151-200", "few 1-50", "other 101-150", "other 1-50")
    assert frame.rows.tolist() == [*range(8), *range(5)]
    assert np.isfinite(frame.matrices).all()
    states = reference_set("box", few, 60).states
    a = activations(few.weights[2:3], PLAIN, states)[0][0]
    b = activations(other.weights[4:5], DEEP, states)[1][0]
    for name in ("cd", "cka", "procrustes", "permutation"):
        c = frame.columns.index(name)
        assert frame.matrices[c, 2, 12] == pytest.approx(MEASURES[name](a, b), abs=1e-6)
        assert frame.matrices[c, 12, 2] == pytest.approx(MEASURES[name](b, a), abs=1e-6)
    assert "within few 151-200" in frame.sentence and "within few 1-50" in frame.sentence
    text = printed(converge, frame)
    assert "nan" not in text
    assert all(word in text for word in ("few 151-200", "other 101-150", "other 1-50"))


def test_claims_are_of_one_population_if_that_has_good_and_bad_networks(few, save):
    same = save(some(n=6, seed=4, survival=(190.0,)), "same")
    good = some(n=6, survival=(195.0,))
    assert last_of(converge, good, other=str(same.path)).sentence.startswith("One group of networks")
    mixed = last_of(converge, good, other=str(few.path))
    assert "within few 151-200" in mixed.sentence and "within few 1-50" in mixed.sentence
    bad = save(some(n=6, seed=4, survival=(20.0,)), "unmeasured")
    across = last_of(converge, bad, other=str(same.path))
    assert "within same 151-200" in across.sentence and "within unmeasured 1-50" in across.sentence


def test_populations_whose_files_have_one_name(few, tmp_path):
    twin = some(n=3, seed=9, survival=(190.0, 20.0, 190.0)).save(tmp_path / "deeper" / "few.safetensors")
    frame = last_of(converge, few, other=str(twin.path))
    assert len(set(frame.names)) == 11
    assert len(set(frame.labels)) == len(frame.labels)
    assert frame.statistic("few 151-200", "cd").pairs == 6
    assert frame.statistic("few (2) 151-200", "cd").pairs == 1
    assert set(converge.summary(frame)["rows"]) == set(frame.labels)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"networks": 1}, "networks: expected 2 to 2,000, got 1"),
        ({"networks": 2001}, "networks: expected 2 to 2,000, got 2001"),
        ({"networks": 5, "seed": -1}, "seed: expected 0 or more, got -1"),
        ({"resamples": 0}, "resamples: expected 1 to 10,000, got 0"),
        ({"resamples": 10_001}, "resamples: expected 1 to 10,000, got 10001"),
        ({"count": 3}, "count: expected 4 to 1000000 states, got 3"),
        ({"states": "circle"}, "states: expected rollouts, box, upright or a file .*, got 'circle'"),
        ({"measure": ("cd", "cosine")}, "measure: expected cd, .*permutation, got 'cosine'"),
        ({"matching": "random"}, "matching: expected optimal or greedy, got 'random'"),
        ({"layer": "2"}, "layer: 4-5-2 elu has 1 hidden layer, got 2"),
        ({"layer": "none"}, "layer: expected hidden or a layer's number from 1 on, got 'none'"),
        ({"other": "no/such.safetensors"}, "no/such.safetensors: no such file"),
    ],
)
def test_parameters_that_cannot_be_are_told(given, message, few, cli):
    with pytest.raises(WorkbenchError, match=message):
        last_of(converge, few, **given)
    pairs = [(k, v) for k, values in given.items() for v in (values if isinstance(values, tuple) else (values,))]
    said = cli("converge", few.path, *itertools.chain(*((f"--{k}", v) for k, v in pairs)), "--threads", 1)
    assert re.search(message, complaint(said))


def test_one_network_has_no_other(few, cli):
    said = cli("converge", few.path, "--where", "id == 3", *QUICK)
    assert complaint(said) == "few: one network has no other to be compared with; select two"
    said = cli("converge", few.path, "--where", "survival > 500", *QUICK)
    assert complaint(said) == "few: no networks are selected"


def test_one_network_against_another_population(few, save):
    other = save(some(n=1, seed=5), "other")
    frame = last_of(converge, few, (3,), other=str(other.path))
    assert frame.names == ("few #3", "other #0")
    assert np.isfinite(frame.matrices).all()
    assert "nan" not in printed(converge, frame)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            replace(PLAIN, env="CartPole-v0"),
            "4-5-2 elu on CartPole-v0 cannot be compared with 4-5-2 elu on CartPole-v1",
        ),
        (ACROBOT, "6-4-3 elu on Acrobot-v1 cannot be compared with 4-5-2 elu on CartPole-v1"),
        (PolicySpec((4, 5, 3), action="sampled"), "4-5-3 elu on CartPole-v1 cannot be compared with 4-5-2 elu"),
    ],
)
def test_populations_that_see_or_do_something_else_are_told(spec, message, few, save, cli):
    other = save(some(spec, 3), "other")
    for name in ("converge", "pair"):
        assert message in complaint(cli(name, few.path, "--other", other.path, *QUICK))


# Files.


def test_the_command_line_writes_what_it_computed(few, tmp_path, cli):
    files = {name: tmp_path / "new" / name for name in ("m.npz", "a.npz", "p.svg")}
    said = cli("converge", few.path, *QUICK, "--resamples", 20, "--matrix", files["m.npz"], "--activations",
               files["a.npz"], "--svg", files["p.svg"], "--json")  # fmt: skip
    assert said.code == 0, said.err
    frame = last_of(converge, few)
    found = json.loads(said.out)
    assert found.pop("population")["hash"] == few.content_hash
    assert found == json.loads(json.dumps(plain(converge.summary(frame))))
    assert found["matrices"]["cd"] == frame.matrices[0].tolist()
    with np.load(files["m.npz"]) as kept:
        assert set(kept) == {*frame.columns, "names", "rows", "survival", "groups", "states", "states_hash"}
        for c, name in enumerate(frame.columns):
            np.testing.assert_array_equal(kept[name], frame.matrices[c])
        assert kept["names"].tolist() == list(frame.names)
        assert kept["groups"].tolist() == ["1-50", "151-200"] * 4
        assert (str(kept["states"]), str(kept["states_hash"])) == ("uniform box", frame.states_hash)
        np.testing.assert_array_equal(kept["survival"], frame.survival)
        np.testing.assert_array_equal(kept["rows"], frame.rows)
    with np.load(files["a.npz"]) as kept:
        hidden, outputs = activations(few.weights, PLAIN, kept["states"])
        assert set(kept) == {"states", "names", *(f"{w}_{k:04d}" for w in ("hidden", "output") for k in range(8))}
        assert np.array_equal(kept["states"], reference_set("box", few, 60).states)
        for k in range(8):
            np.testing.assert_allclose(kept[f"hidden_{k:04d}"], hidden[k], atol=1e-6)
            np.testing.assert_allclose(kept[f"output_{k:04d}"], outputs[k], atol=1e-6)
    root = ElementTree.parse(files["p.svg"]).getroot()
    words = " ".join(root.itertext())
    assert "8 networks on 60 states: uniform box" in words
    assert "convergence distance, hidden units, by clustering" in words
    assert all(f"{COLUMNS[name].title}, by group" in words for name in frame.columns)


def test_a_table_of_pairs(few, save, tmp_path, cli):
    other = save(some(LINEAR, 3, survival=None), "other, linear")
    path = tmp_path / "m.csv"
    said = cli("converge", few.path, "--other", other.path, *QUICK, "--matrix", path)
    assert said.code == 0, said.err
    with open(path, newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    frame = last_of(converge, few, other=str(other.path))
    assert frame.columns == ("output-cd", "agreement", "jsd")
    assert len(lines) == 11 * 11
    for line, (i, j) in zip(lines, itertools.product(range(11), repeat=2), strict=True):
        assert (line.pop("from"), line.pop("to")) == (frame.names[i], frame.names[j])
        assert {k: float(v) for k, v in line.items()} == dict(
            zip(frame.columns, frame.matrices[:, i, j].tolist(), strict=True)
        )
    assert frame.names[-1] == "other, linear #2"


def test_activations_are_of_the_networks_drawn_and_the_layer_asked_for(save, tmp_path, cli):
    deep = save(some(DEEP, 9), "deep")
    path = tmp_path / "a.npz"
    said = cli("converge", deep.path, *QUICK, "--networks", 4, "--layer", "1", "--seed", 3, "--activations", path)
    assert said.code == 0, said.err
    frame = last_of(converge, deep, networks=4, layer="1", seed=3)
    with np.load(path) as kept:
        assert kept["names"].tolist() == list(frame.names)
        hidden = activations(deep.weights[frame.rows], DEEP, kept["states"])[0]
        for k in range(4):
            np.testing.assert_allclose(kept[f"hidden_{k:04d}"], hidden[k], atol=1e-6)
        assert kept["hidden_0000"].shape == (60, 7)


@pytest.mark.parametrize(
    ("option", "name", "message"),
    [
        ("--matrix", "m.txt", "matrix: expected a file ending in .npz or .csv, got "),
        ("--matrix", "m", "matrix: expected a file ending in .npz or .csv, got "),
        ("--activations", "a.csv", "activations: expected a file ending in .npz, got "),
        ("--matrix", "there.csv", "there.csv: already there; give another name or remove it"),
        ("--matrix", "there.npz", "there.npz: already there; give another name or remove it"),
        ("--activations", "there.npz", "there.npz: already there; give another name or remove it"),
        ("--svg", "there.csv", "there.csv: already there; give another name or remove it"),
        ("--matrix", "n" * 300 + ".csv", "File name too long"),
        ("--activations", "there.csv/a.npz", "cannot write there"),
    ],
)
def test_files_that_cannot_be_written_are_told(option, name, message, few, tmp_path, cli):
    for there in ("there.csv", "there.npz"):
        (tmp_path / there).write_text("mine")
    said = cli("converge", few.path, *QUICK, option, tmp_path / name)
    assert message in complaint(said)
    assert {p.name: p.read_text() for p in tmp_path.glob("there*")} == {"there.csv": "mine", "there.npz": "mine"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["few.safetensors", "there.csv", "there.npz"]


def test_results_are_of_the_files_they_were_read_from(few, tmp_path, rng, cli, monkeypatch):
    path = tmp_path / "mine.npy"
    np.save(path, rng.normal(size=(20, 4)))

    def keys():
        params = [a.Params(states=str(path)) for a in (converge, pair)]
        return [result_key(a.ANALYSIS, Selection(few), p, "cpu") for a, p in zip((converge, pair), params, strict=True)]

    before = keys()
    assert keys() == before and before[0] != before[1]
    np.save(path, rng.normal(size=(20, 4)))
    assert not set(keys()) & set(before)
    monkeypatch.setattr(service, "WORTH_KEEPING", -1.0)
    arguments = ("--states", path, "--resamples", 20, "--threads", 1, "--json")
    first = cli("converge", few.path, *arguments)
    assert first.code == 0, first.err
    assert cli("converge", few.path, *arguments).out == first.out
    np.save(path, rng.normal(size=(20, 4)))
    other = json.loads(cli("converge", few.path, *arguments).out)
    assert other["states"]["hash"] != json.loads(first.out)["states"]["hash"]
    other = some(n=3, seed=1).save(tmp_path / "other.safetensors")
    with_other = converge.Params(other=str(other.path), states=str(few.path))
    assert converge.reads(Selection(few), with_other) == (few.path, other.path)
    assert pair.reads(Selection(few), pair.Params(other=str(other.path))) == (other.path,)
    before = result_key(converge.ANALYSIS, Selection(few), with_other, "cpu")
    some(n=3, seed=2).save(tmp_path / "other.safetensors")
    assert result_key(converge.ANALYSIS, Selection(few), with_other, "cpu") != before


@pytest.mark.parametrize("name", ["converge", "pair"])
@pytest.mark.parametrize(
    ("states", "message"),
    [
        ("no/such.npy", "no/such.npy: no such file"),
        ("no/such.csv", "no/such.csv: no such file"),
        ("no/such.safetensors", "no/such.safetensors: no such file"),
        ("circle", "states: expected rollouts, box, upright or a file (.npy, .csv, .safetensors), got 'circle'"),
        ("notes.txt", "states: expected rollouts, box, upright or a file (.npy, .csv, .safetensors), got 'notes.txt'"),
        (".", "states: expected rollouts, box, upright or a file (.npy, .csv, .safetensors), got '.'"),
    ],
)
def test_states_that_are_not_there_are_told(name, states, message, few, cli):
    assert complaint(cli(name, few.path, "--states", states, "--threads", 1)) == message


# Other policies.


@pytest.mark.parametrize("name", ["converge", "pair"])
def test_networks_without_a_hidden_layer(name, save, cli, tmp_path):
    linear = save(some(LINEAR, 4), "linear")
    said = cli(name, linear.path, *QUICK, "--svg", tmp_path / "p.svg", "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    columns = found["matrices"] if name == "converge" else found["measures"]
    assert list(columns) == ["output-cd", "agreement", "jsd"]
    assert ElementTree.parse(tmp_path / "p.svg")
    text = cli(name, linear.path, *QUICK)
    assert text.code == 0 and "nan" not in text.out
    assert complaint(cli(name, linear.path, *QUICK, "--layer", "1")) == "layer: 4-2 has 0 hidden layers, got 1"
    if name == "converge":
        asked = cli(name, linear.path, *QUICK, "--measure", "cd")
        assert complaint(asked) == "measure: cd cannot be had: 4-2 has no hidden layer"
        kept = tmp_path / "a.npz"
        assert cli(name, linear.path, *QUICK, "--activations", kept).code == 0
        with np.load(kept) as arrays:
            assert not [key for key in arrays if key.startswith("hidden")]
            assert arrays["output_0003"].shape == (60, 2)


@pytest.mark.parametrize("name", ["converge", "pair"])
def test_actions_that_are_not_discrete(name, save, cli):
    swinging = save(some(SWINGING, 4, survival=None), "swinging")
    said = cli(name, swinging.path, *QUICK, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    columns = found["matrices"] if name == "converge" else found["measures"]
    assert list(columns) == ["cd", "output-cd", "cka", "debiased-cka", "procrustes", "permutation"]
    assert cli(name, swinging.path, *QUICK).code == 0
    if name == "pair":
        assert found["where"] == "their actions are not discrete"
    else:
        asked = cli(name, swinging.path, *QUICK, "--measure", "jsd")
        assert complaint(asked) == "measure: jsd cannot be had: the actions of Pendulum-v1 are not discrete"
    assert "upright is defined for Cart-Pole, not for Pendulum-v1" in complaint(
        cli(name, swinging.path, "--states", "upright", "--threads", 1)
    )


@pytest.mark.parametrize("name", ["converge", pytest.param("pair", marks=pytest.mark.slow)])
def test_another_environment(name, save, cli):
    acrobats = save(some(ACROBOT, 3, survival=None), "acrobats")
    said = cli(name, acrobats.path, "--count", 20, "--threads", 1, "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)["states"]["from"] == "rollouts of acrobats"
    assert cli(name, acrobats.path, "--count", 20, "--threads", 1).code == 0


HOSTILE = "a\x1b[31m\x1b]0;title\x07b\x9b2J[red]:smile:\u202e"


@pytest.mark.parametrize("name", ["converge", "pair"])
def test_names_of_files_move_no_cursor(name, few, save, rng, tmp_path, cli):
    other = save(some(n=4, seed=1), HOSTILE)
    states = tmp_path / f"{HOSTILE}.npy"
    np.save(states, rng.normal(size=(20, 4)))
    svg = tmp_path / "p.svg"
    said = cli(name, few.path, "--other", other.path, "--states", states, "--svg", svg, "--threads", 1)
    assert said.code == 0, said.err
    assert not {c for c in said.out + said.err if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")}
    assert "[red]:smile:" in said.out
    assert ElementTree.parse(svg)
    # The words that it comes to name populations too.
    turned = cli(name, other.path, "--other", few.path, *QUICK)
    assert turned.code == 0, turned.err
    assert not {c for c in turned.out + turned.err if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)}


# Pair.


def test_a_pair_is_its_measures_both_ways(few):
    frame = last_of(pair, few, first=5, second=2)
    states = reference_set("box", few, 60).states
    hidden, outputs = activations(few.weights[[5, 2]], PLAIN, states)
    for name in COLUMNS:
        a, b = outputs if COLUMNS[name].output else hidden
        measure = COLUMNS[name].measure
        assert frame.value(name) == pytest.approx((measure(a, b), measure(b, a)), abs=1e-6)
    rho = np.corrcoef(np.abs(hidden[0]).T, np.abs(hidden[1]).T)[:5, 5:]
    np.testing.assert_allclose(frame.hidden, rho, atol=1e-6)
    assert frame.hidden_partners.tolist() == linear_sum_assignment(rho, maximize=True)[1].tolist()
    np.testing.assert_allclose(frame.output, np.corrcoef(np.abs(outputs[0]).T, np.abs(outputs[1]).T)[:2, 2:], atol=1e-6)
    paired = frame.hidden[frame.rows, frame.order]
    assert (np.diff(paired) <= 0).all(), "the closest first"
    assert (frame.names, frame.survival) == (("#5", "#2"), (190.0, 20.0))
    converged = last_of(converge, few, (5, 2))
    for name in COLUMNS:
        c = converged.columns.index(name)
        assert frame.value(name) == pytest.approx((converged.matrices[c, 0, 1], converged.matrices[c, 1, 0]), abs=1e-6)


@pytest.mark.parametrize(("signed", "matching"), [(True, "optimal"), (False, "greedy")])
def test_options_of_a_pair_are_those_of_all_pairs(signed, matching, few):
    frame = last_of(pair, few, first=5, second=2, signed=signed, matching=matching)
    plain = last_of(pair, few, first=5, second=2)
    converged = last_of(converge, few, (5, 2), signed=signed, matching=matching)
    assert frame.value("cd") == pytest.approx((converged.matrices[0, 0, 1], converged.matrices[0, 1, 0]))
    assert frame.value("cd") != plain.value("cd")
    assert ("signed" in pair.described(frame)) == signed and matching in pair.described(frame)


def test_a_pair_of_one_network(few):
    frame = last_of(pair, few, first=3, second=3)
    assert frame.value("cd") == pytest.approx((0, 0), abs=1e-9)
    assert frame.value("agreement") == (1, 1)
    assert frame.where == "they act differently in 0% of states"
    assert frame.hidden_partners.tolist() == [0, 1, 2, 3, 4]
    assert np.nanmax(frame.differ) == 0


def test_where_two_differ_is_counted(few):
    frame = last_of(pair, few, first=0, second=1, count=3000)
    states = reference_set("box", few, 3000).states
    actions = forward(few.weights[:2], PLAIN, states).argmax(2)
    differ = actions[0] != actions[1]
    assert 0.02 < differ.mean() < 0.98
    assert frame.where.startswith(f"they act differently in {differ.mean():.0%} of states: in ")
    assert 1 - frame.value("agreement")[0] == pytest.approx(differ.mean())
    assert frame.plane == ("θ", "θ̇")
    low, high = frame.x_edges[5:7], frame.y_edges[8:10]
    here = (states[:, 2] >= low[0]) & (states[:, 2] < low[1]) & (states[:, 3] >= high[0]) & (states[:, 3] < high[1])
    assert here.any()
    assert frame.differ[8, 5] == pytest.approx(differ[here].mean())


def test_networks_that_differ_beyond_an_angle_are_told_where():
    weights = np.zeros((2, LINEAR.parameters), np.float32)
    weights[0, 6] = 1  # pushes right where the pole leans to the right
    weights[1, 6], weights[1, 9] = 1, -0.1  # and this one where it leans by more than 0.1
    frame = last_of(pair, Population(LINEAR, weights), count=4000)
    share = 0.1 / (2 * 12 * np.pi / 180)
    assert frame.where.startswith(f"they act differently in {round(100 * share)}% of states: in 9")
    low, high = re.search("those with (.*)° < θ ≤ (.*)° ", frame.where).groups()
    assert (float(low), float(high)) == pytest.approx((0, np.degrees(0.1)), abs=0.7)
    # The map of where is in the same units: both sides in degrees.
    drawn = pair.heat_maps(frame)[-1]
    assert (drawn.x_label, drawn.y_label) == ("θ (°)", "θ̇ (°/s)")
    assert drawn.x_range == pytest.approx(np.degrees(frame.x_edges[[0, -1]]))
    assert drawn.y_range == pytest.approx(np.degrees(frame.y_edges[[0, -1]]))


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ((Condition(2, True, np.radians(4)),), "θ > 4.0°"),
        ((Condition(3, False, np.radians(-17.26)),), "θ̇ ≤ -17.3°/s"),
        ((Condition(0, False, 0.5), Condition(1, True, -0.25)), "x ≤ 0.50 and ẋ > -0.25"),
        ((Condition(1, False, 0.0), Condition(1, True, -0.38)), "-0.38 < ẋ ≤ 0.00"),
    ],
)
def test_regions_in_words(conditions, words):
    told = pair.in_words(Region(conditions, 0.3, 0.81, 0.02), 0.42, PLAIN)
    assert (
        told == f"they act differently in 42% of states: in 81% of those with {words} (30% of all), in 2% of the others"
    )
    assert pair.in_words(None, 1.0, PLAIN) == "they act differently in 100% of states"
    elsewhere = pair.in_words(Region((Condition(3, True, 1.0),), 0.5, 1, 0), 0.5, ACROBOT)
    assert "with s3 > 1.00 (" in elsewhere


def test_a_pair_of_two_populations(few, save):
    other = save(some(DEEP, 3, 1, None), "other")
    frame = last_of(pair, few, first=6, second=1, other=str(other.path))
    assert frame.names == ("#6", "other #1")
    assert frame.survival == (20.0, None)
    assert frame.hidden.shape == (5, 3)
    assert sorted(frame.hidden_partners.tolist()) == [-1, -1, 0, 1, 2]
    assert (frame.hidden_partners[frame.rows[:3]] == frame.order).all()
    assert sorted(frame.rows.tolist()) == [0, 1, 2, 3, 4]
    shown = pair.heat_maps(frame)
    assert sorted(shown[0].marked) == [(0, 0), (1, 1), (2, 2)]
    assert "survival 20.0, - steps" in " ".join(printed(pair, frame).split())


@pytest.mark.parametrize("broken", [(0,), (1,), (0, 1)])
def test_a_network_that_is_not_finite_is_named(broken):
    population = some(n=2)
    weights = np.array(population.weights)
    weights[list(broken), 3] = np.nan
    frame = last_of(pair, Population(PLAIN, weights))
    assert frame.where == f"not finite, compared with nothing: {', '.join(f'#{k}' for k in broken)}"
    assert np.isnan(frame.values).all() and np.isnan(frame.differ).all()
    assert frame.hidden_partners.tolist() == [-1] * 5
    assert frame.constant == ((), ())
    for text in (printed(pair, frame), pair.svg(frame)):
        assert "nan" not in text.lower()
    assert "CD -" in printed(pair, frame)


def test_constant_units_of_a_pair_are_named(few):
    weights = np.array(few.weights[:2])
    weights[1, :8] = 0
    frame = last_of(pair, Population(PLAIN, weights))
    assert frame.constant == ((), (0, 1))
    assert "constant units of #1, left out of CD: 0, 1" in printed(pair, frame)
    assert set(frame.hidden_partners.tolist()) == {-1, 2, 3, 4}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"first": 8}, "first: few has networks 0 to 7, got 8"),
        ({"first": -1}, "first: few has networks 0 to 7, got -1"),
        ({"second": 8}, "second: few has networks 0 to 7, got 8"),
        ({"other": "{other}", "second": 3}, "second: other has networks 0 to 2, got 3"),
        ({"matching": "none"}, "matching: expected optimal or greedy, got 'none'"),
        ({"layer": "4"}, "layer: 4-5-2 elu has 1 hidden layer, got 4"),
        ({"count": 2}, "count: expected 4 to 1000000 states, got 2"),
        ({"seed": -2}, "seed: expected 0 or more, got -2"),
    ],
)
def test_pairs_that_cannot_be_are_told(given, message, few, save, cli):
    other = save(some(n=3, seed=1), "other").path
    given = {k: v.format(other=other) if isinstance(v, str) else v for k, v in given.items()}
    said = cli("pair", few.path, "--states", "box", *itertools.chain(*((f"--{k}", v) for k, v in given.items())),
               "--threads", 1)  # fmt: skip
    assert complaint(said) == message


def test_a_pair_from_the_command_line(few, tmp_path, cli):
    svg = tmp_path / "p.svg"
    said = cli("pair", few.path, "--first", 2, "--second", 7, *QUICK, "--svg", svg, "--json")
    assert said.code == 0, said.err
    found = json.loads(said.out)
    frame = last_of(pair, few, first=2, second=7)
    found.pop("population")
    assert found == json.loads(json.dumps(plain(pair.summary(frame))))
    words = " ".join(ElementTree.parse(svg).getroot().itertext())
    assert "#2 and #7" in words and "where they act differently" in words
    said = cli("pair", few.path, "--first", 2, "--second", 7, *QUICK)
    rows = [line.split("│") for line in said.out.splitlines() if line.count("│") == 5]
    told = {row[1].strip(): tuple(cell.strip() for cell in row[2:4]) for row in rows if row[2].strip()}
    for start, name in (
        ("linear CKA", "cka"),
        ("action agreement", "agreement"),
        ("convergence distance, hidden", "cd"),
    ):
        (numbers,) = (cells for words, cells in told.items() if words.startswith(start))
        assert numbers == tuple(f"{value:.3f}" for value in frame.value(name))
    assert f"hidden units: CD {np.mean(frame.value('cd')):.2f}" in said.out
    # What is selected decides nothing here.
    assert cli("pair", few.path, "--where", "survival > 500", *QUICK, "--json").code == 0


def test_real_networks_of_like_skill(population):
    frame = last_of(converge, population, states="rollouts", count=300, networks=24)
    assert len(frame.names) == 24
    assert np.isfinite(frame.matrices).all()
    assert frame.statistic("states shuffled", "cka").mean < frame.statistic(frame.groups[0], "cka").mean
    assert frame.statistic("units at random", "cd").mean > frame.statistic(frame.groups[0], "cd").mean
    assert frame.statistic("units at random", "output-cd").mean > frame.statistic(frame.groups[0], "output-cd").mean
