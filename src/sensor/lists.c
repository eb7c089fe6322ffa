#include "sensor/lists.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

#define LINE_SIZE 2048
#define PLACES_LEAST 1024
#define CONFIDENCE_DEFAULT 80

enum kind { KIND_NONE, KIND_IP, KIND_PREFIX, KIND_DOMAIN, KIND_URL, KIND_FINGERPRINT };

struct place {
    uint64_t digest; /* 0: empty */
    uint8_t list;
    uint8_t confidence;
};

struct lists {
    struct place *places;
    size_t mask, count;
    uint64_t refused;
    bool has_length[129]; /* prefix lengths that occur */
    const struct list_setting *settings;
    size_t list_count;
    bool has_urls;
};

static uint64_t
digest_of(enum kind kind, const void *bytes, size_t size)
{
    uint8_t key[URL_SIZE + 1];
    size_t used = size < URL_SIZE ? size : URL_SIZE;
    key[0] = (uint8_t)kind;
    memcpy(key + 1, bytes, used);
    uint64_t digest = hash_bytes(key, used + 1);
    return digest ? digest : 1;
}

/* True: it was not there yet.  Of equal entries the surest one counts. */
static bool
place_put(struct place *places, size_t mask, const struct place *entry)
{
    size_t at = entry->digest & mask;
    while (places[at].digest && places[at].digest != entry->digest) {
        at = (at + 1) & mask;
    }
    bool is_new = !places[at].digest;
    if (is_new || places[at].confidence < entry->confidence) {
        places[at] = *entry;
    }
    return is_new;
}

static void
grow(struct lists *lists)
{
    size_t mask = lists->mask * 2 + 1;
    struct place *places = mem_new(mask + 1, sizeof(*places));
    for (size_t i = 0; i <= lists->mask; i++) {
        if (lists->places[i].digest) {
            place_put(places, mask, &lists->places[i]);
        }
    }
    free(lists->places);
    lists->places = places;
    lists->mask = mask;
}

static void
add(struct lists *lists, uint64_t digest, size_t list, uint8_t confidence)
{
    const struct place entry = {.digest = digest, .list = (uint8_t)list, .confidence = confidence};
    if (lists->count * 4 > lists->mask * 3) {
        grow(lists);
    }
    lists->count += place_put(lists->places, lists->mask, &entry);
}

static const struct place *
find(const struct lists *lists, uint64_t digest)
{
    for (size_t at = digest & lists->mask; lists->places[at].digest; at = (at + 1) & lists->mask) {
        if (lists->places[at].digest == digest) {
            return &lists->places[at];
        }
    }
    return NULL;
}

static bool
is_ja4(const char *text)
{
    size_t size = strlen(text);
    return size == 36 && strchr("tqd", text[0]) && text[10] == '_' && text[23] == '_';
}

static bool
is_domain(const char *text)
{
    size_t size = strlen(text);
    return size > 2 && size < HOST_SIZE && strchr(text, '.') &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_.")] == '\0';
}

static void
lower(char *text)
{
    for (; *text; text++) {
        *text = (char)tolower((unsigned char)*text);
    }
}

static void
cut_out(char *from, const char *to)
{
    memmove(from, to, strlen(to) + 1);
}

/* "http://user@Host:8080/path#top" -> "host/path": only what a request's own host and path say
 * counts. */
static bool
url_normal(char *url)
{
    cut_out(url, strstr(url, "://") + 3);
    url[strcspn(url, "#")] = '\0';
    size_t host = strcspn(url, "/?");
    char *user = memchr(url, '@', host);
    if (user) {
        cut_out(url, user + 1);
        host = strcspn(url, "/?");
    }
    for (size_t i = 0; i < host; i++) {
        url[i] = (char)tolower((unsigned char)url[i]);
    }
    char *port = url[0] == '[' ? NULL : memchr(url, ':', host);
    if (port) {
        cut_out(port, url + host);
    }
    return strchr(url, '/') != NULL;
}

static void
prefix_add(struct lists *lists, const struct prefix *prefix, size_t list, uint8_t confidence)
{
    lists->has_length[prefix->length] = true;
    uint8_t key[17];
    memcpy(key, prefix->ip.b, 16);
    key[16] = prefix->length;
    add(lists, digest_of(KIND_PREFIX, key, sizeof(key)), list, confidence);
}

static bool
entry_add(struct lists *lists, char *text, size_t list, uint8_t confidence)
{
    struct prefix prefix;
    struct ip ip;
    if (ip_parse(text, &ip)) {
        add(lists, digest_of(KIND_IP, ip.b, sizeof(ip.b)), list, confidence);
        return true;
    }
    if (strchr(text, '/') && prefix_parse(text, &prefix)) {
        prefix_add(lists, &prefix, list, confidence);
        return true;
    }
    if (strstr(text, "://")) {
        lists->has_urls = true;
        bool is_url = url_normal(text);
        add(lists, digest_of(is_url ? KIND_URL : KIND_DOMAIN, text, strlen(text)), list,
            confidence);
        return true;
    }
    lower(text);
    if (is_ja4(text) || (strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32)) {
        add(lists, digest_of(KIND_FINGERPRINT, text, strlen(text)), list, confidence);
        return true;
    }
    text += strncmp(text, "*.", 2) == 0 ? 2 : 0;
    size_t size = strlen(text);
    if (size > 1 && text[size - 1] == '.') { /* the root, written out */
        text[size - 1] = '\0';
    }
    if (is_domain(text)) {
        add(lists, digest_of(KIND_DOMAIN, text, strlen(text)), list, confidence);
        return true;
    }
    return false;
}

static void
line_read(struct lists *lists, char *line, size_t list, uint8_t confidence)
{
    char *comment = line[0] == '#' ? line : strstr(line, " #");
    if (comment) {
        *comment = '\0';
    }
    char *comma = strchr(line, ',');
    if (comma) {
        unsigned long said = strtoul(comma + 1, NULL, 10);
        confidence = said > 0 && said <= 100 ? (uint8_t)said : confidence;
        *comma = '\0';
    }
    char *start = line + strspn(line, " \t\r\n\"");
    start[strcspn(start, " \t\r\n\"")] = '\0';
    if (start[0] && !entry_add(lists, start, list, confidence)) {
        lists->refused++;
    }
}

static void
file_read_lines(struct lists *lists, const struct list_setting *setting, size_t list)
{
    char line[LINE_SIZE];
    FILE *file = fopen(setting->path, "re");
    if (!file) {
        log_error("lists", "cannot read a list: it is left out", LOG_S("list", setting->name),
                  LOG_S("path", setting->path), LOG_S("error", strerror(errno)));
        return;
    }
    while (fgets(line, sizeof(line), file)) {
        if (!strchr(line, '\n') && !feof(file)) { /* its rest is no entry of its own */
            for (int c = fgetc(file); c != EOF && c != '\n';) {
                c = fgetc(file);
            }
            lists->refused++;
            continue;
        }
        line_read(lists, line, list,
                  setting->confidence ? setting->confidence : CONFIDENCE_DEFAULT);
    }
    fclose(file);
}

struct lists *
lists_load(const struct list_setting *settings, size_t count)
{
    struct lists *lists = MEM_NEW(struct lists);
    lists->mask = PLACES_LEAST - 1;
    lists->places = mem_new(PLACES_LEAST, sizeof(lists->places[0]));
    lists->settings = settings;
    lists->list_count = count;
    for (size_t i = 0; i < count; i++) {
        file_read_lines(lists, &settings[i], i);
    }
    if (lists->refused > 0) {
        log_warn("lists", "lines that are no address, prefix, domain, URL or fingerprint",
                 LOG_I("lines", lists->refused));
    }
    return lists;
}

void
lists_free(struct lists *lists)
{
    if (lists) {
        free(lists->places);
        free(lists);
    }
}

static bool
matched(const struct lists *lists, const struct place *place, const char *indicator,
        struct list_match *match)
{
    if (!place) {
        return false;
    }
    snprintf(match->list, sizeof(match->list), "%s", lists->settings[place->list].name);
    snprintf(match->indicator, sizeof(match->indicator), "%s", indicator);
    match->confidence = place->confidence;
    return true;
}

bool
lists_find_ip(const struct lists *lists, const struct ip *ip, struct list_match *match)
{
    char text[PREFIX_TEXT_SIZE];
    const struct place *place = find(lists, digest_of(KIND_IP, ip->b, sizeof(ip->b)));
    if (place) {
        ip_format(ip, text);
        return matched(lists, place, text, match);
    }
    for (int length = 128; length >= 0; length--) {
        if (!lists->has_length[length]) {
            continue;
        }
        uint8_t key[17] = {0};
        memcpy(key, ip->b, (size_t)length / 8);
        if (length % 8) {
            key[length / 8] = (uint8_t)(ip->b[length / 8] & (0xff00u >> (length % 8)));
        }
        key[16] = (uint8_t)length;
        place = find(lists, digest_of(KIND_PREFIX, key, sizeof(key)));
        if (place) {
            struct prefix prefix = {.length = (uint8_t)length};
            memcpy(prefix.ip.b, key, 16);
            prefix_format(&prefix, text);
            return matched(lists, place, text, match);
        }
    }
    return false;
}

bool
lists_find_domain(const struct lists *lists, const char *name, struct list_match *match)
{
    for (const char *at = name; at && strchr(at, '.'); at = strchr(at, '.') + 1) {
        const struct place *place = find(lists, digest_of(KIND_DOMAIN, at, strlen(at)));
        if (place) {
            return matched(lists, place, at, match);
        }
    }
    return false;
}

bool
lists_find_url(const struct lists *lists, const char *host, const char *path,
               struct list_match *match)
{
    char url[URL_SIZE];
    if (!lists->has_urls || !host[0]) {
        return false;
    }
    const char *scheme = path[0] == '/' ? NULL : strstr(path, "://"); /* RFC 9112 3.2.2 */
    const char *start = scheme ? strchr(scheme + 3, '/') : path;
    int size = snprintf(url, sizeof(url), "%s%s", host, start ? start : "/");
    if (size < 0 || (size_t)size >= sizeof(url)) {
        return false;
    }
    return matched(lists, find(lists, digest_of(KIND_URL, url, (size_t)size)), url, match);
}

bool
lists_find_fingerprint(const struct lists *lists, const char *ja3, const char *ja4,
                       struct list_match *match)
{
    const char *const prints[] = {ja4, ja3};
    for (size_t i = 0; i < COUNT_OF(prints); i++) {
        const struct place *place =
            prints[i][0] ? find(lists, digest_of(KIND_FINGERPRINT, prints[i], strlen(prints[i])))
                         : NULL;
        if (place) {
            return matched(lists, place, prints[i], match);
        }
    }
    return false;
}

size_t
lists_count(const struct lists *lists)
{
    return lists->count;
}

uint64_t
lists_refused(const struct lists *lists)
{
    return lists->refused;
}
