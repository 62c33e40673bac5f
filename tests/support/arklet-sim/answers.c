/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/arklet-sim/answers.h"

#include <stdarg.h>

static cJSON *envelope(const struct base *base, const char *code, cJSON *data)
{
    cJSON *json = cJSON_CreateObject();

    if (base && base->sim->options.runtime == SIM_RUNTIME_2_1_11)
        cJSON_AddStringToObject(json, "baseIdentity", base->address);
    cJSON_AddStringToObject(json, "code", code);
    if (data)
        cJSON_AddItemToObject(json, "data", data);
    return json;
}

cJSON *answer_success(const struct base *base, cJSON *data)
{
    return envelope(base, "SUCCESS", data);
}

cJSON *answer_failed(const struct base *base, cJSON *data, const char *fmt, ...)
{
    cJSON *json = envelope(base, "FAILED", data);
    va_list args;

    va_start(args, fmt);
    AUTO_FREE char *message = mem_vprintf(fmt, args);
    va_end(args);
    cJSON_AddStringToObject(json, "message", message);
    return json;
}

cJSON *answer_not_found(void)
{
    cJSON *json = envelope(NULL, "CMD_NOT_FOUND", NULL);

    cJSON_AddStringToObject(json, "message", "please follow the doc");
    return json;
}

cJSON *answer_error(const struct failure *failure)
{
    AUTO_FREE char *trace = failure_trace(failure);
    AUTO_FREE char *text = failure_text(failure);
    AUTO_FREE char *message = mem_printf("Internal Error: %s", text);
    cJSON *json = envelope(NULL, "CMD_PROCESS_INTERNAL_ERROR", NULL);

    cJSON_AddStringToObject(json, "errorStackTrace", trace);
    cJSON_AddStringToObject(json, "message", message);
    return json;
}

cJSON *answer_data(const char *code, const char *fmt, ...)
{
    cJSON *json = cJSON_CreateObject();
    va_list args;

    va_start(args, fmt);
    AUTO_FREE char *message = mem_vprintf(fmt, args);
    va_end(args);
    cJSON_AddStringToObject(json, "code", code);
    cJSON_AddStringToObject(json, "message", message);
    return json;
}
