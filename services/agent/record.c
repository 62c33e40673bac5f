/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/records.h"

void record_free(struct record *record)
{
    if (!record)
        return;
    mem_free(record->url);
    mem_free(record->digest);
    mem_free(record->restart);
    mem_free(record);
}

void record_put(struct map *map, const char *identity, const struct record *from)
{
    struct record *record = NEW(struct record);
    *record =
        (struct record){mem_strdup(from->url), mem_strdup(from->digest), mem_strdup(from->restart)};
    record_free(map_put(map, identity, record));
}
