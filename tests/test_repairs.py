"""Many repairs: shares, intervals, and that a trial does not depend on which others there are."""

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from scipy import stats
from trainings import ONE

from workbench import repairing
from workbench.analyses import repair, repairs
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.population import Population, load

FEW = {"samples": 12, "keep": 4, "episodes": 6, "method": ("algorithm1-missing", "generator")}
PARAMS = repairs.Params(3, ("0.3", "1", "0.1"), seed=5, **FEW)


@pytest.fixture(autouse=True)
def _generators(trained):
    """All repairs find trained generators."""


@pytest.fixture(scope="module")
def campaign(population_path, generators_home):
    """All frames of a small campaign."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(generators_home))
        return list(repairs.run(ONE, Selection(load(population_path)), PARAMS))


def shown(frame):
    page = io.StringIO()
    Console(file=page, width=80).print(repairs.table(frame))
    return page.getvalue()


def last(population, params, rows=None):
    *_, frame = repairs.run(ONE, Selection(population, rows), params)
    return frame


def test_trials_come_one_by_one(campaign, population):
    assert [(f.done, f.total) for f in campaign] == [(k, 9) for k in range(10)]
    for k, frame in enumerate(campaign):
        assert (~np.isnan(frame.off[:, :, :, 0])).sum() == k * len(frame.names)
    final = campaign[-1]
    assert final.levels == (0.3, 1.0, 0.1)
    assert population["held_out"][final.networks].all() and len(set(final.networks.tolist())) == 3
    assert final.names[:4] == (
        "algorithm1-missing", "algorithm1-missing, candidate", "generator", "undamaged"
    )  # fmt: skip
    assert (final.off[final.names.index("undamaged"), :, :, 0] == 0).all()


def test_shares_are_counted_and_have_wilsons_intervals(campaign):
    final = campaign[-1]
    said = repairs.summary(final)
    for r, name in enumerate(final.names):
        for k, level in enumerate(("0.3", "1", "0.1")):
            figures = said["rows"][name]["levels"][level]
            assert figures["n"] == 3
            one = [final.off[r, k, n, 0] < 5 for n in range(3)]
            most = [
                any(final.off[r, k, n, c] < 5 and final.actions[r, k, n, c] >= 0.95 for c in range(4)) for n in range(3)
            ]
            for which, success, won in (("one", "survival", sum(one)), ("any", "joint", sum(most))):
                expected = stats.binomtest(won, 3).proportion_ci(method="wilson")
                found = figures[which][success]
                assert list(found.values()) == pytest.approx([won / 3, expected.low, expected.high], abs=1e-12)
            assert figures["any"]["survival"]["share"] >= figures["one"]["survival"]["share"]
            assert figures["off"] == pytest.approx(final.off[r, k, :, 0].mean())
    assert said["rows"]["equal survival"]["levels"]["1"]["memorised"] == 1
    assert said["rows"]["undamaged"]["levels"]["1"]["one"]["joint own"]["share"] == 1
    assert said["rows"]["generator"]["levels"]["1"]["samples"] == 12


def test_a_trial_stands_alone(campaign, population):
    final = campaign[-1]
    alone = last(population, replace(PARAMS, levels=(".3",), method=("generator",)))
    r, s = final.names.index("generator"), alone.names.index("generator")
    assert np.array_equal(final.networks, alone.networks)
    for name in ("off", "actions", "own"):
        ours, theirs = getattr(final, name), getattr(alone, name)
        assert np.array_equal(ours[r, 0], theirs[s, 0])
    other = last(population, replace(PARAMS, levels=(".3",), method=("generator",), seed=6))
    assert not np.array_equal(other.off[s], alone.off[s])


def test_a_trial_is_the_repair_of_that_network(campaign, population):
    final = campaign[-1]
    n, level = 1, 1.0
    row = int(final.networks[n])
    weights = np.array(population.weights[row])
    states, pool = repairing.reference_states(population, 5), repairing.shown_states(population, 5)
    from workbench import generators
    from workbench import repairs as methods
    from workbench.learning.repair import Source
    from workbench.rollouts.episodes import Episodes

    source = Source.of(population, generators.for_population(population, "functional"), ONE)
    assert not (source.weights[:, None] == population.weights[final.networks]).all(2).any(), "never learned from"
    original = repairing.Original.of(weights, population.spec, Episodes(6, seed=5), states, 5.0, ONE)
    seed = int(np.random.default_rng([5, 22, row, round(level * 1e6)]).integers(2**62))
    damaged = repairing.damage_network(weights, population.spec, "missing", level, seed)
    case = repairing.case_of(original, damaged, repairing.trial_episodes(original.fresh), pool, 100, 12, 4, seed)
    method = methods.find("generator")
    verdicts = original.judge(method.repair(case.told(method), source).weights, damaged.mask)
    r = final.names.index("generator")
    assert np.array_equal(final.off[r, 1, n], verdicts.off)
    assert np.array_equal(final.own[r, 1, n], verdicts.own)


def test_a_selection_is_of_its_held_out_networks(population):
    rows = (*np.flatnonzero(population["held_out"])[:2].tolist(), 0, 1, 2)
    frame = last(population, replace(PARAMS, levels=("1",), method=("algorithm1-whole",)), rows)
    assert set(frame.networks.tolist()) <= set(rows) & set(np.flatnonzero(population["held_out"]).tolist())
    assert "selected held-out networks" in " ".join(shown(frame).split())
    training = tuple(np.flatnonzero(~population["held_out"])[:4].tolist())
    with pytest.raises(WorkbenchError, match="small: no held-out networks with finite weights are selected"):
        last(population, PARAMS, training)
    held = np.flatnonzero(population["held_out"])
    spoilt = np.array(population.weights)
    spoilt[held[1:], 0] = np.nan
    bad = Population(population.spec, spoilt, {n: population[n] for n in ("held_out", "survival")})
    drawn, _ = repairs.held_out_networks(Selection(bad), 9, 0)
    assert drawn.tolist() == [held[0]]


@pytest.mark.parametrize("kind", ["units", "corrupted", "noise"])
def test_other_damage(kind, population):
    frame = last(population, repairs.Params(1, (".4",), kind=kind, **{**FEW, "method": ()}))
    knows = dict(zip(frame.names, frame.knows, strict=True))
    assert ("random candidates" in knows) == (kind == "units")
    told = [name for name, known in knows.items() if "positions" in known]
    assert bool(told) == (kind == "units")
    assert f"{kind}, level 0.4: 1 network" in shown(frame) and "1 networks" not in shown(frame)


def test_the_table_fits_and_says_what_is_what(campaign):
    assert "joint" not in shown(campaign[0]).split("per cent of networks")[0], "there is nothing yet"
    assert "level 1: " not in shown(campaign[1])
    text = shown(campaign[-1])
    assert max(map(len, text.splitlines())) <= 80
    words = " ".join(text.split())
    assert "missing, level 0.1: 3 networks" in words and "9 of 9 trials, 3 held-out networks" in words
    assert "generator knows positions, survival" in words and "equal survival knows survival" in words
    page = " ".join(ElementTree.fromstring(repairs.svg(campaign[-1])).itertext())
    assert "first candidate" in page and "any of 4" in page and "undamaged" not in page
    assert ElementTree.fromstring(repairs.svg(campaign[1])) is not None


def test_both_analyses_ask_for_the_same():
    shared = {f: getattr(repair.Params(), f) for f in repair.Params.__dataclass_fields__ if f in PARAMS.__dict__}
    assert {"epsilon": 5.0, "samples": 200, "keep": 10, "actions": 100}.items() <= shared.items()
    assert all(getattr(repairs.Params(), name) == value for name, value in shared.items())
