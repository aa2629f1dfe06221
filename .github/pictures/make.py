"""Make the README's pictures from the real app: `python .github/pictures/make.py`."""

import asyncio
import shutil
import tempfile
from pathlib import Path

from workbench.compute import Compute
from workbench.places import default_population
from workbench.tui.app import WorkbenchApp

HERE = Path(__file__).parent
SIZE = (160, 44)
SCENES = {
    # The best networks of the population; the first of them a third of its way through an episode.
    "dataset": ["right", "s", *["full_stop"] * 60],
    # A filter, a range that is marked, and the inspector alone on a narrow screen.
    "filter": ["slash", *"survival", "greater_than_sign", *"190", "space", *"and", "space", *"lr", "less_than_sign",
               "0", "full_stop", *"004", "enter", "v", "down", "down", "down", "m"],
    # A thousand samples of the best group, and one of them as it plays.
    "sample": ["2", "idle", "g", "g", "g", "g", "n", *["backspace"] * 4, *"1000", "enter", "r", "idle", "right",
               "right", "idle", *["full_stop"] * 40],
    # A hundred networks of all groups, compared.
    "converge": ["3", "r", "idle", *["right"] * 6, *["down"] * 3],
    # From a bad network to a good one, and the cursor past the middle.
    "interpolate": ["4", "idle", "A", *"100", "enter", "B", *"7000", "enter", "idle", *["right"] * 2,
                    *["full_stop"] * 40],
    # The best held-out network, less of it gone than at first.
    "repair": ["5", "idle", "idle", "L", *["backspace"] * 4, "0", "full_stop", "1", "enter", "idle", "idle",
               *["full_stop"] * 40],
    # Two small comparisons and a walk; then what is kept of them.
    "results": ["3", "n", *["backspace"] * 3, "4", "0", "enter", "r", "idle", "s", "r", "idle", "4", "idle", "6",
                "idle", "down", "idle"],
}  # fmt: skip
# `idle` waits for the jobs.
SMALL = {"filter": (80, 24)}


def busy(app: WorkbenchApp) -> bool:
    """Whether something runs, long or in the pane."""
    job = getattr(getattr(app.pane, "state", None), "job", None)
    return app.service is None or bool(app.service.running()) or (job is not None and not job.state.final)


def population() -> Path:
    """The shipped population where its path says nothing of this checkout: the Results pane shows it."""
    copy = Path(tempfile.gettempdir()) / "populations" / default_population().name
    copy.parent.mkdir(exist_ok=True)
    return copy if copy.exists() else Path(shutil.copy(default_population(), copy))


async def picture(name: str, keys: list[str]) -> None:
    """Press the keys of a scene and keep what is on the screen."""
    app = WorkbenchApp(str(population()), Compute("cpu", 1))
    async with app.run_test(size=SMALL.get(name, SIZE)) as pilot:
        while app.pane is None or not app.warm:
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        for key in keys:
            if key == "idle":
                while busy(app):
                    await pilot.pause(0.05)
                await pilot.pause(1)
                continue
            await pilot.press(key)
            # Each key's work is seen before the next: a sort or a measurement runs beside the screen.
            await pilot.pause(0.1)
        await pilot.pause(0.5)
        app.save_screenshot(filename=f"{name}.svg", path=str(HERE))
        app.close_service()


if __name__ == "__main__":
    for scene, pressed in SCENES.items():
        asyncio.run(picture(scene, pressed))
