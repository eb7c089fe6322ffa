/* Any bytes as a name in a filter, and as a group that a directory names: a name stays one value,
 * and no group is another by how it is written. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "login/directory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
hex(char digit)
{
    const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* "(uid=" VALUE ")", and VALUE read as RFC 4515 says is the name again. */
static void
filter(const char *name)
{
    char text[4 * URL_SIZE];
    if (!directory_filter_make("uid", name, text, sizeof(text))) {
        return;
    }
    size_t size = strlen(text);
    if (size < 6 || strncmp(text, "(uid=", 5) != 0 || text[size - 1] != ')') {
        abort();
    }
    for (const char *at = text + 5; at < text + size - 1; at++, name++) {
        int value = (unsigned char)*at;
        if (*at == '\\') {
            value = hex(at[1]) * 16 + hex(at[2]);
            at += 2;
        } else if (strchr("*()", *at) || value < 0x20 || value >= 0x7f) {
            abort();
        }
        if (value != (unsigned char)*name) {
            abort();
        }
    }
    if (*name) {
        abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct config_mapping mappings[] = {
        {"cn=cordon-admins,ou=groups,dc=hospital,dc=example", ACCOUNT_ADMIN},
        {"CN=ward-it, OU=Groups, DC=hospital, DC=example", ACCOUNT_OPERATOR}};
    const struct config_ldap config = {.roles = mappings, .role_count = 2};
    char *text = malloc(size + 1);
    int role = -1;
    if (!text) {
        abort();
    }
    memcpy(text, bytes, size);
    text[size] = '\0';
    filter(text);
    char *groups[] = {text};
    if (directory_role_of(&config, groups, 1, &role) &&
        (!strcasestr(text, role == ACCOUNT_ADMIN ? "admin" : "ward") && !strchr(text, '\\') &&
         !strchr(text, '#'))) {
        abort(); /* it does not even name it */
    }
    free(text);
    return 0;
}
