"""The same networks under other rules, measured before anything else is asked of them."""

from collections.abc import Sequence

from workbench import rules
from workbench.analyses import survival
from workbench.analysis import Selection
from workbench.cli.following import follow
from workbench.population import Population
from workbench.service import Job, ModelService


def under(
    population: Population, action: str, env_kwargs: Sequence[str], service: ModelService, quiet: bool
) -> Population:
    """A population under other rules, with survival or return measured anew (100 episodes, seed 0, the same cap).

    Args:
        population: as its file has it.
        action: greedy or sampled; empty for the population's own.
        env_kwargs: arguments of the environment, NAME=VALUE.
        service: measures.
        quiet: whether progress is kept from standard error.

    Raises:
        WorkbenchError: no such rule or argument, or the environment does not take them.
        typer.Exit: it was cancelled, or failed by a defect.
    """
    ruled = rules.changed(population, action, env_kwargs)
    if ruled is population:
        return population
    job = service.submit(survival.ANALYSIS, Selection(ruled), survival.Params())
    follow(job, quiet, _told)
    return rules.measured(ruled, job.frame.survival, job.frame.error)


def _told(job: Job) -> tuple[int, int, str]:
    """Networks measured of all, and in words how far that is."""
    if job.frame is None:
        return 0, 1, "measuring under these rules"
    return job.frame.done, job.frame.total, f"measuring under these rules: {job.progress}"
