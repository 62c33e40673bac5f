/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/kube/resource.h"

#include "lib/kube/url.h"

/* "/PART"; a name never reaches into another part. */
static void add_part(struct str *url, const char *part)
{
    str_add_char(url, '/');
    if (str_eq(part, ".") || str_eq(part, "..")) /* would be resolved on the way */
        str_add(url, part[1] ? "%2E%2E" : "%2E");
    else
        kube_url_escape(url, part);
}

char *kube_path_url(const struct kube_path *path)
{
    const struct kube_resource *resource = path->resource;
    struct str url = STR_INIT(SIZE_MAX / 2);
    add_part(&url, str_empty(resource->group) ? "api" : "apis");
    if (!str_empty(resource->group))
        add_part(&url, resource->group);
    add_part(&url, resource->version);
    if (path->namespace && !resource->cluster_scoped) {
        add_part(&url, "namespaces");
        add_part(&url, path->namespace);
    }
    add_part(&url, resource->plural);
    if (path->name)
        add_part(&url, path->name);
    if (path->subresource)
        add_part(&url, path->subresource);
    return str_take(&url);
}

char *kube_path_describe(const struct kube_path *path)
{
    struct str text = STR_INIT(SIZE_MAX / 2);
    str_add(&text, path->resource->plural);
    if (path->subresource)
        str_printf(&text, "/%s", path->subresource);
    if (path->name)
        str_printf(&text, " \"%s\"", path->name);
    if (path->namespace && !path->resource->cluster_scoped)
        str_printf(&text, " in namespace \"%s\"", path->namespace);
    return str_take(&text);
}
