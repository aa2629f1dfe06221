"""The doctor: what it finds when things are well, and what it says when they are not."""

import importlib.metadata
import io
import json
import locale

import pytest
from rich.console import Console

from workbench import doctor
from workbench.compute import Compute
from workbench.errors import WorkbenchError

SECTIONS = ["terminal", "versions", "compute", "files", "imports"]


@pytest.fixture(autouse=True)
def known_terminal(monkeypatch):
    for name in ("NO_COLOR", "TMUX", "STY", "ZELLIJ", "SSH_TTY", "SSH_CONNECTION", "FORCE_COLOR", "NUMBA_DISABLE_JIT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    monkeypatch.setattr(doctor, "TIMED", ("json",))


@pytest.fixture
def shipped(monkeypatch, population_path):
    monkeypatch.setattr(doctor, "default_population", lambda: population_path)
    return population_path


def terminal():
    return dict(doctor._terminal())


def files():
    return dict(doctor._files())


def test_every_finding_has_a_status_a_value_and_words(shipped):
    findings = doctor.examine(Compute("cpu", 1))
    assert list(findings) == SECTIONS
    for entries in findings.values():
        for finding in entries.values():
            assert set(finding) == {"status", "value", "says"}
            assert finding["says"]
            assert finding["status"] in (doctor.OK, doctor.NOTE, doctor.PROBLEM)
    assert findings["files"]["population"]["value"]["networks"] == 96
    assert findings["imports"]["json"]["value"] >= 0
    assert findings["compute"]["device"]["value"] == "cpu"
    assert findings["versions"]["numpy"]["value"] == importlib.metadata.version("numpy")


def test_json_and_the_printed_report_say_the_same(cli, shipped):
    said = cli("doctor", "--json", "--device", "cpu", "--threads", "1")
    findings = json.loads(said.out)
    assert said.code == 0
    assert list(findings) == SECTIONS
    text = cli("doctor", "--device", "cpu", "--threads", "1").out
    assert all(section in text for section in SECTIONS)
    assert "96 networks" in text
    assert "\x1b" not in text


def test_the_report_says_each_status_as_a_word_and_shows_text_as_it_is():
    finding = {"status": "problem", "value": None, "says": "[red]not markup[/red] \x1b[2J"}
    console = Console(file=io.StringIO(), width=80, color_system=None)
    console.print(doctor.report({"files": {"population": finding, "state": {**finding, "status": "note"}}}))
    text = console.file.getvalue()
    assert "problem" in text
    assert "[red]not markup[/red]" in text
    assert "\x1b" not in text
    assert "1 problem, 1 note" in text


def test_a_good_terminal():
    found = terminal()
    assert found["colours"] == {"status": "ok", "value": "truecolor", "says": "16 million"}
    assert found["size"]["value"] is None and found["size"]["status"] == "note", "captured output is no terminal"


@pytest.mark.parametrize(
    ("env", "name", "status", "words"),
    [({"TERM": "dumb"}, "TERM", "problem", "no app can draw"),
     ({"TERM": ""}, "TERM", "problem", "not set"),
     ({"COLORTERM": ""}, "colours", "note", "256; themes"),
     ({"COLORTERM": "", "TMUX": "/tmp/tmux-0/default,1,0"}, "multiplexer", "note", "terminal-features"),
     ({"TMUX": "/tmp/tmux-0/default,1,0"}, "multiplexer", "ok", "tmux"),
     ({"NO_COLOR": "1"}, "NO_COLOR", "note", "without colours"),
     ({"SSH_CONNECTION": "1.2.3.4 5 6.7.8.9 22"}, "ssh", "ok", "yes"),
     ({"TERM": "linux"}, "characters", "note", "no Braille")],
)  # fmt: skip
def test_lesser_terminals(monkeypatch, env, name, status, words):
    for key, value in env.items():
        monkeypatch.setenv(key, value)
    finding = terminal()[name]
    assert finding["status"] == status
    assert words in finding["says"]


def test_a_locale_without_utf8(monkeypatch):
    monkeypatch.setattr(locale, "getencoding", lambda: "ISO-8859-1")
    finding = terminal()["characters"]
    assert finding["status"] == "problem"
    assert "LANG" in finding["says"]


def test_a_missing_package(monkeypatch):
    monkeypatch.setattr(doctor, "PACKAGES", ("nothing-of-this-name",))
    assert dict(doctor._versions())["nothing-of-this-name"] == {
        "status": "problem",
        "value": None,
        "says": "not installed",
    }


def test_a_device_that_is_not_there_is_a_finding():
    found = dict(doctor._compute(Compute("cuda:99", 1)))
    assert found["device"]["status"] == "problem"
    assert "cuda:99 is not there" in found["device"]["says"]


def test_torch_that_cannot_be_imported_is_a_finding(monkeypatch):
    def broken(_self):
        raise ImportError("libtorch.so: cannot open shared object file")

    monkeypatch.setattr(Compute, "torch_device", property(broken))
    finding = dict(doctor._compute(Compute("auto", 1)))["device"]
    assert finding["status"] == "problem"
    assert "libtorch.so" in finding["says"]


def test_cores_and_threads(monkeypatch):
    monkeypatch.setattr(doctor, "available_cores", lambda: 2)
    monkeypatch.setattr(doctor.os, "cpu_count", lambda: 16)
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (9.5, 1.0, 1.0))
    monkeypatch.setattr(doctor, "_quota", lambda: 1.5)
    found = dict(doctor._compute(Compute("cpu", 8)))
    assert found["cores"] == {"status": "note", "value": [2, 16], "says": "2 available of the machine's 16"}
    assert found["quota"]["value"] == 1.5
    assert found["load"]["status"] == "note"
    assert found["threads"]["status"] == "note"
    assert found["GPUs"]["value"] == []


def test_kernels_that_are_not_compiled_yet(monkeypatch, tmp_path, shipped):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    finding = files()["kernels"]
    assert finding["status"] == "note"
    assert "0 of 3 compiled" in finding["says"]
    assert "10 s" in finding["says"]
    (tmp_path / "kernels").mkdir()
    for k in range(3):
        (tmp_path / "kernels" / f"rollout-{k}.nbi").write_bytes(b"x" * 1024)
    finding = files()["kernels"]
    assert finding["status"] == "ok"
    assert finding["value"]["bytes"] == 3072
    assert "3 KiB" in finding["says"]


def test_folders_that_cannot_be_written(monkeypatch, tmp_path, shipped):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "file" / "kernels"))
    monkeypatch.setattr(doctor, "state_dir", lambda: tmp_path / "file" / "state")
    found = files()
    assert found["kernels"]["status"] == "problem"
    assert "every process" in found["kernels"]["says"]
    assert found["state"]["status"] == "problem"
    assert not found["state"]["value"]["writable"]


def test_a_temporary_kernel_folder_and_no_compiler(monkeypatch, tmp_path, shipped):
    (tmp_path / "agentemb-numba-x").mkdir()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "agentemb-numba-x"))
    assert "the user's cache folder cannot be written" in files()["kernels"]["says"]
    monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    assert "NUMBA_DISABLE_JIT" in files()["kernels"]["says"]


def test_a_population_that_is_missing_or_damaged(monkeypatch, tmp_path, population_path):
    path = tmp_path / "shipped.safetensors"
    monkeypatch.setattr(doctor, "default_population", lambda: path)
    assert doctor._population()["status"] == "problem"
    assert "missing" in doctor._population()["says"]
    data = bytearray(population_path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    finding = doctor._population()
    assert finding["status"] == "problem"
    assert "damaged" in finding["says"]


def test_imports_that_fail_or_are_slow(monkeypatch):
    with pytest.raises(WorkbenchError, match="import nothing_here: ModuleNotFoundError"):
        doctor.import_seconds("nothing_here")
    monkeypatch.setattr(doctor, "TIMED", ("nothing_here",))
    assert dict(doctor._imports())["nothing_here"]["status"] == "problem"
    monkeypatch.setattr(doctor, "import_seconds", lambda _name: 12.0)
    finding = dict(doctor._imports())["nothing_here"]
    assert finding["status"] == "note"
    assert "12.0 s" in finding["says"]


def test_sizes():
    assert [doctor._size(n) for n in (0, 1023, 2048, 3 << 20, 5 << 30)] == ["0 B", "1023 B", "2 KiB", "3 MiB", "5 GiB"]
