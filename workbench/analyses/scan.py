"""What a file or folder of other people's checkpoints holds: specs, counts, what would be assumed, what is left out."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from workbench.analysis import Analysis
from workbench.compute import Compute
from workbench.importing.folders import Listing, look
from workbench.importing.gathering import Gathering, gather
from workbench.importing.reading import Overrides
from workbench.importing.report import Report, rows_of, summary, table


@dataclass(frozen=True)
class Params(Overrides):
    """What to look at, and what is said of it."""

    path: str = field(kw_only=True)
    """A checkpoint, or a folder of them."""
    columns: str = ""
    """A table about the checkpoints (.csv, .json); else metadata.csv or .json, columns.csv or .json beside them."""


def report(path: str, listing: Listing, found: Gathering, done: int, total: int) -> Report:
    """What has been found so far."""
    return Report(
        done, total, path, len(listing.files), found.read, listing.others, rows_of(found), tuple(found.skipped),
        found.unmatched,
    )  # fmt: skip


def run(compute: Compute, _selection: None, params: Params) -> Iterator[Report]:
    """Yield a frame every few files; nothing is kept of their weights."""
    params.check()
    listing = look(Path(params.path))
    # One more than there are files: the last is for what is known when all are read.
    total = len(listing.files) + 1
    found = Gathering()
    yield report(params.path, listing, found, 0, total)
    for found in gather(listing, params, compute, params.columns):
        yield report(params.path, listing, found, found.read, total)
    yield report(params.path, listing, found, total, total)


ANALYSIS = Analysis(
    "scan", "What a folder of checkpoints holds", Params, Report, run, table, summary, examines=True, alone=True
)
