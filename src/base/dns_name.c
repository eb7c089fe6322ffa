#include "base/dns_name.h"

#define JUMPS_MAX 16
#define LABEL_MAX 63
#define POINTER 0xc0

/* The place that a pointer, whose first byte is 'high', names. */
static bool
jump(struct cursor *at, uint8_t high, const struct cursor *message)
{
    size_t offset = (size_t)(high & 0x3f) << 8 | cur_u8(at);
    if (!cur_ok(at) || offset >= cur_left(message)) {
        return false;
    }
    *at = cur_make(message->pos + offset, cur_left(message) - offset);
    return true;
}

bool
dns_name_read(struct cursor *in, const struct cursor *message, struct dns_name *name)
{
    struct cursor at = *in;
    size_t used = 0, labels = 0;
    int jumps = 0;
    for (uint8_t size; (size = cur_u8(&at)) > 0;) {
        if (size >= POINTER) {
            if (++jumps == 1) {
                *in = at;
                cur_skip(in, 1);
            }
            if (!name) {
                return cur_ok(in);
            }
            if (jumps > JUMPS_MAX || !jump(&at, size, message)) {
                return false;
            }
            continue;
        }
        const uint8_t *label = size <= LABEL_MAX ? cur_take(&at, size) : NULL;
        if (!label || used + size + 2 > DNS_NAME_SIZE) {
            return false;
        }
        if (name && used > 0) {
            name->text[used - 1] = '.';
        }
        if (name) {
            memcpy(name->text + used, label, size);
        }
        used += size + 1u; /* its dot, or the end */
        labels++;
    }
    if (name) {
        name->size = used > 0 ? used - 1 : 0;
        name->text[name->size] = '\0';
        name->label_count = labels;
    }
    if (jumps == 0) {
        *in = at;
    }
    return cur_ok(&at);
}
