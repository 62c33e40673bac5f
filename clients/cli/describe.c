/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "clients/cli/columns.h"
#include "clients/cli/commands.h"
#include "clients/cli/objects.h"
#include "clients/cli/output.h"
#include "clients/cli/status_view.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/model/labels.h"

#define TEXT_MAX LIMIT_MIB(256)

/* -- metadata, spec, status -- */

static void add_line(struct str *out, const char *title, const char *value)
{
    str_printf(out, "%-13s%s\n", title, str_empty(value) ? "-" : value);
}

static void add_yaml(struct str *out, const char *title, const cJSON *json)
{
    if (!json || !cJSON_GetArraySize(json))
        return;
    AUTO_FREE char *text = yaml_text(json);
    str_printf(out, "%s:\n", title);
    for (const char *line = text; *line;) {
        const char *end = line;
        while (*end && *end != '\n')
            end++;
        str_add(out, "  ");
        str_add_bytes(out, line, (size_t)(end - line));
        str_add_char(out, '\n');
        line = *end ? end + 1 : end;
    }
}

static void add_metadata(struct str *out, const cJSON *object)
{
    add_line(out, "Name:", json_get_string(object, "metadata.name"));
    add_line(out, "Namespace:", json_get_string(object, "metadata.namespace"));
    add_line(out, "Created:", json_get_string(object, "metadata.creationTimestamp"));
    if (json_get(object, "metadata.deletionTimestamp"))
        add_line(out, "Deleted:", json_get_string(object, "metadata.deletionTimestamp"));
    add_yaml(out, "Labels", json_get(object, "metadata.labels"));
    add_yaml(out, "Annotations", json_get(object, "metadata.annotations"));
}

/* Conditions have a table of their own. */
static void add_status(struct str *out, const cJSON *object)
{
    AUTO_JSON cJSON *status = cJSON_Duplicate(json_get(object, "status"), /* recurse= */ true);
    cJSON_DeleteItemFromObjectCaseSensitive(status, "conditions");
    add_yaml(out, "Status", status);
}

/* -- tables -- */

static void add_titles(struct table *table, const char *const *titles)
{
    table_row(table);
    for (; *titles; titles++)
        table_cell(table, *titles);
}

static void add_table(struct str *out, const char *title, struct table *table)
{
    str_printf(out, "%s:\n", title);
    table_write(table, "  ", out);
}

static void add_conditions(struct str *out, const cJSON *object)
{
    static const char *const titles[] = {"TYPE", "STATUS", "REASON", "SINCE", "MESSAGE", NULL};
    const cJSON *conditions = json_get(object, "status.conditions"), *condition;
    AUTO_TABLE struct table table = {0};
    if (!cJSON_GetArraySize(conditions))
        return;
    add_titles(&table, titles);
    cJSON_ArrayForEach(condition, conditions)
    {
        table_row(&table);
        table_cell(&table, json_get_string(condition, "type"));
        table_cell(&table, json_get_string(condition, "status"));
        table_cell(&table, json_get_string(condition, "reason"));
        table_cell(&table, json_get_string(condition, "lastTransitionTime"));
        table_cell(&table, json_get_string(condition, "message"));
    }
    add_table(out, "Conditions", &table);
}

static void add_objects(struct str *out, const char *title, const struct cli_kind *kind,
                        const cJSON *objects)
{
    AUTO_TABLE struct table table = {0};
    const cJSON *object;
    if (!cJSON_GetArraySize(objects)) {
        add_line(out, title, "none");
        return;
    }
    columns_head(&table, kind->columns, /* namespaces= */ false, /* wide= */ false);
    cJSON_ArrayForEach(object, objects)
    {
        columns_row(&table, kind->columns, /* namespaces= */ false, /* wide= */ false, object,
                    clock_wall_ms(clock_real()));
    }
    str_printf(out, "%s\n", title);
    table_write(&table, "  ", out);
}

static void add_events(struct str *out, const cJSON *events)
{
    static const char *const titles[] = {"TYPE", "REASON", "AGE", "COUNT", "MESSAGE", NULL};
    AUTO_TABLE struct table table = {0};
    const cJSON *event;
    if (!cJSON_GetArraySize(events)) {
        add_line(out, "Events:", "none");
        return;
    }
    add_titles(&table, titles);
    cJSON_ArrayForEach(event, events)
    {
        AUTO_FREE char *age =
            age_text(json_get_string(event, "lastTimestamp"), clock_wall_ms(clock_real()));
        AUTO_FREE char *count = mem_printf("%" PRId64, number_at(event, "count"));
        table_row(&table);
        table_cell(&table, json_get_string(event, "type"));
        table_cell(&table, json_get_string(event, "reason"));
        table_cell(&table, age);
        table_cell(&table, count);
        table_cell(&table, json_get_string(event, "message"));
    }
    add_table(out, "Events", &table);
}

/* -- what belongs to an object -- */

/* The modules that have @label, or NULL with @err. */
static cJSON *list_modules(struct cli *cli, const char *label, const char *value, struct err **err)
{
    AUTO_FREE char *selector = mem_printf("%s=%s", label, value);
    return objects_list(cli, kind_of(KIND_MODULE), selector, NULL, err);
}

static int add_related(struct cli *cli, const struct cli_kind *kind, const cJSON *object,
                       struct str *out, struct err **err)
{
    static const char *const labels[KIND_MAX_] = {
        [KIND_MODULE_DEPLOYMENT] = LABEL_MODULE_DEPLOYMENT,
        [KIND_MODULE_REPLICASET] = LABEL_MODULE_REPLICASET,
        [KIND_BASE] = LABEL_BASE_INSTANCE_NAME,
    };
    const char *name = json_get_string(object, "metadata.name");
    if (!labels[kind->kind])
        return 0;
    AUTO_JSON cJSON *modules = list_modules(cli, labels[kind->kind], name, err);
    if (!modules)
        return -1;
    if (kind->kind == KIND_MODULE_DEPLOYMENT) {
        struct status_view view = {.deployment = object, .modules = modules};
        AUTO_JSON cJSON *revisions = objects_revisions(cli, cli->namespace, name, err);
        if (!revisions)
            return -1;
        str_add(out, "Batches:\n");
        status_view_batches(&view, "  ", out);
        add_objects(out, "Revisions:", kind_of(KIND_MODULE_REPLICASET), revisions);
    }
    add_objects(out, "Instances:", kind_of(KIND_MODULE), modules);
    return 0;
}

static int describe(struct cli *cli, const struct cli_kind *kind, const cJSON *object,
                    struct err **err)
{
    AUTO_STR struct str out = STR_INIT(TEXT_MAX);
    const char *name = json_get_string(object, "metadata.name");
    add_metadata(&out, object);
    add_yaml(&out, "Spec", json_get(object, "spec"));
    add_status(&out, object);
    add_conditions(&out, object);
    if (add_related(cli, kind, object, &out, err) < 0)
        return -1;
    AUTO_JSON cJSON *events = objects_events(cli, kind, name, err);
    if (!events)
        return -1;
    add_events(&out, events);
    fputs(str_text(&out), stdout);
    return 0;
}

static int run(struct cli *cli, const void *options, char *operands[], int count, struct err **err)
{
    (void)options;
    (void)count;
    const struct cli_kind *kind = kind_parse(operands[0], err);
    if (!kind)
        return -1;
    AUTO_JSON cJSON *object = objects_get(cli, kind, operands[1], err);
    return object ? describe(cli, kind, object, err) : -1;
}

const struct command describe_command = {
    .name = "describe",
    .synopsis = "KIND NAME",
    .summary = "show all about one object, its instances and its events",
    .about =
        "Shows spec, status, conditions, batches, revisions, instances and events of one object.",
    .options_size = sizeof(struct cli_options),
    .operands_min = 2,
    .operands_max = 2,
    .takes_kind = true,
    .run = run,
};
