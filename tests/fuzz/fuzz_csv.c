/* Any bytes as a CSV file; each cell, written again, reads back as it was. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
write_and_read(const char *cell)
{
    static struct csv_record record;
    struct csv_reader reader;
    char *text = malloc(CSV_CELL_ROOM(strlen(cell)) + 2);
    if (!text) {
        abort();
    }
    memcpy(text, "x,", 2); /* a byte-order mark is one only where a file begins */
    size_t size = 2 + csv_cell(cell, text + 2);
    csv_begin(&reader, text, size);
    reader.separator = ',';
    bool is_read = csv_next(&reader, &record);
    if (!is_read || record.why || record.count != 2 || strcmp(record.cells[1], cell) != 0) {
        abort();
    }
    free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct csv_record record;
    struct csv_reader reader;
    size_t last_line = 0;
    csv_begin(&reader, (const char *)bytes, size);
    while (csv_next(&reader, &record)) {
        if (record.line <= last_line || record.count == 0 || record.count > CSV_CELLS_MAX) {
            abort();
        }
        last_line = record.line;
        for (size_t i = 0; i < record.count && !record.why; i++) {
            write_and_read(record.cells[i]);
        }
    }
    return 0;
}
