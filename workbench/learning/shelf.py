"""Trained generators as they are needed: found where they lie, or trained and put there."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench import generators, storage
from workbench.compute import Compute
from workbench.errors import WorkbenchError
from workbench.learning.contract import Generator, settings_from, train
from workbench.learning.data import TrainingData
from workbench.learning.loop import Optimisation
from workbench.learning.saved import TRAINING, keep_saving, load_state
from workbench.places import state_dir
from workbench.population import Population


@dataclass(frozen=True)
class Waiting:
    """A training that one waits for."""

    name: str
    done: int
    total: int


def default_path(name: str, kind: str, seed: int) -> Path:
    """Where a generator trained on a population of this name goes if nothing else is said."""
    return state_dir() / "generators" / f"{name}-{kind}-{seed}.safetensors"


def find(population: Population, kind: str, seed: int) -> Path | None:
    """A generator of this kind, trained on this very population with this seed and the default settings."""
    wanted = {"name": kind, "seed": seed, "settings": asdict(generators.find(kind).SETTINGS())}
    for path, header in generators.trained(population):
        origin = generators.origin(header).get("hash")
        if origin == population.content_hash and all(header.get(k) == v for k, v in wanted.items()):
            return path
    return None


def obtain(population: Population, kind: str, seed: int, compute: Compute) -> Iterator[Waiting | Generator]:
    """The generator that `find` finds, trained first where there is none; yields progress, and at last the generator.

    A training that is interrupted is gone on with the next time.

    Raises:
        WorkbenchError: as `contract.train` and `generators.load`.
    """
    path = find(population, kind, seed)
    if path is None:
        path = default_path(population.name, kind, seed)
        if path.exists():  # of another population of that name, or with other settings
            path = path.with_name(f"{path.stem}-{population.content_hash[:8]}.safetensors")
        made = generators.find(kind)
        task = Task(made, TrainingData.of(population, compute), settings_from(made, ()), seed, path)
        for _, state in task.run(compute, TRAINING.folder(path).exists()):
            yield Waiting(f"training {kind}, seed {seed}", state.done, state.total)
    yield generators.load(path, compute.torch_device)


@dataclass(frozen=True)
class Task:
    """A training that writes a file, and that can be interrupted and taken up again."""

    kind: type[Generator]
    data: TrainingData
    settings: Any
    seed: int
    out: Path

    def run(self, compute: Compute, resume: bool = False, stop: bool = False) -> Iterator[tuple[Generator, Any]]:
        """Yield as `contract.train` does; the file is there when it ends.

        Args:
            compute: device and threads.
            resume: go on with an unfinished training of the same plan.
            stop: end the phase at work at its best so far.

        Raises:
            WorkbenchError: as `contract.train`; a file or an unfinished training is in the way; the plan differs.
        """
        plan = {
            "generator": self.kind.NAME, "settings": asdict(self.settings), "seed": self.seed,
            "population": self.data.population, "device": compute.torch_device,
        }  # fmt: skip
        if resume and self._finished():
            # Stopped, perhaps, between writing the generator and clearing up.
            storage.remove_folder(TRAINING.folder(self.out))
            yield generators.load(self.out, compute.torch_device), Optimisation(self.seed, done=1, total=1)
            return
        folder = TRAINING.open(self.out, plan, resume)
        with TRAINING.sole_writer(folder):
            state = load_state(folder)
            if state is not None:
                state.stop = stop
            steps = train(self.kind, self.data, self.settings, self.seed, compute, state)
            generator = None
            for generator, now in keep_saving(steps, folder):
                yield generator, now
            assert generator is not None
            generator.save(self.out)
            storage.remove_folder(folder)

    def _finished(self) -> bool:
        """Whether the file is there already, of this very training."""
        try:
            _, header = storage.read_tensors(self.out)
        except WorkbenchError:
            return False
        asked = {"name": self.kind.NAME, "settings": asdict(self.settings), "seed": self.seed}
        same = all(header.get(name) == value for name, value in asked.items())
        return same and generators.origin(header).get("hash") == self.data.population
