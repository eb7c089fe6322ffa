/* Captures with faults through the whole sensor: of each file that is named on standard input,
 * whole, then again with frames cut, bits turned, bytes overwritten, lengths made huge, frames
 * doubled, dropped and swapped.  Says how long and how much memory the worst of it took.
 *
 *     find FOLDER -name '*.pcap*' | mutate COUNT SEED
 *
 * COUNT faulty runs over all files together, in turn.  Status 1 where one takes too long; an
 * address sanitizer build ends at the first wrong access. */
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "sensor/capture.h"
#include "sensor/pipeline.h"

#define FILES_MAX 8192
#define FRAME_MAX 70000
#define FRAMES_MAX 4000 /* of a file: enough of each to reach what is odd in it */
#define RUN_MAX_US (10 * 1000000LL)
#define RUNS_OF_PIPELINE                                                                           \
    64 /* then a new one: what former files left in its tables is of use too                       \
        */

struct run {
    struct pipeline *pipeline;
    uint64_t random; /* 0: as it was captured */
    uint8_t frame[FRAME_MAX], held[FRAME_MAX];
    size_t held_size;
    unsigned frames;
    unsigned found;
    unsigned runs; /* of this pipeline */
};

/* splitmix64: the same seed, the same faults. */
static uint64_t
next(struct run *run)
{
    uint64_t z = run->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static size_t
below(struct run *run, size_t end)
{
    return end ? (size_t)(next(run) % end) : 0;
}

static void
on_found(void *context, const struct detection *detection, const struct flow *flow,
         const uint8_t *pcap, size_t pcap_size)
{
    struct run *run = context;
    (void)detection;
    (void)flow;
    (void)pcap;
    (void)pcap_size;
    run->found++;
}

/* The size that the frame has afterwards. */
static size_t
spoil(struct run *run, uint8_t *frame, size_t size)
{
    static const uint8_t extremes[] = {0x00, 0x01, 0x7f, 0x80, 0xfe, 0xff};
    for (size_t i = 1 + below(run, 4); i > 0 && size > 0; i--) {
        size_t at = below(run, size);
        switch (below(run, 6)) {
        case 0:
            frame[at] ^= (uint8_t)(1u << below(run, 8));
            break;
        case 1:
            frame[at] = extremes[below(run, sizeof(extremes))];
            break;
        case 2: /* a length or an offset */
            frame[at] = frame[at + 1 < size ? at + 1 : at] = extremes[below(run, 6)];
            break;
        case 3:
            size = at;
            break;
        case 4: /* the headers are where the parsers are */
            frame[below(run, size < 80 ? size : 80)] = (uint8_t)next(run);
            break;
        default: {
            size_t count = below(run, size - at < 64 ? size - at : 64);
            size_t from = below(run, size - count + 1);
            memmove(frame + at, frame + from, count);
            break;
        }
        }
    }
    return size;
}

static void
on_frame(void *context, int64_t at_us, const uint8_t *frame, size_t size)
{
    struct run *run = context;
    if (size > FRAME_MAX || run->frames++ >= FRAMES_MAX) {
        return;
    }
    if (run->random == 0) {
        pipeline_packet(run->pipeline, at_us, frame, size);
        return;
    }
    memcpy(run->frame, frame, size);
    switch (below(run, 16)) {
    case 0: /* dropped */
        return;
    case 1: /* held back, to come later */
        memcpy(run->held, frame, size);
        run->held_size = size;
        return;
    case 2: /* doubled */
        pipeline_packet(run->pipeline, at_us, run->frame, size);
        break;
    case 3:
        pipeline_packet(run->pipeline, at_us, run->held, run->held_size);
        break;
    case 4:
    case 5:
    case 6:
    case 7:
        size = spoil(run, run->frame, size);
        break;
    default:
        break;
    }
    pipeline_packet(run->pipeline, at_us, run->frame, size);
}

static void
pipeline_renew(struct run *run)
{
    static struct sensor_settings settings = {.name = "mutate"};
    if (run->runs++ % RUNS_OF_PIPELINE == 0) {
        pipeline_free(run->pipeline);
        run->pipeline = pipeline_new(&settings, true, on_found, run);
    }
}

/* How long it took; -1: no Ethernet capture, or not to its end. */
static int64_t
run_file(struct run *run, const char *path, uint64_t random)
{
    char why[256];
    int64_t start_us = clock_boot_us(clock_system());
    pipeline_renew(run);
    run->random = random;
    run->frames = 0;
    int result = capture_file(path, on_frame, run, why);
    int64_t took_us = clock_boot_us(clock_system()) - start_us;
    return result ? -1 : took_us;
}

static size_t
names_read(char **names)
{
    static char line[PATH_MAX];
    size_t count = 0;
    while (count < FILES_MAX && fgets(line, sizeof(line), stdin)) {
        line[strcspn(line, "\n")] = '\0';
        names[count++] = strdup(line);
    }
    return count;
}

int
main(int count, char **words)
{
    static char *names[FILES_MAX];
    size_t files = names_read(names);
    unsigned long runs = count == 3 ? strtoul(words[1], NULL, 10) : 0;
    uint64_t seed = count == 3 ? strtoull(words[2], NULL, 10) : 0;
    if (files == 0 || count != 3) {
        fprintf(stderr, "usage: mutate COUNT SEED < FILE_WITH_NAMES\n");
        return 2;
    }
    log_setup("mutate", LOG_TEXT, (enum log_level)(LOG_ERROR + 1));
    int64_t worst_us = 0;
    unsigned long slow = 0, unread = 0;
    struct run *run = MEM_NEW(struct run);
    for (unsigned long i = 0; i < files + runs; i++) {
        const char *name = names[i % files];
        int64_t took_us = run_file(run, name, i < files ? 0 : seed * 1000003 + i + 1);
        unread += took_us < 0;
        worst_us = took_us > worst_us ? took_us : worst_us;
        if (took_us > RUN_MAX_US) {
            printf("took %.1f s: %s, run %lu\n", (double)took_us / 1e6, name, i);
            slow++;
        }
    }
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("%zu files, %lu faulty runs, %lu of no Ethernet or damaged, %u findings, worst run %.3f "
           "s, %ld MiB\n",
           files, runs, unread, run->found, (double)worst_us / 1e6, usage.ru_maxrss / 1024);
    pipeline_free(run->pipeline);
    free(run);
    return slow > 0;
}
