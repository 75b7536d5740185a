"""The real pynvml over the stand-in: every metric of a GPU, and everything that goes wrong."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from probe_support import Watch

from mlbench.probes.gpm import Gpm
from mlbench.probes.nvml import Nvml
from mlbench.probes.nvml_errors import PATIENCE, Fate, fate_of
from mlbench.probes.sensor_cache import Sensor, keep_sensor

ALL = """
gpu 0 power=300 power_average=290 memory_used=20e9 gpu_busy=97 memory_busy=31 sm_clock=1700
gpu 0 memory_clock=2600 temperature=61 clock_reasons=4 pcie_sent=2e9 pcie_received=1e9
gpu 0 sm_activity=55 sm_occupancy=33 tensor=22 dram=44 gpm_pcie_sent=10 gpm_pcie_received=20
gpu 0 nvlink_sent=30 nvlink_received=40 context_switching=3
process 0 pid=4001 memory=8e9 sm=60 memory_busy=20
process 0 pid=4002 memory=4e9 sm=30 memory_busy=10
"""
GONE = (2, 3, 4, 8, 13, 14, 22, 24, 25, 26)
PASSING = (7, 10, 11, 17, 19, 20, 21, 23, 27, 29, 999)
LOST = (15, 16, 28)
OVER = (1, 9, 12, 18)


def fault(function: str, code: int | str, **options: object) -> str:
    words = " ".join(f"{key}={value}" for key, value in options.items())
    return f"fault {function} code={code} {words}\n"


def one_gpu_each(codes: Iterable[int | None], function: str, **options: object) -> str:
    """A GPU for each code, which only that one meets; null for one that is well."""
    told = list(codes)
    faults = (fault(function, code, gpu=n, **options) for n, code in enumerate(told) if code)
    return f"gpus {len(told)}\n{''.join(faults)}"


class TestAGpu:
    def test_has_every_metric_with_what_the_driver_says(self, watch: Watch) -> None:
        seen = watch(ALL, times=3, pause_s=0.2, owners={4001: "rag"})
        levels = {
            "gpu_power_instant": 300, "gpu_power_average": 290, "gpu_memory_used": 20e9,
            "gpu_busy": 97, "gpu_memory_busy": 31, "gpu_clock_sm": 1700,
            "gpu_clock_memory": 2600, "gpu_temperature": 61, "gpu_clock_reasons": 4,
        }  # fmt: skip
        assert seen.metrics == {metric.name for metric in Nvml.metrics}
        assert {name: set(seen.values(name)) for name in levels} == {
            name: {value} for name, value in levels.items()
        }

    def test_counts_energy_and_bytes_between_two_readings(self, watch: Watch) -> None:
        seen = watch(ALL, times=3, pause_s=0.2)
        for row in seen.of("gpu_energy"):  # published every 10 ms
            assert row.start_ns is not None
            assert row.value == pytest.approx(300 * (row.end_ns - row.start_ns) / 1e9, abs=6.1)
        for metric, rate in (("gpu_pcie_sent", 2e9), ("gpu_pcie_received", 1e9)):
            first, second = seen.of(metric)
            assert first.end_ns == second.start_ns
            for row in (first, second):
                seconds = (row.end_ns - (row.start_ns or 0)) / 1e9
                assert row.value == pytest.approx(rate * seconds, rel=0.05)

    def test_tells_its_processes_apart(self, watch: Watch) -> None:
        seen = watch(ALL, times=2, pause_s=0.2, owners={4001: "rag"})
        memory = {(row.pid, row.pipeline, row.value) for row in seen.of("gpu_process_memory")}
        assert memory == {(4001, "rag", 8e9), (4002, None, 4e9)}
        shares = {(row.pid, row.value) for row in seen.of("gpu_process_sm")}
        assert shares == {(4001, 60), (4002, 30)}
        assert set(seen.values("gpu_process_memory_busy")) == {20, 10}

    def test_counts_clients_of_mps_among_its_processes(self, watch: Watch) -> None:
        seen = watch("process 0 pid=7 memory=1e9\nprocess 0 pid=8 memory=2e9 mps=1")
        assert {row.pid for row in seen.of("gpu_process_memory")} == {7, 8}

    def test_says_that_a_stand_in_is_one(self, watch: Watch) -> None:
        seen = watch(ALL)
        assert set(seen.sources.values()) == {"stand-in"}
        assert set(seen.sources) == {metric.name for metric in Nvml.metrics}
        assert seen.devices["gpu0"]["source"] == "stand-in"
        assert watch("driver 580.65.06\n" + ALL).sources == {}

    def test_is_described(self, watch: Watch) -> None:
        gpu = watch("gpu 0 memory=24e9").devices["gpu0"]
        assert (gpu["kind"], gpu["uuid"], gpu["memory_bytes"]) == ("gpu", "GPU-stand-in-0", 24e9)

    def test_has_its_power_sensor_looked_at(self, watch: Watch) -> None:
        gpu = watch("sensor 0.02 0.005").devices["gpu0"]
        assert gpu["power_period_measured"]
        assert gpu["power_period_ms"] == pytest.approx(20, abs=6)

    def test_whose_sensor_is_known_is_not_looked_at_again(
        self, watch: Watch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        keep_sensor("GPU-stand-in-0", "stand-in", Sensor(100, 25))
        gpu = watch("sensor 0.02 0.005").devices["gpu0"]
        assert (gpu["power_period_ms"], gpu["power_window_ms"]) == (100, 25)
        assert gpu["power_period_measured"]

    def test_whose_sensor_never_changes_has_an_assumed_period(self, watch: Watch) -> None:
        gpu = watch(fault("field", 3, field=83)).devices["gpu0"]
        assert (gpu["power_period_ms"], gpu["power_period_measured"]) == (100, False)

    def test_is_never_asked_what_blocks(self, watch: Watch) -> None:
        slow = fault("nvmlDeviceGetPcieThroughput", "hang")
        assert watch(slow).metrics


class TestAnError:
    def test_of_every_code_has_a_fate(self) -> None:
        fates = {code: fate_of(code) for code in (*range(1, 31), 999)}
        assert {c for c, fate in fates.items() if fate is Fate.GONE} == set(GONE)
        assert {c for c, fate in fates.items() if fate is Fate.LOST} == set(LOST)
        assert {c for c, fate in fates.items() if fate is Fate.OVER} == set(OVER)
        assert {c for c, fate in fates.items() if fate is Fate.NOTHING_NEW} == {6}
        assert {*PASSING, 5, 30} == {c for c, fate in fates.items() if fate is Fate.AGAIN}
        assert fate_of(0) is Fate.NOTHING_NEW

    def test_that_cannot_pass_drops_the_column_for_good(self, watch: Watch) -> None:
        seen = watch(one_gpu_each(GONE, "nvmlDeviceGetUtilizationRates", after=1), times=4)
        for number in range(len(GONE)):
            gpu = f"gpu{number}"
            assert [row.turn for row in seen.of("gpu_busy", gpu)] == [0]
            assert seen.nulls["gpu_busy", gpu] == seen.nulls["gpu_memory_busy", gpu] != ""
            assert len(seen.of("gpu_temperature", gpu)) == 4
        assert seen.ended == {}

    def test_that_may_pass_leaves_out_one_reading(self, watch: Watch) -> None:
        script = one_gpu_each(PASSING, "nvmlDeviceGetUtilizationRates", after=1, times=1)
        seen = watch(script, times=4)
        for number in range(len(PASSING)):
            assert [row.turn for row in seen.of("gpu_busy", f"gpu{number}")] == [0, 2, 3]
        assert seen.nulls == {}

    def test_that_never_passes_is_given_up(self, watch: Watch) -> None:
        broken = fault("nvmlDeviceGetUtilizationRates", 999, after=2)
        seen = watch(ALL + broken, times=PATIENCE + 5, pause_s=0)
        assert seen.nulls["gpu_busy", "gpu0"].endswith(f"{PATIENCE} times in sequence")

    def test_that_a_gpu_is_lost_ends_its_own_columns(self, watch: Watch) -> None:
        script = one_gpu_each((*LOST, None), "nvmlDeviceGetMemoryInfo", after=2)
        seen = watch(script, times=4)
        assert set(seen.ended) == {"gpu0", "gpu1", "gpu2"}
        for gpu in seen.ended:
            assert {row.turn for row in seen.of("gpu_temperature", gpu)} == {0}
        assert {row.turn for row in seen.of("gpu_temperature", "gpu3")} == {0, 1, 2, 3}

    @pytest.mark.parametrize("code", OVER)
    def test_of_the_library_ends_all_columns(self, watch: Watch, code: int) -> None:
        seen = watch("gpus 2\n" + fault("nvmlDeviceGetClockInfo", code, after=4), times=4)
        assert max(row.turn for row in seen.rows) == 1
        assert "NVML stopped working" in seen.notes[0]
        assert ("gpu_busy", "gpu0") in seen.nulls

    def test_of_one_field_leaves_the_others(self, watch: Watch) -> None:
        seen = watch(ALL + fault("field", 3, field=186), times=3)
        assert seen.of("gpu_power_instant") == []
        assert seen.nulls["gpu_power_instant", "gpu0"] == "Not Supported"
        assert len(seen.of("gpu_power_average")) == 3
        assert len(seen.of("gpu_energy")) == 2

    def test_of_one_field_that_may_pass_leaves_out_one_reading(self, watch: Watch) -> None:
        seen = watch(ALL + fault("field", 27, field=185, after=1, times=1), times=3)
        assert [row.turn for row in seen.of("gpu_power_average")] == [0, 2]

    def test_of_one_field_that_says_lost_ends_the_gpu(self, watch: Watch) -> None:
        seen = watch("gpus 2\n" + fault("field", 15, field=185, gpu=0, after=1), times=3)
        assert list(seen.ended) == ["gpu0"]
        assert {row.turn for row in seen.of("gpu_power_average", "gpu1")} == {0, 1, 2}

    def test_of_permission_says_who_can_give_it(self, watch: Watch) -> None:
        seen = watch(ALL + fault("nvmlDeviceGetProcessUtilization", 4))
        assert "administrator" in seen.nulls["gpu_process_sm", "gpu0"]

    def test_that_nothing_was_found_is_no_news(self, watch: Watch) -> None:
        idle = watch("process 0 pid=5 memory=1e9", times=3)  # it holds memory and does nothing
        assert idle.of("gpu_process_sm") == []
        assert len(idle.of("gpu_process_memory")) == 3
        assert idle.nulls == {}

    def test_that_is_none_is_no_news(self, watch: Watch) -> None:
        """Pynvml raises SUCCESS where the driver keeps no samples at all."""
        empty = fault("nvmlDeviceGetProcessUtilization.empty", 1, times=2)
        seen = watch(ALL + empty, times=3, pause_s=0.2)
        assert {row.turn for row in seen.of("gpu_process_sm")} == {2}
        assert seen.nulls == {}


class TestAnOlderDriver:
    def test_has_an_older_function_for_power(self, watch: Watch) -> None:
        seen = watch("gpu 0 power=200\n" + fault("field", 3, field=185))
        assert set(seen.values("gpu_power_average")) == {200}
        assert "nvmlDeviceGetPowerUsage" in seen.notes[0]

    def test_has_an_older_function_for_temperature(self, watch: Watch) -> None:
        seen = watch(ALL + fault("nvmlDeviceGetTemperatureV", 13), times=3)
        assert set(seen.values("gpu_temperature")) == {61}
        assert seen.nulls == {}

    def test_has_an_older_list_of_processes(self, watch: Watch) -> None:
        seen = watch(ALL + fault("nvmlDeviceGetComputeRunningProcesses_v3", 13))
        assert {row.pid for row in seen.of("gpu_process_memory")} == {4001, 4002}

    def test_without_fields_has_neither_energy_nor_bytes(self, watch: Watch) -> None:
        seen = watch(ALL + fault("nvmlDeviceGetFieldValues", 13))
        for metric in ("gpu_energy", "gpu_power_instant", "gpu_pcie_sent"):
            assert seen.nulls[metric, "gpu0"] == "Function Not Found"
        assert seen.values("gpu_power_average")


class TestMig:
    SCRIPT = """
    gpu 0 power=400 mig=2
    gpu 0/0 memory_used=3e9 sm_activity=80
    gpu 0/1 memory_used=5e9 sm_activity=20
    process 0/1 pid=77 memory=4e9
    """

    def test_instances_are_devices(self, watch: Watch) -> None:
        seen = watch(self.SCRIPT)
        assert list(seen.devices) == ["gpu0", "gpu0/mig0", "gpu0/mig1"]
        part = seen.devices["gpu0/mig1"]
        assert (part["kind"], part["parent"], part["uuid"]) == ("mig", "gpu0", "MIG-stand-in-0-1")
        assert set(seen.values("gpu_memory_used", "gpu0/mig0")) == {3e9}
        assert set(seen.values("gpu_memory_used", "gpu0/mig1")) == {5e9}

    def test_power_is_that_of_the_whole(self, watch: Watch) -> None:
        seen = watch(self.SCRIPT)
        assert {row.device for row in seen.of("gpu_power_instant")} == {"gpu0"}
        assert seen.nulls["gpu_power_instant", "gpu0/mig0"] == "Not Supported"
        assert seen.nulls["gpu_busy", "gpu0"] == "Not Supported"

    def test_a_process_is_one_of_its_instance(self, watch: Watch) -> None:
        rows = watch(self.SCRIPT, times=1).of("gpu_process_memory")
        assert [(row.device, row.pid, row.value) for row in rows] == [("gpu0/mig1", 77, 4e9)]

    def test_instances_are_counted_by_gpm(self, watch: Watch) -> None:
        seen = watch(self.SCRIPT, probe="gpm", times=2, pause_s=0.1)
        assert seen.values("gpu_sm_activity", "gpu0/mig0") == pytest.approx([80])
        assert seen.values("gpu_sm_activity", "gpu0/mig1") == pytest.approx([20])

    def test_a_lost_gpu_takes_its_instances_with_it(self, watch: Watch) -> None:
        seen = watch(self.SCRIPT + fault("nvmlDeviceGetTemperatureV", 15, after=1), times=3)
        assert set(seen.ended) == {"gpu0", "gpu0/mig0", "gpu0/mig1"}


class TestGpm:
    def test_has_every_metric(self, watch: Watch) -> None:
        seen = watch(ALL, probe="gpm", times=2, pause_s=0.1)
        mib = 2**20
        assert {row.metric: row.value for row in seen.rows} == pytest.approx({
            "gpu_sm_activity": 55, "gpu_sm_occupancy": 33, "gpu_tensor_activity": 22,
            "gpu_dram_activity": 44, "gpu_pcie_sent_rate": 10 * mib,
            "gpu_pcie_received_rate": 20 * mib, "gpu_nvlink_sent_rate": 30 * mib,
            "gpu_nvlink_received_rate": 40 * mib, "gpu_context_switching": 3,
        })  # fmt: skip
        assert seen.metrics == {metric.name for metric in Gpm.metrics}

    def test_is_the_mean_between_two_samples_over_100_ms_apart(self, watch: Watch) -> None:
        """The stand-in refuses less, and a tick that comes a little too early waits."""
        seen = watch(ALL, probe="gpm", times=4, pause_s=0.0985)
        rows = seen.of("gpu_sm_activity")
        assert len(rows) == 3
        assert all(row.end_ns - (row.start_ns or 0) > 100e6 for row in rows)
        assert [row.start_ns for row in rows[1:]] == [row.end_ns for row in rows[:-1]]
        assert seen.nulls == {}

    def test_leaves_out_what_comes_far_too_early(self, watch: Watch) -> None:
        seen = watch(ALL, probe="gpm", times=10, pause_s=0.05)
        assert all(row.end_ns - (row.start_ns or 0) > 100e6 for row in seen.rows)
        assert len(seen.of("gpu_sm_activity")) < 9
        assert seen.nulls == {}

    def test_before_hopper_says_why_there_is_none(self, watch: Watch) -> None:
        seen = watch("gpus 2\ngpu 1 capability=8", probe="gpm", times=2, pause_s=0.1)
        assert {row.device for row in seen.rows} == {"gpu0"}
        assert "Hopper" in seen.nulls["gpu_sm_activity", "gpu1"]

    def test_drops_a_metric_that_a_gpu_does_not_have(self, watch: Watch) -> None:
        no_nvlink = fault("gpm", 3, field=60) + fault("gpm", 3, field=61)
        seen = watch(ALL + no_nvlink, probe="gpm", times=3, pause_s=0.1)
        assert seen.nulls["gpu_nvlink_sent_rate", "gpu0"] == "Not Supported"
        assert len(seen.of("gpu_sm_activity")) == len(seen.of("gpu_context_switching")) == 2

    def test_is_of_its_own_interval_after_a_call_that_failed(self, watch: Watch) -> None:
        """The GPU is idle before the first of its intervals ends, and in none of the others."""
        jump = "gpu 0 sm_activity=0:0,0.05:100\n"
        refused = fault("nvmlGpmSampleGet", 10, after=2, times=1)
        rows = watch(jump + refused, probe="gpm", times=5, pause_s=0.11).of("gpu_sm_activity")
        assert [row.turn for row in rows] == [1, 3, 4]
        assert [row.value for row in rows[1:]] == pytest.approx([100, 100])
        assert rows[1].start_ns == rows[0].end_ns

    def test_of_a_lost_gpu_ends(self, watch: Watch) -> None:
        seen = watch("gpus 2\n" + fault("nvmlGpmSampleGet", 15, gpu=0, after=2), "gpm", 4, 0.1)
        assert list(seen.ended) == ["gpu0"]
        assert {row.turn for row in seen.of("gpu_sm_activity", "gpu1")} == {1, 2, 3}


class TestSeveralGpus:
    def test_eight_are_told_apart(self, watch: Watch) -> None:
        script = "gpus 8\n" + "".join(f"gpu {n} gpu_busy={10 * n}\n" for n in range(8))
        seen = watch(script, times=1)
        assert [seen.values("gpu_busy", f"gpu{n}") for n in range(8)] == [
            [10 * n] for n in range(8)
        ]

    def test_one_that_is_lost_from_the_start_is_told(self, watch: Watch) -> None:
        seen = watch("gpus 3\ngpu 1 lost=0")
        assert list(seen.ended) == ["gpu1"]
        assert {row.device for row in seen.of("gpu_busy")} == {"gpu0", "gpu2"}

    def test_one_that_cannot_be_opened_is_told(self, watch: Watch) -> None:
        seen = watch("gpus 2\n" + fault("nvmlDeviceGetHandleByIndex_v2", 4, gpu=0))
        assert seen.notes == ["gpu0 cannot be opened: Insufficient Permissions"]
        assert {row.device for row in seen.of("gpu_busy")} == {"gpu1"}


class TestWithoutADriver:
    @pytest.mark.parametrize("probe", ["nvml", "gpm"])
    def test_every_metric_has_the_reason(self, watch: Watch, probe: str) -> None:
        seen = watch(fault("nvmlInitWithFlags", 9), probe=probe)
        assert seen.rows == []
        reasons = set(seen.nulls.values())
        assert reasons == {"Driver Not Loaded: nvidia-smi shows whether NVIDIA's driver works"}

    def test_none_listed_is_a_reason_too(self, watch: Watch) -> None:
        seen = watch("gpus 0")
        assert set(seen.nulls.values()) == {"NVML lists no GPU that it can open"}
