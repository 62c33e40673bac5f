/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/store/merge_patch.h"

#include "lib/base/str.h"

static cJSON *put_member(cJSON *object, const char *key, cJSON *value)
{
    if (cJSON_GetObjectItemCaseSensitive(object, key))
        (void)cJSON_ReplaceItemInObjectCaseSensitive(object, key, value);
    else
        (void)cJSON_AddItemToObject(object, key, value);
    return value;
}

/* By text, not by cJSON_Compare(): that takes large numbers which differ by one for equal. */
static bool same_value(const cJSON *a, const cJSON *b)
{
    AUTO_FREE char *a_text = json_text(a);
    AUTO_FREE char *b_text = json_text(b);
    return str_eq(a_text, b_text);
}

bool merge_patch_member(cJSON *object, const char *key, const cJSON *patch)
{
    cJSON *old = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsNull(patch)) {
        json_free(old ? cJSON_DetachItemViaPointer(object, old) : NULL);
        return old != NULL;
    }
    if (!cJSON_IsObject(patch)) {
        if (old && same_value(old, patch))
            return false;
        put_member(object, key, cJSON_Duplicate(patch, /* recurse= */ true));
        return true;
    }
    bool changed = false;
    if (!cJSON_IsObject(old)) {
        old = put_member(object, key, cJSON_CreateObject());
        changed = true;
    }
    for (const cJSON *member = patch->child; member; member = member->next)
        changed |= merge_patch_member(old, member->string, member);
    return changed;
}
