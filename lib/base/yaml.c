/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/base/limits.h"
#include "lib/base/map.h"
#include "lib/base/str.h"

/* -- reading -- */

struct reading {
    yaml_document_t *document;
    size_t nodes, bytes; /* made so far in all documents, aliases expanded */
    int depth;
};

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static int parser_failed(const yaml_parser_t *parser, struct err **err)
{
    const char *problem = parser->problem ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) /* has no line */
        return err_set(err, ERR_INVALID, "byte %zu: %s", parser->problem_offset, problem);
    return err_set(err, ERR_INVALID, "line %zu: %s", parser->problem_mark.line + 1, problem);
}

static bool is_decimal(const char *text)
{
    if (!strchr("+-.0123456789", *text) || strspn(text, "+-.0123456789eE") != strlen(text))
        return false;
    char *end = NULL;
    errno = 0;
    strtod(text, &end);
    return end != text && !*end && errno == 0;
}

/* "0x1F" and "0o17", without a sign. */
static bool parse_hex_or_octal(const char *text, double *ret)
{
    bool hex = str_starts_with(text, "0x");
    const char *digits = hex ? "0123456789abcdefABCDEF" : "01234567";
    if ((!hex && !str_starts_with(text, "0o")) || !text[2] || text[2 + strspn(text + 2, digits)])
        return false;
    errno = 0;
    *ret = (double)strtoull(text + 2, NULL, hex ? 16 : 8);
    return errno == 0;
}

/* With its text beside the value. */
static cJSON *number(const char *text, double value)
{
    cJSON *json = cJSON_CreateNumber(value);
    json->valuestring = mem_strdup(text); /* cJSON frees it, by the same free() */
    return json;
}

/* A plain scalar by the core schema of YAML 1.2: `yes` is a string. */
static cJSON *plain_scalar(const char *text)
{
    double value = 0;
    if (!*text || str_eq(text, "~") || str_eq(text, "null") || str_eq(text, "Null") ||
        str_eq(text, "NULL"))
        return cJSON_CreateNull();
    if (str_eq(text, "true") || str_eq(text, "True") || str_eq(text, "TRUE"))
        return cJSON_CreateTrue();
    if (str_eq(text, "false") || str_eq(text, "False") || str_eq(text, "FALSE"))
        return cJSON_CreateFalse();
    if (parse_hex_or_octal(text, &value))
        return number(text, value);
    return is_decimal(text) ? number(text, strtod(text, NULL)) : cJSON_CreateString(text);
}

/* The text of a scalar, counted; NULL where it holds a NUL or there is too much text in all. */
static const char *scalar_text(struct reading *reading, const yaml_node_t *node, struct err **err)
{
    const char *text = (const char *)node->data.scalar.value;
    reading->bytes += node->data.scalar.length;
    if (strlen(text) != node->data.scalar.length) {
        err_set(err, ERR_INVALID, "line %zu: a NUL character in a string", line_of(node));
        return NULL;
    }
    if (reading->bytes > LIMIT_YAML_TEXT) {
        err_set(err, ERR_LIMIT, "line %zu: more than %zu bytes of text, aliases expanded",
                line_of(node), LIMIT_YAML_TEXT);
        return NULL;
    }
    return text;
}

static cJSON *read_node(struct reading *reading, const yaml_node_t *node, struct err **err);

static cJSON *read_scalar(struct reading *reading, const yaml_node_t *node, struct err **err)
{
    const char *text = scalar_text(reading, node, err);
    if (!text)
        return NULL;
    return node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? plain_scalar(text)
                                                              : cJSON_CreateString(text);
}

static cJSON *read_sequence(struct reading *reading, const yaml_node_t *node, struct err **err)
{
    cJSON *array = cJSON_CreateArray();
    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        cJSON *item = read_node(reading, yaml_document_get_node(reading->document, *i), err);
        if (!item) {
            json_free(array);
            return NULL;
        }
        cJSON_AddItemToArray(array, item);
    }
    return array;
}

/* Adds one pair to @object. @seen: the keys that it has. */
static int read_pair(struct reading *reading, const yaml_node_pair_t *pair, cJSON *object,
                     struct map *seen, struct err **err)
{
    const yaml_node_t *key = yaml_document_get_node(reading->document, pair->key);
    if (key->type != YAML_SCALAR_NODE)
        return err_set(err, ERR_INVALID, "line %zu: a key must be a string", line_of(key));
    const char *name = scalar_text(reading, key, err);
    if (!name)
        return -1;
    if (map_put(seen, name, object))
        return err_set(err, ERR_INVALID, "line %zu: the key \"%s\" is there twice", line_of(key),
                       name);
    cJSON *value = read_node(reading, yaml_document_get_node(reading->document, pair->value), err);
    if (!value)
        return -1;
    cJSON_AddItemToObject(object, name, value);
    return 0;
}

static cJSON *read_mapping(struct reading *reading, const yaml_node_t *node, struct err **err)
{
    AUTO_JSON cJSON *object = cJSON_CreateObject();
    struct map seen = {0};
    int result = 0;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && result == 0; pair++)
        result = read_pair(reading, pair, object, &seen, err);
    map_done(&seen);
    return result == 0 ? TAKE(object) : NULL;
}

static cJSON *read_node(struct reading *reading, const yaml_node_t *node, struct err **err)
{
    if (++reading->nodes > LIMIT_YAML_NODES) {
        err_set(err, ERR_LIMIT, "line %zu: more than %d values, aliases expanded", line_of(node),
                LIMIT_YAML_NODES);
        return NULL;
    }
    if (node->type == YAML_SCALAR_NODE)
        return read_scalar(reading, node, err);
    if (reading->depth >= LIMIT_JSON_DEPTH) {
        err_set(err, ERR_LIMIT, "line %zu: nested deeper than %d", line_of(node), LIMIT_JSON_DEPTH);
        return NULL;
    }
    reading->depth++;
    cJSON *json = node->type == YAML_SEQUENCE_NODE ? read_sequence(reading, node, err)
                                                   : read_mapping(reading, node, err);
    reading->depth--;
    return json;
}

/* The next document: 1 and *ret (NULL where it is empty), 0 at the end, -1 on failure. */
static int read_document(struct reading *reading, yaml_parser_t *parser, cJSON **ret,
                         struct err **err)
{
    yaml_document_t document;
    if (!yaml_parser_load(parser, &document))
        return parser_failed(parser, err);
    yaml_node_t *root = yaml_document_get_root_node(&document);
    int result = root ? 1 : 0;
    if (root) {
        reading->document = &document;
        *ret = read_node(reading, root, err);
        if (!*ret)
            result = -1;
        else if (cJSON_IsNull(*ret))
            json_free(TAKE(*ret));
    }
    reading->document = NULL;
    yaml_document_delete(&document);
    return result;
}

/* What is counted before libyaml's loader recurses, allocates, and compares anchors with each other. */
struct looking {
    int depth;
    size_t nodes, anchors;
};

/* Counts one event; *ret_tag is the tag that it carries, or NULL. */
static void look_at(struct looking *looking, const yaml_event_t *event, const char **ret_tag)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    looking->nodes++;
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        looking->depth++;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        looking->depth++;
    } else {
        looking->nodes -= event->type != YAML_ALIAS_EVENT;
        looking->depth -=
            event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
    }
    looking->anchors += anchor != NULL;
    *ret_tag = (const char *)tag;
}

static int check_event(struct looking *looking, const yaml_event_t *event, struct err **err)
{
    const char *tag = NULL;
    size_t line = event->start_mark.line + 1;
    look_at(looking, event, &tag);
    if (tag) /* is not shown: it may be a password without quotes */
        return err_set(err, ERR_INVALID,
                       "line %zu: a tag; tags are not read, and text that begins with \"!\" needs "
                       "quotes",
                       line);
    if (looking->depth > LIMIT_JSON_DEPTH)
        return err_set(err, ERR_LIMIT, "line %zu: nested deeper than %d", line, LIMIT_JSON_DEPTH);
    if (looking->anchors > LIMIT_YAML_ANCHORS)
        return err_set(err, ERR_LIMIT, "line %zu: more than %d anchors", line, LIMIT_YAML_ANCHORS);
    if (looking->nodes > LIMIT_YAML_NODES)
        return err_set(err, ERR_LIMIT, "line %zu: more than %d values", line, LIMIT_YAML_NODES);
    return 0;
}

static int looking_pass(yaml_parser_t *parser, cJSON *docs, struct err **err)
{
    (void)docs;
    struct looking looking = {0};
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return parser_failed(parser, err);
        int result = check_event(&looking, &event, err);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
        if (result < 0)
            return -1;
    }
    return 0;
}

static int reading_pass(yaml_parser_t *parser, cJSON *docs, struct err **err)
{
    struct reading reading = {0};
    for (;;) {
        cJSON *document = NULL;
        int more = read_document(&reading, parser, &document, err);
        if (more <= 0)
            return more;
        if (document)
            cJSON_AddItemToArray(docs, document);
    }
}

static int with_parser(const char *text, size_t len,
                       int (*fn)(yaml_parser_t *, cJSON *, struct err **), cJSON *docs,
                       struct err **err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return err_set(err, ERR_INTERNAL, "no memory for the YAML parser");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    int result = fn(&parser, docs, err);
    yaml_parser_delete(&parser);
    return result;
}

int yaml_parse(const char *text, size_t len, cJSON **ret_docs, struct err **err)
{
    if (len >= LIMIT_YAML_FILE)
        return err_set(err, ERR_LIMIT, "the file is too large: at most %zu bytes", LIMIT_YAML_FILE);
    AUTO_JSON cJSON *docs = cJSON_CreateArray();
    if (with_parser(text, len, looking_pass, NULL, err) < 0 ||
        with_parser(text, len, reading_pass, docs, err) < 0)
        return -1;
    *ret_docs = TAKE(docs);
    return 0;
}

/* -- writing -- */

static int append(void *user, unsigned char *bytes, size_t len)
{
    str_add_bytes(user, bytes, len);
    return 1;
}

/* Words that YAML 1.1, which kubectl reads, takes for booleans and merge keys; in lower case. */
static const char *const words_of_1_1[] = {"y",    "n",     "yes",  "no", "on", "off",
                                           "true", "false", "null", "=",  "<<"};

static bool reads_as_other_type(const char *text)
{
    AUTO_JSON cJSON *plain = plain_scalar(text);
    AUTO_FREE char *lower = str_lower(text);
    /* Numbers, dates and times of either version begin so; versions and addresses do no harm. */
    bool other = !cJSON_IsString(plain) || strchr("+-.0123456789", *text);
    for (size_t i = 0; i < ARRAY_LEN(words_of_1_1) && !other; i++)
        other = str_eq(lower, words_of_1_1[i]);
    return other;
}

static char *to_utf8(const char *text)
{
    struct str utf8 = STR_INIT(SIZE_MAX / 2);
    while (*text) {
        size_t len = str_utf8(text);
        str_add_bytes(&utf8, len ? text : "\xef\xbf\xbd", len ? len : 3);
        text += len ? len : 1;
    }
    return str_take(&utf8);
}

static yaml_scalar_style_t style_of(const char *text)
{
    /* A break of any kind between single quotes would be read as "\n" or a blank. */
    if (strpbrk(text, "\r\n") || strstr(text, "\xc2\x85") || strstr(text, "\xe2\x80\xa8") ||
        strstr(text, "\xe2\x80\xa9"))
        return YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    return reads_as_other_type(text) ? YAML_SINGLE_QUOTED_SCALAR_STYLE : YAML_ANY_SCALAR_STYLE;
}

static void emit_scalar(yaml_emitter_t *emitter, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    yaml_scalar_event_initialize(&event, NULL, NULL, (const unsigned char *)text, (int)strlen(text),
                                 1, 1, style);
    yaml_emitter_emit(emitter, &event);
}

static void emit_string(yaml_emitter_t *emitter, const char *string)
{
    AUTO_FREE char *text = to_utf8(string);
    emit_scalar(emitter, text, style_of(text));
}

static void emit(yaml_emitter_t *emitter, const cJSON *json)
{
    yaml_event_t event;
    const cJSON *item;
    if (cJSON_IsString(json)) {
        emit_string(emitter, json->valuestring);
    } else if (cJSON_IsObject(json)) {
        yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                            json->child ? YAML_BLOCK_MAPPING_STYLE
                                                        : YAML_FLOW_MAPPING_STYLE);
        yaml_emitter_emit(emitter, &event);
        cJSON_ArrayForEach(item, json)
        {
            emit_string(emitter, item->string);
            emit(emitter, item);
        }
        yaml_mapping_end_event_initialize(&event);
        yaml_emitter_emit(emitter, &event);
    } else if (cJSON_IsArray(json)) {
        yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                             json->child ? YAML_BLOCK_SEQUENCE_STYLE
                                                         : YAML_FLOW_SEQUENCE_STYLE);
        yaml_emitter_emit(emitter, &event);
        cJSON_ArrayForEach(item, json)
        {
            emit(emitter, item);
        }
        yaml_sequence_end_event_initialize(&event);
        yaml_emitter_emit(emitter, &event);
    } else {
        AUTO_FREE char *text = json_text(json);
        emit_scalar(emitter, text, YAML_PLAIN_SCALAR_STYLE);
    }
}

char *yaml_text(const cJSON *json)
{
    yaml_emitter_t emitter;
    yaml_event_t event;
    struct str text = STR_INIT(LIMIT_YAML_FILE * 4);
    yaml_emitter_initialize(&emitter);
    yaml_emitter_set_output(&emitter, append, &text);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING);
    yaml_emitter_emit(&emitter, &event);
    yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1);
    yaml_emitter_emit(&emitter, &event);
    emit(&emitter, json);
    yaml_document_end_event_initialize(&event, 1);
    yaml_emitter_emit(&emitter, &event);
    yaml_stream_end_event_initialize(&event);
    yaml_emitter_emit(&emitter, &event);
    yaml_emitter_delete(&emitter);
    return str_take(&text);
}
