/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/status_view.h"

#include <inttypes.h>
#include <stdio.h>

#include "clients/cli/commands.h"
#include "clients/cli/feed.h"
#include "clients/cli/objects.h"
#include "clients/cli/output.h"
#include "clients/cli/screen.h"
#include "lib/base/clock.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

#define TEXT_MAX LIMIT_MIB(64)
#define INSTANCES_MAX 12
#define REDRAW_MS 1000

enum { SOURCE_DEPLOYMENT, SOURCE_MODULES, SOURCES };

struct status_options {
    struct cli_options common;
    bool watch;
    int64_t timeout_ms;
};

static const struct option_spec specs[] = {
    {.name = "watch",
     .short_name = 'w',
     .type = OPTION_BOOL,
     .offset = offsetof(struct status_options, watch),
     .help = "until the release is Completed (exit 0), or Aborted or rolled back (exit 1)"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct status_options, timeout_ms),
     .value = "DURATION",
     .help = "longest watch; exit 1 then (default none)"},
    {.name = NULL},
};

/* What is known of the release. */
struct status {
    struct cli *cli;
    const char *name;
    cJSON *deployment; /* NULL: gone */
    cJSON *modules;
    bool synced[SOURCES];
    bool terminal;
    struct screen screen;
};

/* -- show -- */

static void show(struct status *status)
{
    AUTO_STR struct str text = STR_INIT(TEXT_MAX);
    struct status_view view = {
        .deployment = status->deployment,
        .modules = status->modules,
        .now_ms = clock_wall_ms(clock_real()),
        .ascii = !screen_has_utf8(),
        .instances_max = INSTANCES_MAX,
    };
    if (status->terminal) {
        status_view_tree(&view, &text);
        screen_draw(&status->screen, str_text(&text));
    } else {
        status_view_lines(&view, &text);
        screen_append(&status->screen, str_text(&text));
    }
}

static char *selector_of(const char *name)
{
    return mem_printf(LABEL_MODULE_DEPLOYMENT "=%s", name);
}

static int show_once(struct status *status, struct err **err)
{
    AUTO_FREE char *selector = selector_of(status->name);
    struct cli *cli = status->cli;
    if (cli->output == OUTPUT_JSON || cli->output == OUTPUT_YAML || cli->output == OUTPUT_NAME) {
        output_object(cli, kind_of(KIND_MODULE_DEPLOYMENT), status->deployment);
        return 0;
    }
    json_free(status->modules);
    status->modules = objects_list(cli, kind_of(KIND_MODULE), selector, NULL, err);
    if (!status->modules)
        return -1;
    show(status);
    return 0;
}

/* -- watch -- */

static void forget_module(cJSON *modules, const cJSON *module)
{
    const char *name = json_get_string(module, "metadata.name");
    cJSON *item;
    cJSON_ArrayForEach(item, modules)
    {
        if (str_eq(json_get_string(item, "metadata.name"), name)) {
            json_free(cJSON_DetachItemViaPointer(modules, item));
            return;
        }
    }
}

static void take_deployment(struct status *status, const struct feed_item *item)
{
    bool gone = item->type == FEED_RESET || item->type == FEED_GONE;
    if (!gone && !item->object)
        return;
    json_free(status->deployment);
    status->deployment = gone ? NULL : item->object;
    if (gone)
        json_free(item->object);
}

static void take_module(struct status *status, const struct feed_item *item)
{
    if (item->type == FEED_RESET) {
        json_free(status->modules);
        status->modules = cJSON_CreateArray();
    }
    if (!item->object)
        return;
    forget_module(status->modules, item->object);
    if (item->type == FEED_GONE)
        json_free(item->object);
    else
        cJSON_AddItemToArray(status->modules, item->object);
}

static void take(struct status *status, const struct feed_item *item)
{
    if (item->type == FEED_RESET || item->type == FEED_SYNCED)
        status->synced[item->source] = item->type == FEED_SYNCED;
    if (item->source == SOURCE_DEPLOYMENT)
        take_deployment(status, item);
    else
        take_module(status, item);
}

/* Takes all that has come. Return: whether something is new; -1 with @err. */
static int take_all(struct status *status, struct feed *feed, int64_t wake_ms, struct err **err)
{
    struct feed_item item;
    int taken = 0;
    if (feed_next(feed, wake_ms, &item, err) < 0)
        return -1;
    while (item.type != FEED_TIMEOUT) {
        take(status, &item);
        taken = 1;
        if (feed_next(feed, /* deadline_ms= */ 0, &item, err) < 0)
            return -1;
    }
    return taken;
}

/* Whether the watch is over. Return: 0 to go on, 1 for Completed, -1 with @err. */
static int check_end(const struct status *status, struct err **err)
{
    if (!status->deployment)
        return err_set(err, ERR_NOT_FOUND, "moduledeployment/%s was deleted", status->name);
    switch (status_view_end(status->deployment)) {
    case STATUS_COMPLETED:
        return 1;
    case STATUS_FAILED: {
        const cJSON *release = json_get(status->deployment, "status.releaseStatus");
        bool aborted = str_eq(json_get_string(release, "progress"), "Aborted");
        const char *message = json_get_string(release, "message");
        return err_set(err, ERR_PRECONDITION, "moduledeployment/%s: the release is %s: %s",
                       status->name, aborted ? "Aborted" : "rolled back",
                       message ? message : "no message");
    }
    case STATUS_RUNS:
        break;
    }
    return 0;
}

static int time_out(const struct status *status, int64_t timeout_ms, struct err **err)
{
    const char *progress = json_get_string(status->deployment, "status.releaseStatus.progress");
    bool seconds = timeout_ms % 1000 == 0;
    return err_set(err, ERR_TIMEOUT, "moduledeployment/%s is %s after %" PRId64 " %s", status->name,
                   progress ? progress : "Init", seconds ? timeout_ms / 1000 : timeout_ms,
                   seconds ? "s" : "ms");
}

static int follow(struct status *status, struct feed *feed, int64_t timeout_ms, struct err **err)
{
    int64_t deadline_ms = timeout_ms ? clock_mono_ms(clock_real()) + timeout_ms : TIME_NEVER;
    for (;;) {
        int64_t now_ms = clock_mono_ms(clock_real());
        int64_t redraw_ms = status->terminal ? now_ms + REDRAW_MS : TIME_NEVER;
        int taken = take_all(status, feed, redraw_ms < deadline_ms ? redraw_ms : deadline_ms, err);
        bool synced = status->synced[SOURCE_DEPLOYMENT] && status->synced[SOURCE_MODULES];
        if (taken < 0)
            return -1;
        if (synced && status->deployment && (taken || status->terminal))
            show(status);
        int end = synced ? check_end(status, err) : 0;
        if (end)
            return end < 0 ? -1 : 0;
        if (clock_mono_ms(clock_real()) >= deadline_ms)
            return time_out(status, timeout_ms, err);
    }
}

static int watch(struct status *status, int64_t timeout_ms, struct err **err)
{
    AUTO_FREE char *selector = selector_of(status->name);
    struct feed *feed = feed_new(status->cli);
    int result = feed_add(feed, kind_of(KIND_MODULE_DEPLOYMENT), status->name, NULL, err);
    if (result == 0)
        result = feed_add(feed, kind_of(KIND_MODULE), NULL, selector, err);
    if (result == 0)
        result = follow(status, feed, timeout_ms, err);
    feed_free(feed);
    return result;
}

static int run(struct cli *cli, const void *user_options, char *operands[], int count,
               struct err **err)
{
    (void)count;
    const struct status_options *options = user_options;
    if (options->watch && cli->output != OUTPUT_TABLE && cli->output != OUTPUT_WIDE)
        return cli_usage(err, "status --watch prints no objects; get mddeploy NAME --watch does");
    struct status status = {.cli = cli, .name = operands[0], .terminal = screen_is_terminal()};
    status.deployment = objects_get(cli, kind_of(KIND_MODULE_DEPLOYMENT), operands[0], err);
    status.modules = cJSON_CreateArray();
    int result = -1;
    if (status.deployment && options->watch)
        result = watch(&status, options->timeout_ms, err);
    else if (status.deployment)
        result = show_once(&status, err);
    json_free(status.deployment);
    json_free(status.modules);
    screen_done(&status.screen);
    return result;
}

const struct command status_command = {
    .name = "status",
    .synopsis = "NAME [--watch] [--timeout DURATION]",
    .summary = "show the course of a release",
    .about =
        "Shows the course of a release: on a terminal a tree with a progress bar, elsewhere one\n"
        "line for the release and one for each instance. With --watch it goes on until the\n"
        "release is over, and prints, where it is no terminal, only what is new.",
    .options = specs,
    .options_size = sizeof(struct status_options),
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
