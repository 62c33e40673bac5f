/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "clients/cli/commands.h"
#include "clients/cli/feed.h"
#include "clients/cli/objects.h"
#include "clients/cli/output.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

struct get_options {
    struct cli_options common;
    char *selector;
    bool watch;
};

static const struct option_spec specs[] = {
    {.name = "selector",
     .short_name = 'l',
     .type = OPTION_STRING,
     .offset = offsetof(struct get_options, selector),
     .value = "SELECTOR",
     .help = "labels: a=b,c!=d,e in (x,y),f,!g"},
    {.name = "watch",
     .short_name = 'w',
     .type = OPTION_BOOL,
     .offset = offsetof(struct get_options, watch),
     .help = "go on with each change"},
    {.name = NULL},
};

/* -- once -- */

static int get_one(struct cli *cli, const struct cli_kind *kind, const char *name, struct err **err)
{
    AUTO_JSON cJSON *object = objects_get(cli, kind, name, err);
    if (!object)
        return -1;
    output_object(cli, kind, object);
    return 0;
}

static int get_all(struct cli *cli, const struct cli_kind *kind, const char *selector,
                   struct err **err)
{
    AUTO_JSON cJSON *objects = objects_list(cli, kind, selector, NULL, err);
    if (!objects)
        return -1;
    output_list(cli, kind, objects);
    return 0;
}

/* -- watch -- */

/* Rows are kept until all present objects are known, so that columns line up from the start. */
struct watch_output {
    struct table table;
    cJSON *waiting; /* objects of the first listing */
    bool head;      /* the titles were printed */
};

static void print_waiting(struct cli *cli, const struct cli_kind *kind, struct watch_output *out)
{
    bool rows = cli->output == OUTPUT_TABLE || cli->output == OUTPUT_WIDE;
    const cJSON *object, *documents = rows ? NULL : out->waiting;
    if (rows && cJSON_GetArraySize(out->waiting)) {
        output_rows(cli, kind, &out->table, !out->head, out->waiting);
        out->head = true;
    }
    cJSON_ArrayForEach(object, documents)
    {
        if (cli->output == OUTPUT_YAML)
            puts("---");
        output_object(cli, kind, object);
    }
    json_free(out->waiting);
    out->waiting = cJSON_CreateArray();
    fflush(stdout);
}

static int follow(struct cli *cli, const struct cli_kind *kind, struct feed *feed,
                  struct watch_output *out, struct err **err)
{
    bool synced = false;
    for (;;) {
        struct feed_item item;
        if (feed_next(feed, TIME_NEVER, &item, err) < 0)
            return -1;
        if (item.object)
            cJSON_AddItemToArray(out->waiting, item.object);
        synced = synced || item.type == FEED_SYNCED;
        if (synced)
            print_waiting(cli, kind, out);
        if (ferror(stdout))
            return err_set(err, ERR_INTERNAL, "the output can't be written");
    }
}

static int get_watch(struct cli *cli, const struct cli_kind *kind, const char *name,
                     const char *selector, struct err **err)
{
    struct watch_output out = {.waiting = cJSON_CreateArray()};
    struct feed *feed = feed_new(cli);
    int result = feed_add(feed, kind, name, selector, err);
    if (result == 0)
        result = follow(cli, kind, feed, &out, err);
    feed_free(feed);
    json_free(out.waiting);
    table_done(&out.table);
    return result;
}

static int run(struct cli *cli, const void *user_options, char *operands[], int count,
               struct err **err)
{
    const struct get_options *options = user_options;
    const struct cli_kind *kind = kind_parse(operands[0], err);
    const char *name = count > 1 ? operands[1] : NULL;
    if (!kind)
        return -1;
    if (name && !str_empty(options->selector))
        return cli_usage(err, "a name and a selector can't be given together");
    if (name && cli_check_name(cli, err) < 0)
        return -1;
    if (options->watch)
        return get_watch(cli, kind, name, options->selector, err);
    return name ? get_one(cli, kind, name, err) : get_all(cli, kind, options->selector, err);
}

const struct command get_command = {
    .name = "get",
    .synopsis = "KIND [NAME] [-l SELECTOR] [-w]",
    .summary = "show objects: moduledeployments, modulereplicasets, modules, bases",
    .about = "Shows objects. KIND: moduledeployments (moduledeployment, mddeploy),\n"
             "modulereplicasets (mdrs), modules (module, md) or bases (base).\n\n"
             "-o json gives the object, or a List. ModuleReplicaSets can't be watched.",
    .options = specs,
    .options_size = sizeof(struct get_options),
    .operands_min = 1,
    .operands_max = 2,
    .takes_kind = true,
    .run = run,
};
