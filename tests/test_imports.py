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
        ("from workbench import generators\ngenerators.names(), generators.places", HEAVY),
        ("import workbench.learning.data, workbench.learning.scoring, workbench.learning.attributes", HEAVY),
        (
            "from workbench.reproductions import find, names\nfor name in names(): find(name)",
            (HEAVY - {"scipy"}) | {"scipy.stats"},
        ),
        ("import workbench.comparing, workbench.rollouts.reference_set, workbench.numerics.regions", HEAVY),
        (
            "import workbench.sweeping, numpy as np\nfrom workbench.numerics import landscapes, patterns\n"
            "patterns.pattern(np.array([0, 0.5, 1]), np.array([1, 3, 2]), 200)",
            HEAVY,
        ),
        ("import workbench.figures", HEAVY | {"rich", "workbench.rollouts"}),
        ("import workbench.leaving, workbench.discovery, workbench.unfinished", HEAVY | {"rich", "typer"}),
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


def imports_at_once(path):
    """Names of modules that are imported as soon as a file is: not in functions, not for type checkers alone."""
    found, waiting = set(), list(ast.parse(path.read_text()).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += list(ast.iter_child_nodes(node))
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
    "discovery": set(),
    "leaving": {"text"},
    "memory": set(),
    "unfinished": {"errors", "storage"},
    "axes": set(),
    "drawing": {"text"},
    "panels": {"axes"},
    "charts": {"axes", "drawing", "panels", "text"},
    "svg": {"axes", "text"},
    "sides": {"axes", "drawing", "text"},
    "matrices": {"axes", "charts", "drawing", "panels", "sides", "text"},
    "figures": {"axes", "charts", "drawing", "matrices", "panels", "svg"},
    "numerics": {"errors", "compute", "policies", "physics", "kernels", "numerics"},
    "groups": {"errors"},
    "compute": {"errors"},
    "policies": {"errors"},
    "storage": {"errors"},
    "performance": {"groups", "policies"},
    "population": {"errors", "groups", "performance", "places", "policies", "storage"},
    "expressions": {"errors", "groups", "population"},
    "physics": {"errors", "policies"},
    "kernels": {"places", "policies", "physics", "kernels"},
    "rollouts": {"errors", "compute", "performance", "policies", "physics", "kernels", "population", "rollouts"},
    "claims": {"numerics"},
    "analysis": {"claims", "errors", "compute", "population"},
    "results": {"analysis", "errors", "places", "rules", "storage"},
    "announcing": {"analysis", "errors", "places", "storage"},
    "service": {"analysis", "announcing", "compute", "errors", "memory", "results", "text"},
}
LEARNING = {
    "compute", "discovery", "errors", "generators", "groups", "learning", "numerics", "performance", "physics",
    "places", "policies", "population", "rollouts", "storage", "unfinished",
}  # fmt: skip
KNOWS["comparing"] = {
    "analysis", "compute", "errors", "groups", "numerics", "physics", "policies", "population", "rollouts"
}  # fmt: skip
KNOWS["importing"] = {
    "compute", "discovery", "errors", "importing", "numerics", "performance", "physics", "policies", "population",
    "rollouts", "rules", "storage", "text",
}  # fmt: skip
KNOWS["sweeping"] = {"compute", "errors", "learning", "numerics", "policies"}
KNOWS |= {"learning": LEARNING - {"discovery"}, "generators": LEARNING - {"unfinished"}}


@pytest.mark.parametrize("name", KNOWS)
def test_lower_layers_know_nothing_above(name):
    paths = [path for path in SOURCES if layer(path) == name]
    assert paths
    for path in paths:
        known = {i.split(".")[1] for i in imports_of(path) if i.startswith("workbench.")}
        assert known - {"__version__"} <= KNOWS[name], path


@pytest.mark.parametrize(
    "name",
    [
        "training",
        "learning",
        "generators",
        "analyses",
        "reproductions",
        "reproducing",
        "claims",
        "comparing",
        "sweeping",
        "repairs",
        "repairing",
        "importing",
    ],
)
def test_what_computes_knows_no_front_end(name):
    paths = [path for path in SOURCES if layer(path) == name]
    assert paths
    for path in paths:
        known = {i.split(".")[1] for i in imports_of(path) if i.startswith("workbench.")}
        assert not known & {"service", "results", "cli", "tui", "__main__", "bench", "doctor", "leaving"}, path


def test_generators_know_nothing_of_one_another():
    kinds = [path for path in SOURCES if layer(path) == "generators" and path.stem != "__init__"]
    assert len(kinds) >= 2
    for path in kinds:
        others = {f"workbench.generators.{other.stem}" for other in kinds if other != path}
        assert not imports_of(path) & others, path


def test_analyses_know_generators_by_name_alone():
    for path in SOURCES:
        if layer(path) not in ("generators", "bench"):
            known = {i for i in imports_of(path) if i.startswith("workbench.generators.")}
            assert not {i for i in known if (ROOT / "generators" / f"{i.split('.')[2]}.py").exists()}, path


def test_torch_waits_until_something_needs_it():
    allowed = {path for path in SOURCES if layer(path) in ("learning", "generators")}
    allowed |= {ROOT / "rollouts" / "reference.py"}
    slow = {path for path in SOURCES if {i.split(".")[0] for i in imports_at_once(path)} & {"torch"}}
    assert ROOT / "learning" / "contract.py" in slow
    assert slow <= allowed
    # What imports these at once imports torch too.
    modules = {"workbench." + ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in slow}
    for path in set(SOURCES) - allowed:
        assert not imports_at_once(path) & modules, path


DRAWS = {"rand", "randn", "randint", "randperm", "normal", "multinomial", "bernoulli", "dropout"}


def test_all_random_numbers_come_from_a_generator_of_their_own():
    seen = 0
    for path in (path for path in SOURCES if layer(path) != "bench"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            whose, name = ast.unparse(node.func.value), node.func.attr
            told = f"{path}:{node.lineno}"
            assert (whose, name) not in {("torch", "manual_seed"), ("torch", "seed"), ("random", "seed")}, told
            if whose == "torch" and name in DRAWS:
                seen += 1
                assert "generator" in {k.arg for k in node.keywords}, told
            if whose in ("np.random", "numpy.random"):
                assert name in ("default_rng", "SeedSequence", "Generator", "PCG64"), told
                assert node.args or node.keywords, f"{told}: without a seed"
        assert "random" not in imports_of(path), path
    assert seen > 3


def test_compiled_functions_live_in_one_folder():
    for path in SOURCES:
        if layer(path) not in ("kernels", "bench", "doctor"):
            assert not {i for i in imports_of(path) if i.split(".")[0] in ("numba", "llvmlite")}, path


def test_formats_know_nothing_of_one_another():
    paths = [path for path in SOURCES if path.parent == ROOT / "importing" / "formats" and path.stem != "__init__"]
    assert len(paths) >= 4
    for path in paths:
        assert not {i for i in imports_of(path) if i.startswith("workbench.importing.formats")}, path


def test_nothing_unpickles():
    for path in SOURCES:
        assert not {i for i in imports_of(path) if i.split(".")[0] in ("pickle", "shelve", "marshal", "dill", "joblib")}
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                assert ast.unparse(node.func) not in ("torch.load", "torch.package", "eval", "exec"), path
                assert not any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords), path


def test_each_front_end_prints_and_nothing_else():
    for path in SOURCES:
        if layer(path) in ("cli", "__main__", "leaving", "bench", "doctor"):
            continue
        calls = {ast.unparse(n.func) for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call)}
        assert not calls & {"print", "breakpoint", "input", "sys.exit", "exit"}, path
