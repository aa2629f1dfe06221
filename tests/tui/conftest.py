"""Generators for the panes that work with one: tiny, and trained here."""

import pytest

from workbench import generators, results
from workbench.compute import Compute
from workbench.learning.contract import settings_from, train
from workbench.learning.data import TrainingData
from workbench.population import load

TINY = {
    "functional": ("steps=20", "unit_steps=10", "predictor_steps=10", "latents=4", "hidden=16", "components=2"),
    "cartpolegen": ("epochs=1", "latents=4"),
}


@pytest.fixture(scope="session")
def tiny(population_path, tmp_path_factory):
    """Files of a functional generator and of cartpolegen, hardly trained."""
    folder = tmp_path_factory.mktemp("generators")
    data = TrainingData.of(load(population_path))
    paths = {}
    for name, settings in TINY.items():
        kind = generators.find(name)
        *_, (generator, _) = train(kind, data, settings_from(kind, settings), 0, Compute("cpu", 1))
        paths[name] = folder / f"tiny-{name}.safetensors"
        generator.save(paths[name])
    return paths


@pytest.fixture
def nothing_trained(tmp_path, monkeypatch):
    """No generator anywhere; the folder where one would be found."""
    monkeypatch.setattr(generators, "shipped", lambda _folder: tmp_path / "shipped")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    folder = tmp_path / "state" / "agentemb-tui" / "generators"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def trained(nothing_trained, tiny):
    """Both generators are found."""
    for path in tiny.values():
        (nothing_trained / path.name).write_bytes(path.read_bytes())
    return nothing_trained


@pytest.fixture(autouse=True)
def results_of_its_own(tmp_path, monkeypatch):
    """Nothing that another test has computed is found, however slow the machine was."""
    monkeypatch.setattr(results, "cache_dir", lambda: tmp_path / "cache")
