/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_PLAN_VIEW_H
#define KOUPLELESS_CLI_PLAN_VIEW_H

#include "lib/base/json.h"
#include "lib/base/str.h"

/**
 * plan_view() - appends what a PlanReleaseResponse says of @name: a table for each batch, then a summary. @wide:
 * names of the instances too. Pure.
 */
void plan_view(const char *name, const cJSON *response, bool wide, struct str *out);

#endif
