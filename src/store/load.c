/* What the controller begins with: settings, endpoints, what was said of them, certificates, open
 * incidents and what is in force (store_load() of store.h). */
#include "store/reader.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "store/rescue.h"
#include "store/shapes.h"

static int
on_live(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct containment containment;
    int error = row_decode(row, &store_containment_shape, &containment);
    if (!error) {
        loader->on_containment(loader->context, &containment);
        containment_fini(&containment);
    }
    return error;
}

static int
on_open_incident(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct incident incident;
    int error = row_decode(row, &store_incident_shape, &incident);
    if (!error) {
        loader->on_incident(loader->context, &incident);
    }
    return error;
}

static int
on_endpoint(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct endpoint_row whole;
    int error = row_decode(row, &store_endpoint_shape, &whole);
    if (error) {
        return error;
    }
    struct endpoint *endpoint = &whole.record.endpoint;
    endpoint->mac_count = (uint8_t)whole.mac_count;
    if (whole.mac_count > 0) {
        memcpy(endpoint->macs, whole.macs, whole.mac_count * sizeof(*whole.macs));
    }
    loader->on_endpoint(loader->context, &whole.record);
    codec_fini(&store_endpoint_shape, &whole);
    return 0;
}

static int
on_annotation(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct annotation annotation;
    struct mac mac;
    int error = row_decode(row, &store_annotation_shape, &annotation);
    if (!error && !mac_parse((const char *)sqlite3_column_text(row, 0), &mac)) {
        log_error("store", "a row cannot be read", LOG_S("shape", store_annotation_shape.name),
                  LOG_S("id", (const char *)sqlite3_column_text(row, 0)));
        error = -EBADMSG;
    }
    if (!error) {
        loader->on_annotation(loader->context, &mac, &annotation);
    }
    return error;
}

static int
on_certificate(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct certificate certificate;
    int error = row_decode(row, &store_certificate_shape, &certificate);
    if (!error) {
        loader->on_certificate(loader->context, &certificate);
    }
    return error;
}

static int
on_enrolment(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    struct enrolment enrolment;
    int error = row_decode(row, &store_enrolment_shape, &enrolment);
    if (!error) {
        loader->on_enrolment(loader->context, &enrolment);
        codec_fini(&store_enrolment_shape, &enrolment);
    }
    return error;
}

static int
on_setting(void *context, sqlite3_stmt *row)
{
    const struct store_loader *loader = context;
    if (!row_is_setting(row)) {
        if (row_is_cut_setting(row)) {
            log_warn("store",
                     "an earlier build cut the name of that account: it may not read payload until "
                     "that is said again with 'cordonctl payload-readers'",
                     LOG_S("setting", (const char *)sqlite3_column_text(row, 0)));
            return 0;
        }
        return -EBADMSG; /* a default in its place could lift a limit, or end what is suspended */
    }
    loader->on_setting(loader->context, (const char *)sqlite3_column_text(row, 0),
                       (const char *)sqlite3_column_text(row, 1));
    return 0;
}

int
store_load(struct store *store, const struct store_loader *loader)
{
    struct reader *reader = store_reader(store);
    struct store_loader mine = *loader;
    int error = 0;
    if (mine.on_setting) {
        error = reader_run(reader, QUERY_SETTINGS, on_setting, &mine);
    }
    if (!error && mine.on_endpoint) {
        error = reader_run(reader, QUERY_ENDPOINTS, on_endpoint, &mine);
    }
    if (!error && mine.on_annotation) {
        error = reader_run(reader, QUERY_ANNOTATIONS, on_annotation, &mine);
    }
    if (!error && mine.on_certificate) {
        error = reader_run(reader, QUERY_CERTIFICATES, on_certificate, &mine);
    }
    if (!error && mine.on_enrolment) {
        error = reader_run(reader, QUERY_ENROLMENTS, on_enrolment, &mine);
    }
    if (!error && mine.on_incident) {
        error = reader_run(reader, QUERY_OPEN_INCIDENTS, on_open_incident, &mine);
    }
    if (!error && mine.on_containment) {
        error = reader_run(reader, QUERY_LIVE, on_live, &mine);
    }
    (void)sqlite3_db_release_memory(reader->db); /* pages that are not read again */
    if (error == -EBADMSG) { /* whoever asked: the next start takes the last good copy */
        rescue_suspect(store_path(store), "rows cannot be read");
    }
    return error;
}
