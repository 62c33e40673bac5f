/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/model/kind.h"

#include <strings.h>

#include "lib/base/assert.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

struct kind_names {
    const char *version, *kind, *plural, *brief;
};

static const struct kind_names all[KIND_MAX_] = {
#define X(id, version, kind, plural, brief) [id] = {version, kind, plural, brief},
    OBJECT_KIND_MAP(X)
#undef X
};

static const struct kind_names *names_of(enum object_kind kind)
{
    ASSERT(kind < KIND_MAX_);
    return &all[kind];
}

const char *kind_api_version(enum object_kind kind)
{
    return names_of(kind)->version;
}

const char *kind_name(enum object_kind kind)
{
    return names_of(kind)->kind;
}

const char *kind_plural(enum object_kind kind)
{
    return names_of(kind)->plural;
}

const char *kind_short_name(enum object_kind kind)
{
    return names_of(kind)->brief;
}

bool kind_from_name(const char *name, enum object_kind *ret)
{
    if (!name)
        return false;
    for (int i = 0; i < KIND_MAX_; i++) {
        /* The singular is the kind in lower case, and any case is taken. */
        if (strcasecmp(name, all[i].kind) && strcasecmp(name, all[i].plural) &&
            strcasecmp(name, all[i].brief))
            continue;
        *ret = (enum object_kind)i;
        return true;
    }
    return false;
}

const char *kind_nearest(const char *name)
{
    AUTO_FREE char *lower = str_lower(name);
    const char *candidates[KIND_MAX_];
    for (int i = 0; i < KIND_MAX_; i++)
        candidates[i] = all[i].plural;
    return str_nearest(lower, candidates, KIND_MAX_);
}
