"""Starting the app, and leaving when it closes. Imports nothing slow: the first paint waits for this module."""

import gc
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from workbench.leaving import leave

if TYPE_CHECKING:
    from workbench.compute import Compute


def launch(
    path: str | None, compute: "Compute | None" = None, fresh: bool = False, ascii_only: bool = False
) -> NoReturn:
    """Open a population (the shipped one without a path) in the app, and leave the process when it closes.

    What one was at with it is taken up again, and kept for the next time; `fresh` does neither.
    `ascii_only` sends nothing else to the terminal, whatever the configuration says.

    Exit codes: 0, or 2 when the population cannot be used, or 128 + n after signal n.
    """
    if path is not None and not os.path.exists(path):
        leave(2, f"{path}: no such file, and no sub-command of that name (--help lists them)")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        leave(2, "the app needs a terminal; `agentemb-tui info` and the other sub-commands do without (--help)")
    # Nothing that is imported becomes garbage: looked for again once the population is on the screen.
    gc.disable()
    from workbench.config import read_config
    from workbench.plain import needs_plain
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.driver import PlainDriver, TerminalDriver

    config, faults = read_config()
    wanted = ascii_only or (needs_plain() if config.ascii is None else config.ascii)
    app = WorkbenchApp(path, compute, not fresh, config, PlainDriver if wanted else TerminalDriver)
    app.faults = faults + app.faults
    app.run()
    app.remember()
    app.close_service()
    leave(app.return_code or 0, app.fault)
