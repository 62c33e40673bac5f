/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/commands.h"
#include "clients/cli/documents.h"
#include "clients/cli/feed.h"
#include "clients/cli/output.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"

struct delete_options {
    struct cli_options common;
    char *file;
    bool wait;
    int64_t timeout_ms;
};

static const struct option_spec specs[] = {
    COMMAND_OPTION_FILE(struct delete_options, "the objects of these documents"),
    {.name = "wait",
     .type = OPTION_BOOL,
     .offset = offsetof(struct delete_options, wait),
     .help = "until they are gone"},
    {.name = "timeout",
     .type = OPTION_DURATION,
     .offset = offsetof(struct delete_options, timeout_ms),
     .value = "DURATION",
     .help = "longest wait (default none)"},
    {.name = NULL},
};

/* Whether the object is gone by this item. @seen: whether it was there; @uid: of the deleted one. */
static bool is_gone(const struct feed_item *item, const char *uid, bool *seen)
{
    bool same = str_eq(json_get_string(item->object, "metadata.uid"), uid);
    switch (item->type) {
    case FEED_RESET:
        *seen = false;
        return false;
    case FEED_ADDED:
    case FEED_CHANGED:
        *seen = *seen || same;
        return !same; /* another one has its name already */
    case FEED_GONE:
        return same;
    case FEED_SYNCED:
        return !*seen;
    case FEED_TIMEOUT:
        break;
    }
    return false;
}

static int wait_gone(struct feed *feed, const struct cli_kind *kind, const cJSON *object,
                     int64_t deadline_ms, struct err **err)
{
    const char *uid = json_get_string(object, "metadata.uid");
    bool seen = false;
    for (;;) {
        struct feed_item item;
        if (feed_next(feed, deadline_ms, &item, err) < 0)
            return -1;
        bool gone = is_gone(&item, uid, &seen);
        json_free(item.object);
        if (gone)
            return 0;
        if (item.type == FEED_TIMEOUT)
            return err_set(err, ERR_TIMEOUT, "%s/%s is still there at the time-out", kind->singular,
                           json_get_string(object, "metadata.name"));
    }
}

static int delete_one(struct cli *cli, const struct cli_kind *kind, const char *name,
                      const struct delete_options *options, int64_t deadline_ms, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    if (!kind->remove)
        return err_set(err, ERR_UNIMPLEMENTED,
                       "%s can't be deleted: the controller looks after them",
                       kind_plural(kind->kind));
    if (cli_call(cli, kind->service, kind->remove, cli_request(cli, name), &response, err) < 0)
        return -1;
    const cJSON *object = json_get(response, kind->get_member);
    if (options->wait) {
        struct feed *feed = feed_new(cli);
        int result = feed_add(feed, kind, name, NULL, err);
        if (result == 0)
            result = wait_gone(feed, kind, object, deadline_ms, err);
        feed_free(feed);
        if (result < 0)
            return -1;
    }
    output_done(cli, kind, object, "deleted");
    return 0;
}

static int delete_document(struct cli *cli, const struct document *document,
                           const struct delete_options *options, int64_t deadline_ms,
                           struct err **err)
{
    const char *name = json_get_string(document->json, "metadata.name");
    const char *namespace = json_get_string(document->json, "metadata.namespace");
    const struct cli_kind *kind = kind_of(document->kind);
    struct cli other = *cli; /* the same connection, another namespace */
    if (!kind)
        return err_set(err, ERR_UNIMPLEMENTED, "%s are not served by the controller's API",
                       kind_plural(document->kind));
    if (str_empty(name))
        return err_field(err, "metadata.name", "is required");
    if (!str_empty(namespace) && cli->namespace_given && !str_eq(namespace, cli->namespace))
        return err_field(err, "metadata.namespace", "is %s, but --namespace is %s", namespace,
                         cli->namespace);
    if (!str_empty(namespace))
        other.namespace = namespace;
    return delete_one(&other, kind, name, options, deadline_ms, err);
}

static int delete_file(struct cli *cli, const struct delete_options *options, int64_t deadline_ms,
                       struct err **err)
{
    AUTO_DOCUMENTS struct documents documents = {0};
    if (documents_read(options->file, &documents, err) < 0 ||
        cli_connect(cli, "server", cli->options->server, err) < 0)
        return -1;
    AUTO_ERR struct err *missing =
        NULL; /* the first that is not there; the others go all the same */
    for (size_t i = 0; i < documents.items.len; i++) {
        const struct document *document = &documents.items.items[i];
        AUTO_ERR struct err *failure = NULL;
        if (delete_document(cli, document, options, deadline_ms, &failure) == 0)
            continue;
        document_fail(document, &failure);
        if (failure->code != ERR_NOT_FOUND)
            return err_move(err, TAKE(failure));
        if (!missing)
            missing = TAKE(failure);
    }
    return missing ? err_move(err, TAKE(missing)) : 0;
}

static int run(struct cli *cli, const void *user_options, char *operands[], int count,
               struct err **err)
{
    const struct delete_options *options = user_options;
    int64_t deadline_ms =
        options->timeout_ms ? clock_mono_ms(clock_real()) + options->timeout_ms : TIME_NEVER;
    bool from_file = !str_empty(options->file);
    if (from_file ? count != 0 : count != 2)
        return cli_usage(err, "delete needs KIND NAME, or -f FILE|DIR|-");
    if (from_file)
        return delete_file(cli, options, deadline_ms, err);
    const struct cli_kind *kind = kind_parse(operands[0], err);
    return kind ? delete_one(cli, kind, operands[1], options, deadline_ms, err) : -1;
}

const struct command delete_command = {
    .name = "delete",
    .synopsis = "KIND NAME | -f FILE|DIR|- [--wait]",
    .summary = "delete ModuleDeployments, or replace a module",
    .about =
        "Deletes a ModuleDeployment: its modules go offline in batches first. Deleting a module\n"
        "replaces that instance.",
    .options = specs,
    .options_size = sizeof(struct delete_options),
    .operands_max = 2,
    .takes_kind = true,
    .run = run,
};
