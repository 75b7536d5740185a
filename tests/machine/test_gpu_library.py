"""The real pynvml over a stand-in for NVIDIA's library, compiled here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or shutil.which("gcc") is None, reason="needs Linux and gcc"
)

# Prototypes and layouts are those of nvml.h: nvmlMemory_t is total, free, used.
LIBRARY = r"""
#include <stdio.h>
#include <string.h>
typedef struct { unsigned long long total, free, used; } memory_t;
enum { SUCCESS = 0, NOT_SUPPORTED = 3, NO_PERMISSION = 4 };
int nvmlInitWithFlags(unsigned flags) { return SUCCESS; }
int nvmlShutdown(void) { fputs("shut down", stderr); return SUCCESS; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { strcpy(text, "580.1"); return SUCCESS; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12080; return SUCCESS; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 1; return SUCCESS; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    *handle = (void *)1; return SUCCESS;
}
int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    strcpy(text, "GPU-1234"); return SUCCESS;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    strcpy(text, "Stand-in"); return SUCCESS;
}
int nvmlDeviceGetMemoryInfo(void *handle, memory_t *memory) {
    memory->total = 1ull << 33; return SUCCESS;
}
int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) {
    *major = 9; *minor = 0; return SUCCESS;
}
int nvmlDeviceGetPersistenceMode(void *handle, unsigned *mode) { return NO_PERMISSION; }
int nvmlDeviceGetMigMode(void *handle, unsigned *now, unsigned *next) { return NOT_SUPPORTED; }
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, void *found) {
    *count = 0; return SUCCESS;
}
"""

ASK = """
import json
from dataclasses import asdict
from mlbench.machine.gpu import device_count, read_gpus
print(json.dumps({"count": device_count(), **asdict(read_gpus())}))
"""


def test_pynvml_answers_refuses_and_lacks_functions(tmp_path: Path) -> None:
    source = tmp_path / "nvml.c"
    source.write_text(LIBRARY)
    name = "libnvidia-ml.so.1"
    subprocess.run(
        ["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", tmp_path / name, source],
        check=True,
    )
    variables = {**os.environ, "LD_LIBRARY_PATH": str(tmp_path)}
    variables.pop("CUDA_VISIBLE_DEVICES", None)
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=variables, capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout)
    assert done.stderr.count("shut down") == 2
    assert (found["count"], found["driver"], found["cuda"]) == (1, "580.1", "12.8")
    (gpu,) = found["devices"]
    assert (gpu["uuid"], gpu["name"], gpu["memory_bytes"]) == ("GPU-1234", "Stand-in", 1 << 33)
    assert gpu["processes"] == []
    assert gpu["reasons"] == {
        "persistence": "Insufficient Permissions",
        "mig": "Not Supported",
        "compute_mode": "Function Not Found",
    }
