/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/json_difference.h"

cJSON *json_difference(const cJSON *before, const cJSON *after)
{
    cJSON *patch = cJSON_CreateObject();
    const cJSON *item;
    cJSON_ArrayForEach(item, after)
    {
        const cJSON *old = cJSON_GetObjectItemCaseSensitive(before, item->string);
        cJSON *change = NULL;
        if (cJSON_IsObject(item) && cJSON_IsObject(old))
            change = json_difference(old, item);
        else if (!cJSON_Compare(old, item, true))
            change = cJSON_Duplicate(item, true);
        if (change)
            cJSON_AddItemToObject(patch, item->string, change);
    }
    cJSON_ArrayForEach(item, before)
    {
        if (!cJSON_GetObjectItemCaseSensitive(after, item->string))
            cJSON_AddItemToObject(patch, item->string, cJSON_CreateNull());
    }
    if (patch->child)
        return patch;
    json_free(patch);
    return NULL;
}
