"""What lies in a folder: files that may be checkpoints, each once, and what cannot be looked at."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.importing import formats


@dataclass(frozen=True)
class Listing:
    """A folder and all below it, or a single file."""

    root: Path
    """The folder."""
    files: tuple[str, ...] = ()
    """Below the root, in order."""
    skipped: tuple[tuple[str, str], ...] = ()
    """What cannot be looked at, and why."""
    others: int = 0
    """Files that are no checkpoints by their names."""


def look(path: Path) -> Listing:
    """What there is.

    Links are followed, and a folder or file is taken once, by its real place before a link to it. A file that is named
    is taken whatever its name.

    Raises:
        WorkbenchError: there is nothing of this name, or it is neither a file nor a folder.
    """
    try:
        about = os.stat(path)
    except OSError as error:
        raise WorkbenchError(f"{path}: {'no such file or folder' if error.errno == 2 else error.strerror}") from None
    if stat.S_ISREG(about.st_mode):
        return Listing(path.parent, (path.name,))
    if not stat.S_ISDIR(about.st_mode):
        raise WorkbenchError(f"{path}: not a regular file")
    walk = _Walk(path)
    walk.run()
    return Listing(path, tuple(sorted(walk.files)), tuple(sorted(walk.skipped)), walk.others)


class _Walk:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.files: list[str] = []
        self.skipped: list[tuple[str, str]] = []
        self.others = 0
        self.seen: dict[tuple[int, int], str] = {}

    def run(self) -> None:
        """Real files and folders first, then what links lead to."""
        waiting, links = [""], list[str]()
        while waiting or links:
            if waiting:
                folder = waiting.pop()
                try:
                    with os.scandir(self.root / folder) as entries:
                        listed = sorted(entries, key=lambda e: e.name)
                except OSError as error:
                    self.skipped.append((folder or ".", f"a folder that cannot be read ({error.strerror})"))
                    continue
                about = os.stat(self.root / folder)
                self.seen.setdefault((about.st_dev, about.st_ino), folder)
                for entry in reversed(listed):
                    name = os.path.join(folder, entry.name)
                    if entry.is_symlink():
                        links.append(name)
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    else:
                        self.take(name)
            else:
                links.sort(reverse=True)
                self.follow(links.pop(), waiting)

    def follow(self, name: str, waiting: list[str]) -> None:
        try:
            about = os.stat(self.root / name)
        except OSError:
            self.skipped.append((name, "a link that leads nowhere, or to itself"))
            return
        if stat.S_ISDIR(about.st_mode):
            if (about.st_dev, about.st_ino) not in self.seen:
                waiting.append(name)
        else:
            self.take(name)

    def take(self, name: str) -> None:
        if os.path.splitext(name)[1].lower() not in formats.suffixes():
            self.others += 1
            return
        try:
            about = os.stat(self.root / name)
        except OSError as error:
            self.skipped.append((name, f"cannot be read ({error.strerror})"))
            return
        first = self.seen.setdefault((about.st_dev, about.st_ino), name)
        if first != name:
            self.skipped.append((name, "a file that is already there by another name"))
        elif not stat.S_ISREG(about.st_mode):
            self.skipped.append((name, "not a regular file"))
        else:
            self.files.append(name)
