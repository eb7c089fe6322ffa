/* A row of mirrored frames through the whole sensor: decapsulation, duplicates, fragments, flows,
 * streams, protocols, detectors.  What is found is fit for the wire, its packets no larger than a
 * recorder may keep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "records.h"
#include "sensor/lists.h"
#include "sensor/pipeline.h"
#include "wire/detection.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
on_found(void *context, const struct detection *detection, const struct flow *flow,
         const uint8_t *pcap, size_t pcap_size)
{
    (void)context;
    (void)flow;
    struct detection again;
    struct codec_error error;
    struct detection named = *detection; /* id and sensor are given by the program */
    snprintf(named.id, sizeof(named.id), "0123456789abcdef01234567");
    snprintf(named.sensor, sizeof(named.sensor), "s1");
    cJSON *json = codec_encode(&wire_detection_shape, &named);
    if (codec_decode(&wire_detection_shape, json, &again, &error)) {
        fprintf(stderr, "%s: %s\n", error.path, error.why);
        abort();
    }
    cJSON_Delete(json);
    if (pcap_size > 0 && !pcap) {
        abort();
    }
}

/* Any name below evil.example, any address of 198.51.100.0/24. */
static struct lists *
lists_make(void)
{
    static const char text[] = "evil.example\n198.51.100.0/24\nhttp://bad.example/x\n";
    static struct list_setting list = {.name = "bad", .confidence = 90}; /* borrowed */
    snprintf(list.path, sizeof(list.path), "/tmp/cordon-fuzz-XXXXXX");
    int fd = mkstemp(list.path);
    if (fd < 0 || write(fd, text, strlen(text)) < 0) {
        abort();
    }
    close(fd);
    struct lists *lists = lists_load(&list, 1);
    unlink(list.path);
    return lists;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* few flows: their limit is to be met, and memory to be made quickly */
    static struct sensor_settings settings = {.name = "s1", .flow_limit = 64};
    static struct pipeline *pipeline; /* made once: it is large.  State of former inputs stays. */
    static int64_t now_us = 1700000000000000;
    if (!pipeline) {
        pipeline = pipeline_new(&settings, true, on_found, NULL);
        pipeline_set_lists(pipeline, lists_make());
    }
    struct cursor in = cur_make(bytes, size);
    struct record record;
    while (record_next(&in, &record)) {
        now_us += record.place * 1000LL * (record.kind & 1 ? 1000 : 1);
        if (record.kind & 2) {
            pipeline_tick(pipeline, now_us);
        }
        pipeline_packet(pipeline, now_us, record.bytes, record.size);
    }
    return 0;
}
