"""Which networks are compared, by which measures, and what controls are."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp
from torch import nn

from workbench import comparing
from workbench.analysis import Selection
from workbench.comparing import COLUMNS, CONTROL, CONTROLS, OUTPUT, Compared, How, controls, draw, has_discrete_actions
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.groups import CARTPOLE
from workbench.numerics.similarity import MEASURES
from workbench.numerics.similarity.convergence import converge, standardise
from workbench.numerics.similarity.family import products
from workbench.policies import PolicySpec, activations, initial
from workbench.population import Population

ONE = Compute("cpu", 1)
PLAIN = PolicySpec((4, 5, 2))
LINEAR = PolicySpec((4, 2))
DEEP = PolicySpec((4, 7, 3, 2), "tanh")
SWINGING = PolicySpec((3, 4, 1), env="Pendulum-v1")
ACROBOT = PolicySpec((6, 4, 3), env="Acrobot-v1")
ALL = tuple(COLUMNS)
OUTPUTS = ("output-cd", "agreement", "jsd")


def some(spec=PLAIN, n=6, seed=0, survival=None, path=None):
    columns = {} if survival is None else {"survival": np.asarray(survival, float)}
    return Population(spec, initial(spec, n, seed), columns, path=path)


@pytest.fixture
def states(rng):
    return rng.normal(size=(50, 4)).astype(np.float32)


# Measures and layers.


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (
            How(("cd", "cosine")),
            "measure: expected cd, output-cd, agreement, jsd, cka, debiased-cka, procrustes, permutation, got 'cosine'",
        ),
        (How(matching="random"), "matching: expected optimal or greedy, got 'random'"),
        (How(layer="last"), "layer: expected hidden or a layer's number from 1 on, got 'last'"),
        (How(layer="0"), "layer: expected hidden or a layer's number from 1 on, got '0'"),
        (How(layer="-1"), "got '-1'"),
        (How(layer="²"), "got '²'"),
        (How(layer=""), "got ''"),
        (How(layer="9" * 5000), "got '999"),
    ],
)
def test_choices_that_cannot_be_are_told(how, message):
    with pytest.raises(WorkbenchError, match=message):
        how.check()


def test_choices_that_can_be():
    for how in (How(), How(ALL, "12", "greedy", True), *(How((name,)) for name in COLUMNS)):
        how.check()


def test_the_hidden_layer_is_the_last_or_one_by_its_number():
    assert [How().hidden(spec) for spec in (LINEAR, PLAIN, DEEP)] == [None, 0, 1]
    assert [How(layer=k).hidden(DEEP) for k in "12"] == [0, 1]
    for spec, layer, has in ((DEEP, "3", "2 hidden layers"), (PLAIN, "2", "1 hidden layer"), (LINEAR, "1", "0 hidden")):
        with pytest.raises(WorkbenchError, match=f"layer: {spec.label} has {has}.*, got {layer}$"):
            How(layer=layer).hidden(spec)


@pytest.mark.parametrize(
    ("specs", "without"),
    [
        ([PLAIN], ()),
        ([DEEP, PLAIN], ()),
        ([LINEAR], tuple(set(ALL) - set(OUTPUTS))),
        ([PLAIN, LINEAR], tuple(set(ALL) - set(OUTPUTS))),
        ([SWINGING], ("agreement", "jsd")),
        ([ACROBOT], ()),
        ([replace(PLAIN, action="sampled")], ()),
    ],
)
def test_columns_are_those_that_can_be_had(specs, without):
    assert How().columns(specs) == tuple(name for name in ALL if name not in without)
    for name in ALL:
        if name not in without:
            assert How((name,)).columns(specs) == (name,)
    assert How(("output-cd", "output-cd")).columns(specs) == ("output-cd",)


@pytest.mark.parametrize(
    ("spec", "name", "why"),
    [
        (LINEAR, "cd", "4-2 has no hidden layer"),
        (LINEAR, "permutation", "4-2 has no hidden layer"),
        (SWINGING, "agreement", "the actions of Pendulum-v1 are not discrete"),
        (SWINGING, "jsd", "the actions of Pendulum-v1 are not discrete"),
    ],
)
def test_columns_that_cannot_be_had_are_told(spec, name, why):
    with pytest.raises(WorkbenchError, match=f"^measure: {name} cannot be had: {why}$"):
        How(("output-cd", name)).columns([spec])


def test_columns_come_in_one_order():
    assert How(("jsd", "cd", "cka")).columns([PLAIN]) == ("cd", "jsd", "cka")


def test_every_column_is_a_measure_of_a_layer():
    assert {c.measure.name for c in COLUMNS.values()} == set(MEASURES)
    assert [n for n, c in COLUMNS.items() if c.output] == list(OUTPUTS)
    assert COLUMNS["output-cd"].title == "convergence distance, outputs"
    assert COLUMNS["cka"].title == "linear CKA, hidden units"


def test_actions_that_are_discrete():
    assert has_discrete_actions(PLAIN) and has_discrete_actions(ACROBOT)
    assert not has_discrete_actions(SWINGING)
    with pytest.raises(WorkbenchError, match="environment 'Nowhere-v0'"):
        has_discrete_actions(replace(ACROBOT, env="Nowhere-v0"))


# Networks.


def test_small_selections_are_taken_whole_and_in_their_order():
    population = some(survival=[10, 60, 120, 190, 20, np.nan])
    assert draw(Selection(population), 6, 0).tolist() == list(range(6))
    assert draw(Selection(population, (4, 1)), 2, 0).tolist() == [4, 1]
    with pytest.raises(WorkbenchError, match="population: no networks are selected"):
        draw(Selection(population, ()), 5, 0)


def test_survival_groups_are_drawn_evenly():
    survival = np.concatenate([np.full(60, 20.0), np.full(3, 70), np.full(40, 190), [np.nan] * 7])
    population = some(n=110, survival=survival)
    rows = draw(Selection(population), 30, 0)
    assert len(rows) == len(set(rows.tolist())) == 30
    assert (np.diff(rows) > 0).all()
    counts = dict(zip(*np.unique(CARTPOLE.assign(survival[rows]), return_counts=True), strict=True))
    assert counts == {-1: 7, 0: 10, 1: 3, 3: 10}, "small groups whole, the others alike"
    assert np.array_equal(draw(Selection(population), 30, 0), rows)
    assert not np.array_equal(draw(Selection(population), 30, 1), rows)
    some_rows = tuple(range(100, 40, -1))
    assert set(draw(Selection(population, some_rows), 30, 0).tolist()) <= set(some_rows)


def test_without_survival_any_are_drawn():
    rows = draw(Selection(some(n=100)), 20, 0)
    assert len(set(rows.tolist())) == 20
    assert rows.max() > 60 and rows.min() < 40


def test_groups_are_named_from_the_best():
    survival = [10, 190, np.nan, 60, 200, 30]
    one = Compared((some(survival=survival),), (np.arange(6),))
    names, member = one.groups()
    assert names == ("151-200", "51-100", "1-50", "unmeasured")
    assert member.tolist() == [2, 0, 3, 1, 0, 2]
    assert one.names == ("#0", "#1", "#2", "#3", "#4", "#5")
    np.testing.assert_array_equal(one.survival, survival)
    bare = Compared((some(),), (np.array([3, 1]),))
    assert bare.groups()[0] == ("unmeasured",)
    assert bare.names == ("#3", "#1")
    assert np.isnan(bare.survival).all() and len(bare) == 2


def test_two_populations_are_told_apart_even_if_their_files_have_one_name(tmp_path):
    a = some(survival=[10, 190, 60, 60, 10, 10], path=tmp_path / "a" / "p.safetensors")
    b = some(DEEP, 2, survival=[190, 10], path=tmp_path / "b" / "p.safetensors")
    both = Compared((a, b), (np.arange(2), np.arange(2)))
    assert both.names == ("p #0", "p #1", "p (2) #0", "p (2) #1")
    names, member = both.groups()
    assert names == ("p 151-200", "p 1-50", "p (2) 151-200", "p (2) 1-50")
    assert member.tolist() == [1, 0, 2, 3]
    other = Compared((a, some(path=tmp_path / "q.safetensors")), (np.arange(2), np.arange(1)))
    assert other.names == ("p #0", "p #1", "q #0")
    assert other.groups()[0] == ("p 151-200", "p 1-50", "q unmeasured")
    assert np.isnan(other.survival).tolist() == [False, False, True]


@pytest.mark.parametrize("how", [How(), How(layer="1"), How(ALL, "hidden", "greedy", True)])
def test_every_column_of_every_pair_is_its_measure(how, states):
    networks = Compared((some(n=3), some(DEEP, 2)), (np.array([2, 0]), np.arange(2)))
    columns = how.columns(networks.specs)
    out = np.full((len(columns), 4, 4), np.nan)
    done = sum(comparing.run(networks, states, how, columns, ONE, out))
    assert done == comparing.cost(networks, how, columns, ONE)
    given = [(PLAIN, networks.populations[0].weights[k]) for k in (2, 0)]
    given += [(DEEP, w) for w in networks.populations[1].weights]
    layers = [activations(w[None], spec, states) for spec, w in given]
    for c, name in enumerate(columns):
        at = [OUTPUT if COLUMNS[name].output else how.hidden(spec) for spec, _ in given]
        for i in range(4):
            for j in range(4):
                a, b = layers[i][at[i]], layers[j][at[j]]
                if name in ("cd", "output-cd"):
                    x, y = standardise(a, how.signed), standardise(b, how.signed)
                    rho = products(x.rows, y.rows)[:, 0]
                    expected = converge(rho, x.live, y.live, how.matching, ONE).forward[0]
                else:
                    expected = COLUMNS[name].measure(a[0], b[0])
                assert out[c, i, j] == pytest.approx(expected, abs=1e-6), (name, i, j)


# Controls.


def test_untrained_networks_are_as_torch_makes_them():
    torch.manual_seed(0)
    weights = initial(DEEP, 400, 0)
    assert weights.dtype == np.float32 and weights.shape == (400, DEEP.parameters)
    assert np.array_equal(initial(DEEP, 400, 0), weights) and not np.array_equal(initial(DEEP, 400, 1), weights)
    at = 0
    for n_in, n_out in ((4, 7), (7, 3), (3, 2)):
        for size in (n_in * n_out, n_out):
            ours = weights[:, at : at + size]
            at += size
            theirs = []
            for _ in range(60):
                layer = nn.Linear(n_in, n_out)
                theirs.append((layer.weight if size != n_out else layer.bias).detach().numpy().ravel())
            assert ks_2samp(ours.ravel(), np.concatenate(theirs)).pvalue > 1e-4
            assert 0.98 < np.abs(ours).max() * np.sqrt(n_in) <= 1 + 1e-6
    assert initial(PolicySpec((4, 3, 2), bias=False), 2, 0).shape == (2, 18)


def test_controls_have_what_they_say(states):
    population = some(n=30)
    networks = Compared((population,), (np.arange(4, 30),))
    columns = ALL
    found = controls(networks, states, How(), columns, ONE, 0)
    assert tuple(found) == CONTROLS
    for name, matrices in found.items():
        assert matrices.shape == (8, CONTROL, CONTROL)
        for column, matrix in zip(columns, matrices, strict=True):
            assert np.isnan(np.diag(matrix)).all()
            there = np.isfinite(matrix[~np.eye(CONTROL, dtype=bool)])
            defined = name != "units at random" or column in ("cd", "output-cd")
            assert there.all() if defined else not there.any()
            np.testing.assert_array_equal(matrix, matrix.T)
    cd, cka, agreement = columns.index("cd"), columns.index("cka"), columns.index("agreement")
    whole = np.full((8, 26, 26), np.nan)
    for _ in comparing.run(networks, states, How(), columns, ONE, whole):
        pass
    shuffled = found["states shuffled"]
    assert np.nanmean(shuffled[cka]) < whole[cka].mean() - 0.1, "nothing is left in common"
    assert np.nanmean(found["units at random"][cd]) > whole[cd].mean()
    assert 0.2 < np.nanmean(found["random weights"][agreement]) < 0.9
    again = controls(networks, states, How(), columns, ONE, 0)
    assert all(np.array_equal(again[name], found[name], equal_nan=True) for name in CONTROLS)
    other = controls(networks, states, How(), columns, ONE, 1)
    assert not any(np.array_equal(other[name], found[name], equal_nan=True) for name in CONTROLS)


def test_controls_of_few_networks_and_of_outputs_alone(states):
    found = controls(Compared((some(LINEAR, 1), some(LINEAR, 5)), (np.arange(1), np.arange(5))), states, How(),
                     OUTPUTS, ONE, 0)  # fmt: skip
    assert found["states shuffled"].shape == (3, 1, 1)
    assert found["random weights"].shape == (3, CONTROL, CONTROL)
    assert np.isfinite(found["random weights"][:, 0, 1]).all()


def test_units_that_are_matched_stand_beside_each_other(rng):
    correlations = rng.normal(size=(3, 5))
    rows, columns = comparing.in_order(correlations, np.array([4, -1, 2]))
    close = sorted([0, 2], key=lambda i: -correlations[i, {0: 4, 2: 2}[i]])
    assert rows.tolist() == [*close, 1]
    assert columns.tolist() == [*({0: 4, 2: 2}[i] for i in close), 0, 1, 3]
    rows, columns = comparing.in_order(rng.normal(size=(4, 2)), np.array([-1, 1, 0, -1]))
    assert sorted(rows.tolist()) == [0, 1, 2, 3] and rows[2:].tolist() == [0, 3]
    assert sorted(columns.tolist()) == [0, 1]
