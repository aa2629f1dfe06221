"""What ships: the population is what its model card and the README say."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from workbench import generators
from workbench.groups import CARTPOLE
from workbench.places import shipped
from workbench.population import fingerprints, held_out, load
from workbench.rollouts import survival
from workbench.training.plan import paper_quota

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def pop():
    return load()


def test_the_shipped_population_is_whole_and_of_the_papers_mix(pop):
    pop.verify()
    assert tuple(CARTPOLE.count(pop["survival"])) == paper_quota(7400)
    assert len(np.unique(pop["fingerprint"])) == len(pop)
    assert np.array_equal(fingerprints(pop.weights), pop["fingerprint"])
    assert np.array_equal(held_out(pop["fingerprint"]), pop["held_out"])


def test_stored_survival_times_are_measured_again_to_the_bit(pop):
    rows = np.arange(0, len(pop), 37)
    assert np.array_equal(survival(pop.weights[rows], pop.spec).mean(1), pop["survival"][rows])


def test_the_model_card_is_of_this_population(pop):
    card = (shipped("checkpoints") / "README.md").read_text()
    assert pop.content_hash in card
    assert f"{pop['held_out'].sum():,} networks" in card and f"{pop.provenance['trained']:,} networks" in card
    for g, name in enumerate(CARTPOLE.names):
        part = pop["survival"][CARTPOLE.assign(pop["survival"]) == g]
        assert f"| {name} | {len(part):,} | {part.mean():.1f} | {part.std():.1f} |" in card


SHIPPED = sorted(path for path in shipped("checkpoints").glob("*.safetensors") if path.stem != "cartpole-7400")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_generator_makes_networks_of_its_groups(path, pop):
    made = generators.load(path, "cpu")
    made.check_population(pop.spec, pop.name)
    assert made.groups == (*CARTPOLE.names, "all")
    assert path.stem.startswith(made.NAME)
    assert asdict(made.settings) == asdict(type(made).SETTINGS()), "trained as the program trains by default"
    for terms in made.log.values():
        assert np.isfinite([value for values in terms.values() for value in values]).all()
    means = {}
    for group in made.groups:
        lasted = survival(made.sample(60, group).weights, pop.spec, 20, threads=1).mean(1)
        means[group] = lasted.mean()
    # Networks of long-lived groups last longer, whatever else is wrong with them.
    assert means["1-50"] < means["51-100"] < means["101-150"] < means["151-200"]
    assert means["1-50"] < means["all"] < means["151-200"]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_generator_has_never_seen_held_out_networks(path, pop):
    told = generators.load(path).provenance
    networks = {"cartpole-7400": 7400, "cartpole-74k": 74_000}[told["population"]["name"]]
    training = told["population"]["training"]
    assert training == told["networks"]["all"] == sum(told["networks"][g] for g in CARTPOLE.names)
    # A fifth by hash: within four standard deviations of it.
    assert abs(training - 0.8 * networks) < 4 * np.sqrt(networks * 0.8 * 0.2)
    if networks == len(pop):
        assert told["population"]["hash"] == pop.content_hash
        assert training == (~pop["held_out"]).sum()


def test_analyses_of_the_shipped_population_find_a_generator_of_each_kind(pop, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in generators.names():
        assert generators.choose(pop, name).parent.samefile(shipped("checkpoints"))
