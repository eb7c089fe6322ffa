#include "controller/warnings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/warning_page.h"

#define SETTING "warning"

struct warnings {
    struct warnings_settings settings;
    struct view_warning view; /* 'texts' owned */
    /* On its way to the disk. */
    bool is_changing;
    struct view_warning next; /* 'texts' owned */
    warnings_done_fn *done;
    void *context;
};

static void
texts_copy(struct view_warning *view, const struct rule_warning *texts, size_t count)
{
    view->texts = mem_new(count + 1, sizeof(*view->texts));
    view->text_count = count;
    if (count > 0) {
        memcpy(view->texts, texts, count * sizeof(*texts));
    }
}

static void
on_setting(void *context, const char *name, const char *value)
{
    struct warnings *warnings = context;
    struct codec_error error = {.why = "not JSON"};
    struct view_warning view;
    char why[128];
    if (strcmp(name, SETTING) != 0) {
        return;
    }
    cJSON *json = codec_parse(value, strlen(value));
    int result = json ? codec_decode(&view_warning_shape, json, &view, &error) : -EBADMSG;
    cJSON_Delete(json);
    if (result == 0 && view.is_edited && !page_check(view.texts, view.text_count, why)) {
        snprintf(error.why, sizeof(error.why), "%s", why);
        codec_fini(&view_warning_shape, &view);
        result = -EBADMSG;
    }
    if (result != 0) {
        log_error("warnings",
                  "the stored texts of the warning page cannot be read: those of the "
                  "configuration are used",
                  LOG_S("field", error.path), LOG_S("why", error.why));
        return;
    }
    free(warnings->view.texts);
    warnings->view = view;
}

int
warnings_open(const struct warnings_settings *settings, struct warnings **out)
{
    struct warnings *warnings = MEM_NEW(struct warnings);
    const struct store_loader loader = {.on_setting = on_setting, .context = warnings};
    warnings->settings = *settings;
    int error = store_load(settings->store, &loader);
    if (error) {
        warnings_free(warnings);
        return error;
    }
    if (!warnings->view.is_edited) {
        free(warnings->view.texts);
        texts_copy(&warnings->view, settings->configured, settings->configured_count);
    }
    *out = warnings;
    return 0;
}

void
warnings_free(struct warnings *warnings)
{
    if (warnings) {
        free(warnings->view.texts);
        free(warnings->next.texts);
        free(warnings);
    }
}

const struct view_warning *
warnings_view(const struct warnings *warnings)
{
    return &warnings->view;
}

static void
on_stored(void *context, int error)
{
    struct warnings *warnings = context;
    warnings->is_changing = false;
    if (error) {
        free(warnings->next.texts);
        warnings->next = (struct view_warning){.version = 0};
        warnings->done(warnings->context, WARNINGS_FAILED);
        return;
    }
    free(warnings->view.texts);
    warnings->view = warnings->next;
    warnings->next = (struct view_warning){.version = 0};
    log_info("warnings", "the warning page was changed", LOG_I("version", warnings->view.version),
             LOG_S("account", warnings->view.account));
    if (warnings->settings.apply) {
        warnings->settings.apply(warnings->settings.context, warnings->view.texts,
                                 warnings->view.text_count);
    }
    warnings->done(warnings->context, WARNINGS_DONE);
}

/* "version 3 (ja, en)" */
static void
object_of(const struct view_warning *view, char text[NAME_SIZE])
{
    size_t used =
        (size_t)snprintf(text, NAME_SIZE, "version %llu", (unsigned long long)view->version);
    for (size_t i = 0; i < view->text_count && used < NAME_SIZE; i++) {
        used += (size_t)snprintf(text + used, NAME_SIZE - used, "%s%.2s%s", i ? ", " : " (",
                                 view->texts[i].language, i + 1 == view->text_count ? ")" : "");
    }
}

void
warnings_set(struct warnings *warnings, const struct warnings_change *change,
             warnings_done_fn *done, void *context)
{
    struct view_warning *next = &warnings->next;
    char object[NAME_SIZE];
    if (warnings->is_changing || change->version != warnings->view.version) {
        done(context, WARNINGS_CONFLICT);
        return;
    }
    *next = (struct view_warning){.version = warnings->view.version + 1,
                                  .is_edited = change->texts != NULL,
                                  .changed_us = clock_wall_us(warnings->settings.clock)};
    snprintf(next->account, sizeof(next->account), "%s", change->account);
    texts_copy(next, change->texts ? change->texts : warnings->settings.configured,
               change->texts ? change->count : warnings->settings.configured_count);
    object_of(next, object);
    cJSON *json = codec_encode(&view_warning_shape, next);
    char *value = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (!value) {
        abort(); /* out of memory, as in base/mem.h */
    }
    struct store_change *row = store_change_new();
    store_put_setting(row, SETTING, value);
    store_put_audit(row, next->changed_us, change->account,
                    change->texts ? "warning.change" : "warning.reset", object, change->reason);
    cJSON_free(value);
    warnings->is_changing = true;
    warnings->done = done;
    warnings->context = context;
    store_submit(warnings->settings.store, row, on_stored, warnings);
}
