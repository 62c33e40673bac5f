/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/objects.h"

#include "koupleless/controller/v1/inventory.pb-c.h"
#include "koupleless/controller/v1/release.pb-c.h"
#include "lib/base/str.h"
#include "lib/model/labels.h"

/* -- lists -- */

static void move_items(cJSON *to, cJSON *from)
{
    while (from && from->child)
        cJSON_AddItemToArray(to, cJSON_DetachItemViaPointer(from, from->child));
}

/* Where a list in pages stands. */
struct pages {
    cJSON *items;
    char *token;   /* of the next page, NULL at the end */
    char *version; /* of the first page: what changed since is told by a watch */
};

static int list_page(struct cli *cli, const struct cli_kind *kind, const char *selector,
                     struct pages *pages, struct err **err)
{
    AUTO_JSON cJSON *page = NULL;
    cJSON *request = cli_request(cli, NULL);
    if (!str_empty(selector))
        cJSON_AddStringToObject(request, "labelSelector", selector);
    if (pages->token)
        cJSON_AddStringToObject(request, "pageToken", pages->token);
    if (cli_call(cli, kind->service, kind->list, request, &page, err) < 0)
        return -1;
    move_items(pages->items, cJSON_GetObjectItemCaseSensitive(page, kind->list_member));
    mem_replace(&pages->token, json_get_string(page, "nextPageToken"));
    if (!pages->version)
        pages->version = mem_strdup(json_get_string(page, "resourceVersion"));
    return 0;
}

static cJSON *list_pages(struct cli *cli, const struct cli_kind *kind, const char *selector,
                         char **ret_version, struct err **err)
{
    struct pages pages = {.items = cJSON_CreateArray()};
    int result;
    do
        result = list_page(cli, kind, selector, &pages, err);
    while (result == 0 && pages.token);
    if (result == 0 && ret_version)
        *ret_version = TAKE(pages.version);
    mem_free(pages.token);
    mem_free(pages.version);
    if (result == 0)
        return pages.items;
    json_free(pages.items);
    return NULL;
}

cJSON *objects_revisions(struct cli *cli, const char *namespace, const char *deployment,
                         struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    cJSON *request = cJSON_CreateObject();
    cJSON_AddStringToObject(request, "namespace", namespace);
    cJSON_AddStringToObject(request, "name", deployment);
    if (cli_call(cli, &koupleless__controller__v1__release_service__descriptor, "ListRevisions",
                 request, &response, err) < 0)
        return NULL;
    cJSON *items = cJSON_CreateArray();
    move_items(items, cJSON_GetObjectItemCaseSensitive(response, "revisions"));
    return items;
}

static bool selected(const struct selector *selector, const cJSON *object)
{
    struct json_map labels = {0};
    const cJSON *label;
    cJSON_ArrayForEach(label, json_get(object, "metadata.labels"))
    {
        json_map_set(&labels, label->string, cJSON_GetStringValue(label));
    }
    bool matches = selector_matches(selector, &labels);
    json_map_done(&labels);
    return matches;
}

static void keep_selected(cJSON *items, const struct selector *selector)
{
    for (cJSON *item = items->child, *next; item; item = next) {
        next = item->next;
        if (!selected(selector, item))
            json_free(cJSON_DetachItemViaPointer(items, item));
    }
}

/* The API lists revisions per ModuleDeployment alone, so all of these are asked. */
static cJSON *list_replicasets(struct cli *cli, const char *selector_text, struct err **err)
{
    struct selector selector = {0};
    if (selector_parse(selector_text, &selector, err) < 0)
        return NULL;
    AUTO_JSON cJSON *deployments =
        list_pages(cli, kind_of(KIND_MODULE_DEPLOYMENT), NULL, NULL, err);
    AUTO_JSON cJSON *items = deployments ? cJSON_CreateArray() : NULL;
    const cJSON *deployment;
    cJSON_ArrayForEach(deployment, deployments)
    {
        AUTO_JSON cJSON *revisions =
            items ? objects_revisions(cli, json_get_string(deployment, "metadata.namespace"),
                                      json_get_string(deployment, "metadata.name"), err)
                  : NULL;
        if (revisions)
            move_items(items, revisions);
        else
            json_free(TAKE(items));
    }
    if (items)
        keep_selected(items, &selector);
    selector_done(&selector);
    return TAKE(items);
}

cJSON *objects_list(struct cli *cli, const struct cli_kind *kind, const char *selector,
                    char **ret_version, struct err **err)
{
    return kind->list ? list_pages(cli, kind, selector, ret_version, err)
                      : list_replicasets(cli, selector, err);
}

/* -- one -- */

static cJSON *find_in_list(struct cli *cli, const struct cli_kind *kind, const char *name,
                           struct err **err)
{
    AUTO_JSON cJSON *items = objects_list(cli, kind, NULL, NULL, err);
    cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        if (str_eq(json_get_string(item, "metadata.name"), name))
            return cJSON_DetachItemViaPointer(items, item);
    }
    if (items)
        err_set(err, ERR_NOT_FOUND, "%s \"%s/%s\": not found", kind_name(kind->kind),
                cli->namespace, name);
    return NULL;
}

cJSON *objects_get(struct cli *cli, const struct cli_kind *kind, const char *name, struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    if (cli_check_name(cli, err) < 0)
        return NULL;
    if (!kind->get)
        return find_in_list(cli, kind, name, err);
    if (cli_call(cli, kind->service, kind->get, cli_request(cli, name), &response, err) < 0)
        return NULL;
    cJSON *object = cJSON_DetachItemFromObjectCaseSensitive(response, kind->get_member);
    if (!object)
        err_set(err, ERR_INTERNAL, "%s answered without an object", kind->get);
    return object;
}

cJSON *objects_events(struct cli *cli, const struct cli_kind *kind, const char *name,
                      struct err **err)
{
    AUTO_JSON cJSON *response = NULL;
    cJSON *request = cli_request(cli, NULL);
    cJSON_AddStringToObject(request, "involvedKind", kind_name(kind->kind));
    cJSON_AddStringToObject(request, "involvedName", name);
    if (cli_call(cli, &koupleless__controller__v1__inventory_service__descriptor, "ListEvents",
                 request, &response, err) < 0)
        return NULL;
    cJSON *items = cJSON_CreateArray();
    move_items(items, cJSON_GetObjectItemCaseSensitive(response, "events"));
    return items;
}
