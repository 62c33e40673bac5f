/* SPDX-License-Identifier: Apache-2.0 */
#include "services/agent/engine/journal_line.h"

#include <string.h>

#include "lib/base/limits.h"
#include "lib/base/str.h"

static const char *const whats[] = {
    [JOURNAL_AGENT] = "agent",
    [JOURNAL_ACCEPTED] = "accepted",
    [JOURNAL_ENDED] = "ended",
    [JOURNAL_EPOCH] = "epoch",
};

#define FIELD(key, type, member) JSON_FIELD(struct journal_line, key, type, member, 0)

static const struct json_field fields[] = {
    JSON_FIELD(struct journal_line, "what", JSON_STRING, what_name, JSON_REQUIRED),
    FIELD("id", JSON_STRING, id),
    FIELD("timeMs", JSON_INT64, time_ms),
    FIELD("type", JSON_STRING, type),
    FIELD("name", JSON_STRING, name),
    FIELD("version", JSON_STRING, version),
    FIELD("url", JSON_STRING, url),
    FIELD("md5", JSON_STRING, md5),
    FIELD("sha256", JSON_STRING, sha256),
    FIELD("inPlace", JSON_BOOL, in_place),
    FIELD("restart", JSON_STRING, restart),
    FIELD("args", JSON_STRINGS, args),
    FIELD("batch", JSON_STRING, batch),
    FIELD("code", JSON_STRING, code),
    FIELD("reason", JSON_STRING, reason),
    FIELD("message", JSON_STRING, message),
    FIELD("restored", JSON_BOOL, restored),
    FIELD("urlPassedThrough", JSON_BOOL, url_passed_through),
    FIELD("executionMs", JSON_INT64, execution_ms),
    FIELD("metaspaceBytes", JSON_INT64, metaspace_bytes),
    FIELD("digest", JSON_STRING, digest),
    FIELD("epoch", JSON_INT64, epoch),
    JSON_END,
};

char *journal_line_write(const struct journal_line *line)
{
    struct journal_line named = *line;
    AUTO_FREE char *what = mem_strdup(whats[line->what]);
    named.what_name = what;
    return json_text_take(json_write(fields, &named));
}

void journal_line_done(struct journal_line *line)
{
    json_release(fields, line);
}

static int require(const char *field, const char *value, struct err **err)
{
    return str_empty(value) ? err_field(err, field, "is required") : 0;
}

static int check_what(struct journal_line *line, struct err **err)
{
    for (size_t i = 0; i < ARRAY_LEN(whats); i++) {
        if (!str_eq(line->what_name, whats[i]))
            continue;
        line->what = (enum journal_what)i;
        return 0;
    }
    return err_field(err, "what", "\"%s\" is not known", line->what_name);
}

/* What is checked of a request too; the rest of it can only be wrong where the line is damaged. */
static int check_accepted(const struct journal_line *line, struct err **err)
{
    bool has_jar = str_eq(line->type, "install") || str_eq(line->type, "prefetch");
    if (has_jar && require("url", line->url, err) < 0)
        return -1;
    if (require("type", line->type, err) < 0 || require("name", line->name, err) < 0 ||
        require("version", line->version, err) < 0)
        return -1;
    return strchr(line->name, ':') ? err_field(err, "name", "must not hold a colon") : 0;
}

static int check(struct journal_line *line, struct err **err)
{
    if (check_what(line, err) < 0 ||
        (line->what != JOURNAL_EPOCH && require("id", line->id, err) < 0))
        return -1;
    if (line->what == JOURNAL_ACCEPTED)
        return check_accepted(line, err);
    if (line->what == JOURNAL_ENDED && !str_empty(line->reason))
        line->failure = failure_find(line->code, line->reason);
    return 0;
}

int journal_line_read(const char *text, size_t len, struct journal_line *out, struct err **err)
{
    *out = (struct journal_line){0};
    AUTO_JSON cJSON *json = json_parse(text, len, LIMIT_JOURNAL_LINE, err);
    if (!json || json_read(fields, json, "", JSON_UNKNOWN_IGNORE, out, err) < 0)
        return -1;
    return check(out, err);
}
