"""What is imported when, and what may know of what."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import workbench

ROOT = Path(workbench.__file__).parent
HEAVY = {"torch", "numba", "scipy", "gymnasium", "textual"}


def imported(code):
    """Names of all modules that a fresh interpreter has after this code."""
    code += "\nimport sys; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("code", "without"),
    [
        ("import workbench; dir(workbench); workbench.__version__", HEAVY | {"numpy", "rich", "typer"}),
        ("import workbench; workbench.PolicySpec, workbench.load, workbench.Episodes, workbench.survival", HEAVY),
        ("import workbench.cli", (HEAVY - {"scipy"}) | {"scipy.stats"}),
        (
            "from workbench.analyses import find, names\nfor name in names(): find(name)",
            (HEAVY - {"scipy"}) | {"scipy.stats"},
        ),
        ("import workbench.kernels", HEAVY | {"numpy"}),
        ("import workbench.service", HEAVY),
        ("import workbench.__main__ as m; m.commands()", HEAVY | {"typer"}),
    ],
)
def test_importing_is_light(code, without):
    unwanted = imported(code) & without
    assert not unwanted


def test_the_front_door_has_what_it_says():
    for name in workbench.__all__:
        assert getattr(workbench, name) is not None
    assert set(dir(workbench)) == set(workbench.__all__)
    with pytest.raises(AttributeError, match="module 'workbench' has no attribute 'nothing'"):
        _ = workbench.nothing


def imports_of(path):
    """Absolute names of modules that a file imports anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


SOURCES = sorted(ROOT.rglob("*.py"))


def layer(path):
    """A file's first name below workbench: numerics, policies, tui."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def test_only_the_app_knows_the_screen():
    for path in SOURCES:
        if layer(path) != "tui":
            assert not {name for name in imports_of(path) if name.split(".")[0] == "textual"}, path


def test_only_the_entry_points_know_the_app():
    for path in SOURCES:
        if layer(path) not in ("tui", "cli", "__main__", "bench", "doctor"):
            assert not {name for name in imports_of(path) if name.startswith("workbench.tui")}, path


KNOWS = {
    "errors": set(),
    "places": set(),
    "paper": set(),
    "text": set(),
    "numerics": {"errors", "compute", "policies", "physics", "kernels", "numerics"},
    "groups": {"errors"},
    "compute": {"errors"},
    "policies": {"errors"},
    "storage": {"errors"},
    "population": {"errors", "places", "policies", "storage"},
    "expressions": {"errors", "groups", "population"},
    "physics": {"errors", "policies"},
    "kernels": {"places", "policies", "physics", "kernels"},
    "rollouts": {"errors", "compute", "policies", "physics", "kernels", "rollouts"},
    "analysis": {"errors", "compute", "population"},
}


@pytest.mark.parametrize("name", KNOWS)
def test_lower_layers_know_nothing_above(name):
    paths = [path for path in SOURCES if layer(path) == name]
    assert paths
    for path in paths:
        known = {i.split(".")[1] for i in imports_of(path) if i.startswith("workbench.")}
        assert known <= KNOWS[name], path


@pytest.mark.parametrize("name", ["training", "analyses"])
def test_what_computes_knows_no_front_end(name):
    for path in [path for path in SOURCES if layer(path) == name]:
        known = {i.split(".")[1] for i in imports_of(path) if i.startswith("workbench.")}
        assert not known & {"service", "results", "cli", "tui", "__main__", "bench", "doctor"}, path


def test_compiled_functions_live_in_one_folder():
    for path in SOURCES:
        if layer(path) not in ("kernels", "bench", "doctor"):
            assert not {i for i in imports_of(path) if i.split(".")[0] in ("numba", "llvmlite")}, path


def test_nothing_unpickles():
    for path in SOURCES:
        assert not {i for i in imports_of(path) if i.split(".")[0] in ("pickle", "shelve", "marshal", "dill", "joblib")}
        assert "torch.load" not in path.read_text()
