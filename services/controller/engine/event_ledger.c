/* SPDX-License-Identifier: Apache-2.0 */
#include "services/controller/engine/event_ledger.h"

#include <string.h>

#include "lib/base/str.h"

#define STEM_MAX 200

char *event_name(const char *involved_name, const char *involved_uid, const char *reason,
                 const char *message)
{
    AUTO_FREE char *text =
        mem_printf("%s\n%s\n%s", involved_uid ? involved_uid : "", reason, message ? message : "");
    size_t len = strnlen(involved_name, STEM_MAX);
    while (len && strchr(".-", involved_name[len - 1])) /* cut in the middle of a name with dots */
        len--;
    return mem_printf("%.*s.%016llx", (int)len, involved_name,
                      (unsigned long long)str_hash(text, strlen(text)));
}

static char *key_of(const char *namespace, const char *name)
{
    return mem_printf("%s/%s", namespace, name);
}

struct event_entry *event_ledger_note(struct event_ledger *ledger, const char *namespace,
                                      const char *name, int32_t times, int64_t wall_ms)
{
    AUTO_FREE char *key = key_of(namespace, name);
    struct event_entry *entry = map_get(&ledger->entries, key);
    if (!entry) {
        entry = NEW(struct event_entry);
        entry->namespace = mem_strdup(namespace);
        entry->name = mem_strdup(name);
        map_put(&ledger->entries, key, entry);
    }
    entry->count = entry->count > INT32_MAX - times ? INT32_MAX : entry->count + times;
    entry->last_ms = wall_ms > entry->last_ms ? wall_ms : entry->last_ms;
    return entry;
}

void event_entry_wrote(struct event_entry *entry, int64_t now_ms)
{
    entry->written = entry->count;
    entry->written_ms = now_ms;
}

void event_ledger_found(struct event_ledger *ledger, const char *namespace, const char *name,
                        int32_t times, int64_t wall_ms, int64_t now_ms)
{
    struct event_entry *entry = event_ledger_note(ledger, namespace, name, 0, wall_ms);
    if (entry->found)
        return;
    entry->found = true;
    event_ledger_note(ledger, namespace, name, times, wall_ms);
    event_entry_wrote(entry, now_ms);
}

int64_t event_entry_due_ms(const struct event_entry *entry)
{
    if (entry->written == entry->count)
        return INT64_MAX;
    return entry->written ? entry->written_ms + EVENT_WRITE_EVERY_MS : 0;
}

static struct event_entry *oldest(const struct event_ledger *ledger)
{
    struct event_entry *found = NULL;
    for (size_t i = 0; i < ledger->entries.len; i++) {
        struct event_entry *entry = ledger->entries.entries[i].value;
        if (!found || entry->last_ms < found->last_ms)
            found = entry;
    }
    return found;
}

struct event_entry *event_ledger_expire(struct event_ledger *ledger, int64_t wall_ms, size_t max)
{
    struct event_entry *entry = oldest(ledger);
    if (!entry || (wall_ms - entry->last_ms < EVENT_LIFE_MS && ledger->entries.len <= max))
        return NULL;
    AUTO_FREE char *key = key_of(entry->namespace, entry->name);
    return map_remove(&ledger->entries, key);
}

void event_entry_free(struct event_entry *entry)
{
    if (!entry)
        return;
    mem_free(entry->namespace);
    mem_free(entry->name);
    mem_free(entry);
}

void event_ledger_done(struct event_ledger *ledger)
{
    for (size_t i = 0; i < ledger->entries.len; i++)
        event_entry_free(ledger->entries.entries[i].value);
    map_done(&ledger->entries);
}
