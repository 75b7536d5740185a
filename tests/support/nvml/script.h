/* What a stand-in for NVIDIA's library plays: read from a text file, see README.md. */

#ifndef STAND_IN_SCRIPT_H
#define STAND_IN_SCRIPT_H

#include <stdint.h>

#define MAX_GPUS 16
#define MAX_MIG 7
#define MAX_PROCESSES 32
#define MAX_FAULTS 64
#define TEXT 96

typedef struct {  /* a quantity over time: each value holds from its second to the next */
    int count;
    double *at_s, *value, *integral; /* integral up to at_s, from the first point */
} series_t;

enum metric {
    POWER, POWER_AVERAGE, ENERGY, GPU_BUSY, MEMORY_BUSY, MEMORY_USED, SM_CLOCK, MEMORY_CLOCK,
    TEMPERATURE, CLOCK_REASONS, PCIE_SENT, PCIE_RECEIVED, SM_ACTIVITY, SM_OCCUPANCY, TENSOR,
    DRAM, GPM_PCIE_SENT, GPM_PCIE_RECEIVED, NVLINK_SENT, NVLINK_RECEIVED, CONTEXT_SWITCHING,
    METRICS
};

typedef struct {  /* pid, or the process of this run that calls itself ``name`` */
    unsigned pid;
    char name[TEXT];
    series_t memory, sm, memory_busy;
    int mps;
    unsigned found; /* by name, looked for once a second */
    int64_t looked_ns;
} process_t;

typedef struct device {
    int gpu, instance; /* instance -1: the whole GPU */
    int instances;
    struct device *parent;
    char name[TEXT];
    double memory_bytes, lost_s;
    int major;
    series_t series[METRICS];
    process_t processes[MAX_PROCESSES];
    int process_count;
} device_t;

typedef struct {
    char function[TEXT], in[TEXT]; /* in: the process that it happens to; all by default */
    int gpu, field, code, after, times, hang, calls;
} fault_t;

typedef struct {
    int gpus;
    char driver[TEXT];
    double sensor_s, window_s; /* the power sensor publishes every, the mean over */
    int64_t zero_ns;
    device_t gpu[MAX_GPUS], mig[MAX_GPUS][MAX_MIG];
    fault_t fault[MAX_FAULTS];
    int faults;
} script_t;

extern script_t script;

int read_script(const char *path);        /* 0, or the line that is wrong, or -1 */
double value_at(const series_t *s, double second, double missing);
double integral_to(const series_t *s, double second);
double mean_over(const series_t *s, double from_s, double to_s, double missing);
int64_t clock_ns(void);
unsigned find_process(process_t *process); /* 0 where it does not run */

#endif
