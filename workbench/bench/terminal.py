"""A full-screen app in a pseudo-terminal of its own: keys are sent, and what it paints is read and counted."""

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import workbench.kernels
from workbench.errors import WorkbenchError
from workbench.text import clean

COLUMNS, LINES = 80, 24
PATIENCE = 20.0
"""Seconds to wait for a paint."""
LEAVING = 3.0
"""Seconds that an app gets to leave."""
ALTERNATE_SCREEN = b"\x1b[?1049h"
LEFT_SCREEN = b"\x1b[?1049l"
KEPT = 1 << 22
"""Bytes of what was painted that are kept to be searched."""
NAMED = {
    "enter": "\r", "escape": "\x1b", "tab": "\t", "space": " ", "backspace": "\x7f", "ctrl+r": "\x12", "ctrl+o": "\x0f",
    "ctrl+u": "\x15", "ctrl+c": "\x03",
    "up": "\x1b[A", "down": "\x1b[B", "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F",
    "pageup": "\x1b[5~", "pagedown": "\x1b[6~", "shift+tab": "\x1b[Z", "delete": "\x1b[3~", "f2": "\x1bOQ",
}  # fmt: skip
"""What a terminal sends for keys that are no character."""

assert workbench.kernels.__name__, "names the folder of compiled kernels before the user's own cache is out of sight"


def program() -> list[str]:
    """The command that starts this program with the interpreter that runs now."""
    script = Path(sys.executable).with_name("agentemb-tui")
    return [str(script)] if script.exists() else [sys.executable, "-m", "workbench"]


class Terminal:
    """A process in a pseudo-terminal, in a home of its own; a context manager, which ends it.

    With `at_home` it works in that home, and what it saves under names without a folder is removed with it.

    Raises:
        WorkbenchError: it cannot be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        columns: int = COLUMNS,
        lines: int = LINES,
        env: Mapping[str, str] | None = None,
        at_home: bool = False,
    ) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="agentemb-bench-")
        self.home = Path(self._home.name)
        """Of the user's cache, configuration and state; removed in the end."""
        self.seen = b""
        """What it has written since it started or since `forget`."""
        self._began = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.ours, theirs = pty.openpty()
        self.resize(columns, lines)
        self.started = time.perf_counter()
        try:
            self._process = self.process = subprocess.Popen(
                command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(self._home.name, env or {}),
                start_new_session=True, cwd=self.home if at_home else None,
            )  # fmt: skip
        except OSError as error:
            os.close(self.ours)
            self._home.cleanup()
            raise WorkbenchError(f"{command[0]}: {error.strerror}") from None
        finally:
            os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def resize(self, columns: int, lines: int) -> None:
        """Make the terminal another size, and tell the app."""
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        if self._process is not None:
            # The system tells only those whose controlling terminal this is.
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGWINCH)

    def send(self, *keys: str) -> None:
        """Press keys: names of `NAMED`, or text as it is typed."""
        with contextlib.suppress(OSError):  # it has left
            os.write(self.ours, "".join(NAMED.get(key, key) for key in keys).encode())

    def read(self, seconds: float) -> int:
        """Read for so long, or until something comes; returns how many bytes came (-1: nobody writes any more)."""
        if not select.select([self.ours], [], [], max(0.0, seconds))[0]:
            return 0
        try:
            data = os.read(self.ours, 1 << 16)
        except OSError:
            data = b""
        self.seen = (self.seen + data)[-KEPT:]
        return len(data) or -1

    def listen(self, seconds: float) -> int:
        """Read for so long; returns how many bytes came."""
        until, count = time.perf_counter() + seconds, 0
        while (left := until - time.perf_counter()) > 0:
            came = self.read(left)
            if came < 0:
                break
            count += came
        return count

    def quiet(self, seconds: float = 0.4, patience: float = PATIENCE) -> int:
        """Read until nothing has come for so long; returns how many bytes came."""
        until, count = time.perf_counter() + patience, 0
        while time.perf_counter() < until:
            came = self.read(seconds)
            if came <= 0:
                break
            count += came
        return count

    def forget(self) -> None:
        """Begin to look for words anew."""
        self.seen = b""
        self._began = -1

    def until(self, *words: str, patience: float = PATIENCE) -> float:
        """When all words had been painted since `forget`, by `time.perf_counter`.

        Raises:
            WorkbenchError: it ends or stays without them.
        """
        limit = time.perf_counter() + patience
        wanted = [word.encode() for word in words]
        while (left := limit - time.perf_counter()) > 0:
            came = self.read(left)
            now = time.perf_counter()
            if came < 0:
                raise WorkbenchError(f"the app ended without a paint: {self.last_line}")
            # What is printed before the screen is taken over is a message, not a paint.
            at = self.seen.find(ALTERNATE_SCREEN) if self._began == 0 else 0
            if came and at >= 0 and all(word in self.seen[at:] for word in wanted):
                return now
        raise WorkbenchError(f"the app did not paint {', '.join(map(repr, words))} within {patience:g} s")

    @property
    def last_line(self) -> str:
        """The last line that was written, fit to print."""
        lines = [line for line in self.seen.decode(errors="replace").splitlines() if line.strip()]
        return clean(lines[-1], 200) if lines else "no output"

    def memory(self) -> tuple[float, float]:
        """Memory of the process (MiB): all that is resident, and of it what is its own and not mapped from files."""
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        found = {line.split(":")[0]: line.split(":")[1].split() for line in status}
        return int(found["VmRSS"][0]) / 1024, int(found["RssAnon"][0]) / 1024

    def processor_seconds(self) -> float:
        """Processor time of the process so far."""
        words = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def gone(self, patience: float | None = None) -> bool:
        """Wait for the process to end, reading on meanwhile since an app that cannot write does not leave."""
        limit = time.perf_counter() + (LEAVING if patience is None else patience)
        while self.process.poll() is None and time.perf_counter() < limit:
            if self.read(0.02) < 0:
                break
        try:
            self.process.wait(max(0.0, limit - time.perf_counter()))
        except subprocess.TimeoutExpired:
            return False
        return True

    def end(self) -> None:
        """SIGTERM, then SIGKILL; gives everything back."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        if not self.gone():
            self.process.kill()
            self.process.wait()
        os.close(self.ours)
        self._home.cleanup()


def environment(home: str, more: Mapping[str, str]) -> dict[str, str]:
    """The environment of a plain colour terminal; the user's own cache, state and configuration are kept out of it."""
    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES", "TMUX", "STY")}
    homes = {f"XDG_{name}_HOME": home for name in ("CACHE", "STATE", "CONFIG")}
    return {**kept, **homes, "TERM": "xterm-256color", "COLORTERM": "truecolor", **more}
