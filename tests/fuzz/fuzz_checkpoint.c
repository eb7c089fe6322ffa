/* Any bytes as a signed note, as a line of a log and as a key: what is taken is written again as it
 * was read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "model/checkpoint.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct checkpoint checkpoint = {.number = 0}, again;
    struct checkpoint_key key;
    char note[CHECKPOINT_NOTE_SIZE], vkey[CHECKPOINT_VKEY_SIZE];
    char *text = malloc(size + 1);
    if (!text) {
        abort();
    }
    memcpy(text, bytes, size);
    text[size] = '\0';
    if (checkpoint_parse(text, &checkpoint)) {
        checkpoint_format(&checkpoint, note);
        if (strcmp(note, text) != 0) {
            abort();
        }
    }
    if (checkpoint_line_find(text, &checkpoint)) {
        checkpoint_line_format(&checkpoint, note);
        if (!checkpoint_line_find(note, &again) || !checkpoint_is_same(&checkpoint, &again)) {
            abort();
        }
    }
    if (checkpoint_key_parse(text, &key)) {
        checkpoint_key_format(&key, vkey);
        (void)checkpoint_is_signed(&checkpoint, &key);
    }
    free(text);
    return 0;
}
