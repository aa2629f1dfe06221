"""Files: what is written is there whole or not at all, and is read by others."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from workbench import storage
from workbench.errors import WorkbenchError
from workbench.policies import PolicySpec
from workbench.population import Population, Text, load

KINDS = [np.float64, np.float32, np.float16, np.int64, np.int32, np.int16, np.int8]
KINDS += [np.uint64, np.uint32, np.uint16, np.uint8, np.bool_]


def some(n=3, seed=0, **columns):
    spec = PolicySpec((4, 5, 2), "tanh")
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(n, spec.parameters)).astype(np.float32)
    recipe = Text.of(["dqn", "reinforce", "dqn", "old"][:n] + ["dqn"] * (n - 4))
    return Population(spec, weights, {"survival": rng.uniform(9, 200, n), "recipe": recipe, **columns}, {"seed": seed})


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize("kind", KINDS)
def test_arrays_of_every_kind_come_back_and_others_read_them(tmp_path, kind, rng):
    path = tmp_path / "a.safetensors"
    arrays = {
        "flat": rng.integers(0, 2, 7).astype(kind),
        "square": rng.integers(0, 2, (3, 4)).astype(kind),
        "turned": rng.integers(0, 2, (5, 4)).astype(kind).T,
        "strided": rng.integers(0, 2, 12).astype(kind)[::3],
        "empty": np.zeros((0, 4), kind),
    }
    storage.write_tensors(path, arrays, {"kind": "test", "nested": {"a": [1, 2]}})
    back, header = storage.read_tensors(path)
    theirs = load_file(path)
    assert header == {"kind": "test", "nested": {"a": [1, 2]}}
    assert set(back) == set(theirs) == set(arrays)
    for name, array in arrays.items():
        for other in (back[name], theirs[name]):
            assert other.dtype == array.dtype
            assert np.array_equal(other, array)
    assert leftovers(tmp_path) == ["a.safetensors"]


def test_arrays_are_mapped_and_cannot_be_written(tmp_path):
    path = tmp_path / "a.safetensors"
    storage.write_tensors(path, {"w": np.arange(6.0)}, {})
    w = storage.read_tensors(path)[0]["w"]
    assert isinstance(w, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        w[0] = 1


def test_a_mapped_file_may_be_written_over(tmp_path):
    path = tmp_path / "p.safetensors"
    first = some(seed=1).save(path)
    kept = np.array(first.weights)
    second = first.with_columns(extra=np.arange(3)).save(path)
    assert np.array_equal(first.weights, kept)
    assert np.array_equal(second.weights, kept)


def test_permissions_are_those_of_any_new_file(tmp_path):
    before = os.umask(0o027)
    try:
        storage.write_json(tmp_path / "a.json", {})
    finally:
        os.umask(before)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_json_is_written_whole(tmp_path):
    storage.write_json(tmp_path / "deep" / "er" / "a.json", {"b": 1, "a": [2]})
    assert json.loads((tmp_path / "deep" / "er" / "a.json").read_text()) == {"b": 1, "a": [2]}


def refuse(*_args, **_kwargs):
    raise OSError(28, "No space left on device")


def refuse_as_library(*_args, **_kwargs):
    raise SafetensorError("disk on fire")


@pytest.mark.parametrize(
    ("where", "name", "how", "message"),
    [
        ("workbench.storage.os", "fsync", refuse, "could not be written .No space left on device"),
        ("workbench.storage", "save_file", refuse, "could not be written .No space left on device"),
        ("workbench.storage", "save_file", refuse_as_library, "could not be written .disk on fire"),
        ("pathlib.Path", "replace", refuse, "could not be written .No space left on device"),
    ],
)
@pytest.mark.parametrize("existing", [True, False])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, where, name, how, message, existing):
    path = tmp_path / "p.safetensors"
    if existing:
        some(seed=1).save(path)
    before = path.read_bytes() if existing else None
    with monkeypatch.context() as patch:
        patch.setattr(f"{where}.{name}", how)
        with pytest.raises(WorkbenchError, match=message):
            some(seed=2).save(path)
    assert leftovers(tmp_path) == (["p.safetensors"] if existing else [])
    assert (path.read_bytes() if existing else None) == before


def test_another_exception_leaves_what_was_there_too(tmp_path):
    (tmp_path / "a").write_text("old")

    def interrupted():
        with storage.atomic_write(tmp_path / "a") as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    assert leftovers(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def child(code, *arguments, **options):
    header = """
        import os, sys, signal
        from pathlib import Path
        sys.path.insert(0, os.environ["HERE"])
        from test_storage import some
        from workbench import storage
        from workbench.errors import WorkbenchError
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(header) + textwrap.dedent(code), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "HERE": str(Path(__file__).parent)},
        **options,
    )


def test_a_full_disk_leaves_what_was_there(tmp_path):
    path = tmp_path / "p.safetensors"
    old = some(seed=1).save(path).content_hash
    code = """
        import resource
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
        try:
            some(500).save(Path(sys.argv[1]))
        except WorkbenchError as error:
            print(error)
    """
    out, err = child(code, path).communicate(timeout=60)
    assert f"{path}: could not be written" in out, err
    assert leftovers(tmp_path) == ["p.safetensors"]
    assert load(path).content_hash == old


@pytest.mark.parametrize("moment", ["storage.save_file", "os.fsync", "Path.chmod", "Path.replace", "os.open"])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_moment_of_a_save_a_whole_file_is_left(tmp_path, moment, after):
    path = tmp_path / "p.safetensors"
    old, new = some(seed=1).save(path), some(seed=2)
    code = f"""
        real = {moment}
        def die(*args, **kwargs):
            if "{moment}" == "os.open" and not os.path.isdir(args[0]):
                return real(*args, **kwargs)
            if {after}:
                real(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)
        {moment} = die
        some(seed=2).save(Path(sys.argv[1]))
    """
    process = child(code, path)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    left = load(path)
    left.verify()
    renamed = moment == "os.open" or (moment == "Path.replace" and after)
    assert left.content_hash == (new if renamed else old).content_hash
    strays = len(leftovers(tmp_path)) - 1
    assert strays == (0 if renamed else 1)
    assert storage.sweep_strays(tmp_path) == strays
    assert leftovers(tmp_path) == ["p.safetensors"]


def test_killed_again_and_again_a_whole_file_is_left(tmp_path):
    path = tmp_path / "p.safetensors"
    code = """
        versions = [some(400, seed=s) for s in (1, 2)]
        while True:
            for version in versions:
                version.save(Path(sys.argv[1]))
                print("saved", flush=True)
    """
    hashes = {some(400, seed=s).content_hash for s in (1, 2)}
    for saves in range(1, 6):
        process = child(code, path)
        for _ in range(saves):
            assert process.stdout.readline() == "saved\n"
        process.kill()
        process.communicate(timeout=60)
        left = load(path)
        left.verify()
        assert left.content_hash in hashes


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "p.safetensors"
    some(4, lr=np.linspace(0, 1, 4, dtype=np.float32), held_out=np.array([True, False, True, False])).save(path)
    return path, path.read_bytes()


def same(a, b):
    return (
        a.spec == b.spec
        and a.weights.tobytes() == b.weights.tobytes()
        and list(a.columns) == list(b.columns)
        and all(np.array_equal(a[name], b[name]) for name in a.columns)
    )


def assert_noticed_or_harmless(path, original):
    noticed = ""
    try:
        found = load(path)
        found.verify()
    except WorkbenchError as error:
        noticed = str(error)
    assert str(path) in noticed if noticed else same(found, original)


@settings(max_examples=300)
@given(at=st.integers(0, 10**9))
def test_a_cut_file_is_noticed(whole, tmp_path, at):
    content = whole[1]
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(content[: at % len(content)])
    with pytest.raises(WorkbenchError, match="cut or damaged"):
        load(cut)


@settings(max_examples=400)
@given(flips=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), min_size=1, max_size=3))
def test_changed_bytes_are_noticed_or_harmless(whole, tmp_path, flips):
    path, content = whole
    damaged = bytearray(content)
    for at, value in flips:
        damaged[at % len(content)] = value
    other = tmp_path / "damaged.safetensors"
    other.write_bytes(damaged)
    assert_noticed_or_harmless(other, load(path))


@settings(max_examples=300)
@given(at=st.integers(8, 10**9), bit=st.integers(0, 7))
def test_a_flipped_bit_of_the_header_is_noticed_or_harmless(whole, tmp_path, at, bit):
    path, content = whole
    length = int.from_bytes(content[:8], "little")
    damaged = bytearray(content)
    damaged[8 + at % length] ^= 1 << bit
    other = tmp_path / "damaged.safetensors"
    other.write_bytes(damaged)
    assert_noticed_or_harmless(other, load(path))


def test_a_flipped_bit_of_the_data_loads_and_does_not_verify(whole, tmp_path):
    content = whole[1]
    begin = 8 + int.from_bytes(content[:8], "little")
    other = tmp_path / "damaged.safetensors"
    for at in np.linspace(begin, len(content) - 1, 40).astype(int):
        damaged = bytearray(content)
        damaged[at] ^= 1
        other.write_bytes(damaged)
        with pytest.raises(WorkbenchError, match=f"{other}: .*(damaged: its content hash is|codes outside)"):
            load(other).verify()


def test_files_that_are_none_are_told(tmp_path):
    with pytest.raises(WorkbenchError, match=r"none.safetensors: no such file"):
        storage.read_tensors(tmp_path / "none.safetensors")
    (tmp_path / "text").write_text("hello, this is no tensor file")
    with pytest.raises(WorkbenchError, match="text: not a safetensors file, cut or damaged"):
        storage.read_tensors(tmp_path / "text")
    (tmp_path / "empty").touch()
    with pytest.raises(WorkbenchError, match="empty: not a safetensors file"):
        storage.read_tensors(tmp_path / "empty")
    with pytest.raises(WorkbenchError, match=r"cannot be read .File name too long"):
        storage.read_tensors(tmp_path / ("n" * 300))


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (None, "a safetensors file, but not one of this program .no `agentemb` in its header"),
        ({"format": "pt"}, "not one of this program"),
        ({"agentemb": "not json"}, "its `agentemb` header is not a JSON object"),
        ({"agentemb": "[1, 2]"}, "is not a JSON object"),
        ({"agentemb": "[" * 100_000}, "is not a JSON object"),
    ],
)
def test_foreign_safetensors_are_told(tmp_path, metadata, message):
    path = tmp_path / "foreign.safetensors"
    save_file({"w": np.zeros(3)}, path, metadata=metadata)
    with pytest.raises(WorkbenchError, match=message):
        storage.read_tensors(path)


def test_kinds_that_are_not_read_are_told(tmp_path):
    import torch
    from safetensors.torch import save_file as save_torch

    path = tmp_path / "b.safetensors"
    save_torch({"w": torch.zeros(3, dtype=torch.bfloat16)}, path, metadata={"agentemb": "{}"})
    with pytest.raises(WorkbenchError, match="array 'w' is of kind BF16, which is not read here"):
        storage.read_tensors(path)


def test_folders_that_cannot_be_written_are_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WorkbenchError, match="cannot write there"):
        storage.write_json(tmp_path / "file" / "a.json", {})
    with pytest.raises(WorkbenchError, match=r"cannot write there .File name too long"):
        storage.write_json(tmp_path / ("n" * 300), {})
    (tmp_path / "folder").mkdir()
    with pytest.raises(WorkbenchError, match=r"folder: could not be written .Is a directory"):
        storage.write_json(tmp_path / "folder", {})
    assert leftovers(tmp_path) == ["file", "folder"]


def test_archives_are_read_by_numpy_and_hold_no_pickle(tmp_path, rng):
    path = tmp_path / "deep" / "a.npz"
    arrays = {
        "numbers": rng.normal(size=(3, 4)),
        "turned": np.asfortranarray(rng.normal(size=(3, 4)).astype(np.float32)),
        "words": np.array(["a", "θ̇", ""]),
        "word": np.array("states"),
        "none": np.zeros((0, 3), np.int64),
    }
    storage.write_arrays(path, arrays)
    with np.load(path, allow_pickle=False) as back:
        assert set(back) == set(arrays)
        for name, array in arrays.items():
            assert back[name].dtype == array.dtype
            assert np.array_equal(back[name], array)
    assert leftovers(path.parent) == ["a.npz"]


def test_an_archive_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(WorkbenchError, match="cannot write there"):
        storage.write_arrays(tmp_path / "file" / "a.npz", {"a": np.zeros(3)})
    monkeypatch.setattr(np, "savez", refuse)
    with pytest.raises(WorkbenchError, match="a.npz: could not be written .No space left on device"):
        storage.write_arrays(tmp_path / "a.npz", {"a": np.zeros(3)})
    assert leftovers(tmp_path) == ["file"]


def test_a_file_is_known_by_what_it_says(tmp_path):
    first = some(seed=1).save(tmp_path / "a.safetensors")
    again = replace(some(seed=1), provenance={"from": "elsewhere"}).save(tmp_path / "b.safetensors")
    assert storage.hash_of(first.path) == storage.hash_of(again.path) == first.content_hash
    assert storage.hash_of(some(seed=2).save(tmp_path / "c.safetensors").path) != first.content_hash
    paths = [tmp_path / name for name in ("a.npy", "b.csv", "c.npy")]
    for path, content in zip(paths, (b"one", b"one", b"two"), strict=True):
        path.write_bytes(content)
    a, b, c = map(storage.hash_of, paths)
    assert a == b != c
    assert a == hashlib.blake2b(b"one", digest_size=16).hexdigest()


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".safetensors"])
def test_a_file_that_says_nothing_is_told(tmp_path, suffix):
    missing = tmp_path / f"none{suffix}"
    with pytest.raises(WorkbenchError, match=f"^{missing}: no such file$"):
        storage.hash_of(missing)
    folder = tmp_path / f"folder{suffix}"
    folder.mkdir()
    with pytest.raises(WorkbenchError, match=f"^{folder}: cannot be read .Is a directory"):
        storage.hash_of(folder)


def test_the_content_hash_covers_names_kinds_shapes_and_header():
    base = {"a": np.arange(6, dtype=np.int32), "b": np.zeros(2)}
    variants = [
        (base, {"k": 1}),
        (base, {"k": 2}),
        ({"a": base["a"].reshape(2, 3), "b": base["b"]}, {"k": 1}),
        ({"a": base["a"].astype(np.uint32), "b": base["b"]}, {"k": 1}),
        ({"c": base["a"], "b": base["b"]}, {"k": 1}),
        ({"a": base["a"][::-1], "b": base["b"]}, {"k": 1}),
        ({"a": base["a"]}, {"k": 1}),
        ({"a": base["a"], "b": np.zeros(0)}, {"k": 1}),
    ]
    hashes = [storage.content_hash(*v) for v in variants]
    assert len(set(hashes)) == len(variants)
    assert storage.content_hash({"b": base["b"], "a": np.asfortranarray(base["a"])}, {"k": 1}) == hashes[0]


def test_a_file_that_may_not_be_opened_is_not_called_missing(tmp_path, monkeypatch):
    import builtins

    path = some().save(tmp_path / "p.safetensors").path
    real = builtins.open

    def forbid(name, *rest, **options):
        if name == path:
            raise PermissionError(13, "Permission denied")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "open", forbid)
    with pytest.raises(WorkbenchError, match=r"p.safetensors: cannot be read .Permission denied"):
        storage.read_tensors(path)
