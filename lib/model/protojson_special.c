/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "koupleless/module/v1/module.pb-c.h"
#include "lib/base/clock.h"
#include "lib/base/str.h"
#include "lib/model/protojson_internal.h"

/* google.protobuf.Duration: at most 10,000 years, as its documentation says. */
#define DURATION_SECONDS_MAX 315576000000LL
#define NANOS 1000000000

typedef Koupleless__Module__V1__IntOrPercent IntOrPercent;

/* -- Timestamp: RFC 3339 text, of whole milliseconds as everything here -- */

/* The end of 9999: what RFC 3339 can say. It begins in 1970, as time_parse() does. */
#define TIMESTAMP_SECONDS_MAX 253402300799LL

static cJSON *timestamp_write(const ProtobufCMessage *message)
{
    const Google__Protobuf__Timestamp *time = (const Google__Protobuf__Timestamp *)message;
    char text[TIME_TEXT_SIZE];
    if (time->seconds < 0 || time->seconds > TIMESTAMP_SECONDS_MAX || time->nanos < 0 ||
        time->nanos >= NANOS)
        return NULL;
    return cJSON_CreateString(time_format(time->seconds * 1000 + time->nanos / 1000000, text));
}

static const char *timestamp_read(const cJSON *json, ProtobufCMessage *message)
{
    Google__Protobuf__Timestamp *time = (Google__Protobuf__Timestamp *)message;
    int64_t ms;
    if (!cJSON_IsString(json) || !time_parse(json->valuestring, &ms))
        return "a time such as \"2026-11-23T08:00:00Z\"";
    time->seconds = ms / 1000;
    time->nanos = (int32_t)(ms % 1000) * 1000000;
    return NULL;
}

/* -- Duration: "3.5s" -- */

static cJSON *duration_write(const ProtobufCMessage *message)
{
    const Google__Protobuf__Duration *duration = (const Google__Protobuf__Duration *)message;
    bool negative = duration->seconds < 0 || duration->nanos < 0;
    if (duration->seconds > DURATION_SECONDS_MAX || duration->seconds < -DURATION_SECONDS_MAX ||
        duration->nanos <= -NANOS || duration->nanos >= NANOS)
        return NULL;
    long long seconds = duration->seconds < 0 ? -duration->seconds : duration->seconds;
    int nanos = duration->nanos < 0 ? -duration->nanos : duration->nanos;
    AUTO_FREE char *text = mem_printf("%s%lld.%09d", negative ? "-" : "", seconds, nanos);
    size_t len = strlen(text);
    while (text[len - 1] == '0')
        len--;
    if (text[len - 1] == '.')
        len--;
    AUTO_FREE char *trimmed = mem_printf("%.*ss", (int)len, text);
    return cJSON_CreateString(trimmed);
}

/* Up to nine decimals as nanoseconds; moves past them. */
static bool parse_decimals(const char **at, int32_t *ret_nanos)
{
    int32_t nanos = 0;
    int digits = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++, digits++) {
        if (digits == 9)
            return false;
        nanos = nanos * 10 + (**at - '0');
    }
    for (int i = digits; i < 9; i++)
        nanos *= 10;
    *ret_nanos = nanos;
    return digits > 0;
}

static bool parse_duration(const char *text, int64_t *ret_seconds, int32_t *ret_nanos)
{
    bool negative = text[0] == '-';
    const char *at = text + negative;
    size_t len = strspn(at, "0123456789");
    AUTO_FREE char *whole = mem_strndup(at, len);
    int64_t seconds;
    int32_t nanos = 0;
    if (!str_parse_int64(whole, 0, DURATION_SECONDS_MAX, &seconds))
        return false;
    at += len;
    if (*at == '.') {
        at++;
        if (!parse_decimals(&at, &nanos))
            return false;
    }
    if (strcmp(at, "s") != 0)
        return false;
    *ret_seconds = negative ? -seconds : seconds;
    *ret_nanos = negative ? -nanos : nanos;
    return true;
}

static const char *duration_read(const cJSON *json, ProtobufCMessage *message)
{
    Google__Protobuf__Duration *duration = (Google__Protobuf__Duration *)message;
    if (cJSON_IsString(json) &&
        parse_duration(json->valuestring, &duration->seconds, &duration->nanos))
        return NULL;
    return "a duration such as \"3.5s\"";
}

/* -- IntOrPercent: 3 or "50%" -- */

static cJSON *int_or_percent_write(const ProtobufCMessage *message)
{
    const IntOrPercent *value = (const IntOrPercent *)message;
    if (value->value_case == KOUPLELESS__MODULE__V1__INT_OR_PERCENT__VALUE_NUMBER)
        return cJSON_CreateNumber(value->number);
    if (value->value_case != KOUPLELESS__MODULE__V1__INT_OR_PERCENT__VALUE_PERCENT)
        return NULL;
    AUTO_FREE char *text = mem_printf("%d%%", value->percent);
    return cJSON_CreateString(text);
}

static bool parse_percent(const char *text, int32_t *ret)
{
    size_t len = strlen(text);
    int64_t number;
    if (len == 0 || text[len - 1] != '%')
        return false;
    AUTO_FREE char *digits = mem_strndup(text, len - 1);
    if (!str_parse_int64(digits, 0, INT32_MAX, &number))
        return false;
    *ret = (int32_t)number;
    return true;
}

static const char *int_or_percent_read(const cJSON *json, ProtobufCMessage *message)
{
    IntOrPercent *value = (IntOrPercent *)message;
    if (cJSON_IsNumber(json) && json->valuedouble >= INT32_MIN && json->valuedouble <= INT32_MAX &&
        json->valuedouble == (double)(int32_t)json->valuedouble) {
        value->value_case = KOUPLELESS__MODULE__V1__INT_OR_PERCENT__VALUE_NUMBER;
        value->number = (int32_t)json->valuedouble;
        return NULL;
    }
    int32_t percent;
    if (!cJSON_IsString(json) || !parse_percent(json->valuestring, &percent))
        return "an integer, or a percentage such as \"50%\"";
    value->value_case = KOUPLELESS__MODULE__V1__INT_OR_PERCENT__VALUE_PERCENT;
    value->percent = percent;
    return NULL;
}

const struct proto_special *proto__special(const ProtobufCMessageDescriptor *type)
{
    static const struct proto_special all[] = {
        {&google__protobuf__timestamp__descriptor, timestamp_write, timestamp_read},
        {&google__protobuf__duration__descriptor, duration_write, duration_read},
        {&koupleless__module__v1__int_or_percent__descriptor, int_or_percent_write,
         int_or_percent_read},
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        if (all[i].type == type)
            return &all[i];
    return NULL;
}
