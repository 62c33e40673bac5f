/* SPDX-License-Identifier: Apache-2.0 */
/* What a base answers over Arklet, read as the answer to every command. */
#include <string.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "services/agent/engine/metaspace.h"
#include "tests/fuzz/fuzz.h"

static void check_answer(const char *body, size_t len)
{
    AUTO_ERR struct err *err = NULL;
    struct arklet_answer answer = {0};
    if (arklet_answer_parse(body, len, &answer, &err) == 0) {
        ASSERT(!err && answer.message);
        ASSERT(answer.code <= ARKLET_INTERNAL_ERROR);
        arklet_answer_done(&answer);
    } else {
        ASSERT(err);
    }
}

static int order(const struct biz *a, const struct biz *b)
{
    int by_name = strcmp(a->name, b->name);
    return by_name ? by_name : strcmp(a->version, b->version);
}

static void check_biz(const struct biz_list *list, const struct biz *biz)
{
    const char *path = biz->web_context_path;
    ASSERT(biz->name && biz->version && path);
    ASSERT(path[0] != '/' && (!path[0] || path[strlen(path) - 1] != '/'));
    const struct biz *found = biz_list_find(list, biz->name, biz->version);
    ASSERT(found && order(found, biz) == 0);
    const struct biz *on_path = biz_list_on_path(list, path, NULL);
    ASSERT(path[0] || !on_path);
    AUTO_FREE char *again = web_path_normal(path);
    ASSERT(strcmp(again, path) == 0);
}

static void check_list(const char *body, size_t len)
{
    AUTO_ERR struct err *err = NULL;
    struct biz_list list = {0};
    if (biz_list_parse(body, len, &list, &err) < 0) {
        ASSERT(err);
        return;
    }
    for (size_t i = 0; i < list.len; i++) {
        check_biz(&list, &list.items[i]);
        ASSERT(i == 0 || order(&list.items[i - 1], &list.items[i]) <= 0);
    }
    biz_list_done(&list);
}

static void check_jvm(const char *body, size_t len)
{
    AUTO_ERR struct err *err = NULL;
    struct jvm_figures figures;
    if (jvm_figures_parse(body, len, &figures, &err) < 0) {
        ASSERT(err);
        return;
    }
    ASSERT(figures.uptime_s >= 0 && figures.metaspace_max_bytes >= JVM_UNKNOWN);
    AUTO_FREE char *refusal = metaspace_refusal(&figures, 90);
    ASSERT(!refusal || figures.metaspace_used_bytes > figures.metaspace_max_bytes / 2);
}

static void check_requests(const char *body, size_t len)
{
    AUTO_ERR struct err *err = NULL;
    int64_t requests = -2;
    if (biz_requests_parse(body, len, &requests, &err) == 0)
        ASSERT(requests >= -1);
    else
        ASSERT(err && requests == -2);
}

static void check_commands(const char *body, size_t len)
{
    AUTO_ERR struct err *err = NULL;
    struct arklet_commands commands = {0};
    if (arklet_commands_parse(body, len, &commands, &err) < 0) {
        ASSERT(err);
        return;
    }
    for (size_t i = 1; i < commands.len; i++)
        ASSERT(strcmp(commands.items[i - 1].id, commands.items[i].id) <= 0);
    arklet_commands_done(&commands);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *body = (const char *)data;
    check_answer(body, size);
    check_list(body, size);
    check_requests(body, size);
    check_jvm(body, size);
    check_commands(body, size);
    return 0;
}
