"""Devices and threads."""

import os
import sys
import threading
import types

import pytest

from workbench import compute as module
from workbench.compute import Compute, available_cores
from workbench.errors import WorkbenchError


@pytest.mark.parametrize("device", ["gpu", "", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "auto:1", "CPU"])
def test_devices_that_cannot_be_are_told(device):
    if device == "cuda:":
        assert Compute(device).device == "cuda:"  # an empty index is the first
        return
    with pytest.raises(WorkbenchError, match="device: expected auto, cpu, cuda or cuda:N, got"):
        Compute(device)


@pytest.mark.parametrize("threads", [-1, 1025])
def test_threads_that_cannot_be_are_told(threads):
    with pytest.raises(WorkbenchError, match=rf"threads: expected 0 .all cores but one. to 1024, got {threads}"):
        Compute(threads=threads)


def test_one_core_is_left_to_others(monkeypatch):
    monkeypatch.setattr(module, "available_cores", lambda: 8)
    assert Compute().workers == 7
    assert Compute(threads=12).workers == 12
    monkeypatch.setattr(module, "available_cores", lambda: 1)
    assert Compute().workers == 1


def test_cores_are_those_of_the_affinity():
    assert available_cores() == len(os.sched_getaffinity(0))


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_map_keeps_the_order_and_works_on_other_threads(threads):
    seen = set()

    def double(item):
        seen.add(threading.get_ident())
        return 2 * item

    assert list(Compute("cpu", threads).map(double, range(50))) == list(range(0, 100, 2))
    assert (threading.get_ident() in seen) == (threads == 1)
    assert len(seen) <= threads


def test_map_runs_a_few_ahead_only():
    taken = []

    def items():
        for k in range(10_000):
            taken.append(k)
            yield k

    results = Compute("cpu", 2).map(lambda k: k, items())
    assert next(results) == 0
    assert len(taken) <= 6
    results.close()
    assert len(taken) <= 6


def test_a_mapped_function_that_fails_is_told():
    def fail(item):
        raise KeyError(item)

    for threads in (1, 2):
        with pytest.raises(KeyError):
            list(Compute("cpu", threads).map(fail, [1, 2, 3]))


def test_workers_are_nicer_than_the_caller():
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    compute = Compute("cpu", 2)
    (theirs,) = set(compute.map(lambda _: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()), range(4)))
    assert theirs == (module.NICENESS if mine <= module.NICENESS else mine)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == mine


def pretend(monkeypatch, gpus):
    cuda = types.SimpleNamespace(is_available=lambda: gpus > 0, device_count=lambda: gpus)
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(cuda=cuda))
    monkeypatch.setattr(module, "_gpu_driver", lambda: True)


def test_the_device_is_what_torch_sees(monkeypatch):
    pretend(monkeypatch, 2)
    assert Compute("auto").torch_device == "cuda"
    assert Compute("cuda:1").torch_device == "cuda:1"
    assert Compute("cuda").torch_device == "cuda"
    assert Compute("cpu").torch_device == "cpu"
    with pytest.raises(WorkbenchError, match="device: cuda:2 is not there; torch sees 2 CUDA devices"):
        _ = Compute("cuda:2").torch_device
    pretend(monkeypatch, 0)
    assert Compute("auto").torch_device == "cpu"
    with pytest.raises(WorkbenchError, match="device: cuda is not there; torch sees 0 CUDA devices"):
        _ = Compute("cuda").torch_device


def test_torch_is_not_asked_where_there_is_no_driver(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it would fail
    monkeypatch.setattr(module, "_gpu_driver", lambda: False)
    assert Compute("auto").torch_device == "cpu"
