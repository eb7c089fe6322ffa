#include "sensor/protocol/dns/message.h"

#include <ctype.h>
#include <string.h>

#include "base/cursor.h"
#include "base/utf8.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define RECORDS_MAX 64
#define JUMPS_MAX 16

/* A name, compression followed; 'in' then stands behind it.  'name' may be NULL: only step over. */
static bool
name_read(struct cursor *in, const struct cursor *message, char name[HOST_SIZE])
{
    struct cursor at = *in;
    size_t used = 0;
    bool has_jumped = false;
    for (int jumps = 0;;) {
        uint8_t size = cur_u8(&at);
        if (!cur_ok(&at)) {
            return false;
        }
        if (size >= 0xc0) {
            size_t offset = (size_t)(size & 0x3f) << 8 | cur_u8(&at);
            if (!has_jumped) {
                *in = at;
                has_jumped = true;
            }
            if (!name) {
                return cur_ok(&at);
            }
            if (!cur_ok(&at) || offset >= cur_left(message) || ++jumps > JUMPS_MAX) {
                return false;
            }
            at = cur_make(message->pos + offset, cur_left(message) - offset);
            continue;
        }
        if (size == 0) {
            break;
        }
        const uint8_t *label = size < 64 ? cur_take(&at, size) : NULL;
        if (!label || used + size + 2 > HOST_SIZE) {
            return false;
        }
        used += used > 0;
        for (uint8_t i = 0; name && i < size; i++) {
            name[used + i] = (char)tolower(label[i]);
        }
        if (name && used > 0) {
            name[used - 1] = '.';
        }
        used += size;
    }
    if (name) {
        name[used] = '\0';
        utf8_make_plain(name, used);
    }
    if (!has_jumped) {
        *in = at;
    }
    return true;
}

static bool
record_read(struct cursor *in, const struct cursor *packet, struct dns_message *message)
{
    if (!name_read(in, packet, NULL)) {
        return false;
    }
    uint16_t type = cur_be16(in);
    cur_skip(in, 2);
    uint32_t ttl_s = cur_be32(in);
    struct cursor data = cur_sub(in, cur_be16(in));
    size_t size = cur_left(&data);
    size_t count = message->address_count;
    bool is_address = (type == TYPE_A && size == 4) || (type == TYPE_AAAA && size == 16);
    if (cur_ok(in) && is_address && count < DNS_ADDRESSES_MAX) {
        const uint8_t *bytes = cur_take(&data, size);
        message->addresses[count] = size == 4 ? ip_from_v4(bytes) : ip_from_v6(bytes);
        message->ttl_s[count] = ttl_s;
        message->address_count++;
    }
    return cur_ok(in);
}

bool
dns_parse(const uint8_t *bytes, size_t size, struct dns_message *message)
{
    struct cursor in = cur_make(bytes, size), packet = in;
    memset(message, 0, sizeof(*message));
    cur_skip(&in, 2);
    uint16_t flags = cur_be16(&in);
    uint16_t questions = cur_be16(&in), answers = cur_be16(&in);
    cur_skip(&in, 4);
    if (!cur_ok(&in) || questions != 1 || (flags & 0x7800) != 0 ||
        !name_read(&in, &packet, message->name)) {
        return false;
    }
    message->type = cur_be16(&in);
    cur_skip(&in, 2);
    message->is_answer = (flags & 0x8000) != 0;
    message->code = flags & 15;
    for (int i = 0; i < answers && i < RECORDS_MAX && cur_left(&in) > 0; i++) {
        if (!record_read(&in, &packet, message)) {
            break; /* what was whole counts */
        }
    }
    return message->name[0] != '\0' && message->type != 0;
}
