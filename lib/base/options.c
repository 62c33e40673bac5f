/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/base/options.h"

#include <ctype.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/file.h"
#include "lib/base/limits.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"

#ifndef KOUPLELESS_VERSION
#define KOUPLELESS_VERSION "unknown"
#endif

#define ENVIRONMENT_PREFIX "KOUPLELESS_"
#define HELP_COLUMN 34

enum {
    CODE_HELP = 1000,
    CODE_VERSION,
    CODE_OPTION
}; /* what getopt_long returns for long options */

static void *slot(const struct option_spec *spec, void *out)
{
    return (char *)out + spec->offset;
}

static size_t count_specs(const struct option_spec *specs)
{
    size_t count = 0;
    while (specs[count].name)
        count++;
    return count;
}

/* -- one value -- */

static bool parse_bool(const char *text, bool *ret)
{
    bool yes = str_eq(text, "true") || str_eq(text, "1");
    if (!yes && !str_eq(text, "false") && !str_eq(text, "0"))
        return false;
    *ret = yes;
    return true;
}

static void list_add(struct option_list *list, const char *text)
{
    list->items = mem_resize(list->items, list->len + 1, sizeof(*list->items));
    list->items[list->len++] = mem_strdup(text);
}

static void list_done(struct option_list *list)
{
    for (size_t i = 0; i < list->len; i++)
        mem_free(list->items[i]);
    mem_free(list->items);
    *list = (struct option_list){0};
}

/* Sets the field of @spec. @source: "--replicas", "KOUPLELESS_REPLICAS", "config.yaml: replicas". */
static int set_value(const struct option_spec *spec, const char *text, const char *source,
                     void *out, struct err **err)
{
    bool ranged = spec->min || spec->max;
    int64_t min = ranged ? spec->min : INT64_MIN, max = ranged ? spec->max : INT64_MAX;
    switch (spec->type) {
    case OPTION_STRING:
        mem_replace(slot(spec, out), text);
        return 0;
    case OPTION_LIST:
        list_add(slot(spec, out), text);
        return 0;
    case OPTION_BOOL:
        if (!parse_bool(text, slot(spec, out)))
            return err_field(err, source, "must be true or false, not \"%s\"", text);
        return 0;
    case OPTION_COUNT:
        if (str_eq(text, "true"))
            ++*(int64_t *)slot(spec, out);
        else if (str_eq(text, "false"))
            *(int64_t *)slot(spec, out) = 0;
        else if (!str_parse_int64(text, 0, INT32_MAX, slot(spec, out)))
            return err_field(err, source, "must be a number, not \"%s\"", text);
        return 0;
    case OPTION_DURATION:
        if (!str_parse_duration(text, slot(spec, out)))
            return err_field(err, source, "must be a duration such as 500ms, 30s or 5m, not \"%s\"",
                             text);
        return 0;
    case OPTION_BYTES:
        if (!str_parse_bytes(text, slot(spec, out)))
            return err_field(err, source, "must be a size such as 512MiB or 2GiB, not \"%s\"",
                             text);
        return 0;
    case OPTION_INT:
        if (!str_parse_int64(text, min, max, slot(spec, out)) && ranged)
            return err_field(err, source,
                             "must be a number from %" PRId64 " to %" PRId64 ", not \"%s\"", min,
                             max, text);
        if (!str_parse_int64(text, min, max, slot(spec, out)))
            return err_field(err, source, "must be a number, not \"%s\"", text);
        return 0;
    }
    return 0;
}

/* A source begins to speak about @spec: what it counts is not added to what farther ones counted. */
static void begin(const struct option_spec *spec, void *out)
{
    if (spec->type == OPTION_COUNT)
        *(int64_t *)slot(spec, out) = 0;
    else if (spec->type == OPTION_LIST)
        list_done(slot(spec, out));
}

static const struct option_spec *find_spec(const struct option_spec *specs, const char *name)
{
    for (; specs->name; specs++)
        if (str_eq(specs->name, name))
            return specs;
    return NULL;
}

static int refuse_unknown(const struct option_spec *specs, const char *name, const char *prefix,
                          struct err **err)
{
    size_t count = count_specs(specs);
    AUTO_FREE const char **names = mem_alloc((count + 2) * sizeof(*names));
    for (size_t i = 0; i < count; i++)
        names[i] = specs[i].name;
    names[count] = "help";
    names[count + 1] = "version";
    const char *nearest = str_nearest(name, names, count + 2);
    if (nearest)
        return err_set(err, ERR_INVALID, "%s%s is not known; did you mean %s%s?", prefix, name,
                       prefix, nearest);
    return err_set(err, ERR_INVALID, "%s%s is not known", prefix, name);
}

/* -- the sources, from the farthest to the nearest -- */

static int apply_defaults(const struct option_spec *specs, void *out, struct err **err)
{
    for (; specs->name; specs++)
        if (specs->fallback && set_value(specs, specs->fallback, specs->name, out, err) < 0)
            return -1;
    return 0;
}

static int apply_key(const struct option_spec *specs, const cJSON *item, const char *file,
                     void *out, struct err **err)
{
    const struct option_spec *spec = find_spec(specs, item->string);
    AUTO_FREE char *source = mem_printf("%s: %s", file, item->string);
    if (!spec) {
        refuse_unknown(specs, item->string, "key ", err);
        return err_wrap(err, "--config %s", file);
    }
    if (cJSON_IsNull(item))
        return 0;
    if (cJSON_IsArray(item) || cJSON_IsObject(item))
        return err_field(err, source, "must be a single value");
    begin(spec, out);
    /* The text of a number is that of the file: "1.10". */
    AUTO_FREE char *text = item->valuestring ? mem_strdup(item->valuestring) : json_text(item);
    return set_value(spec, text, source, out, err);
}

/* The one document of the file @path, NULL where it is empty. */
static int read_document(const char *path, cJSON **ret, struct err **err)
{
    size_t len = 0;
    AUTO_FREE char *text = file_read(path, LIMIT_YAML_FILE, &len, err);
    AUTO_JSON cJSON *documents = NULL;
    if (!text || yaml_parse(text, len, &documents, err) < 0)
        return -1;
    if (cJSON_GetArraySize(documents) > 1)
        return err_set(err, ERR_INVALID, "must be one document");
    const cJSON *document = cJSON_GetArrayItem(documents, 0);
    if (document && !cJSON_IsObject(document))
        return err_set(err, ERR_INVALID, "must consist of keys and values");
    *ret = cJSON_DetachItemFromArray(documents, 0);
    return 0;
}

static int apply_file(const struct option_spec *specs, const char *path, void *out,
                      struct err **err)
{
    AUTO_JSON cJSON *document = NULL;
    if (read_document(path, &document, err) < 0)
        return err_wrap(err, "--config %s", path);
    const cJSON *item;
    cJSON_ArrayForEach(item, document)
    {
        if (apply_key(specs, item, path, out, err) < 0)
            return -1;
    }
    return 0;
}

static int apply_environment(const struct option_spec *specs, void *out, struct err **err)
{
    for (; specs->name; specs++) {
        AUTO_FREE char *name = mem_printf(ENVIRONMENT_PREFIX "%s", specs->name);
        for (char *p = name; *p; p++)
            *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
        const char *text = getenv(name);
        if (!text)
            continue;
        begin(specs, out);
        if (set_value(specs, text, name, out, err) < 0)
            return -1;
    }
    return 0;
}

/* -- the command line -- */

struct command_line {
    int argc;
    char **argv;
    struct option *longs;
    char *shorts;
    bool *seen; /* by index of the table */
};

static struct command_line make_tables(const struct option_spec *specs, int argc, char *argv[],
                                       bool stop_at_operand)
{
    size_t count = count_specs(specs);
    struct command_line tables = {.argc = argc,
                                  .argv = argv,
                                  .longs = mem_alloc((count + 3) * sizeof(struct option)),
                                  .seen = mem_alloc((count + 1) * sizeof(bool))};
    struct str shorts = STR_INIT(256);
    str_add(&shorts, stop_at_operand ? "+:h" : ":h");
    for (size_t i = 0; i < count; i++) {
        bool flag = specs[i].type == OPTION_BOOL || specs[i].type == OPTION_COUNT;
        tables.longs[i] =
            (struct option){specs[i].name, flag ? optional_argument : required_argument, NULL,
                            CODE_OPTION + (int)i};
        if (specs[i].short_name)
            str_printf(&shorts, "%c%s", specs[i].short_name, flag ? "" : ":");
    }
    tables.longs[count] = (struct option){"help", no_argument, NULL, CODE_HELP};
    tables.longs[count + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    tables.shorts = str_take(&shorts);
    return tables;
}

static const struct option_spec *spec_of(const struct option_spec *specs, int code)
{
    if (code >= CODE_OPTION)
        return &specs[code - CODE_OPTION];
    for (; specs->name; specs++)
        if (specs->short_name && specs->short_name == code)
            return specs;
    return NULL;
}

/* What getopt_long() refused: @code says how. */
static int refuse(const struct option_spec *specs, int code, const char *word, struct err **err)
{
    if (code == ':')
        return err_set(err, ERR_INVALID, "%s needs a value", word);
    if (optopt >= CODE_HELP)
        return err_set(err, ERR_INVALID, "%.*s takes no value", (int)strcspn(word, "="), word);
    if (optopt)
        return err_set(err, ERR_INVALID, "-%c is not known", optopt);
    AUTO_FREE char *name = mem_strndup(word + 2, strcspn(word + 2, "="));
    return refuse_unknown(specs, name, "--", err);
}

static void print_help(const struct option_spec *specs, const struct options_usage *usage)
{
    printf("%s %s\n\n%s\n\n", usage->program, usage->synopsis, usage->about);
    options_print(specs, stdout);
}

static void start_over(void)
{
    opterr = 0;
    optind = 0;
}

static int next_option(const struct command_line *line)
{
    optopt = 0;
    return getopt_long(line->argc, line->argv, line->shorts, line->longs, NULL);
}

/*
 * A first look: --help and --version are answered whatever else may be wrong, and --config has to be
 * known before the other flags, as its file ranks below them. Stops at what the second look refuses.
 */
static enum options_result look_ahead(const struct option_spec *specs,
                                      const struct options_usage *usage,
                                      const struct command_line *line, const char **ret_config)
{
    start_over();
    for (int code; (code = next_option(line)) != -1 && code != '?' && code != ':';) {
        if (code == CODE_HELP || code == 'h') {
            print_help(specs, usage);
            return OPTIONS_EXIT_OK;
        }
        if (code == CODE_VERSION) {
            printf("%s %s\n", usage->program, KOUPLELESS_VERSION);
            return OPTIONS_EXIT_OK;
        }
        if (str_eq(spec_of(specs, code)->name, "config"))
            *ret_config = optarg;
    }
    return OPTIONS_RUN;
}

static int apply_flags(const struct option_spec *specs, const struct command_line *line, void *out,
                       struct err **err)
{
    start_over();
    for (int code; (code = next_option(line)) != -1;) {
        if (code == '?' || code == ':')
            return refuse(specs, code, line->argv[optind - 1], err);
        const struct option_spec *spec = spec_of(specs, code);
        AUTO_FREE char *source = mem_printf("--%s", spec->name);
        if (!line->seen[spec - specs])
            begin(spec, out);
        line->seen[spec - specs] = true;
        if (set_value(spec, optarg ? optarg : "true", source, out, err) < 0)
            return -1;
    }
    return 0;
}

static int apply_all(const struct option_spec *specs, const struct command_line *line,
                     const char *config, void *out, struct err **err)
{
    if (apply_defaults(specs, out, err) < 0)
        return -1;
    if (!str_empty(config) && apply_file(specs, config, out, err) < 0)
        return -1;
    return apply_environment(specs, out, err) < 0 ? -1 : apply_flags(specs, line, out, err);
}

enum options_result options_parse(const struct option_spec *specs,
                                  const struct options_usage *usage, int argc, char *argv[],
                                  bool stop_at_operand, void *out, int *ret_operands)
{
    AUTO_ERR struct err *err = NULL;
    const char *config = find_spec(specs, "config") ? getenv(ENVIRONMENT_PREFIX "CONFIG") : NULL;
    struct command_line line = make_tables(specs, argc, argv, stop_at_operand);
    enum options_result result = look_ahead(specs, usage, &line, &config);
    if (result == OPTIONS_RUN && apply_all(specs, &line, config, out, &err) < 0) {
        fprintf(stderr, "%s: %s\n", usage->program, err->message);
        result = OPTIONS_EXIT_USAGE;
    }
    mem_free(line.longs);
    mem_free(line.shorts);
    mem_free(line.seen);
    *ret_operands = optind;
    return result;
}

/* -- help -- */

static void print_option(const struct option_spec *spec, FILE *out)
{
    AUTO_STR struct str left = STR_INIT(256);
    str_printf(&left, spec->short_name ? "  -%c, " : "      ", spec->short_name);
    str_printf(&left, "--%s", spec->name);
    if (spec->value)
        str_printf(&left, " %s", spec->value);
    bool shown = spec->fallback && *spec->fallback;
    fprintf(out, "%-*s %s", HELP_COLUMN, str_text(&left), spec->help ? spec->help : "");
    if (shown)
        fprintf(out, " (default %s)", spec->fallback);
    fputc('\n', out);
}

void options_print(const struct option_spec *specs, FILE *out)
{
    fputs("Options (each also as KOUPLELESS_<NAME> in the environment):\n", out);
    for (; specs->name; specs++)
        print_option(specs, out);
    fprintf(out, "%-*s %s\n", HELP_COLUMN, "  -h, --help", "show this");
    fprintf(out, "%-*s %s\n", HELP_COLUMN, "      --version", "show the version");
}

void options_done(const struct option_spec *specs, void *out)
{
    for (; specs->name; specs++) {
        if (specs->type == OPTION_STRING) {
            mem_free(*(char **)slot(specs, out));
            *(char **)slot(specs, out) = NULL;
        } else if (specs->type == OPTION_LIST) {
            list_done(slot(specs, out));
        }
    }
}
