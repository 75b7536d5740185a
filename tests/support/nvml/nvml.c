/* A stand-in for NVIDIA's libnvidia-ml.so.1, for tests without a GPU: it plays a script.

   Compiled against the official nvml.h, so that the compiler holds every prototype against
   it. Its driver calls itself "stand-in": whoever shows its numbers can say where they are
   from. What it cannot say: how a real driver behaves. */

#define NVML_NO_UNVERSIONED_FUNC_DEFS
#include <nvml.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "script.h"

#define OK NVML_SUCCESS
#define CALL(function, gpu)                                                                    \
    do {                                                                                       \
        nvmlReturn_t code_ = enter(function, gpu, -1);                                         \
        if (code_ != OK) return code_;                                                         \
    } while (0)
#define DEVICE(function, handle)                                                               \
    device_t *d = (device_t *)(handle);                                                        \
    if (!d) return NVML_ERROR_INVALID_ARGUMENT;                                                \
    CALL(function, d->gpu);                                                                    \
    if (seconds() >= d->lost_s || (d->parent && seconds() >= d->parent->lost_s))               \
        return NVML_ERROR_GPU_IS_LOST
#define WHOLE_GPU_ONLY if (d->parent) return NVML_ERROR_NOT_SUPPORTED
#define NO_MIG_PARENT if (!d->parent && d->instances) return NVML_ERROR_NOT_SUPPORTED

static int ready;
static pid_t reader;

static double seconds(void) { return (clock_ns() - script.zero_ns) / 1e9; }

static int happens_here(const fault_t *fault) {
    char name[TEXT] = "";
    FILE *file = *fault->in ? fopen("/proc/self/comm", "r") : NULL;
    if (!*fault->in) return 1;
    if (file && !fgets(name, sizeof name, file)) *name = 0;
    if (file) fclose(file);
    return !strncmp(name, fault->in, strlen(fault->in));
}

/* Whether the call fails, as the script says: after some calls, for some calls, or hangs. */
static nvmlReturn_t enter(const char *function, int gpu, int field) {
    if (!ready && strcmp(function, "nvmlInitWithFlags")) return NVML_ERROR_UNINITIALIZED;
    for (int i = 0; i < script.faults; i++) {
        fault_t *fault = &script.fault[i];
        if (strcmp(fault->function, function) || fault->field != field) continue;
        if ((fault->gpu >= 0 && fault->gpu != gpu) || !happens_here(fault)) continue;
        int call = fault->calls++;
        if (call < fault->after || call >= (long)fault->after + fault->times) continue;
        while (fault->hang) pause();
        return (nvmlReturn_t)fault->code;
    }
    return OK;
}

static nvmlReturn_t text(char *to, unsigned size, const char *from) {
    if (strlen(from) >= size) return NVML_ERROR_INSUFFICIENT_SIZE;
    strcpy(to, from);
    return OK;
}

/* -- the library ------------------------------------------------------------------------ */

nvmlReturn_t nvmlInitWithFlags(unsigned int flags) {
    (void)flags;
    if (reader != getpid()) { /* after a fork the calls are counted anew */
        int row = read_script(getenv("MLBENCH_STAND_IN"));
        if (row > 0) fprintf(stderr, "stand-in: line %d of its script is wrong\n", row);
        if (row) return NVML_ERROR_DRIVER_NOT_LOADED;
        reader = getpid();
    }
    CALL("nvmlInitWithFlags", -1);
    ready++;
    return OK;
}

nvmlReturn_t nvmlInit_v2(void) { return nvmlInitWithFlags(0); }

nvmlReturn_t nvmlShutdown(void) {
    if (!ready) return NVML_ERROR_UNINITIALIZED;
    ready--;
    return OK;
}

const char *nvmlErrorString(nvmlReturn_t result) {
    static char told[TEXT];
    snprintf(told, sizeof told, "stand-in error %d", (int)result);
    return told;
}

nvmlReturn_t nvmlSystemGetDriverVersion(char *version, unsigned int length) {
    CALL("nvmlSystemGetDriverVersion", -1);
    return text(version, length, script.driver);
}

nvmlReturn_t nvmlSystemGetCudaDriverVersion_v2(int *version) {
    CALL("nvmlSystemGetCudaDriverVersion_v2", -1);
    *version = 13000;
    return OK;
}

nvmlReturn_t nvmlDeviceGetCount_v2(unsigned int *count) {
    CALL("nvmlDeviceGetCount_v2", -1);
    *count = (unsigned)script.gpus;
    return OK;
}

nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned int index, nvmlDevice_t *device) {
    CALL("nvmlDeviceGetHandleByIndex_v2", (int)index);
    if (index >= (unsigned)script.gpus) return NVML_ERROR_INVALID_ARGUMENT;
    if (seconds() >= script.gpu[index].lost_s) return NVML_ERROR_GPU_IS_LOST;
    *device = (nvmlDevice_t)&script.gpu[index];
    return OK;
}

/* -- what a device is ------------------------------------------------------------------- */

nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char *uuid, unsigned int length) {
    DEVICE("nvmlDeviceGetUUID", device);
    char made[TEXT];
    if (d->parent) snprintf(made, sizeof made, "MIG-stand-in-%d-%d", d->gpu, d->instance);
    else snprintf(made, sizeof made, "GPU-stand-in-%d", d->gpu);
    return text(uuid, length, made);
}

nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char *name, unsigned int length) {
    DEVICE("nvmlDeviceGetName", device);
    return text(name, length, d->name);
}

nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    DEVICE("nvmlDeviceGetCudaComputeCapability", device);
    *major = d->major, *minor = 0;
    return OK;
}

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, nvmlComputeMode_t *mode) {
    DEVICE("nvmlDeviceGetComputeMode", device);
    *mode = NVML_COMPUTEMODE_DEFAULT;
    return OK;
}

nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t *mode) {
    DEVICE("nvmlDeviceGetPersistenceMode", device);
    *mode = NVML_FEATURE_ENABLED;
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned int *now, unsigned int *next) {
    DEVICE("nvmlDeviceGetMigMode", device);
    WHOLE_GPU_ONLY;
    *now = *next = d->instances > 0;
    return OK;
}

nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned int *count) {
    DEVICE("nvmlDeviceGetMaxMigDeviceCount", device);
    *count = MAX_MIG;
    return OK;
}

nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(
    nvmlDevice_t device, unsigned int index, nvmlDevice_t *instance) {
    DEVICE("nvmlDeviceGetMigDeviceHandleByIndex", device);
    if ((int)index >= d->instances) return NVML_ERROR_NOT_FOUND;
    *instance = (nvmlDevice_t)&script.mig[d->gpu][index];
    return OK;
}

nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t device, unsigned int *id) {
    DEVICE("nvmlDeviceGetGpuInstanceId", device);
    if (!d->parent) return NVML_ERROR_NOT_SUPPORTED;
    *id = (unsigned)d->instance + 7; /* ids are no indices */
    return OK;
}

nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t device, unsigned int *id) {
    DEVICE("nvmlDeviceGetComputeInstanceId", device);
    if (!d->parent) return NVML_ERROR_NOT_SUPPORTED;
    *id = 0;
    return OK;
}

/* -- what it does ----------------------------------------------------------------------- */

static double now_of(const device_t *d, enum metric metric, double missing) {
    return value_at(&d->series[metric], seconds(), missing);
}

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    DEVICE("nvmlDeviceGetMemoryInfo", device);
    memory->total = (unsigned long long)d->memory_bytes;
    memory->used = (unsigned long long)now_of(d, MEMORY_USED, 1e9);
    memory->free = memory->total - memory->used;
    return OK;
}

nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t *busy) {
    DEVICE("nvmlDeviceGetUtilizationRates", device);
    WHOLE_GPU_ONLY;
    NO_MIG_PARENT;
    busy->gpu = (unsigned)now_of(d, GPU_BUSY, 0);
    busy->memory = (unsigned)now_of(d, MEMORY_BUSY, 0);
    return OK;
}

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, nvmlClockType_t type, unsigned int *mhz) {
    DEVICE("nvmlDeviceGetClockInfo", device);
    WHOLE_GPU_ONLY;
    if (type == NVML_CLOCK_MEM) *mhz = (unsigned)now_of(d, MEMORY_CLOCK, 2619);
    else *mhz = (unsigned)now_of(d, SM_CLOCK, 1980);
    return OK;
}

nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_t *temperature) {
    DEVICE("nvmlDeviceGetTemperatureV", device);
    WHOLE_GPU_ONLY;
    if (temperature->version != nvmlTemperature_v1) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    temperature->temperature = (int)now_of(d, TEMPERATURE, 40);
    return OK;
}

nvmlReturn_t nvmlDeviceGetTemperature(
    nvmlDevice_t device, nvmlTemperatureSensors_t sensor, unsigned int *celsius) {
    DEVICE("nvmlDeviceGetTemperature", device);
    (void)sensor;
    WHOLE_GPU_ONLY;
    *celsius = (unsigned)now_of(d, TEMPERATURE, 40);
    return OK;
}

nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(
    nvmlDevice_t device, unsigned long long *reasons) {
    DEVICE("nvmlDeviceGetCurrentClocksEventReasons", device);
    WHOLE_GPU_ONLY;
    *reasons = (unsigned long long)now_of(d, CLOCK_REASONS, 0);
    return OK;
}

/* The sensor: it publishes every period the mean over its window; the counter every period. */
static double published(const device_t *d, double window_s) {
    double at = (double)(long long)(seconds() / script.sensor_s) * script.sensor_s;
    return mean_over(&d->series[POWER], at - window_s, at, 100);
}

static double energy_joules(const device_t *d) {
    double at = (double)(long long)(seconds() / script.sensor_s) * script.sensor_s;
    if (d->series[ENERGY].count) return value_at(&d->series[ENERGY], at, 0);
    if (!d->series[POWER].count) return 1000 + 100 * at;
    return 1000 + integral_to(&d->series[POWER], at);
}

static nvmlReturn_t read_field(const device_t *d, nvmlFieldValue_t *field) {
    double value;
    switch (field->fieldId) {
    case NVML_FI_DEV_POWER_INSTANT: value = published(d, script.window_s) * 1000; break;
    case NVML_FI_DEV_POWER_AVERAGE:
        value = now_of(d, POWER_AVERAGE, mean_over(&d->series[POWER], seconds() - 1, seconds(), 100));
        value *= 1000;
        break;
    case NVML_FI_DEV_TOTAL_ENERGY_CONSUMPTION: value = energy_joules(d) * 1000; break;
    case NVML_FI_DEV_PCIE_COUNT_TX_BYTES:
        value = integral_to(&d->series[PCIE_SENT], seconds()); break;
    case NVML_FI_DEV_PCIE_COUNT_RX_BYTES:
        value = integral_to(&d->series[PCIE_RECEIVED], seconds()); break;
    default: return NVML_ERROR_NOT_SUPPORTED;
    }
    field->valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
    field->value.ullVal = (unsigned long long)(value + 0.5);
    return OK;
}

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t *values) {
    DEVICE("nvmlDeviceGetFieldValues", device);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < count; i++) {
        values[i].timestamp = now.tv_sec * 1000000ll + now.tv_nsec / 1000;
        values[i].latencyUsec = 5;
        nvmlReturn_t code = enter("field", d->gpu, (int)values[i].fieldId);
        if (code == OK && d->parent) code = NVML_ERROR_NOT_SUPPORTED;
        values[i].nvmlReturn = code == OK ? read_field(d, &values[i]) : code;
    }
    return OK;
}

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned int *milliwatts) {
    DEVICE("nvmlDeviceGetPowerUsage", device);
    WHOLE_GPU_ONLY;
    *milliwatts = (unsigned)(mean_over(&d->series[POWER], seconds() - 1, seconds(), 100) * 1000 + 0.5);
    return OK;
}

nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long *energy) {
    DEVICE("nvmlDeviceGetTotalEnergyConsumption", device);
    WHOLE_GPU_ONLY;
    *energy = (unsigned long long)(energy_joules(d) * 1000 + 0.5);
    return OK;
}

nvmlReturn_t nvmlDeviceGetPcieThroughput(
    nvmlDevice_t device, nvmlPcieUtilCounter_t counter, unsigned int *kilobytes) {
    DEVICE("nvmlDeviceGetPcieThroughput", device);
    (void)counter;
    usleep(25000); /* as the real one does: nobody should call it */
    *kilobytes = 0;
    return OK;
}

/* -- its processes ---------------------------------------------------------------------- */

static nvmlReturn_t list_processes(
    device_t *d, int mps, unsigned int *count, nvmlProcessInfo_v2_t *infos) {
    unsigned room = infos ? *count : 0, found = 0;
    for (int i = 0; i < d->process_count; i++) {
        process_t *process = &d->processes[i];
        double bytes = value_at(&process->memory, seconds(), 0);
        unsigned pid = find_process(process);
        if (process->mps != mps || !pid || bytes <= 0) continue;
        if (found < room) {
            infos[found].pid = pid;
            infos[found].usedGpuMemory = (unsigned long long)bytes;
            infos[found].gpuInstanceId = d->parent ? (unsigned)d->instance + 7 : 0xFFFFFFFF;
            infos[found].computeInstanceId = d->parent ? 0 : 0xFFFFFFFF;
        }
        found++;
    }
    *count = found;
    return found > room ? NVML_ERROR_INSUFFICIENT_SIZE : OK;
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(
    nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
    DEVICE("nvmlDeviceGetComputeRunningProcesses_v3", device);
    return list_processes(d, 0, count, infos);
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(
    nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_v2_t *infos) {
    DEVICE("nvmlDeviceGetComputeRunningProcesses_v2", device);
    return list_processes(d, 0, count, infos);
}

nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(
    nvmlDevice_t device, unsigned int *count, nvmlProcessInfo_t *infos) {
    DEVICE("nvmlDeviceGetMPSComputeRunningProcesses_v3", device);
    return list_processes(d, 1, count, infos);
}

/* The driver keeps a buffer of samples; here the newest one, six a second as there. */
nvmlReturn_t nvmlDeviceGetProcessUtilization(
    nvmlDevice_t device, nvmlProcessUtilizationSample_t *samples, unsigned int *count,
    unsigned long long last_seen_us) {
    DEVICE("nvmlDeviceGetProcessUtilization", device);
    WHOLE_GPU_ONLY;
    NO_MIG_PARENT;
    struct timespec now;
    if (enter("nvmlDeviceGetProcessUtilization.empty", d->gpu, -1) != OK) {
        *count = 0; /* a driver that keeps no samples at all says so with SUCCESS */
        return OK;
    }
    if (!samples) {
        *count = MAX_PROCESSES;
        return NVML_ERROR_INSUFFICIENT_SIZE;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    unsigned long long us = now.tv_sec * 1000000ull + (unsigned)now.tv_nsec / 1000, found = 0;
    us -= us % 166667;
    for (int i = 0; i < d->process_count && us > last_seen_us; i++) {
        process_t *process = &d->processes[i];
        unsigned sm = (unsigned)value_at(&process->sm, seconds(), 0);
        unsigned memory = (unsigned)value_at(&process->memory_busy, seconds(), 0);
        unsigned pid = find_process(process);
        if (!pid || (!sm && !memory)) continue; /* a process that did nothing has no row */
        samples[found].pid = pid, samples[found].timeStamp = us;
        samples[found].smUtil = sm, samples[found].memUtil = memory;
        samples[found].encUtil = samples[found].decUtil = 0;
        found++;
    }
    *count = (unsigned)found;
    return found ? OK : NVML_ERROR_NOT_FOUND;
}

/* -- GPM, of Hopper and later ----------------------------------------------------------- */

struct nvmlGpmSample_st { device_t *device; double at_s; };

nvmlReturn_t nvmlGpmQueryDeviceSupport(nvmlDevice_t device, nvmlGpmSupport_t *support) {
    DEVICE("nvmlGpmQueryDeviceSupport", device);
    if (support->version != NVML_GPM_SUPPORT_VERSION) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    support->isSupportedDevice = (d->parent ? d->parent->major : d->major) >= 9;
    return OK;
}

nvmlReturn_t nvmlGpmSampleAlloc(nvmlGpmSample_t *sample) {
    CALL("nvmlGpmSampleAlloc", -1);
    *sample = calloc(1, sizeof **sample);
    return *sample ? OK : NVML_ERROR_MEMORY;
}

nvmlReturn_t nvmlGpmSampleFree(nvmlGpmSample_t sample) {
    free(sample);
    return OK;
}

nvmlReturn_t nvmlGpmSampleGet(nvmlDevice_t device, nvmlGpmSample_t sample) {
    DEVICE("nvmlGpmSampleGet", device);
    if (d->parent || d->major < 9) return NVML_ERROR_NOT_SUPPORTED;
    sample->device = d, sample->at_s = seconds();
    return OK;
}

nvmlReturn_t nvmlGpmMigSampleGet(nvmlDevice_t device, unsigned int id, nvmlGpmSample_t sample) {
    DEVICE("nvmlGpmMigSampleGet", device);
    if (d->parent || id < 7 || (int)id - 7 >= d->instances) return NVML_ERROR_INVALID_ARGUMENT;
    sample->device = &script.mig[d->gpu][id - 7], sample->at_s = seconds();
    return OK;
}

static int gpm_metric(unsigned int id) {
    switch (id) {
    case NVML_GPM_METRIC_SM_UTIL: return SM_ACTIVITY;
    case NVML_GPM_METRIC_SM_OCCUPANCY: return SM_OCCUPANCY;
    case NVML_GPM_METRIC_ANY_TENSOR_UTIL: return TENSOR;
    case NVML_GPM_METRIC_DRAM_BW_UTIL: return DRAM;
    case NVML_GPM_METRIC_PCIE_TX_PER_SEC: return GPM_PCIE_SENT;
    case NVML_GPM_METRIC_PCIE_RX_PER_SEC: return GPM_PCIE_RECEIVED;
    case NVML_GPM_METRIC_NVLINK_TOTAL_TX_PER_SEC: return NVLINK_SENT;
    case NVML_GPM_METRIC_NVLINK_TOTAL_RX_PER_SEC: return NVLINK_RECEIVED;
    case NVML_GPM_METRIC_GR0_CTXSW_ACTIVE_PCT: return CONTEXT_SWITCHING;
    default: return -1;
    }
}

nvmlReturn_t nvmlGpmMetricsGet(nvmlGpmMetricsGet_t *get) {
    device_t *d = get->sample2->device;
    if (!d || !get->sample1->device) return NVML_ERROR_INVALID_ARGUMENT;
    CALL("nvmlGpmMetricsGet", d->gpu);
    if (get->version != NVML_GPM_METRICS_GET_VERSION) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    double from_s = get->sample1->at_s, to_s = get->sample2->at_s;
    if (to_s - from_s < 0.1) return NVML_ERROR_INVALID_ARGUMENT; /* nvml.h: over 100 ms apart */
    for (unsigned i = 0; i < get->numMetrics; i++) {
        nvmlGpmMetric_t *metric = &get->metrics[i];
        int series = gpm_metric(metric->metricId);
        nvmlReturn_t code = enter("gpm", d->gpu, (int)metric->metricId);
        if (code == OK && series < 0) code = NVML_ERROR_NOT_SUPPORTED;
        metric->nvmlReturn = code;
        if (code == OK) metric->value = mean_over(&d->series[series], from_s, to_s, 0);
    }
    return OK;
}
