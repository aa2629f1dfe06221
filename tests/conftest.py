"""A small population made by the program itself, and homes of the user that are thrown away."""

import signal
from collections import namedtuple
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import workbench.kernels  # names the folder of compiled kernels while the user's own cache is still in sight
from workbench.compute import Compute
from workbench.policies import PolicySpec
from workbench.population import load
from workbench.rollouts.episodes import Episodes
from workbench.training.collection import collect
from workbench.training.plan import Plan

hypothesis.settings.register_profile(
    "fixed",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("fixed")

ROOT = Path(workbench.__file__).parent.parent
NETWORKS = 96

Said = namedtuple("Said", "code out err")


@pytest.fixture(scope="session", autouse=True)
def homes(tmp_path_factory):
    """Cache, state and configuration of this session alone."""
    folder = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("CACHE", "STATE", "CONFIG"):
            patch.setenv(f"XDG_{name}_HOME", str(folder / name.lower()))
        patch.delenv("COLUMNS", raising=False)
        yield folder


@pytest.fixture(scope="session")
def compute():
    return Compute("cpu", 1)


@pytest.fixture(scope="session")
def population_path(tmp_path_factory, homes):
    """A file of 96 DQNs of every survival group."""
    path = tmp_path_factory.mktemp("population") / "small.safetensors"
    plan = Plan(NETWORKS, 3, "dqn", ("updates=100..6000",), None, Episodes(20), PolicySpec.cartpole())
    for _ in collect(path, plan, Compute("cpu", 1)):
        pass
    return path


@pytest.fixture
def population(population_path):
    return load(population_path)


@pytest.fixture(scope="session")
def generators_home(tmp_path_factory, population_path):
    """A home of state with a generator of every kind, trained for a moment on the small population."""
    from trainings import fit

    from workbench import generators
    from workbench.learning.data import TrainingData

    home = tmp_path_factory.mktemp("state")
    data = TrainingData.of(load(population_path))
    for name in generators.names():
        fit(name, data).save(home / "agentemb-tui" / "generators" / f"small-{name}-0.safetensors")
    return home


@pytest.fixture
def trained(generators_home, monkeypatch):
    """The folder of the user's generators, with one of every kind in it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(generators_home))
    return generators_home / "agentemb-tui" / "generators"


@pytest.fixture
def rng():
    return np.random.default_rng(20260)


@pytest.fixture
def cli(capfd):
    """Runs the command line in this process: exit code, output, and errors."""
    from workbench.cli import run

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}

    def call(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as leaving:
            run([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return Said(leaving.value.code, out, err)

    yield call
    for number, handler in before.items():
        signal.signal(number, handler)
