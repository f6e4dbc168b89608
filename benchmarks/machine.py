"""The machine that figures were measured on, as far as it matters to them: never its name nor its user."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

__all__ = ["cores", "describe", "in_words"]

# What the kernel and its peers make a difference of.
_FLAGS = (
    "popcnt",
    "ssse3",
    "avx2",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_bitalg",
    "avx512_vpopcntdq",
    "avx512_vnni",
    "amx_int8",
    "asimd",
    "sve",
)
_PACKAGES = ("numpy", "numba", "llvmlite")


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe(cpuinfo: Path = Path("/proc/cpuinfo"), meminfo: Path = Path("/proc/meminfo")) -> dict[str, Any]:
    """Processor, cores, instruction sets, memory, versions."""
    told: dict[str, str] = {}
    for line in cpuinfo.read_text("utf-8").splitlines() if cpuinfo.exists() else []:
        key, _, value = line.partition(":")
        told.setdefault(key.strip(), value.strip())
    flags = set(told.get("flags", told.get("Features", "")).split())
    identity = " ".join(f"{key} {told[key]}" for key in ("cpu family", "model", "stepping") if key in told)
    memory = [line.split()[1] for line in (meminfo.read_text("ascii").splitlines() if meminfo.exists() else [])[:1]]
    return {
        "processor": told.get("model name", platform.processor() or platform.machine()),
        "identity": identity,
        "cores": cores(),
        "flags": [flag for flag in _FLAGS if flag in flags],
        "memory_gib": round(int(memory[0]) / (1 << 20), 1) if memory else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in _PACKAGES},
    }


def in_words(machine: dict[str, Any]) -> str:
    """One paragraph."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    return (
        f"{machine['processor']} ({machine['identity']}), {machine['cores']} cores, {machine['memory_gib']} GiB; "
        f"{machine['system']}; {' '.join(machine['flags'])}; Python {machine['python']}, {packages}"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"
