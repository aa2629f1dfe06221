"""Playing policies: survival time, behaviour, and recorded episodes."""

from workbench.rollouts.episodes import Episodes
from workbench.rollouts.play import Behaviour, Rollouts, Trace, behaviour, record, rollout, survival

__all__ = ["Behaviour", "Episodes", "Rollouts", "Trace", "behaviour", "record", "rollout", "survival"]
