/* The policy: shown, checked, stored, and its revisions (revisions.h). */
#include "controller/ask/ask_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* A person's next step, by what the parser said. */
static const char *
advice_for(const struct policy_error *error)
{
    static const struct {
        const char *words, *advice;
    } known[] = {
        {"is not known here", "check the spelling, and under which key it stands"},
        {"is missing", "add it"},
        {"stands twice", "give it another name, or remove one"},
        {"is not defined under", "define it there, or correct the name"},
        {"not one of the known words", "use one of them"},
        {"out of range", "use a number within the limits"},
        {"not an address", "write an address, or a prefix without host bits: 192.0.2.0/24"},
        {"cannot read", "look at the file and its rights"},
        {"cannot write", "make the file's folder writable for cordond, then store once more"},
        {"changed by hand", "reload cordond to take the file over, or have it overwritten"},
        {"would lift", "keep the site, its own_addresses and its switches, or release these first"},
        {"larger than", "remove what is not needed"},
        {"could not be stored", "look at the disk of the state folder"},
    };
    for (size_t i = 0; i < COUNT_OF(known); i++) {
        if (strstr(error->text, known[i].words)) {
            return known[i].advice;
        }
    }
    return "correct the text at that place";
}

static void
problem_fill(const struct policy_error *error, struct view_policy_problem *problem)
{
    *problem = (struct view_policy_problem){.line = error->line, .column = error->column};
    memcpy(problem->what, error->text, sizeof(problem->what));
    snprintf(problem->advice, sizeof(problem->advice), "%s", advice_for(error));
}

void
ask_policy_refuse(const struct ask_call *call, const struct policy_error *error, const char *field)
{
    char where[128];
    size_t path = strcspn(error->text, " "); /* "policies[0].then is missing" */
    bool has_path = error->line && error->text[path] && strpbrk(error->text, ".[") &&
                    strpbrk(error->text, ".[") < error->text + path;
    snprintf(where, sizeof(where), "%s", field);
    if (error->line) {
        snprintf(where, sizeof(where), "%.30s: line %u, column %u%s%.*s", field, error->line,
                 error->column, has_path ? ", " : "", has_path && path < 60 ? (int)path : 0,
                 error->text);
    }
    ask_problem(call, 422, has_path ? error->text + path + 1 : error->text, where,
                advice_for(error));
}

void
ask_policy_show(const struct ask_call *call, const void *parameters)
{
    struct policy *policy = engine_policy(controller_engine(call->controller));
    const struct permit_set *sets = NULL;
    const struct rule_protect *protects = NULL;
    struct revisions_view now;
    struct view_policy_problem problem;
    struct view_policy view = {.protected_count = policy_protected(policy, &protects)};
    (void)parameters;
    revisions_view(call->asks->settings.revisions, &now);
    view.set_count = policy_permit_sets(policy, &sets);
    view.sets = (struct permit_set *)sets; /* only read, like the text */
    view.text = (char *)now.text;
    if (view.set_count > VIEW_PERMIT_SETS_MAX) {
        view.set_count = VIEW_PERMIT_SETS_MAX;
    }
    snprintf(view.file, sizeof(view.file), "%s", now.file);
    view.file_state = (int)now.state;
    view.revision = *now.running;
    if (now.problem) {
        problem_fill(now.problem, &problem);
        view.file_problem = &problem;
    }
    ask_answer_shape(call, 200, &view_policy_shape, &view);
}

/* ---- later, when the thread beside the loop or the disk has answered ---- */

struct asking {
    struct ask_call call;
};

static struct asking *
asking_new(const struct ask_call *call)
{
    struct asking *asking = MEM_NEW(struct asking);
    asking->call = *call;
    asking->call.parameters = NULL;
    return asking;
}

static void
on_checked(void *context, struct policy *policy, const struct policy_error *error)
{
    struct asking *asking = context;
    struct view_policy_problem problem;
    struct view_policy_check view = {.is_good = policy != NULL};
    if (!policy) {
        problem_fill(error, &problem);
        view.problems = &problem;
        view.problem_count = 1;
    }
    ask_answer_shape(&asking->call, 200, &view_policy_check_shape, &view);
    free(asking);
}

void
ask_policy_check(const struct ask_call *call, const void *parameters)
{
    const struct op_policy_text *asked = parameters;
    struct asking *asking = asking_new(call);
    if (!revisions_check(call->asks->settings.revisions, asked->text, true, on_checked, asking)) {
        free(asking);
        ask_problem(call, 503, "too many texts are being checked", NULL, "try again");
    }
}

static void
on_saved(void *context, enum save_result result, const struct policy_error *error)
{
    struct asking *asking = context;
    const struct ask_call *call = &asking->call;
    switch (result) {
    case SAVE_DONE:
        ask_policy_show(call, NULL);
        break;
    case SAVE_WRONG:
        ask_policy_refuse(call, error, "text");
        break;
    case SAVE_CONFLICT:
        ask_problem(call, 409, error->text, "base_revision",
                    "nothing was changed; look at the running revision, and store yours upon it");
        break;
    case SAVE_UNKNOWN:
        ask_problem(call, 404, error->text, "id", "GET /api/v1/policy/revisions lists them");
        break;
    case SAVE_FAILED:
        ask_problem(call, 503, error->text, NULL, "nothing was changed; try again");
        break;
    }
    free(asking);
}

void
ask_policy_save(const struct ask_call *call, const void *parameters)
{
    const struct op_policy_save *asked = parameters;
    const struct save save = {.text = asked->text,
                              .base = (int64_t)asked->base,
                              .account = call->account,
                              .reason = asked->reason,
                              .overwrites = asked->overwrites};
    revisions_save(call->asks->settings.revisions, &save, on_saved, asking_new(call));
}

/* 0: not a number. */
static int64_t
number_of(const char *id)
{
    size_t digits = strspn(id, "0123456789");
    return digits > 0 && digits <= 15 && id[digits] == '\0' ? strtoll(id, NULL, 10) : 0;
}

void
ask_revision_restore(const struct ask_call *call, const void *parameters)
{
    const struct op_policy_restore *asked = parameters;
    const struct save save = {.base = (int64_t)asked->base,
                              .account = call->account,
                              .reason = asked->reason,
                              .restores = number_of(asked->id)};
    revisions_restore(call->asks->settings.revisions, &save, on_saved, asking_new(call));
}

void
ask_revision_show(const struct ask_call *call, const void *parameters)
{
    int64_t number = number_of(((const struct op_id *)parameters)->id);
    struct view_revision_text view = {.text = NULL};
    int error = number > 0 ? store_read_revision(controller_store(call->controller), number,
                                                 &view.revision, &view.text)
                           : -ENOENT;
    if (error == -ENOENT) {
        ask_problem(call, 404, "no such revision is kept", "id",
                    "GET /api/v1/policy/revisions lists them");
    } else if (error) {
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
    } else {
        ask_answer_shape(call, 200, &view_revision_text_shape, &view);
    }
    free(view.text);
}

struct listing {
    struct ask_page page;
    const char *q;
    int64_t last; /* number of the last one given */
};

static void
on_revision(void *context, const struct revision *revision)
{
    struct listing *listing = context;
    char number[24];
    const char *const texts[] = {revision->account, revision->reason, number, NULL};
    if (listing->page.taken == listing->page.limit) {
        listing->page.is_full = true;
        return;
    }
    snprintf(number, sizeof(number), "%lld", (long long)revision->number);
    listing->last = revision->number;
    if (ask_matches(listing->q, texts)) {
        ask_page_add(&listing->page, codec_encode(&view_revision_shape, revision));
    }
}

/* The cursor is the number of the last one seen, as of the audit. */
void
ask_revision_list(const struct ask_call *call, const void *parameters)
{
    const struct op_page *asked = parameters;
    struct listing listing = {.q = asked->q};
    ask_page_begin(&listing.page, asked);
    if (store_read_revisions(controller_store(call->controller), (int64_t)asked->cursor,
                             REVISIONS_MAX + 1, on_revision, &listing) != 0) {
        cJSON_Delete(listing.page.items);
        ask_problem(call, 500, "the store could not be read", NULL, "look into the log");
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "items", listing.page.items);
    if (listing.page.is_full) {
        cJSON_AddNumberToObject(body, "next", (double)listing.last);
    }
    ask_answer_json(call, 200, body);
}

cJSON *
ask_view_revision(const struct revision *revision)
{
    return codec_encode(&view_revision_shape, revision);
}
