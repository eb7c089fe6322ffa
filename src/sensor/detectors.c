#include "sensor/detector.h"

extern const struct detector detector_reputation, detector_scan;

/* To add a detector: its folder, and a line here. */
const struct detector *const detectors[] = {
    &detector_reputation,
    &detector_scan,
};
const size_t detector_count = COUNT_OF(detectors);
