"""Compiled kernels (numba): Cart-Pole rollouts and population trainers.

Every numba function of the project lives in this folder, so that one hash of its sources names the cache: numba itself
watches only the file of the function called, and would keep a stale caller after an edit in another module.

Importing this package is light; importing a module in it imports numba (about 0.4 s) and must not happen before the
first paint.
"""

import hashlib
import os
import stat
import tempfile
from importlib.metadata import version
from pathlib import Path

from workbench.places import cache_dir


def cache_folder() -> Path:
    """The folder that compiled kernels are kept in; created on demand, private to the user.

    It is named by numba's version and by the kernels' sources. Where the user's cache folder cannot be written (a
    read-only home), a temporary folder of mode 0700 serves.
    """
    digest = hashlib.blake2b(digest_size=6)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    name = f"numba-{version('numba')}-{digest.hexdigest()}"
    try:
        folder = cache_dir() / name
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        folder = _temporary_folder(name)
    return folder


def _temporary_folder(name: str) -> Path:
    """The user's own folder among the temporary files: the same one each time, unless somebody else has taken it."""
    mine = Path(tempfile.gettempdir()) / f"agentemb-tui-{os.getuid()}"
    try:
        mine.mkdir(mode=0o700, exist_ok=True)
        found = mine.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            (mine / name).mkdir(exist_ok=True)
            return mine / name
    except OSError:
        pass
    return Path(tempfile.mkdtemp(prefix=f"agentemb-{name}-"))


if "NUMBA_CACHE_DIR" not in os.environ:
    os.environ["NUMBA_CACHE_DIR"] = str(cache_folder())
