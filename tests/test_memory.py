"""The memory a process may still take, on imitations of the files the kernel offers."""

import pytest

import spinscape as sp
from child import SANITIZED, run_script
from spinscape import memory

GB = 2**30


def group(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("_", ".", 1)).write_text(f"{text}\n")
    return folder


def test_the_tightest_group_of_a_batch_job_counts(tmp_path):
    """Version 2: the job's own group has no limit, its parent has; reclaimable file pages count as free."""
    group(tmp_path / "slurm/job/step", memory_max="max", memory_current=GB)
    group(tmp_path / "slurm/job", memory_max=4 * GB, memory_current=3 * GB, memory_stat=f"anon 1\ninactive_file {GB}")
    membership = tmp_path / "membership"
    membership.write_text("0::/slurm/job/step\n")
    folders = memory._control_groups(membership, tmp_path)
    assert folders == [tmp_path / "slurm/job/step", tmp_path / "slurm/job", tmp_path / "slurm", tmp_path]
    assert [memory._group_available(folder) for folder in folders] == [None, 2 * GB, None, None]


def test_version_1_has_its_own_hierarchy(tmp_path):
    group(tmp_path / "memory/docker", memory_limit_in_bytes=2 * GB, memory_usage_in_bytes=3 * GB)
    membership = tmp_path / "membership"
    membership.write_text("4:memory:/docker\n3:cpu,cpuacct:/docker\n")
    folders = memory._control_groups(membership, tmp_path)
    assert folders == [tmp_path / "memory/docker", tmp_path / "memory"]
    assert memory._group_available(folders[0]) == 0


def test_no_groups_no_limit(tmp_path):
    assert memory._control_groups(tmp_path / "nothing") == []
    assert memory._group_available(tmp_path) is None


def test_available_memory_is_a_sensible_number():
    available = memory.available_bytes()
    assert available is None or 0 < available < 2**50


def test_what_does_not_fit_is_refused_with_the_bytes(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: 5_000_000)
    memory.require(5_000_000, "N")
    with pytest.raises(MemoryError, match=r"N: this needs 5,000,001 bytes; 5,000,000 bytes are available"):
        memory.require(5_000_001, "N: this")
    with pytest.raises(MemoryError, match=r"N: .*p=3, N=200.* needs [\d,]+ bytes"):
        sp.PureGlass(3, 200, rng=0, couplings_storage="stored")


def test_nothing_is_refused_where_nothing_is_known(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda: None)
    memory.require(2**80, "N")


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps freed memory")
def test_peak_memory_of_a_glass_stays_within_the_estimate():
    """Peak resident memory grows by at most 1.1 times what was asked of `memory.require` (and 4 MB of threads)."""
    script = r"""
        import json, re
        import spinscape as sp
        from spinscape import memory
        asked = []
        memory.require = lambda needed, what: asked.append(needed)
        def peak():
            with open("/proc/self/status") as file:
                return int(re.search(r"VmHWM:\s+(\d+) kB", file.read())[1]) * 1024
        sp.PureGlass(3, 10, rng=0)
        asked.clear()
        before = peak()
        glass = sp.PureGlass(3, 450, rng=0)
        print(json.dumps([max(asked), peak() - before]))
    """
    asked, grown = run_script(script)
    assert asked >= 4 * 15_000_000
    assert grown <= 1.1 * asked + 4 * 2**20
