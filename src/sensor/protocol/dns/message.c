#include "sensor/protocol/dns/message.h"

#include <ctype.h>
#include <string.h>

#include "base/cursor.h"
#include "base/dns_name.h"
#include "base/utf8.h"

#define TYPE_A 1
#define TYPE_AAAA 28
#define RECORDS_MAX 64

static bool
record_read(struct cursor *in, const struct cursor *packet, struct dns_message *message)
{
    if (!dns_name_read(in, packet, NULL)) {
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

/* In lower case, as lists have names; what is no text is made plain. */
static void
name_put(const struct dns_name *name, char text[HOST_SIZE])
{
    for (size_t i = 0; i < name->size; i++) {
        text[i] = (char)tolower((uint8_t)name->text[i]);
    }
    text[name->size] = '\0';
    utf8_make_plain(text, name->size);
}

bool
dns_parse(const uint8_t *bytes, size_t size, struct dns_message *message)
{
    struct cursor in = cur_make(bytes, size), packet = in;
    struct dns_name name;
    memset(message, 0, sizeof(*message));
    cur_skip(&in, 2);
    uint16_t flags = cur_be16(&in);
    uint16_t questions = cur_be16(&in), answers = cur_be16(&in);
    cur_skip(&in, 4);
    if (!cur_ok(&in) || questions != 1 || (flags & 0x7800) != 0 ||
        !dns_name_read(&in, &packet, &name)) {
        return false;
    }
    name_put(&name, message->name);
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
