/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/plan_view.h"

#include <inttypes.h>

#include "clients/cli/columns.h"

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* "0s", "14ms", "12.2s", "1m10s", "2h5m". Owned. */
static char *duration_text(int64_t ms)
{
    int64_t s = ms / 1000, tenths = ms % 1000 / 100;
    if (ms > 0 && ms < 100)
        return mem_printf("%" PRId64 "ms", ms);
    if (s < 60)
        return tenths ? mem_printf("%" PRId64 ".%" PRId64 "s", s, tenths)
                      : mem_printf("%" PRId64 "s", s);
    if (s < 3600)
        return mem_printf("%" PRId64 "m%" PRId64 "s", s / 60, s % 60);
    return mem_printf("%" PRId64 "h%" PRId64 "m", s / 3600, s % 3600 / 60);
}

static void number_cell(struct table *table, int64_t number)
{
    AUTO_FREE char *text = mem_printf("%" PRId64, number);
    table_cell(table, text);
}

/* -- batches -- */

static void head_of_batch(const cJSON *response, const cJSON *batch, struct str *out)
{
    int64_t number = number_at(batch, "number"), size = number_at(batch, "size");
    const char *gate = json_get_string(batch, "gate");
    if (number)
        str_printf(out, "\nBatch %" PRId64 " of %" PRId64 ": %" PRId64 " instance%s to change",
                   number, number_at(response, "batchCount"), size, plural(size));
    else
        str_add(out, "\nIn no batch: what is there is brought in order");
    if (str_eq(gate, "confirmation"))
        str_add(out, ", then it waits for a confirmation");
    else if (str_eq(gate, "grayTime"))
        str_add(out, ", then gray time");
    int64_t unavailable = number_at(batch, "mostUnavailable");
    if (unavailable)
        str_printf(out, "; %" PRId64 " instance%s less at once", unavailable, plural(unavailable));
    str_add_char(out, '\n');
}

static void row_of_change(struct table *table, const cJSON *change, bool wide)
{
    AUTO_FREE char *begins = duration_text(number_at(change, "beginsMs"));
    table_row(table);
    table_cell(table, begins);
    table_cell(table, json_get_string(change, "action"));
    table_cell(table, json_get_string(change, "baseName"));
    table_cell(table, json_get_string(change, "way"));
    table_cell(table, json_get_string(change, "reason"));
    if (wide)
        table_cell(table, json_get_string(change, "instanceName"));
}

static void changes_of_batch(const cJSON *response, const cJSON *batch, bool wide, struct str *out)
{
    static const char *const titles[] = {"AFTER", "ACTION", "BASE", "WAY", "REASON", "MODULE"};
    AUTO_TABLE struct table table = {0};
    table_row(&table);
    for (size_t i = 0; i < ARRAY_LEN(titles) - !wide; i++)
        table_cell(&table, titles[i]);
    bool any = false;
    const cJSON *change;
    cJSON_ArrayForEach(change, json_get(response, "changes"))
    {
        if (number_at(change, "batch") != number_at(batch, "number"))
            continue;
        row_of_change(&table, change, wide);
        any = true;
    }
    if (any)
        table_write(&table, "", out);
}

/* -- the summary -- */

static void holds(const cJSON *response, struct str *out)
{
    const cJSON *hold;
    cJSON_ArrayForEach(hold, json_get(response, "holds"))
    {
        const char *message = json_get_string(hold, "message");
        str_printf(out, "Held up:      %s%s%s\n", json_get_string(hold, "reason"),
                   str_empty(message) ? "" : ": ", str_empty(message) ? "" : message);
    }
}

static void co_tenants(const cJSON *response, struct str *out)
{
    const cJSON *other;
    cJSON_ArrayForEach(other, json_get(response, "coTenants"))
    {
        int64_t instances = number_at(other, "instances");
        str_printf(out,
                   "Co-tenant:    %s: %" PRId64 " instance%s, at most %" PRId64
                   " beside an operation at once\n",
                   json_get_string(other, "moduleName"), instances, plural(instances),
                   number_at(other, "mostTouched"));
    }
}

static void writes(const cJSON *response, struct str *out)
{
    static const char *const fields[] = {"creates", "statusPatches", "labelPatches", "otherPatches",
                                         "deletes"};
    static const char *const titles[] = {"WRITES OF", "CREATE", "STATUS",
                                         "LABELS",    "OTHER",  "DELETE"};
    AUTO_TABLE struct table table = {0};
    table_row(&table);
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_cell(&table, titles[i]);
    const cJSON *kind;
    cJSON_ArrayForEach(kind, json_get(response, "writes"))
    {
        table_row(&table);
        table_cell(&table, json_get_string(kind, "kind"));
        for (size_t i = 0; i < ARRAY_LEN(fields); i++)
            number_cell(&table, number_at(kind, fields[i]));
    }
    if (json_get(response, "writes"))
        table_write(&table, "", out);
}

static void summary(const cJSON *response, struct str *out)
{
    AUTO_FREE char *duration = duration_text(number_at(response, "durationMs"));
    AUTO_FREE char *install = duration_text(number_at(response, "installMs"));
    int64_t unavailable = number_at(response, "mostUnavailable");
    bool completed = str_eq(json_get_string(response, "outcome"), "PLAN_OUTCOME_COMPLETED");
    str_printf(out, "\nOutcome:      %s after %s, where an install takes %s\n",
               completed ? "Completed" : "stuck", duration, install);
    str_printf(out, "Unavailable:  %" PRId64 " instance%s at once\n", unavailable,
               plural(unavailable));
    co_tenants(response, out);
    holds(response, out);
    writes(response, out);
}

void plan_view(const char *name, const cJSON *response, bool wide, struct str *out)
{
    int64_t size = 0, count = 0;
    const cJSON *batch;
    cJSON_ArrayForEach(batch, json_get(response, "batches"))
    {
        size += number_at(batch, "size");
        count++;
    }
    if (count)
        str_printf(out,
                   "moduledeployment/%s: %" PRId64 " instance%s to change in %" PRId64 " batch%s\n",
                   name, size, plural(size), count, count == 1 ? "" : "es");
    else
        str_printf(out, "moduledeployment/%s: nothing changes\n", name);
    cJSON_ArrayForEach(batch, json_get(response, "batches"))
    {
        head_of_batch(response, batch, out);
        changes_of_batch(response, batch, wide, out);
    }
    summary(response, out);
}
