#include "edge/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "cordon.skel.h"
#include "edge/screen.h"

#define PATH_SIZE 512
#define CPUS_MAX 1024
#define STALE_MAX 65536 /* bits of the screen: one in 64 */
#define MET_SIZE (sizeof(uint64_t) << DP_MET_BITS)

#define MAP_KIND(id, name_, key, value, ours, ruled)                                               \
    {"cdn_" #name_, sizeof(key), sizeof(value), ours, ruled},
const struct map_kind map_kinds[MAP_COUNT] = {MAPS(MAP_KIND)};

struct maps {
    struct cordon_bpf *object;
    int fd[MAP_COUNT];
    int program_fd[PROGRAM_COUNT];
    uint32_t program_kernel_id[PROGRAM_COUNT];
    struct screen *screen; /* owned; its words are the map itself */
    void *met;             /* the map itself */
    int cpus;
    char mount_dir[PATH_SIZE];
    char pin_dir[PATH_SIZE + 16];
};

/* The last line of what libbpf complained of, for 'why'. */
static char complaint[256];

static int
on_libbpf(enum libbpf_print_level level, const char *format, va_list values)
{
    if (level == LIBBPF_WARN) {
        vsnprintf(complaint, sizeof(complaint), format, values);
        complaint[strcspn(complaint, "\n")] = '\0';
        log_debug("bpf", complaint);
    }
    return 0;
}

int
maps_mount(const char *pin_dir, char why[256])
{
    char folder[PATH_SIZE];
    struct statfs about;
    snprintf(folder, sizeof(folder), "%s/bpf", pin_dir);
    int result = file_make_dirs(folder, 0700);
    if (result) {
        snprintf(why, 256, "cannot make %.180s: %s", folder, strerror(-result));
        return result;
    }
    bool is_mounted = statfs(folder, &about) == 0 && about.f_type == BPF_FS_MAGIC;
    if (!is_mounted && mount("bpf", folder, "bpf", 0, "mode=0700") != 0) {
        result = -errno;
        snprintf(why, 256,
                 "cannot mount a bpf file system on %.120s: %s (needs root and CONFIG_BPF_SYSCALL)",
                 folder, strerror(errno));
    }
    return result;
}

static int
pins_make(const struct maps *maps, char why[256])
{
    if (mkdir(maps->pin_dir, 0700) != 0 && errno != EEXIST) {
        int result = -errno;
        snprintf(why, 256, "cannot make %.180s: %s", maps->pin_dir, strerror(-result));
        return result;
    }
    return 0;
}

static void
pin_path(const struct maps *maps, enum map_id map, char path[PATH_SIZE + 80])
{
    snprintf(path, PATH_SIZE + 80, "%s/%s", maps->pin_dir, map_kinds[map].name);
}

static void
pins_remove(const struct maps *maps)
{
    for (enum map_id map = 0; map < MAP_COUNT; map++) {
        char path[PATH_SIZE + 80];
        pin_path(maps, map, path);
        unlink(path);
    }
}

/* Opens, sizes, says where maps are pinned, and loads. */
static int
object_load(struct maps *maps, uint32_t endpoint_room)
{
    maps->object = cordon_bpf__open();
    if (!maps->object) {
        return -errno;
    }
    bpf_map__set_max_entries(maps->object->maps.cdn_iso_mac, endpoint_room);
    bpf_map__set_max_entries(maps->object->maps.cdn_iso_ip, endpoint_room);
    bpf_map__set_max_entries(maps->object->maps.cdn_binding, endpoint_room * 4);
    for (enum map_id map = 0; map < MAP_COUNT; map++) {
        char path[PATH_SIZE + 80];
        struct bpf_map *found =
            bpf_object__find_map_by_name(maps->object->obj, map_kinds[map].name);
        pin_path(maps, map, path);
        int result = found ? bpf_map__set_pin_path(found, path) : -ENOENT;
        if (result) {
            return result;
        }
    }
    int result = cordon_bpf__load(maps->object);
    if (result) {
        cordon_bpf__destroy(maps->object);
        maps->object = NULL;
    }
    return result;
}

static int
handles_take(struct maps *maps)
{
    const struct bpf_program *programs[PROGRAM_COUNT] = {
        [PROGRAM_INGRESS] = maps->object->progs.cordon_ingress,
        [PROGRAM_EGRESS] = maps->object->progs.cordon_egress,
        [PROGRAM_COPY] = maps->object->progs.cordon_copy,
        [PROGRAM_TAP] = maps->object->progs.cordon_tap,
        [PROGRAM_SINK] = maps->object->progs.cordon_sink};
    for (enum map_id map = 0; map < MAP_COUNT; map++) {
        maps->fd[map] =
            bpf_map__fd(bpf_object__find_map_by_name(maps->object->obj, map_kinds[map].name));
    }
    for (int i = 0; i < PROGRAM_COUNT; i++) {
        struct bpf_prog_info info = {.type = 0};
        uint32_t size = sizeof(info);
        maps->program_fd[i] = bpf_program__fd(programs[i]);
        if (bpf_obj_get_info_by_fd(maps->program_fd[i], &info, &size)) {
            return -errno;
        }
        maps->program_kernel_id[i] = info.id;
    }
    maps->cpus = libbpf_num_possible_cpus();
    return maps->cpus < 0 || maps->cpus > CPUS_MAX ? -ENOTSUP : 0;
}

/* ---- what is shared with the program as memory ---- */

static int
map_share(const struct maps *maps, enum map_id map, size_t size, void **memory)
{
    void *shared = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, maps->fd[map], 0);
    *memory = shared == MAP_FAILED ? NULL : shared;
    return shared == MAP_FAILED ? -errno : 0;
}

static void
map_unshare(void *memory, size_t size)
{
    if (memory) {
        munmap(memory, size);
    }
}

void
maps_forget_met(const struct maps *maps)
{
    memset(maps->met, 0, MET_SIZE);
}

/* The MAC of an endpoint that the program looks for only where the screen has it; NULL: another
 * map. */
static const uint8_t *
screened_mac(enum map_id map, const void *key)
{
    return map == MAP_ISO_MAC    ? ((const struct dp_mac *)key)->b
           : map == MAP_ISO_PORT ? ((const struct dp_port_mac *)key)->mac
                                 : NULL;
}

/* Enters all endpoints that the kernel holds anew. */
static int
screen_refill(struct maps *maps)
{
    static const enum map_id screened[] = {MAP_ISO_MAC, MAP_ISO_PORT};
    struct screen fresh = {.words = mem_new(SCREEN_WORDS, sizeof(*fresh.words))};
    int result = -ENOENT;
    for (size_t i = 0; i < COUNT_OF(screened) && result == -ENOENT; i++) {
        uint8_t key[MAP_KEY_MAX];
        result = maps_next(maps, screened[i], NULL, key);
        while (result == 0) {
            screen_add(&fresh, screened_mac(screened[i], key));
            result = maps_next(maps, screened[i], key, key);
        }
    }
    if (result == -ENOENT) {
        screen_renew(maps->screen, &fresh);
    }
    free(fresh.words);
    return result == -ENOENT ? 0 : result;
}

static int
shared_open(struct maps *maps)
{
    void *words = NULL;
    int result = map_share(maps, MAP_MET, MET_SIZE, &maps->met);
    result = result ? result : map_share(maps, MAP_SCREEN, SCREEN_SIZE, &words);
    maps->screen = MEM_NEW(struct screen);
    maps->screen->words = words;
    /* an earlier version may have left endpoints without their bits */
    return result ? result : screen_refill(maps);
}

static void
shared_close(struct maps *maps)
{
    map_unshare(maps->met, MET_SIZE);
    if (maps->screen) {
        map_unshare(maps->screen->words, SCREEN_SIZE);
    }
    free(maps->screen);
}

void
maps_screen_sweep(struct maps *maps)
{
    if (maps->screen->stale > STALE_MAX && screen_refill(maps)) {
        log_warn("bpf", "cannot read back the endpoints for the screen", LOG_END);
    }
}

/* ---- open, close ---- */

int
maps_open(const char *pin_dir, uint32_t endpoint_room, struct maps **maps, char why[256])
{
    struct maps *made = MEM_NEW(struct maps);
    libbpf_set_print(on_libbpf);
    snprintf(made->mount_dir, sizeof(made->mount_dir), "%s/bpf", pin_dir);
    snprintf(made->pin_dir, sizeof(made->pin_dir), "%s/layout%d", made->mount_dir, DP_LAYOUT);
    int result = maps_mount(pin_dir, why);
    result = result ? result : pins_make(made, why);
    if (result) {
        maps_close(made);
        return result;
    }
    result = object_load(made, endpoint_room);
    if (result) {
        /* pinned by another version: programs in force keep those until ours replace them */
        log_warn("bpf", "pinned maps do not fit; starting with new ones", LOG_S("why", complaint));
        pins_remove(made);
        result = object_load(made, endpoint_room);
    }
    result = result ? result : handles_take(made);
    result = result ? result : shared_open(made);
    if (result) {
        snprintf(why, 256,
                 "the kernel does not take the BPF object: %s; needed: Linux 5.12 or newer with "
                 "CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF, CONFIG_NET_SCH_INGRESS, CONFIG_IFB, "
                 "CONFIG_TUN (%.60s)",
                 strerror(-result), complaint);
        maps_close(made);
        return result;
    }
    *maps = made;
    return 0;
}

void
maps_close(struct maps *maps)
{
    if (maps) {
        shared_close(maps);
        cordon_bpf__destroy(maps->object);
        free(maps);
    }
}

void
maps_unpin(struct maps *maps)
{
    pins_remove(maps);
    rmdir(maps->pin_dir);
    if (umount(maps->mount_dir) == 0) {
        rmdir(maps->mount_dir);
    }
}

int
maps_program_fd(const struct maps *maps, enum program_id program)
{
    return maps->program_fd[program];
}

uint32_t
maps_program_kernel_id(const struct maps *maps, enum program_id program)
{
    return maps->program_kernel_id[program];
}

int
maps_ring_fd(const struct maps *maps)
{
    return bpf_map__fd(maps->object->maps.cdn_ring);
}

int
maps_get(const struct maps *maps, enum map_id map, const void *key, void *value)
{
    const uint8_t *mac = screened_mac(map, key);
    if (mac && !screen_has(maps->screen, mac)) {
        return -ENOENT;
    }
    return bpf_map_lookup_elem(maps->fd[map], key, value) ? -errno : 0;
}

int
maps_put(const struct maps *maps, enum map_id map, const void *key, const void *value)
{
    const uint8_t *mac = screened_mac(map, key);
    if (mac) {
        screen_add(maps->screen, mac);
    }
    return bpf_map_update_elem(maps->fd[map], key, value, BPF_ANY) ? -errno : 0;
}

int
maps_delete(const struct maps *maps, enum map_id map, const void *key)
{
    int result = bpf_map_delete_elem(maps->fd[map], key) ? -errno : 0;
    maps->screen->stale += result == 0 && screened_mac(map, key) ? 1 : 0;
    return result == -ENOENT ? 0 : result;
}

int
maps_next(const struct maps *maps, enum map_id map, const void *key, void *next)
{
    return bpf_map_get_next_key(maps->fd[map], key, next) ? -errno : 0;
}

uint64_t
maps_counter(const struct maps *maps, enum dp_counter counter)
{
    uint64_t values[CPUS_MAX] = {0}, sum = 0;
    uint32_t key = counter;
    if (bpf_map_lookup_elem(bpf_map__fd(maps->object->maps.cdn_counters), &key, values)) {
        return 0;
    }
    for (int i = 0; i < maps->cpus; i++) {
        sum += values[i];
    }
    return sum;
}
