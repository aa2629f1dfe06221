"""Figure 8 for one network: the same algorithm as every repair's, at ten levels."""

import io
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console
from trainings import ONE

from workbench import generators
from workbench.analyses import find, recovery
from workbench.analysis import Selection
from workbench.errors import WorkbenchError
from workbench.learning.repair import Source
from workbench.numerics.damage import damage
from workbench.recovering import LEVELS, Search, recover
from workbench.rollouts import survival
from workbench.rollouts.episodes import Episodes

FEW = {"samples": 12, "keep": 3, "episodes": 8}


@pytest.fixture(autouse=True)
def _generators(trained):
    """A generator is found."""


def last(population, **given):
    *_, frame = recovery.run(ONE, Selection(population), recovery.Params(**{**FEW, **given}))
    return frame


def test_what_is_unrepaired_is_the_damaged_network_itself(population):
    first, frame = recovery.run(ONE, Selection(population), recovery.Params(5, **FEW, seed=3))
    assert np.isnan(first.off).all() and "repairs come next" in recovery.sentence(first)
    weights = np.array(population.weights[5])
    lost = np.stack([damage(weights, population.spec, "missing", level, 3).weights for level in LEVELS])
    played = survival(np.stack([weights, *lost]), population.spec, 8, 200, 3).mean(1)
    assert frame.survival == played[0]
    assert np.array_equal(frame.unrepaired, np.abs(played[1:] - played[0]))
    assert np.array_equal(first.unrepaired, frame.unrepaired)


@pytest.mark.parametrize(("source", "kind"), [("prior", "missing"), ("posterior", "units")])
def test_it_is_figure_8s_algorithm(population, source, kind):
    frame = last(population, network=5, source=source, kind=kind, epsilon=9.0)
    generator = generators.for_population(population, "functional", ONE)
    weights = np.array(population.weights[5])
    training = Source.of(population, generator, ONE, source, weights).weights
    drawn = training if source == "posterior" else None
    search = Search(12, 3, 9.0, kind)
    off, claimed = recover(weights, population.spec, generator, drawn, Episodes(8), 0, ONE, search)
    assert np.array_equal(frame.off, off)
    assert np.array_equal(frame.claimed, claimed)
    # Where nothing exists of missing weights, the Missing Criterion is no better than the first drawn.
    if kind == "missing":
        assert np.array_equal(frame.off[-1, 0], frame.off[-1, 2])


def test_panels_are_logarithmic_with_the_line_of_success(population):
    frame = last(population, network=5)
    filled, candidate = recovery.panels(frame)
    assert (filled.title, candidate.title) == ("#5, filled", "#5, candidate")
    for r, panel in enumerate((filled, candidate)):
        assert [s.name for s in panel.series] == ["unrepaired", "missing", "whole", "random"]
        assert panel.log_y and panel.references[0].at == frame.epsilon
        for c, series in enumerate(panel.series[1:]):
            assert np.array_equal(series.y, np.maximum(frame.off[:, c, r], recovery.LEAST))
            assert np.abs(series.x - LEVELS).max() < 0.05
    hits = (frame.off < 5).sum(0)
    assert f"filled: missing {hits[0, 0]}, whole {hits[1, 0]}, random {hits[2, 0]}" in recovery.sentence(frame)
    assert recovery.summary(frame)["off"] == frame.off.tolist()
    words = " ".join(ElementTree.fromstring(recovery.svg(frame)).itertext())
    assert "#5, filled" in words and "epsilon" in words
    page = io.StringIO()
    Console(file=page, width=80).print(find("recovery").table(frame))
    assert all(f"{level:g} " in page.getvalue() for level in LEVELS)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "noise"}, "kind: Algorithm 1 wants to know what is missing: expected missing, units, got noise"),
        ({"kind": "rust"}, "kind: expected missing, "),
        ({"network": 96}, "has networks 0 to 95, got 96"),
        ({"samples": 0}, "samples: expected 1 to 10,000, got 0"),
        ({"keep": 13}, r"keep: expected 1 to 12 \(the samples\), got 13"),
        ({"source": "dreams"}, "source: expected prior or posterior, got 'dreams'"),
        ({"epsilon": 0.0}, "epsilon: expected above 0 and at most the cap of 200, got 0"),
    ],
)
def test_what_cannot_be(population, given, message):
    with pytest.raises(WorkbenchError, match=message):
        last(population, **given)


def test_weights_that_are_not_finite(population):
    weights = np.array(population.weights)
    weights[5, 3] = np.nan
    odd = type(population)(population.spec, weights, population.columns)
    with pytest.raises(WorkbenchError, match="weights that are not finite"):
        last(odd, network=5)
