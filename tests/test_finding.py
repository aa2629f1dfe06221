"""Finding corrupted weights: probabilities, rankings, and repairs of what was found."""

import io
import json
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from scipy import stats
from test_repair import case_for, held_out, shown
from test_repairs import last
from trainings import ONE

from workbench import generators, repairing, repairs
from workbench.analyses import repair
from workbench.analyses import repairs as many
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.learning.detection import detect
from workbench.learning.repair import Source
from workbench.numerics.corruption import replaced
from workbench.numerics.ranking import average_precision, found

FEW = {"samples": 12, "keep": 4, "episodes": 6}


@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30).filter(
        lambda x: any(w for _, w in x)
    )
)
def test_average_precision_is_as_defined(pairs):
    scores, wanted = (np.array(column) for column in zip(*pairs, strict=True))
    precisions = [wanted[scores >= scores[k]].mean() for k in np.flatnonzero(wanted)]
    assert average_precision(scores, wanted) == pytest.approx(np.mean(precisions))


def test_what_a_ranking_is_worth():
    wanted = np.array([True, False, True, False, False])
    worth = found(np.array([5.0, 4, 3, 2, 1]), np.array([True, True, True, True, False]), wanted)
    assert (worth.precision, worth.recall, worth.level) == (0.5, 1, 0.5)
    assert worth.average == pytest.approx((1 + 2 / 3) / 2)
    nothing = found(np.zeros(5), np.zeros(5, bool), wanted)
    assert (nothing.precision, nothing.recall, nothing.average) == (0, 0, 0.4)
    with pytest.raises(ValueError, match="average precision of a ranking in which nothing is wanted"):
        average_precision(np.zeros(3), np.zeros(3, bool))


def test_of_independent_numbers_it_is_bayes_rule(rng):
    point, mean, deviation, size = rng.standard_normal(40) * 3, rng.standard_normal(40), 0.5, 2.0
    believed = replaced(point, mean, deviation**2 * np.eye(40), size)
    share = (20 + believed.sum()) / (100 + 40)
    sound, noise = stats.norm(mean, deviation).pdf(point), stats.norm(0, size).pdf(point)
    np.testing.assert_allclose(believed, share * noise / (share * noise + (1 - share) * sound), atol=2e-4)


def test_what_does_not_go_with_the_rest_is_found(rng):
    # Numbers of four dimensions in forty: any few are told by the others, but none by its own size.
    factors = rng.standard_normal((4, 40))
    covariance = factors.T @ factors + 0.01 * np.eye(40)
    precisions = []
    for seed in range(10):
        random = np.random.default_rng(seed)
        point = random.multivariate_normal(np.zeros(40), covariance)
        wanted = np.arange(40) < 6
        point[wanted] = 2 * random.standard_normal(6)
        believed = replaced(point, np.zeros(40), covariance, 2.0)
        precisions.append([average_precision(scores, wanted) for scores in (believed, np.abs(point))])
    by_belief, by_size = np.mean(precisions, 0)
    assert by_belief > 0.85 > 0.5 > by_size


def test_planted_outliers_are_found(population, trained):
    source = Source.of(population, generators.for_population(population, "functional"), ONE)
    weights = np.array(population.weights[held_out(population)])
    wanted = np.arange(212) % 20 == 3
    weights[wanted] = 40 * (1 + np.arange(wanted.sum()) % 3) * np.where(np.arange(wanted.sum()) % 2, 1, -1)
    detection = detect(weights, source, 0)
    probable, size, chance = detection.scores
    assert ((probable >= 0) & (probable <= 1)).all()
    assert average_precision(probable, wanted) > 0.95
    assert np.array_equal(size, np.abs(weights)) and average_precision(chance, wanted) < 0.4
    assert (detection.chosen.sum(1) == round(probable.sum())).all()
    again = detect(weights, source, 0)
    assert np.array_equal(again.scores, detection.scores)


def test_methods_repair_what_was_found(population, trained):
    row = held_out(population)
    original, damaged, case = case_for(population, row, 0.3, "corrupted")
    source = Source.of(population, generators.for_population(population, "functional"), ONE)
    detection = repairing.detection_of(damaged, source, 7)
    methods = repairing.chosen_methods(("gaussian", "algorithm1-missing", "algorithm1-whole"), "corrupted")
    rows = {r.name: r for r in repairing.trial(original, damaged, case, source, methods, detection)}
    assert tuple(rows) == repairing.row_names(methods, "corrupted")
    assert "algorithm1-missing, found positions" in rows and "algorithm1-whole, candidate" in rows
    done = rows["gaussian, found positions"]
    chosen = detection.chosen[0]
    assert done.knows == "survival", "nobody told it where"
    assert (done.repaired.weights[:, ~chosen] == damaged.weights[~chosen]).all()
    assert not (done.repaired.weights[:, chosen] == damaged.weights[chosen]).all()
    detection.chosen[0] = False
    *_, undone = (r for r in repairing.trial(original, damaged, case, source, methods[:1], detection) if not r.control)
    assert np.array_equal(undone.repaired.weights, damaged.weights[None]) and undone.repaired.samples == 0
    for kind in ("missing", "units", "noise"):
        assert repairing.detection_of(case_for(population, row, 0.3, kind)[1], source, 0) is None
    with pytest.raises(WorkbenchError, match="gaussian wants the positions of damaged weights; noise does not tell"):
        repairing.chosen_methods(("gaussian",), "noise")
    assert all("positions" not in m.needs for m in repairing.chosen_methods((), "noise"))
    assert len(repairing.chosen_methods((), "corrupted")) == len(repairs.names())


def test_a_trial_says_what_was_found(population, trained):
    few = {**FEW, "method": ("algorithm1-whole", "generator")}
    params = repair.Params(held_out(population), 0.2, kind="corrupted", **few)
    *_, frame = repair.run(ONE, Selection(population), params)
    assert frame.scores.shape == frame.chosen.shape == (3, 212)
    assert tuple(frame.detected) == repairing.RANKINGS
    first = frame.detected["detector"]
    assert first == found(frame.scores[0], frame.chosen[0], frame.mask)
    text = shown(frame)
    assert f"weights that the detector suspects {first.precision:.0%} are damaged, {first.recall:.0%} of those" in text
    said = json.loads(json.dumps(repair.summary(frame)))
    assert said["detection"]["random"]["average"] == pytest.approx(frame.detected["random"].average)
    assert said["suspected"] == np.flatnonzero(frame.chosen[0]).tolist()
    *_, frame = repair.run(ONE, Selection(population), repair.Params(held_out(population), **few))
    assert frame.detected == {} and repair.summary(frame)["suspected"] is None and "suspects" not in shown(frame)


def test_many_say_how_much_is_found(population, trained):
    params = many.Params(2, (".2", ".4"), kind="corrupted", **{**FEW, "method": ("algorithm1-whole",)})
    frame = last(population, params)
    assert frame.detected.shape == (3, 2, 2, 4) and np.isfinite(frame.detected).all()
    said = many.summary(frame)["detection"]["0.4"]["detector"]
    values = frame.detected[0, 1, :, 3]
    assert said["average"]["share"] == pytest.approx(values.mean())
    assert values.min() - 1e-9 <= said["average"]["low"] <= said["average"]["high"] <= values.max() + 1e-9
    page = io.StringIO()
    Console(file=page, width=80).print(many.table(frame))
    assert f"detector: average precision {values.mean():.2f}" in " ".join(page.getvalue().split())
    assert ElementTree.fromstring(many.svg(frame)) is not None
    first, *_ = many.run(ONE, Selection(population), params)
    assert many.summary(first)["detection"] == {"0.2": {}, "0.4": {}}
