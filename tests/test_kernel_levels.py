"""Instruction-set levels: those with fused multiply-add give the same bits, every level the right numbers.

Each level runs in its own process, because SPINSCAPE_LEVEL is read once.
"""

import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest

from spinscape import _core

FUSED = [level for level in _core.kernel_levels() if level in ("x86-64-v4", "x86-64-v3", "neon")]

SCRIPT = r"""
    import hashlib, sys
    import numpy as np
    from spinscape import _core
    sha, normals = hashlib.sha256(), hashlib.sha256()
    symmetric, layered = [(2, 37), (3, 70), (3, 110), (3, 260), (4, 21), (6, 7)], [(2, 19), (2, 90), (3, 21), (4, 9)]
    for p, size, layered in [(*case, False) for case in symmetric] + [(*case, True) for case in layered]:
        disorder = _core.Disorder(_core.LawKind.gaussian, 0.0, 3, p, layered)
        form = _core.Form.sampled(_core.FormShape(p, size, layered), disorder, 2)
        for dtype in ("float64", "float32"):
            for replicas in (1, 2, 3, 4, 5, 60):
                w, v = np.random.default_rng(1).standard_normal((2, replicas, form.shape.dimension())).astype(dtype)
                results = [*form.energy_gradient(w, 2), *form.hvp(w, v, 2), *form.hessian(w, 2)]
                for array in results:
                    sha.update(array.tobytes())
    for law in _core.LawKind:
        nu = 4.5 if law.name == "student_t" else 0.0
        normals.update(_core.couplings_at(_core.Disorder(law, nu, 9, 3, False), 777, 5003).tobytes())
    normals.update(_core.normals(2**63 + 11, _core.Purpose.points, 2, 5, 2**34 - 70, 100_003).tobytes())
    print(_core.build_info()["level"], sha.hexdigest(), normals.hexdigest())
"""


def run_at(level):
    environment = {**os.environ, "SPINSCAPE_LEVEL": level}
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)], env=environment, capture_output=True, text=True, timeout=300
    )
    return result


@pytest.fixture(scope="module")
def outputs():
    results = {level: run_at(level) for level in _core.kernel_levels()}
    assert all(result.returncode == 0 for result in results.values()), results
    return {level: result.stdout.split() for level, result in results.items()}


def test_the_variable_chooses_the_level(outputs):
    assert [output[0] for output in outputs.values()] == _core.kernel_levels()


def test_levels_with_fused_multiply_add_give_the_same_bits(outputs):
    if len(FUSED) < 2:
        pytest.skip(f"this machine has {FUSED} only")
    assert len({outputs[level][1] for level in FUSED}) == 1


def test_streams_have_the_same_bits_at_every_level(outputs):
    assert len({output[2] for output in outputs.values()}) == 1


@pytest.mark.parametrize("level", _core.kernel_levels()[1:])
def test_contractions_are_right_at_every_level(level):
    environment = {**os.environ, "SPINSCAPE_LEVEL": level}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-k", "einsum or batches", "-p", "no:cacheprovider",
         os.path.join(os.path.dirname(__file__), "test_contraction.py")],
        env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout[-3000:]


def test_an_unknown_level_is_named():
    result = run_at("x86-64-v9")
    assert result.returncode != 0
    assert "SPINSCAPE_LEVEL: expected one of" in result.stderr
    assert "'x86-64-v9'" in result.stderr


def test_single_normals_equal_the_vectorised_ones():
    """One number at a time comes from the scalar functions of random_streams.cpp, long runs from the kernels."""
    first, count = 2**33 - 130, 300
    together = _core.normals(5, _core.Purpose.couplings, 3, 1, first, count)
    apart = [_core.normals(5, _core.Purpose.couplings, 3, 1, first + k, 1)[0] for k in range(count)]
    assert (together == np.array(apart)).all()


def test_probes_are_positive():
    assert _core.probe_peak(True, 2) > 0.1
    assert _core.probe_read(1 << 20, 2) > 0.1
