/* A pipeline with lists, and what it found. */
#ifndef CORDON_TESTS_SENSOR_WORLD_H
#define CORDON_TESTS_SENSOR_WORLD_H

#include "frames.h"
#include "sensor/pipeline.h"

#define WORLD_START 1700000000000000LL
#define SECOND 1000000LL
#define WORLD_FOUND_MAX 64

struct world {
    struct sensor_settings settings;
    struct list_setting list;
    struct network_setting mirror;
    struct pipeline *pipeline;
    struct detection found[WORLD_FOUND_MAX];
    bool has_packets[WORLD_FOUND_MAX];
    size_t count;
    int64_t now_us;
    struct frame frame;
};

/* 'lines' of one list named "bad"; mirrors of 192.0.2.0/24 are believed. */
struct world *world_new(const char *lines);
void world_free(struct world *world);
void world_lists(struct world *world, const char *lines); /* other ones, from now on */
void world_pass(struct world *world, int64_t time_us);    /* time without packets */
/* The frame made last, 1 ms later. */
void world_send(struct world *world);
void world_segment(struct world *world, const char *from, uint16_t from_port, const char *to,
                   uint16_t to_port, uint32_t seq, uint32_t ack, uint8_t flags, const char *text);
/* The three steps. */
void world_shake(struct world *world, const char *client, uint16_t port, const char *server,
                 uint16_t server_port);
/* A shake, and what the client says then. */
void world_talk(struct world *world, const char *client, uint16_t port, const char *server,
                uint16_t server_port, const void *bytes, size_t size);
/* A question, and (with an address) its answer. */
void world_dns(struct world *world, const char *client, const char *resolver, const char *name,
               const char *address);
void world_arp(struct world *world, uint8_t op, const char *from, const char *to);
/* How many findings have that signature id. */
size_t world_found(const struct world *world, uint64_t signature_id);

#endif
