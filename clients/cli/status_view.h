/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_STATUS_VIEW_H
#define KOUPLELESS_CLI_STATUS_VIEW_H

#include "lib/base/json.h"
#include "lib/base/str.h"

/* How a release looks. Pure: the same objects at the same time give the same text. */
struct status_view {
    const cJSON *deployment; /* the ModuleDeployment */
    const cJSON *modules;    /* array of its Modules */
    int64_t now_ms;          /* wall time */
    bool ascii;              /* the terminal has no UTF-8 */
    size_t
        instances_max; /* of one revision in the tree; those that are not well come first. 0: all */
};

/** status_view_tree() - for a terminal: the release, a progress bar, its batches, and the instances by revision. */
void status_view_tree(const struct status_view *view, struct str *out);

/** status_view_lines() - for a file: one line for the release and one for each instance, each complete in itself; no times. */
void status_view_lines(const struct status_view *view, struct str *out);

/** status_view_batches() - only the lines about batches, each with @indent before it. */
void status_view_batches(const struct status_view *view, const char *indent, struct str *out);

/* Whether a release is over. STATUS_FAILED: Aborted, or another one is Completed in its place. */
enum status_end { STATUS_RUNS, STATUS_COMPLETED, STATUS_FAILED };

/** status_view_end() - what the status says of the present spec; STATUS_RUNS while it speaks of an older one. */
enum status_end status_view_end(const cJSON *deployment);

#endif
