/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/output.h"

#include <stdio.h>

#include "clients/cli/columns.h"
#include "clients/cli/json_pretty.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/yaml.h"

#define TEXT_MAX LIMIT_MIB(512)

cJSON *output_document(const struct cli_kind *kind, const cJSON *object)
{
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "apiVersion", API_VERSION);
    cJSON_AddStringToObject(document, "kind", kind_name(kind->kind));
    const cJSON *item;
    cJSON_ArrayForEach(item, object)
    {
        cJSON_AddItemToObject(document, item->string, cJSON_Duplicate(item, /* recurse= */ true));
    }
    return document;
}

void output_json(const struct cli *cli, const cJSON *json)
{
    if (cli->output == OUTPUT_YAML) {
        AUTO_FREE char *text = yaml_text(json);
        fputs(text, stdout);
        return;
    }
    AUTO_STR struct str text = STR_INIT(TEXT_MAX);
    json_pretty(json, &text);
    puts(str_text(&text));
}

static void print_name(const struct cli_kind *kind, const cJSON *object)
{
    printf("%s/%s\n", kind->singular, json_get_string(object, "metadata.name"));
}

static bool is_table(const struct cli *cli)
{
    return cli->output == OUTPUT_TABLE || cli->output == OUTPUT_WIDE;
}

void output_rows(const struct cli *cli, const struct cli_kind *kind, struct table *table, bool head,
                 const cJSON *objects)
{
    bool namespaces = str_eq(cli->namespace, "*"), wide = cli->output == OUTPUT_WIDE;
    if (head)
        columns_head(table, kind->columns, namespaces, wide);
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        columns_row(table, kind->columns, namespaces, wide, object, clock_wall_ms(clock_real()));
    }
    table_print(table);
}

void output_object(const struct cli *cli, const struct cli_kind *kind, const cJSON *object)
{
    if (is_table(cli)) {
        AUTO_TABLE struct table table = {0};
        AUTO_JSON cJSON *objects = cJSON_CreateArray();
        cJSON_AddItemToArray(objects, cJSON_Duplicate(object, /* recurse= */ true));
        output_rows(cli, kind, &table, /* head= */ true, objects);
    } else if (cli->output == OUTPUT_NAME) {
        print_name(kind, object);
    } else {
        AUTO_JSON cJSON *document = output_document(kind, object);
        output_json(cli, document);
    }
}

static cJSON *make_list(const struct cli_kind *kind, const cJSON *objects)
{
    cJSON *list = cJSON_CreateObject();
    cJSON_AddStringToObject(list, "apiVersion", "v1");
    cJSON_AddStringToObject(list, "kind", "List");
    cJSON *items = cJSON_AddArrayToObject(list, "items");
    const cJSON *object;
    cJSON_ArrayForEach(object, objects)
    {
        cJSON_AddItemToArray(items, output_document(kind, object));
    }
    return list;
}

void output_list(const struct cli *cli, const struct cli_kind *kind, const cJSON *objects)
{
    if (is_table(cli) && cJSON_GetArraySize(objects)) {
        AUTO_TABLE struct table table = {0};
        output_rows(cli, kind, &table, /* head= */ true, objects);
    } else if (is_table(cli) && str_eq(cli->namespace, "*")) {
        fprintf(stderr, "No %s found.\n", kind_plural(kind->kind));
    } else if (is_table(cli)) {
        fprintf(stderr, "No %s found in namespace %s.\n", kind_plural(kind->kind), cli->namespace);
    } else if (cli->output == OUTPUT_NAME) {
        const cJSON *object;
        cJSON_ArrayForEach(object, objects)
        {
            print_name(kind, object);
        }
    } else {
        AUTO_JSON cJSON *list = make_list(kind, objects);
        output_json(cli, list);
    }
}

void output_done(const struct cli *cli, const struct cli_kind *kind, const cJSON *object,
                 const char *done)
{
    if (is_table(cli))
        printf("%s/%s %s\n", kind->singular, json_get_string(object, "metadata.name"), done);
    else
        output_object(cli, kind, object);
}
