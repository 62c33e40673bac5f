/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/kube/client.h"

#define MESSAGE_MAX 1024 /* of what the server says; it lands in logs and conditions */
#define EXCERPT_MAX 200  /* of what a proxy or a broken server says instead */

/* https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#response-status-kind */
static const struct {
    const char *reason;
    enum err_code code;
} reasons[] = {
    {"AlreadyExists", ERR_EXISTS},
    {"BadRequest", ERR_INVALID},
    {"Conflict", ERR_CONFLICT},
    {"Expired", ERR_EXPIRED},
    {"Forbidden", ERR_DENIED},
    {"Gone", ERR_EXPIRED},
    {"Invalid", ERR_INVALID},
    {"MethodNotAllowed", ERR_UNIMPLEMENTED},
    {"NotAcceptable", ERR_UNIMPLEMENTED},
    {"NotFound", ERR_NOT_FOUND},
    {"RequestEntityTooLarge", ERR_LIMIT},
    {"ServerTimeout", ERR_TIMEOUT},
    {"Timeout", ERR_TIMEOUT},
    {"TooManyRequests", ERR_LIMIT},
    {"Unauthorized", ERR_UNAUTHENTICATED},
    {"UnsupportedMediaType", ERR_UNIMPLEMENTED},
};

static enum err_code code_of_http(int status)
{
    switch (status) {
    case 401:
        return ERR_UNAUTHENTICATED;
    case 403:
        return ERR_DENIED;
    case 404:
        return ERR_NOT_FOUND;
    case 405:
    case 406:
    case 415:
        return ERR_UNIMPLEMENTED;
    case 409:
        return ERR_CONFLICT;
    case 410:
        return ERR_EXPIRED;
    case 413:
    case 429:
        return ERR_LIMIT;
    case 504:
        return ERR_TIMEOUT;
    default:
        return status >= 400 && status < 500 ? ERR_INVALID : ERR_UNAVAILABLE;
    }
}

static enum err_code code_of(const char *reason, int http_status)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (str_eq(reason, reasons[i].reason))
            return reasons[i].code;
    return code_of_http(http_status);
}

/* One line of what came, for people. */
static struct err *error_of_text(int http_status, const char *body, size_t body_bytes)
{
    struct err *err = NULL;
    size_t len = 0;
    while (len < body_bytes && len < EXCERPT_MAX && body[len])
        len++;
    while (len && (unsigned char)body[len - 1] <= ' ')
        len--;
    AUTO_FREE char *excerpt = mem_strndup(len ? body : "", len);
    for (char *c = excerpt; *c; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    /* Of an object that is not there it says so in a Status: it is the path that nobody serves. */
    err_set(&err, http_status == 404 ? ERR_UNIMPLEMENTED : code_of_http(http_status),
            "HTTP status %d%s%s", http_status, len ? ": " : "", excerpt);
    return err;
}

/* Of a patch the server quotes the whole object first, in which the same may stand once more: in a condition. */
static const char *last_of(const char *text, const char *what)
{
    const char *last = NULL;
    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        last = at;
    return last;
}

struct err *kube_status_error(int http_status, const char *body, size_t body_bytes)
{
    struct err *err = NULL;
    AUTO_JSON cJSON *status = json_parse(body, body_bytes, LIMIT_HTTP_BODY, NULL);
    const char *message = json_get_string(status, "message");
    if (!str_eq(json_get_string(status, "kind"), "Status") || str_empty(message))
        return error_of_text(http_status, body, body_bytes);
    int64_t code = json_int64(json_get(status, "code"), 0, 599);
    if (code >= 400)
        http_status = (int)code; /* in a watch there is no other */
    enum err_code reason = code_of(json_get_string(status, "reason"), http_status);
    const char *unknown = reason == ERR_INVALID ? last_of(message, KUBE_STRICT) : NULL;
    err_set(&err, reason, "%.*s", MESSAGE_MAX, unknown ? unknown : message);
    if (unknown) /* it is about no field but the whole patch */
        return err;
    const char *field =
        json_get_string(cJSON_GetArrayItem(json_get(status, "details.causes"), 0), "field");
    if (!str_empty(field))
        err->field = mem_strdup(field);
    return err;
}
