"""Sessions: what comes back with a population, with one that has grown, and from files that somebody broke."""

import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench import sessions
from workbench.analysis import read_fields
from workbench.policies import PolicySpec
from workbench.population import FINGERPRINT, Population, fingerprints, load
from workbench.runs import RunColumns
from workbench.tui.converging import ConvergeState
from workbench.tui.interpolating import InterpolateState
from workbench.tui.remembering import recall, remembered, rules_said
from workbench.tui.repairing import RepairState
from workbench.tui.sampling import SampleState
from workbench.tui.view import CURSOR, RUNS, Arrangement, View, runs_of

NETWORKS = 40


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "agentemb-tui" / "sessions"


@pytest.fixture
def networks(rng):
    return Population(PolicySpec((4, 2)), rng.normal(size=(NETWORKS, 10)).astype(np.float32))


def again(said):
    """As it comes back from a file."""
    return json.loads(json.dumps(said))


@given(st.sets(st.integers(0, NETWORKS - 1)))
def test_networks_are_found_again_by_their_rows(marked):
    networks = Population(PolicySpec((4, 2)), np.random.default_rng(1).normal(size=(NETWORKS, 10)).astype(np.float32))
    rows = np.array(sorted(marked), np.int64)
    said = again(sessions.rows_said(networks, rows))
    assert sum(b - a for a, b in said["rows"]) == len(rows)
    assert np.array_equal(sessions.rows_found(networks, said), rows)
    told = networks.with_columns(**{FINGERPRINT: fingerprints(networks.weights)})
    assert again(sessions.rows_said(told, rows)) == said
    # Mixed, grown, and less a network: those that are there are found wherever they lie.
    order = np.random.default_rng(2).permutation(NETWORKS)[1:]
    found = sessions.rows_found(networks.select(order), said)
    assert {int(order[row]) for row in found} == marked - {int(k) for k in set(range(NETWORKS)) - set(order.tolist())}
    if len(rows):
        more = networks.select(np.r_[np.arange(NETWORKS), 3, 4])
        assert set(rows.tolist()) <= set(sessions.rows_found(more, said).tolist())


@pytest.mark.parametrize(
    "said",
    [None, 3, {}, {"rows": [[0, 3]], "fingerprints": "00"}, {"rows": [[0, 3]], "fingerprints": "zz"},
     {"rows": [[0]], "fingerprints": ""}, {"rows": [["a", 2]], "fingerprints": ""}, {"rows": 5, "fingerprints": ""},
     {"rows": [[-2, 2]], "fingerprints": "00" * 32}, {"rows": [[10**9, 10**9 + 1]], "fingerprints": "00" * 8}],
)  # fmt: skip
def test_marks_that_somebody_broke_mark_nothing(networks, said):
    assert len(sessions.rows_found(networks, said)) == 0


def test_a_session_is_found_by_content_then_by_path(state, networks, tmp_path):
    first = networks.save(tmp_path / "a.safetensors")
    assert sessions.load(first) == {}
    kept = sessions.save(first, {"pane": "sample"})
    assert sessions.load(first)["pane"] == "sample"
    moved = load(networks.save(tmp_path / "b.safetensors").path)
    assert sessions.load(moved)["pane"] == "sample"
    (tmp_path / "a.safetensors").unlink()
    grown = networks.select(np.r_[np.arange(NETWORKS), 0]).save(tmp_path / "a.safetensors")
    assert sessions.load(grown)["pane"] == "sample"
    after = sessions.save(grown, {"pane": "repair"}, kept)
    assert after != kept
    assert list(state.iterdir()) == [after]
    assert sessions.load(networks.select(np.arange(3))) == {}


def test_files_that_cannot_be_read_count_as_absent_and_the_oldest_go(state, networks, monkeypatch):
    path = sessions.save(networks, {"pane": "sample"})
    for text in ("", "[]", "{", '{"schema": 99, "pane": "sample"}', "[" * 100_000, "\x00"):
        path.write_text(text)
        assert sessions.load(networks) == {}
    monkeypatch.setattr(sessions, "MOST", 1)
    os.utime(path, (1000, 1000))
    assert sessions.save(networks.select(np.arange(3)), {}) in state.iterdir()
    assert not path.exists()


def view_of(population):
    view = View(population)
    view.marks[[1, 2, 7]] = True
    wanted = {"expression": "survival > 60 and not marked", "group": 2, "sort": "lr", "descending": True}
    view.apply(view.arranged(**wanted), **wanted)
    view.kept[CURSOR] = 7
    SampleState.of(view).change(group="151-200", count=17, seed=3)
    ConvergeState.of(view).column = "cka"
    walk = InterpolateState.of(view)
    walk.look()
    walk.change(first=5, second=9, points=7)
    walk.alpha = 0.25
    RepairState.of(view).change(network=11, level=0.4)
    return view


def test_all_that_one_was_at_comes_back(population):
    before = view_of(population)
    said = again(remembered(before, population, "converge"))
    after = View(population)
    assert recall(after, said) == "converge"
    assert after.arrangement == before.arrangement
    assert np.array_equal(after.rows, before.rows)
    assert np.array_equal(after.marks, before.marks)
    assert after.kept[CURSOR] == 7
    for kind in (SampleState, ConvergeState, InterpolateState, RepairState):
        assert kind.of(after).params == kind.of(before).params
    assert ConvergeState.of(after).column == "cka"
    walk, repairs = InterpolateState.of(after), RepairState.of(after)
    walk.look()
    repairs.look()
    assert (walk.params.first, walk.params.second, walk.alpha) == (5, 9, 0.25)
    assert repairs.params.network == 11
    assert again(remembered(after, population, "converge")) == said


def test_what_no_longer_fits_is_left_out(population):
    said = again(remembered(view_of(population), population, "converge"))
    few = population.select(np.arange(8)[::-1].copy())
    few = Population(few.spec, few.weights, {"survival": few["survival"]})
    view = View(few)
    assert recall(view, {**said, "pane": "nothing"}) == "dataset"
    assert np.flatnonzero(view.marks).tolist() == [0, 5, 6]
    assert view.arrangement == Arrangement("survival > 60 and not marked", 2)  # there is no column `lr`
    assert view.kept[CURSOR] == 0
    assert SampleState.of(view).params.count == 17
    walk, repairs = InterpolateState.of(view), RepairState.of(view)
    assert walk.params.second != 9 and repairs.params.network < 8


def test_rules_and_columns_of_runs_are_remembered(population):
    named = population.with_columns(which=np.arange(len(population)) // 8, at=np.arange(len(population)) % 8)
    before = View(named)
    assert {"rules", "runs"}.isdisjoint(remembered(before, named, "dataset"))
    before.kept[RUNS] = RunColumns("which", "at")
    said = again(remembered(before, named, "dataset", "sampled masspole=0.2"))
    assert rules_said(said) == "sampled masspole=0.2"
    after = View(named)
    recall(after, said)
    assert runs_of(after) == RunColumns("which", "at")
    without = View(population)
    recall(without, said)
    assert RUNS not in without.kept, "its columns are not there"


@pytest.mark.parametrize(
    "said",
    [{}, {"panes": 3, "arrangement": [], "marks": 5, "cursor": "x", "pane": ["a"]},
     {"arrangement": {"expression": "((", "group": 77, "sort": "nothing", "descending": 5}},
     {"panes": {"sample": {"params": {"count": -4, "group": 9}, "shown": {"analysis": "rm"}, "ratios": 7}}},
     {"panes": {"repair": {"params": {"network": 10**6, "level": 1e300, "mask": "/nothing.npy"}, "counted": -9}}},
     {"panes": {"converge": {"params": {"matching": "x"}, "source": "samples", "column": 4, "by": None}}},
     {"panes": {"interpolate": {"params": {"points": -1, "path": ["no"]}, "alpha": "x", "which": "y"}}},
     {"rules": ["sampled"], "runs": "ab"}, {"rules": 5, "runs": [1, None]}, {"runs": ["group", "lr", "x"]}],
)  # fmt: skip
def test_a_session_that_somebody_broke_leaves_what_one_begins_with(population, said):
    view, new = View(population), View(population)
    assert recall(view, said) == "dataset" and rules_said(said) == "" and RUNS not in view.kept
    assert np.array_equal(view.rows, new.rows) and not view.marks.any()
    for kind in (SampleState, ConvergeState, InterpolateState, RepairState):
        assert kind.of(view).params == kind.of(new).params
        assert kind.of(view).asked_last is None
    assert (ConvergeState.of(view).source, RepairState.of(view).counted) == ("shown", 0)


def test_fields_are_read_one_by_one():
    given = {"expression": 5, "group": None, "sort": "lr", "descending": "yes", "more": 1}
    assert read_fields(Arrangement, given) == {"group": None, "sort": "lr"}
    assert read_fields(Arrangement, {"group": 2.0}) == {}
    assert read_fields(Arrangement, [1]) == {}
