/* Reads a script, and says what a series is at an instant or over an interval. */

#define _GNU_SOURCE
#include "script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

script_t script;

static const char *const NAMES[METRICS] = {
    "power", "power_average", "energy", "gpu_busy", "memory_busy", "memory_used", "sm_clock",
    "memory_clock", "temperature", "clock_reasons", "pcie_sent", "pcie_received", "sm_activity",
    "sm_occupancy", "tensor", "dram", "gpm_pcie_sent", "gpm_pcie_received", "nvlink_sent",
    "nvlink_received", "context_switching",
};

int64_t clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* -- series ----------------------------------------------------------------------------- */

static int index_of(const series_t *s, double second) { /* the last point not after it */
    int low = 0, high = s->count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (s->at_s[middle] <= second) low = middle + 1; else high = middle;
    }
    return low - 1;
}

double value_at(const series_t *s, double second, double missing) {
    if (!s->count) return missing;
    int i = index_of(s, second);
    return s->value[i < 0 ? 0 : i];
}

double integral_to(const series_t *s, double second) {
    if (!s->count) return 0;
    int i = index_of(s, second);
    if (i < 0) return s->value[0] * (second - s->at_s[0]);
    return s->integral[i] + s->value[i] * (second - s->at_s[i]);
}

double mean_over(const series_t *s, double from_s, double to_s, double missing) {
    if (!s->count || to_s <= from_s) return value_at(s, to_s, missing);
    return (integral_to(s, to_s) - integral_to(s, from_s)) / (to_s - from_s);
}

static void add_point(series_t *s, double at_s, double value) {
    int n = s->count;
    if ((n & (n - 1)) == 0) {
        size_t size = sizeof(double) * (n ? 2 * n : 1);
        s->at_s = realloc(s->at_s, size);
        s->value = realloc(s->value, size);
        s->integral = realloc(s->integral, size);
    }
    double before = n ? s->integral[n - 1] + s->value[n - 1] * (at_s - s->at_s[n - 1]) : 0;
    s->at_s[n] = at_s, s->value[n] = value, s->integral[n] = before;
    s->count = n + 1;
}

static int parse_series(series_t *s, const char *text) { /* "5" or "0:5,1.5:7" */
    s->count = 0;
    while (*text) {
        char *end;
        double first = strtod(text, &end), value = first;
        if (end == text) return 0;
        if (*end == ':') value = strtod(end + 1, &end); else first = 0;
        add_point(s, first, value);
        text = *end == ',' ? end + 1 : end;
        if (*end && *end != ',') return 0;
    }
    return s->count > 0;
}

/* -- lines ------------------------------------------------------------------------------ */

static const char *option(char **words, int count, const char *key) { /* key=value */
    size_t size = strlen(key);
    for (int i = 0; i < count; i++)
        if (!strncmp(words[i], key, size) && words[i][size] == '=') return words[i] + size + 1;
    return NULL;
}

static double number(char **words, int count, const char *key, double otherwise) {
    const char *text = option(words, count, key);
    return text ? atof(text) : otherwise;
}

static void copy(char *to, const char *from) { snprintf(to, TEXT, "%s", from); }

/* Calls what follows for each device that "3", "3/1" or "*" names. */
#define EACH_DEVICE(which, device)                                                             \
    for (int g_ = 0; g_ < script.gpus; g_++)                                                   \
        for (int m_ = -1; m_ < MAX_MIG; m_++)                                                  \
            if (names(which, g_, m_))                                                          \
                for (device_t *device = m_ < 0 ? &script.gpu[g_] : &script.mig[g_][m_]; device; \
                     device = NULL)

static int names(const char *which, int gpu, int instance) {
    const char *slash = strchr(which, '/');
    if (*which != '*' && atoi(which) != gpu) return 0;
    return slash ? atoi(slash + 1) == instance : instance < 0;
}

static int read_device(char **words, int count) { /* gpu WHICH key=value ... */
    EACH_DEVICE(words[1], device) {
        const char *name = option(words, count, "name"), *mig = option(words, count, "mig");
        if (name) copy(device->name, name);
        if (mig) device->instances = atoi(mig);
        device->major = (int)number(words, count, "capability", device->major);
        device->memory_bytes = number(words, count, "memory", device->memory_bytes);
        device->lost_s = number(words, count, "lost", device->lost_s);
        for (int metric = 0; metric < METRICS; metric++) {
            const char *text = option(words, count, NAMES[metric]);
            if (text && !parse_series(&device->series[metric], text)) return 0;
        }
    }
    return 1;
}

static int read_process(char **words, int count) { /* process WHICH pid=N|name=X memory=... */
    EACH_DEVICE(words[1], device) {
        process_t *process = &device->processes[device->process_count];
        const char *name = option(words, count, "name");
        if (++device->process_count > MAX_PROCESSES) return 0;
        process->pid = (unsigned)number(words, count, "pid", 0);
        process->mps = (int)number(words, count, "mps", 0);
        if (name) copy(process->name, name);
        const char *const keys[] = {"memory", "sm", "memory_busy"};
        series_t *const series[] = {&process->memory, &process->sm, &process->memory_busy};
        for (int i = 0; i < 3; i++) {
            const char *text = option(words, count, keys[i]);
            if (text && !parse_series(series[i], text)) return 0;
        }
    }
    return 1;
}

static int read_fault(char **words, int count) { /* fault FUNCTION code=N|hang [after=...] */
    fault_t *fault = &script.fault[script.faults];
    const char *code = option(words, count, "code"), *in = option(words, count, "in");
    if (!code || ++script.faults > MAX_FAULTS) return 0;
    if (in) copy(fault->in, in);
    copy(fault->function, words[1]);
    fault->hang = !strcmp(code, "hang");
    fault->code = atoi(code);
    fault->gpu = (int)number(words, count, "gpu", -1);
    fault->field = (int)number(words, count, "field", -1);
    fault->after = (int)number(words, count, "after", 0);
    fault->times = (int)number(words, count, "times", 1e9);
    return 1;
}

static int read_line(char **words, int count) {
    if (count < 2) return 0;
    if (!strcmp(words[0], "gpus")) return (script.gpus = atoi(words[1])) <= MAX_GPUS;
    if (!strcmp(words[0], "driver")) return copy(script.driver, words[1]), 1;
    if (!strcmp(words[0], "zero_ns")) return script.zero_ns = atoll(words[1]), 1;
    if (!strcmp(words[0], "sensor")) {
        script.sensor_s = atof(words[1]);
        script.window_s = count > 2 ? atof(words[2]) : script.sensor_s;
        return script.sensor_s > 0;
    }
    if (!strcmp(words[0], "gpu")) return read_device(words, count);
    if (!strcmp(words[0], "process")) return read_process(words, count);
    if (!strcmp(words[0], "fault")) return read_fault(words, count);
    return 0;
}

static void begin_device(device_t *device, int gpu, int instance) {
    device->gpu = gpu, device->instance = instance;
    device->parent = instance < 0 ? NULL : &script.gpu[gpu];
    device->memory_bytes = instance < 0 ? 80e9 : 10e9;
    device->lost_s = 1e18, device->major = 9;
    if (instance < 0) snprintf(device->name, TEXT, "Stand-in GPU");
    else snprintf(device->name, TEXT, "Stand-in GPU MIG 1g.10gb");
}

int read_script(const char *path) {
    FILE *file = path ? fopen(path, "r") : NULL;
    char *line = NULL, *words[64];
    size_t size = 0;
    int row = 0, good = 1;
    if (!file) return -1;
    memset(&script, 0, sizeof script);
    script.gpus = 1, script.sensor_s = 0.1, script.window_s = 0.025;
    script.zero_ns = clock_ns();
    copy(script.driver, "stand-in");
    for (int gpu = 0; gpu < MAX_GPUS; gpu++) {
        begin_device(&script.gpu[gpu], gpu, -1);
        for (int i = 0; i < MAX_MIG; i++) begin_device(&script.mig[gpu][i], gpu, i);
    }
    while (good && getline(&line, &size, file) >= 0) {
        int count = 0;
        row++;
        if (strchr(line, '#')) *strchr(line, '#') = 0;
        for (char *word = strtok(line, " \t\n"); word && count < 64; word = strtok(NULL, " \t\n"))
            words[count++] = word;
        if (count) good = read_line(words, count);
    }
    free(line);
    fclose(file);
    return good ? 0 : row;
}

/* -- processes -------------------------------------------------------------------------- */

static int slurp(const char *pid, const char *what, char *buffer, int size) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/%s", pid, what);
    FILE *file = fopen(path, "r");
    if (!file) return 0;
    int got = (int)fread(buffer, 1, (size_t)size - 1, file);
    fclose(file);
    buffer[got < 0 ? 0 : got] = 0;
    return got;
}

static int is_of_this_run(const char *pid) { /* tests beside this one have such names, too */
    const char *run = getenv("MLBENCH_RUN");
    static char environment[1 << 17];
    int size = slurp(pid, "environ", environment, sizeof environment);
    for (char *at = environment; run && at < environment + size; at += strlen(at) + 1)
        if (!strncmp(at, "MLBENCH_RUN=", 12)) return !strcmp(at + 12, run);
    return !run;
}

unsigned find_process(process_t *process) {
    int64_t now_ns = clock_ns();
    if (process->pid) return process->pid;
    if (process->looked_ns && now_ns - process->looked_ns < 1000000000ll) return process->found;
    DIR *all = opendir("/proc");
    unsigned found = 0;
    struct dirent *entry;
    char name[TEXT];
    while (all && !found && (entry = readdir(all))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        if (!slurp(entry->d_name, "comm", name, sizeof name)) continue;
        name[strcspn(name, "\n")] = 0;
        if (!strncmp(name, process->name, 15) && is_of_this_run(entry->d_name))
            found = (unsigned)atoi(entry->d_name);
    }
    if (all) closedir(all);
    process->looked_ns = now_ns;
    return process->found = found;
}
