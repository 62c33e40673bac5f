/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/status_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clients/cli/columns.h"
#include "lib/base/vec.h"
#include "lib/model/labels.h"

#define BAR_WIDTH 30
#define RELEASE "status.releaseStatus."
#define TEMPLATE "spec.template.spec.module."

static const char *text_at(const cJSON *object, const char *path)
{
    const char *text = json_get_string(object, path);
    return text ? text : "";
}

/* Messages of bases and modules may hold anything; a line stays a line. */
static void add_message(struct str *out, const char *text)
{
    for (; *text; text++)
        str_add_char(out, (unsigned char)*text < ' ' || *text == 0x7F ? ' ' : *text);
}

/* -- the release -- */

static const char *progress_of(const cJSON *deployment)
{
    const char *progress = text_at(deployment, RELEASE "progress");
    if (*progress)
        return progress;
    return json_get(deployment, "metadata.deletionTimestamp") ? "Terminating" : "Init";
}

enum status_end status_view_end(const cJSON *deployment)
{
    const char *progress = progress_of(deployment);
    if (number_at(deployment, "status.observedGeneration") <
        number_at(deployment, "metadata.generation"))
        return STATUS_RUNS;
    if (json_get(deployment, "metadata.deletionTimestamp"))
        return STATUS_RUNS;
    if (str_eq(progress, "Completed"))
        return *text_at(deployment, RELEASE "failedRevision") ? STATUS_FAILED : STATUS_COMPLETED;
    return str_eq(progress, "Aborted") ? STATUS_FAILED : STATUS_RUNS;
}

struct counts {
    int64_t done, total;
    const char *what;
};

/* How many of those that were there when the deletion began are gone. */
static struct counts count_removal(const cJSON *deployment)
{
    int64_t present = number_at(deployment, "status.replicas");
    int64_t total = number_at(deployment, RELEASE "originalDeltaReplicas");
    if (total < present)
        total = present;
    return (struct counts){total - present, total, "removed"};
}

/* What should be there is updated and available, and what should not be there is gone. */
static struct counts count_progress(const cJSON *deployment)
{
    int64_t target = number_at(deployment, "spec.replicas");
    int64_t present = number_at(deployment, "status.replicas");
    int64_t available = number_at(deployment, "status.updatedAvailableReplicas");
    if (json_get(deployment, "metadata.deletionTimestamp"))
        return count_removal(deployment);
    if (target < 0)
        target = present;
    return (struct counts){available < target ? available : target,
                           present > target ? present : target, "updated and available"};
}

static void add_bar(const struct status_view *view, struct str *out)
{
    struct counts counts = count_progress(view->deployment);
    int64_t filled = counts.total ? counts.done * BAR_WIDTH / counts.total : BAR_WIDTH;
    if (!counts.total && status_view_end(view->deployment) != STATUS_COMPLETED)
        filled = 0;
    str_add_char(out, '[');
    for (int64_t i = 0; i < BAR_WIDTH; i++)
        str_add_char(out, i < filled ? '#' : '-');
    str_printf(out, "] %" PRId64 "/%" PRId64 " %s\n", counts.done, counts.total, counts.what);
}

static void add_head(const struct status_view *view, struct str *out)
{
    const cJSON *deployment = view->deployment;
    AUTO_FREE char *age =
        age_text(json_get_string(deployment, RELEASE "lastTransitionTime"), view->now_ms);
    const char *reason = text_at(deployment, RELEASE "reason");
    const char *message = text_at(deployment, RELEASE "message");
    str_printf(out, "moduledeployment/%s: %s %s on %s\n", text_at(deployment, "metadata.name"),
               text_at(deployment, TEMPLATE "name"), text_at(deployment, TEMPLATE "version"),
               text_at(deployment, "spec.baseDeploymentName"));
    str_add(out, progress_of(deployment));
    if (*reason)
        str_printf(out, " (%s)", reason);
    if (!str_eq(age, "-"))
        str_printf(out, " for %s", age);
    if (*message) {
        str_add(out, ": ");
        add_message(out, message);
    }
    str_add_char(out, '\n');
}

/* -- the tree -- */

struct branch {
    const char *tee, *corner, *bar, *blank;
};

static const struct branch *branch_of(const struct status_view *view)
{
    static const struct branch lines = {"├─ ", "└─ ", "│  ", "   "};
    static const struct branch ascii = {"|- ", "`- ", "|  ", "   "};
    return view->ascii ? &ascii : &lines;
}

/* One line of batches that are alike. */
struct batches {
    int64_t first, last;
    const char *state;
};

/* At most three: those that are done, the one that is worked on, those to come. Return: how many. */
static size_t group_batches(const cJSON *deployment, struct batches groups[3])
{
    int64_t count = number_at(deployment, RELEASE "realBatchCount");
    int64_t current = number_at(deployment, RELEASE "currentBatch");
    enum status_end end = status_view_end(deployment);
    const char *state = text_at(deployment, RELEASE "batchProgress");
    size_t len = 0;
    if (end == STATUS_COMPLETED || current > count)
        current = count + 1;
    else if (!current)
        current = 1;
    if (current > 1)
        groups[len++] = (struct batches){1, current - 1, "Completed"};
    if (current <= count)
        groups[len++] =
            (struct batches){current, current, *state ? state : progress_of(deployment)};
    if (current < count)
        groups[len++] =
            (struct batches){current + 1, count, end == STATUS_FAILED ? "given up" : "to come"};
    return count ? len : 0;
}

static void add_batches_line(const cJSON *deployment, const struct batches *group, struct str *out)
{
    if (group->first == group->last)
        str_printf(out, "batch %" PRId64, group->first);
    else
        str_printf(out, "batches %" PRId64 " to %" PRId64, group->first, group->last);
    str_printf(out, " of %" PRId64 ": %s\n", number_at(deployment, RELEASE "realBatchCount"),
               group->state);
}

static void add_batches(const struct status_view *view, bool instances_follow, struct str *out)
{
    struct batches groups[3];
    size_t len = group_batches(view->deployment, groups);
    for (size_t i = 0; i < len; i++) {
        bool last = i + 1 == len && !instances_follow;
        str_add(out, last ? branch_of(view)->corner : branch_of(view)->tee);
        add_batches_line(view->deployment, &groups[i], out);
    }
}

void status_view_batches(const struct status_view *view, const char *indent, struct str *out)
{
    struct batches groups[3];
    size_t len = group_batches(view->deployment, groups);
    for (size_t i = 0; i < len; i++) {
        str_add(out, indent);
        add_batches_line(view->deployment, &groups[i], out);
    }
}

/* -- instances -- */

static const char *status_of(const cJSON *module)
{
    const char *status = text_at(module, "status.status");
    if (json_get(module, "metadata.deletionTimestamp"))
        return "Terminating";
    return *status ? status : "Pending";
}

struct row {
    const cJSON *module;
    const char *revision;
    bool old; /* not of the revision that is released */
};

struct rows {
    VEC(struct row) items;
};

static bool is_well(const cJSON *module)
{
    return str_eq(status_of(module), "Available");
}

/* The released revision first, and in each revision what is not well first. */
static int compare_rows(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->old != y->old)
        return x->old ? 1 : -1;
    int order = strcmp(x->revision, y->revision);
    if (!order)
        order = (int)is_well(x->module) - (int)is_well(y->module);
    if (!order)
        order = strcmp(text_at(x->module, "spec.baseName"), text_at(y->module, "spec.baseName"));
    return order ? order
                 : strcmp(text_at(x->module, "metadata.name"), text_at(y->module, "metadata.name"));
}

static struct rows make_rows(const struct status_view *view)
{
    struct rows rows = {0};
    const char *update = text_at(view->deployment, RELEASE "updateRevision");
    const cJSON *module;
    cJSON_ArrayForEach(module, view->modules)
    {
        const char *revision = label_of(module, LABEL_MODULE_REPLICASET);
        revision = revision ? revision : "";
        bool old = *update && !str_eq(revision, update);
        VEC_PUSH(&rows.items, (struct row){module, revision, old});
    }
    if (rows.items.len)
        qsort(rows.items.items, rows.items.len, sizeof(struct row), compare_rows);
    return rows;
}

static void add_why(const cJSON *module, struct str *out)
{
    const char *reason = text_at(module, "status.reason");
    const char *message = text_at(module, "status.message");
    if (is_well(module))
        return;
    if (*reason)
        str_printf(out, " (%s)", reason);
    if (*message) {
        str_add(out, ": ");
        add_message(out, message);
    }
}

static void add_revision(const struct status_view *view, const struct row *rows, size_t count,
                         bool is_last, struct str *out)
{
    const struct branch *branch = branch_of(view);
    size_t shown = view->instances_max && count > view->instances_max ? view->instances_max : count;
    size_t well = 0;
    for (size_t i = 0; i < count; i++)
        well += is_well(rows[i].module);
    str_printf(out, "%s%s %s (%s%s): %zu of %zu Available\n",
               is_last ? branch->corner : branch->tee, text_at(rows->module, "spec.module.name"),
               text_at(rows->module, "spec.module.version"), rows->revision,
               rows->old ? ", old" : "", well, count);
    for (size_t i = 0; i < shown; i++) {
        bool end = i + 1 == shown && shown == count;
        str_printf(out, "%s%s%s  %s", is_last ? branch->blank : branch->bar,
                   end ? branch->corner : branch->tee, text_at(rows[i].module, "spec.baseName"),
                   status_of(rows[i].module));
        add_why(rows[i].module, out);
        str_add_char(out, '\n');
    }
    if (shown < count)
        str_printf(out, "%s%sand %zu more\n", is_last ? branch->blank : branch->bar, branch->corner,
                   count - shown);
}

static void add_revisions(const struct status_view *view, const struct rows *rows, struct str *out)
{
    size_t from = 0;
    for (size_t i = 1; i <= rows->items.len; i++) {
        const struct row *items = rows->items.items;
        if (i < rows->items.len && str_eq(items[i].revision, items[from].revision))
            continue;
        add_revision(view, items + from, i - from, i == rows->items.len, out);
        from = i;
    }
}

void status_view_tree(const struct status_view *view, struct str *out)
{
    struct rows rows = make_rows(view);
    add_head(view, out);
    add_bar(view, out);
    add_batches(view, rows.items.len > 0, out);
    add_revisions(view, &rows, out);
    VEC_DONE(&rows.items);
}

/* -- plain lines -- */

static void add_release_line(const cJSON *deployment, struct str *out)
{
    struct counts counts = count_progress(deployment);
    const char *reason = text_at(deployment, RELEASE "reason");
    const char *message = text_at(deployment, RELEASE "message");
    int64_t batches = number_at(deployment, RELEASE "realBatchCount");
    str_printf(out, "moduledeployment/%s %s", text_at(deployment, "metadata.name"),
               progress_of(deployment));
    if (*reason)
        str_printf(out, " (%s)", reason);
    str_printf(out, " version %s", text_at(deployment, TEMPLATE "version"));
    if (batches)
        str_printf(out, ", batch %" PRId64 "/%" PRId64,
                   number_at(deployment, RELEASE "currentBatch"), batches);
    str_printf(out, ", %" PRId64 "/%" PRId64 " %s", counts.done, counts.total, counts.what);
    if (*message) {
        str_add(out, ": ");
        add_message(out, message);
    }
    str_add_char(out, '\n');
}

void status_view_lines(const struct status_view *view, struct str *out)
{
    struct rows rows = make_rows(view);
    add_release_line(view->deployment, out);
    for (size_t i = 0; i < rows.items.len; i++) {
        const cJSON *module = rows.items.items[i].module;
        str_printf(out, "module/%s %s version %s base %s", text_at(module, "metadata.name"),
                   status_of(module), text_at(module, "spec.module.version"),
                   text_at(module, "spec.baseName"));
        add_why(module, out);
        str_add_char(out, '\n');
    }
    VEC_DONE(&rows.items);
}
