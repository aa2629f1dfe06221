"""What ships: the population is what its model card and the README say."""

import re
from pathlib import Path

import numpy as np
import pytest

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


def test_the_readme_names_every_command_and_option_it_uses():
    from typer.main import get_command

    from workbench.__main__ import commands
    from workbench.cli import app

    readme = (ROOT / "README.md").read_text()
    assert all(f"agentemb-tui {name}" in readme for name in commands() - {"open"})
    known = {option for command in get_command(app).commands.values() for p in command.params for option in p.opts}
    used = set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", readme))
    foreign = {"--help", "--extra-index-url"}
    assert used - foreign <= known
