"""Files that want something else than to be read: code in pickles, bombs, traversal, fuzz."""

import contextlib
import io
import os
import pickle
import struct
import zipfile
import zlib
from functools import cache

import numpy as np
import pytest
from foreign import dqn, mlp, on_policy, saved, sb3, vecnormalize
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from workbench.errors import WorkbenchError
from workbench.importing import archives, normalisers, numpy_pickles, pickles, torch_files
from workbench.importing.archives import Archive
from workbench.importing.reading import Checkpoint, Overrides, read
from workbench.rollouts.reference_set import reference_set

# Text in pickles of protocol 0 has escapes, of which damage makes strange ones; Python does not show that warning.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pickletools")


class Runs:
    """What a pickle calls when it is loaded."""

    def __init__(self, function, *args):
        self.function, self.args = function, args

    def __reduce__(self):
        return self.function, self.args


@pytest.fixture
def mark(tmp_path):
    """A file that is there if any code ran."""
    return tmp_path / "it-ran"


def payloads(mark):
    """Pickles that would touch the file, in every way that opcodes have to call something."""
    touch = f"touch {mark}"
    yield "reduce", pickle.dumps(Runs(os.system, touch))
    yield "nested", pickle.dumps({"0.weight": [Runs(os.system, touch)]})
    yield "eval", pickle.dumps(Runs(eval, f"open({str(mark)!r}, 'w')"))
    yield "inst", b"(S'" + touch.encode() + b"'\nios\nsystem\n."
    yield "obj", b"(cos\nsystem\nS'" + touch.encode() + b"'\no."
    yield "newobj", b"\x80\x02cos\nsystem\nS'" + touch.encode() + b"'\n\x85\x81."
    yield "getattr", b"\x80\x04cbuiltins\ngetattr\ncos\nS'system'\n\x86RS'" + touch.encode() + b"'\n\x85R."
    yield "extension", b"\x80\x02\x82\x01)R."
    inner = b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(touch)) + touch.encode() + b"\x85R"
    yield "build", b"\x80\x02ccollections\nOrderedDict\n)R}X\x04\x00\x00\x00evil" + inner + b"sb."


OBJECTS = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
WAYS = ["reduce", "nested", "eval", "inst", "obj", "newobj", "getattr", "extension", "build"]


def as_policy(payload):
    """A pickle as the heart of a file of torch.save."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/byteorder", "little")
    return file.getvalue()


@pytest.mark.parametrize("way", WAYS)
def test_no_pickle_runs_code(way, tmp_path, mark):
    payload = dict(payloads(mark))[way]
    files = {
        "x.pt": as_policy(payload),
        "old.pt": payload,
        "tail.pt": saved({"a": 1}, _use_new_zipfile_serialization=False)[:15] + payload,
        "x.npy": b"\x93NUMPY\x01\x00v\x00"
        + b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117)
        + b"\n",
    }
    files["x.npy"] += payload
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(WorkbenchError):
            read(tmp_path, name, Overrides(sizes="4-2" if name == "x.npy" else ""))
    sb3(tmp_path / "x.zip", as_policy(payload))
    with pytest.raises(WorkbenchError):
        read(tmp_path, "x.zip", Overrides())
    sb3(tmp_path / "x.zip", on_policy(mlp((4, 8, 2))))
    (tmp_path / "vecnormalize.pkl").write_bytes(payload)
    with pytest.raises(WorkbenchError, match=r"vecnormalize.pkl.*--normaliser none does without"):
        read(tmp_path, "x.zip", Overrides())
    assert not mark.exists()
    pickle.loads(dict(payloads(mark))["reduce"])
    assert mark.exists(), "that is what it would have done"


@pytest.mark.parametrize(("way", "call"), [("reduce", "would call posix.system"), ("inst", "an object of os.system")])
def test_what_is_refused_is_named(way, call, tmp_path, mark):
    (tmp_path / "x.pt").write_bytes(as_policy(dict(payloads(mark))[way]))
    with pytest.raises(WorkbenchError, match=f"its pickle .*{call}, which is refused; .*save the state_dict"):
        read(tmp_path, "x.pt", Overrides())


def test_code_among_a_normalisers_objects_is_refused(tmp_path, mark):
    data = vecnormalize([0.0] * 4, [1.0] * 4, 2)
    # A class that is admitted as a record, and beside it one that is not.
    evil = data[:-1] + b"0" + dict(payloads(mark))["reduce"][2:]
    (tmp_path / "v.pkl").write_bytes(evil)
    with pytest.raises(WorkbenchError, match="would call posix.system"):
        normalisers.read(tmp_path / "v.pkl")
    assert not mark.exists()


def test_records_say_what_was_pickled_and_nothing_else():
    found = pickles.read(io.BytesIO(vecnormalize([1.0, 2.0], [3.0, 4.0])), numpy_pickles.CALLS, normalisers.INERT)
    assert type(found) is pickles.Record
    assert found.path.endswith(".VecNormalize")
    assert found.get("obs_rms").get("mean").tolist() == [1, 2]
    assert found.get("gamma") == 0.99
    assert found.get("missing", 5) == 5


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=12,
)


@given(value=PLAIN, protocol=st.integers(0, 5))
@settings(max_examples=150)
def test_plain_values_are_read_as_pickle_reads_them(value, protocol):
    assert pickles.read(io.BytesIO(pickle.dumps(value, protocol)), numpy_pickles.CALLS) == value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "array",
    [
        np.arange(6.0).reshape(2, 3),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.array(3, np.int32),
        np.zeros((0, 4)),
    ],
)
def test_arrays_are_read_as_pickle_reads_them(array, protocol):
    found = pickles.read(io.BytesIO(pickle.dumps([array, array], protocol)), numpy_pickles.CALLS)
    for one in found:
        np.testing.assert_array_equal(one, array)
        assert one.dtype == array.dtype
    number = pickles.read(io.BytesIO(pickle.dumps(np.float32(1.5), protocol)), numpy_pickles.CALLS)
    assert number == 1.5


@given(st.binary(max_size=200))
@settings(max_examples=300)
def test_any_bytes_are_a_value_or_a_message(data):
    for text in (data, b"\x80\x02" + data, b"\x80\x04" + data + b"."):
        try:
            pickles.read(io.BytesIO(text), torch_files.CALLS, ("gym.",))
        except WorkbenchError:
            continue


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "exhausted"),
        (b"N", "exhausted"),
        (b".", "pop from empty list"),
        (b"\x80\x02h\x05.", "5"),
        (b"((s.", "a mark where a value should be"),
        (b"\x80\x02X\x01\x00\x00\x00aQ.", "refers to something outside"),
        (b"K\x01K\x02a.", "values appended to a int"),
        (b"}]K\x01s.", "a list as the key of a dict"),
        (b"K\x01K\x02R.", "a call of something that is no function"),
        (b"K\x01)\x81.", "an object of something that is no class"),
        (b"K\x01K\x02b.", "a state for a int"),
        (b"}(K\x01u.", "a key without a value"),
        (b"K\x01K\x02\x93.", "a name that is no text"),
        (b"\x80\x05\x97.", "the operation NEXT_BUFFER, which is not followed"),
    ],
)
def test_damaged_pickles_are_told(data, message):
    with pytest.raises(WorkbenchError, match=message):
        pickles.read(io.BytesIO(data), {})


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_deep_pickles_are_told_or_read(depth):
    pickles.read(io.BytesIO(b"]" * depth + b"a" * (depth - 1) + b"."), {})
    pickles.read(io.BytesIO(b")" + b"\x85" * depth + b"."), {})
    with pytest.raises(WorkbenchError, match="a tuple as the key of a dict"):
        pickles.read(io.BytesIO(b"}" + b")" + b"\x85" * depth + b"Ns."), {})


def test_long_pickles_are_told():
    with pytest.raises(WorkbenchError, match="more than 2,000,000 operations"):
        pickles.read(io.BytesIO(b"N0" * 1_000_001 + b"N."), {})


@cache
def bomb(name="policy.pth", size=1 << 27):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return file.getvalue()


def lying(data, declared):
    """An archive whose directory and header say another size of its first member."""
    changed = bytearray(data)
    at = data.index(b"PK\x01\x02")
    struct.pack_into("<I", changed, at + 24, declared)
    struct.pack_into("<I", changed, 22, declared)
    return bytes(changed)


def test_zip_bombs_are_told(tmp_path):
    (tmp_path / "x.zip").write_bytes(bomb())
    with pytest.raises(WorkbenchError, match="`policy.pth` is packed .* to 1: a zip bomb"):
        read(tmp_path, "x.zip", Overrides())
    (tmp_path / "x.pt").write_bytes(bomb("archive/data.pkl"))
    with pytest.raises(WorkbenchError, match="would unpack to 128 MiB; 64 MiB at most"):
        read(tmp_path, "x.pt", Overrides())
    (tmp_path / "x.npz").write_bytes(bomb("weight.npy"))
    with pytest.raises(WorkbenchError, match="a zip bomb"):
        read(tmp_path, "x.npz", Overrides())
    (tmp_path / "y.zip").write_bytes(lying(bomb(), 1 << 30))
    with pytest.raises(WorkbenchError, match="would unpack to 1,024 MiB; 256 MiB at most"):
        read(tmp_path, "y.zip", Overrides())


def test_an_archive_that_lies_about_sizes_gives_no_more_than_it_says(tmp_path):
    for declared in (10, 1 << 19):
        (tmp_path / "x.zip").write_bytes(lying(bomb(), declared))
        with pytest.raises(WorkbenchError, match="damaged|declares"):
            read(tmp_path, "x.zip", Overrides())
    short = io.BytesIO()
    with zipfile.ZipFile(short, "w") as archive:
        archive.writestr("policy.pth", b"abc")
    with pytest.raises(WorkbenchError, match="damaged|declares 9999 bytes and holds 3"):
        Archive(io.BytesIO(lying(short.getvalue(), 9999))).read("policy.pth")


def test_a_bomb_inside_a_bomb(tmp_path):
    sb3(tmp_path / "x.zip", bomb("archive/data/0", 1 << 26))
    with pytest.raises(WorkbenchError, match="none of torch.save"):
        read(tmp_path, "x.zip", Overrides())


def test_tensors_that_repeat_their_storage_are_refused(tmp_path):
    import torch

    wide = torch.zeros(1).expand(10_000, 10_000)
    state = {"weight": wide}
    (tmp_path / "x.pt").write_bytes(saved(state))
    assert (tmp_path / "x.pt").stat().st_size < 2000
    with pytest.raises(WorkbenchError, match="a tensor of 100000000 numbers in a storage of 1"):
        read(tmp_path, "x.pt", Overrides())


def test_names_in_archives_lead_nowhere(tmp_path):
    folder = tmp_path / "inside"
    folder.mkdir()
    with zipfile.ZipFile(folder / "x.zip", "w") as archive:
        archive.writestr("policy.pth", saved(on_policy(mlp((4, 8, 2)))))
        archive.writestr("../escaped.txt", "x")
        archive.writestr("/tmp/../escaped-too.txt", "x")
    read(folder, "x.zip", Overrides())
    with zipfile.ZipFile(folder / "y.zip", "w") as archive:
        archive.writestr("../policy.pth", saved(on_policy(mlp((4, 8, 2)))))
    with pytest.raises(WorkbenchError, match="no `policy.pth` in the archive"):
        read(folder, "y.zip", Overrides())
    # A storage may be called anything; it is looked up in the archive, and nowhere else.
    secret = folder / "secret"
    secret.write_bytes(bytes(64))
    good = saved({"weight": mlp((4, 2))[0].weight.detach()})
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(folder / "z.pt", "w") as archive:
        for name in source.namelist():
            data = source.read(name)
            archive.writestr(name, data.replace(b"X\x01\x00\x00\x000", b"X\x06\x00\x00\x00secret"))
    with pytest.raises(WorkbenchError, match="no `archive/data/secret` in the archive"):
        read(folder, "z.pt", Overrides())
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["inside", "secret", "x.zip", "y.zip", "z.pt"]


def test_encrypted_and_oddly_packed_members_are_told():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("policy.pth", b"abc")
    with pytest.raises(WorkbenchError, match="packed by method 12; stored and deflated are read"):
        Archive(file).read("policy.pth")
    data = bytearray(file.getvalue())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(WorkbenchError, match="`policy.pth` is encrypted"):
        Archive(io.BytesIO(bytes(data))).read("policy.pth")


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000, 58), }", "numbers in 40 bytes"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': (-5,), }", "numbers in 40 bytes|not an array"),
        ("{'descr': '<f4', 'fortran_order': False, 'shape': __import__('os').getcwd(), }", "not an array of NumPy"),
        ("{'descr': '<f4'}", "not an array of NumPy"),
        ("(" * 5000, "not an array of NumPy"),
    ],
)
def test_headers_of_arrays_that_lie_are_told(header, message, tmp_path, population):
    text = header.encode().ljust(117) + b"\n"
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(40))
    with pytest.raises(WorkbenchError, match=message):
        read(tmp_path, "x.npy", Overrides(sizes="4-8-2"))
    with pytest.raises(WorkbenchError, match="not an array of numbers|cannot be read"):
        reference_set(str(tmp_path / "x.npy"), population)


def samples(folder):
    """A file of every format."""
    module = mlp((4, 6, 2))
    state = module.state_dict()
    arrays = {k: v.numpy() for k, v in state.items()}
    for name, data in (
        ("a.pt", saved(state)),
        ("old.pth", saved(state, _use_new_zipfile_serialization=False)),
        ("nested.ckpt", saved({"epoch": 3, "state_dict": state})),
        ("ppo.cleanrl_model", saved({f"actor.{k}": v for k, v in state.items()})),
        ("x.safetensors", save(arrays)),
        ("vecnormalize.pkl", vecnormalize([0.0] * 4, [1.0] * 4)),
    ):
        (folder / name).write_bytes(data)
    sb3(folder / "ppo.zip", on_policy(module))
    sb3(folder / "dqn.zip", dqn(module), _use_new_zipfile_serialization=False)
    np.savez(folder / "layers.npz", **arrays)
    np.savez_compressed(folder / "packed.npz", **arrays)
    np.save(folder / "flat.npy", np.zeros((3, 44), np.float32))
    return sorted(p.name for p in folder.iterdir())


def damaged(data, rng):
    """The bytes with something wrong with them."""
    changed = bytearray(data)
    match rng.integers(5):
        case 0:
            return bytes(changed[: rng.integers(len(data))])
        case 1:
            for at in rng.integers(len(data), size=rng.integers(1, 8)):
                changed[at] = rng.integers(256)
        case 2:
            for at in rng.integers(len(data) * 8, size=rng.integers(1, 4)):
                changed[at // 8] ^= 1 << (at % 8)
        case 3:
            at, length = rng.integers(len(data)), rng.integers(1, 64)
            changed[at : at + length] = rng.bytes(rng.integers(64))
        case _:
            a, b, length = rng.integers(len(data)), rng.integers(len(data)), rng.integers(1, 128)
            changed[a : a + length] = changed[b : b + length]
    return bytes(changed)


def repaired(data):
    """An archive whose checksums are right again, so that the damage gets past them; as it is where it is none."""
    changed, at = bytearray(data), data.find(b"PK\x01\x02")
    while 0 <= at <= len(data) - 46:
        method, size, name, extra, note = (struct.unpack_from(f, data, at + k)[0] for f, k in FIELDS)
        header = struct.unpack_from("<I", data, at + 42)[0]
        if method == zipfile.ZIP_STORED and header + 30 < len(data):
            begin = header + 30 + sum(struct.unpack_from("<HH", data, header + 26))
            for where in (header + 14, at + 16):
                struct.pack_into("<I", changed, where, zlib.crc32(data[begin : begin + size]))
        at = data.find(b"PK\x01\x02", at + 46 + name + extra + note)
    return bytes(changed)


FIELDS = (("<H", 10), ("<I", 24), ("<H", 28), ("<H", 30), ("<H", 32))


def read_any(folder, name):
    """What a file says, whatever it is."""
    if name.endswith(".pkl"):
        return normalisers.read(folder / name)
    return read(folder, name, Overrides(sizes="4-6-2" if name == "flat.npy" else "", normaliser="none"))


def fuzz(folder, cases, seed):
    """Damage files and read them; returns how many were read nevertheless."""
    names, rng, whole = samples(folder), np.random.default_rng(seed), 0
    originals = {name: (folder / name).read_bytes() for name in names}
    for case in range(cases):
        name = names[case % len(names)]
        data = damaged(originals[name], rng)
        if case % 2:
            data = repaired(data)
        (folder / name).write_bytes(data)
        with contextlib.suppress(WorkbenchError):
            found = read_any(folder, name)
            assert not isinstance(found, Checkpoint) or found.weights.size < 1 << 20
            whole += 1
        (folder / name).write_bytes(originals[name])
    return whole


def test_damaged_files_are_read_or_told(tmp_path):
    assert 0 < fuzz(tmp_path, 660, 1) < 600


@pytest.mark.slow
def test_ten_thousand_damaged_files_are_read_or_told(tmp_path):
    assert 0 < fuzz(tmp_path, 11_000, 2) < 10_000


def test_every_cut_of_every_format_is_told(tmp_path):
    for name in samples(tmp_path):
        data = (tmp_path / name).read_bytes()
        for end in {*range(0, len(data), max(1, len(data) // 25)), len(data) - 1}:
            (tmp_path / name).write_bytes(data[:end])
            with pytest.raises(WorkbenchError):
                read_any(tmp_path, name)


def test_what_damage_raises_is_all_that_is_caught():
    assert Exception not in archives.DAMAGED
