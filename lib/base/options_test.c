/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/limits.h"
#include "lib/base/options.h"
#include "lib/base/str.h"

struct values {
    char *name, *config;
    int64_t replicas, port, wait_ms, insecure, room_bytes;
    bool dry_run;
    struct option_list words;
};

static const struct option_spec specs[] = {
    {.name = "name",
     .short_name = 'n',
     .type = OPTION_STRING,
     .offset = offsetof(struct values, name),
     .fallback = "none",
     .value = "NAME",
     .help = "what it is called"},
    {.name = "replicas",
     .short_name = 'r',
     .type = OPTION_INT,
     .offset = offsetof(struct values, replicas),
     .fallback = "1",
     .min = 0,
     .max = 10},
    {.name = "agent-port", .type = OPTION_INT, .offset = offsetof(struct values, port)},
    {.name = "wait",
     .type = OPTION_DURATION,
     .offset = offsetof(struct values, wait_ms),
     .fallback = "30s",
     .help = "how long"},
    {.name = "room", .type = OPTION_BYTES, .offset = offsetof(struct values, room_bytes)},
    {.name = "dry-run",
     .short_name = 'd',
     .type = OPTION_BOOL,
     .offset = offsetof(struct values, dry_run)},
    {.name = "insecure",
     .short_name = 'k',
     .type = OPTION_COUNT,
     .offset = offsetof(struct values, insecure)},
    {.name = "config", .type = OPTION_STRING, .offset = offsetof(struct values, config)},
    {.name = "word", .type = OPTION_LIST, .offset = offsetof(struct values, words)},
    {.name = NULL},
};

static const struct options_usage usage = {"prog", "[OPTION]... [WORD]...", "Does things."};

/* One program start. The texts are what it wrote. */
struct run {
    enum options_result result;
    int operands;
    struct values values;
    char out[8192], err[1024];
};

static int redirect(FILE *stream, int *ret_saved)
{
    fflush(stream);
    int file = memfd_create("stream", MFD_CLOEXEC);
    *ret_saved = dup(fileno(stream));
    dup2(file, fileno(stream));
    return file;
}

static void restore(FILE *stream, int file, int saved, char *text, size_t size)
{
    fflush(stream);
    dup2(saved, fileno(stream));
    close(saved);
    ssize_t len = pread(file, text, size - 1, 0);
    text[len > 0 ? len : 0] = '\0';
    close(file);
}

/* Runs "prog @words", split at blanks. */
static struct run *start_with(const struct option_spec *table, bool stop_at_operand,
                              const char *words)
{
    struct run *run = NEW(struct run);
    AUTO_FREE char *text = mem_strdup(words);
    char prog[] = "prog", *argv[32] = {prog};
    int argc = 1, saved_out, saved_err;
    for (char *p = text; *p; p += strspn(p, " ")) {
        argv[argc++] = p;
        p += strcspn(p, " ");
        if (*p)
            *p++ = '\0';
    }
    int out = redirect(stdout, &saved_out), err = redirect(stderr, &saved_err);
    run->result =
        options_parse(table, &usage, argc, argv, stop_at_operand, &run->values, &run->operands);
    restore(stdout, out, saved_out, run->out, sizeof(run->out));
    restore(stderr, err, saved_err, run->err, sizeof(run->err));
    return run;
}

static struct run *start(const char *words)
{
    return start_with(specs, false, words);
}

static void end(struct run **run)
{
    options_done(specs, &(*run)->values);
    assert_null((*run)->values.name);
    mem_free(*run);
}
#define AUTO_RUN AUTO(end)

/* A configuration file that lives as long as the descriptor. */
static int write_file(const char *text, size_t len)
{
    int fd = memfd_create("config", MFD_CLOEXEC);
    assert_int_equal(write(fd, text, len), len);
    return fd;
}

static void defaults_hold_where_nothing_is_given(void **state)
{
    (void)state;
    AUTO_RUN struct run *run = start("");
    assert_int_equal(run->result, OPTIONS_RUN);
    assert_string_equal(run->values.name, "none");
    assert_int_equal(run->values.replicas, 1);
    assert_int_equal(run->values.port, 0);
    assert_int_equal(run->values.wait_ms, 30000);
    assert_false(run->values.dry_run);
    assert_int_equal(run->operands, 1);
    assert_string_equal(run->err, "");
}

static void flags_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *words, *values; /* name replicas port wait dry-run insecure */
        int operands;
    } rows[] = {
        {"--name a", "a 1 0 30000 0 0", 3},
        {"--name=a", "a 1 0 30000 0 0", 2},
        {"-n a -r2", "a 2 0 30000 0 0", 4},
        {"--name a --name b", "b 1 0 30000 0 0", 5},
        {"--name=", " 1 0 30000 0 0", 2},
        {"--name=--help", "--help 1 0 30000 0 0", 2},
        {"--rep 3", "none 3 0 30000 0 0", 3}, /* getopt_long's abbreviation */
        {"--agent-port -9223372036854775808", "none 1 -9223372036854775808 30000 0 0", 3},
        {"--wait 250ms", "none 1 0 250 0 0", 3},
        {"--wait 5m", "none 1 0 300000 0 0", 3},
        {"--wait 7", "none 1 0 7000 0 0", 3},
        {"--dry-run", "none 1 0 30000 1 0", 2},
        {"--dry-run=true", "none 1 0 30000 1 0", 2},
        {"-d --dry-run=0", "none 1 0 30000 0 0", 3},
        {"-dkk", "none 1 0 30000 1 2", 2},
        {"--insecure -k", "none 1 0 30000 0 2", 3},
        {"--insecure=5", "none 1 0 30000 0 5", 2},
        {"--insecure --insecure=false", "none 1 0 30000 0 0", 3},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_RUN struct run *run = start(rows[i].words);
        const struct values *v = &run->values;
        AUTO_FREE char *values =
            mem_printf("%s %" PRId64 " %" PRId64 " %" PRId64 " %d %" PRId64, v->name, v->replicas,
                       v->port, v->wait_ms, v->dry_run, v->insecure);
        assert_string_equal(run->err, "");
        assert_string_equal(values, rows[i].values);
        assert_int_equal(run->result, OPTIONS_RUN);
        assert_int_equal(run->operands, rows[i].operands);
    }
}

static void sizes_are_read(void **state)
{
    (void)state;
    AUTO_RUN struct run *run = start("--room 3MiB");
    assert_string_equal(run->err, "");
    assert_int_equal(run->values.room_bytes, 3 << 20);
}

static void a_list_is_that_of_the_nearest_source(void **state)
{
    (void)state;
    setenv("KOUPLELESS_WORD", "environment", 1);
    AUTO_RUN struct run *far = start("");
    AUTO_RUN struct run *run = start("--word a --word= --word=a,b");
    unsetenv("KOUPLELESS_WORD");
    assert_int_equal(far->values.words.len, 1);
    assert_string_equal(far->values.words.items[0], "environment");
    assert_int_equal(run->values.words.len, 3);
    assert_string_equal(run->values.words.items[0], "a");
    assert_string_equal(run->values.words.items[1], "");
    assert_string_equal(run->values.words.items[2], "a,b");
}

static void wrong_flags_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *words, *err;
    } rows[] = {
        {"--nmae x", "--nmae is not known; did you mean --name?"},
        {"--replica-count=2", "--replica-count is not known"},
        {"--hepl", "--hepl is not known; did you mean --help?"},
        {"-x", "-x is not known"},
        {"-dx", "-x is not known"},
        {"--name", "--name needs a value"},
        {"-n", "-n needs a value"},
        {"--help=1", "--help takes no value"},
        {"--replicas=11", "--replicas: must be a number from 0 to 10, not \"11\""},
        {"--replicas -1", "--replicas: must be a number from 0 to 10, not \"-1\""},
        {"--replicas 1x", "--replicas: must be a number from 0 to 10, not \"1x\""},
        {"--agent-port x", "--agent-port: must be a number, not \"x\""},
        {"--dry-run=yes", "--dry-run: must be true or false, not \"yes\""},
        {"--insecure=-1", "--insecure: must be a number, not \"-1\""},
        {"--wait 1d", "--wait: must be a duration such as 500ms, 30s or 5m, not \"1d\""},
        {"--room 2GB", "--room: must be a size such as 512MiB or 2GiB, not \"2GB\""},
        {"--bogus --help", "--bogus is not known"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_RUN struct run *run = start(rows[i].words);
        AUTO_FREE char *line = mem_printf("prog: %s\n", rows[i].err);
        assert_string_equal(run->err, line);
        assert_string_equal(run->out, "");
        assert_int_equal(run->result, OPTIONS_EXIT_USAGE);
    }
}

static void operands_end_the_options_where_asked(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        bool stop;
        int operands;
        const char *name;
    } rows[] = {
        {"-n a get -n b", true, 3, "a"},
        {"-n a get -n b", false, 5, "b"}, /* words moved to the end */
        {"get --bogus", true, 1, "none"},
        {"get --help", true, 1, "none"},
        {"get --config x", true, 1, "none"}, /* of the command, not ours */
        {"-- -n a", true, 2, "none"},
        {"-- -n a", false, 2, "none"},
        {"-- --config x", false, 2, "none"},
        {"-n --config get", true, 3, "--config"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_RUN struct run *run = start_with(specs, rows[i].stop, rows[i].words);
        if (run->result != OPTIONS_RUN || run->operands != rows[i].operands)
            fail_msg("row %zu: %d %d %s", i, run->result, run->operands, run->err);
        assert_string_equal(run->values.name, rows[i].name);
    }
}

/* -- the sources -- */

static void the_nearest_source_wins(void **state)
{
    (void)state;
    static const char text[] = "name: file\nreplicas: 2\nagent-port: 22\ninsecure: true\n";
    int fd = write_file(text, strlen(text));
    AUTO_FREE char *words = mem_printf("--name flag -k --config /proc/self/fd/%d", fd);
    setenv("KOUPLELESS_NAME", "environment", 1);
    setenv("KOUPLELESS_REPLICAS", "3", 1);
    setenv("KOUPLELESS_INSECURE", "true", 1);
    AUTO_RUN struct run *run = start(words);
    unsetenv("KOUPLELESS_NAME");
    unsetenv("KOUPLELESS_REPLICAS");
    AUTO_RUN struct run *without = start("");
    unsetenv("KOUPLELESS_INSECURE");
    close(fd);
    assert_int_equal(run->result, OPTIONS_RUN);
    assert_string_equal(run->values.name, "flag");
    assert_int_equal(run->values.replicas, 3);
    assert_int_equal(run->values.port, 22);
    assert_int_equal(run->values.wait_ms, 30000);
    assert_int_equal(run->values.insecure, 1); /* said once by each, not three times */
    assert_int_equal(without->values.insecure, 1);
}

static void the_environment_is_checked_too(void **state)
{
    (void)state;
    setenv("KOUPLELESS_AGENT_PORT", "x", 1);
    AUTO_RUN struct run *run = start("");
    AUTO_RUN struct run *help = start("--help");
    unsetenv("KOUPLELESS_AGENT_PORT");
    assert_int_equal(run->result, OPTIONS_EXIT_USAGE);
    assert_string_equal(run->err, "prog: KOUPLELESS_AGENT_PORT: must be a number, not \"x\"\n");
    assert_int_equal(help->result, OPTIONS_EXIT_OK); /* help helps also then */
}

static void every_way_leads_to_the_file(void **state)
{
    (void)state;
    int fd = write_file("name: file\n", 11);
    AUTO_FREE char *path = mem_printf("/proc/self/fd/%d", fd);
    static const char *const forms[] = {"--config %s", "--config=%s", "--conf %s",
                                        "word --config %s", "--config /nowhere --config %s"};
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        struct str words = STR_INIT(200);
        const char *mark = strstr(forms[i], "%s");
        str_add_bytes(&words, forms[i], (size_t)(mark - forms[i]));
        str_add(&words, path);
        AUTO_RUN struct run *run = start(str_text(&words));
        str_done(&words);
        if (!str_eq(run->values.name, "file"))
            fail_msg("%s: %s", forms[i], run->err);
        assert_string_equal(run->values.config, path);
    }
    setenv("KOUPLELESS_CONFIG", path, 1);
    AUTO_RUN struct run *run = start("");
    unsetenv("KOUPLELESS_CONFIG");
    assert_string_equal(run->values.name, "file");
    close(fd);
}

static void a_table_without_config_reads_no_file(void **state)
{
    (void)state;
    static const struct option_spec table[] = {
        {.name = "name", .type = OPTION_STRING, .offset = offsetof(struct values, name)},
        {.name = NULL},
    };
    setenv("KOUPLELESS_CONFIG", "/nowhere", 1);
    AUTO_RUN struct run *run = start_with(table, false, "");
    AUTO_RUN struct run *flag = start_with(table, false, "--config /nowhere");
    unsetenv("KOUPLELESS_CONFIG");
    assert_int_equal(run->result, OPTIONS_RUN);
    assert_string_equal(flag->err, "prog: --config is not known\n");
}

static void keys_of_the_file_are_read(void **state)
{
    (void)state;
    static const char text[] = "name: 1.10\nreplicas: 0x\n";
    static const char good[] = "# comment\nname: 1.10\nreplicas:\nagent-port: 9223372036854775807\n"
                               "wait: 5\ndry-run: true\ninsecure: 2\n";
    int fd = write_file(good, strlen(good)), bad = write_file(text, strlen(text)),
        empty = write_file("# nothing\n", 10);
    AUTO_FREE char *words = mem_printf("--config /proc/self/fd/%d", fd);
    AUTO_FREE char *bad_words = mem_printf("--config /proc/self/fd/%d", bad);
    AUTO_FREE char *empty_words = mem_printf("--config /proc/self/fd/%d", empty);
    AUTO_RUN struct run *run = start(words), *wrong = start(bad_words),
                        *nothing = start(empty_words);
    AUTO_FREE char *line = mem_printf(
        "prog: /proc/self/fd/%d: replicas: must be a number from 0 to 10, not \"0x\"\n", bad);
    close(fd);
    close(bad);
    close(empty);
    assert_int_equal(run->result, OPTIONS_RUN);
    assert_string_equal(run->values.name, "1.10"); /* the text, not the number */
    assert_int_equal(run->values.replicas, 1);     /* no value: the default */
    assert_true(run->values.port == INT64_MAX);
    assert_int_equal(run->values.wait_ms, 5000);
    assert_true(run->values.dry_run);
    assert_int_equal(run->values.insecure, 2);
    assert_string_equal(wrong->err, line);
    assert_int_equal(nothing->result, OPTIONS_RUN);
}

static void wrong_files_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *text, *err; /* behind the path */
    } rows[] = {
        {"nam: x\n", ": key nam is not known; did you mean key name?"},
        {"something: x\n", ": key something is not known"},
        {"something:\n", ": key something is not known"},
        {"- name\n", ": must consist of keys and values"},
        {"name\n", ": must consist of keys and values"},
        {"name: a\n---\nname: b\n", ": must be one document"},
        {"name: a\nname: b\n", ": line 2: the key \"name\" is there twice"},
        {"name: [\n", ": line 2: did not find expected node content"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int fd = write_file(rows[i].text, strlen(rows[i].text));
        AUTO_FREE char *words = mem_printf("--config /proc/self/fd/%d", fd);
        AUTO_FREE char *line = mem_printf("prog: %s%s\n", words, rows[i].err);
        AUTO_RUN struct run *run = start(words);
        close(fd);
        assert_string_equal(run->err, line);
        assert_int_equal(run->result, OPTIONS_EXIT_USAGE);
    }
    AUTO_RUN struct run *missing = start("--config /nowhere/x"), *folder = start("--config /");
    assert_string_equal(missing->err, "prog: --config /nowhere/x: No such file or directory\n");
    assert_string_equal(folder->err, "prog: --config /: Is a directory\n");

    int fd = write_file("name: [a]\n", 10);
    AUTO_FREE char *words = mem_printf("--config /proc/self/fd/%d", fd);
    AUTO_FREE char *line = mem_printf("prog: /proc/self/fd/%d: name: must be a single value\n", fd);
    AUTO_RUN struct run *list = start(words);
    close(fd);
    assert_string_equal(list->err, line);
}

static void a_file_has_a_largest_size(void **state)
{
    (void)state;
    int fd = write_file("name: a\n", 8);
    AUTO_FREE char *words = mem_printf("--config /proc/self/fd/%d", fd);
    AUTO_FREE char *blanks = mem_alloc(LIMIT_YAML_FILE);
    memset(blanks, '\n', LIMIT_YAML_FILE);
    assert_int_equal(write(fd, blanks, LIMIT_YAML_FILE), LIMIT_YAML_FILE);
    AUTO_RUN struct run *run = start(words);
    close(fd);
    assert_int_equal(run->result, OPTIONS_EXIT_USAGE);
    assert_non_null(strstr(run->err, "larger than 16777216 bytes"));
}

/* -- help -- */

static void help_shows_the_table(void **state)
{
    (void)state;
    AUTO_RUN struct run *run = start("-d --help --bogus");
    AUTO_RUN struct run *version = start("--version");
    AUTO_RUN struct run *short_form = start("-h");
    assert_int_equal(run->result, OPTIONS_EXIT_OK);
    static const char *const parts[] = {
        "prog [OPTION]... [WORD]...\n\nDoes things.\n\n",
        "  -n, --name NAME                  what it is called (default none)\n",
        "      --wait                       how long (default 30s)\n",
        "  -h, --help                       show this\n",
        "      --version                    show the version\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        if (!strstr(run->out, parts[i]))
            fail_msg("\"%s\" is not in:\n%s", parts[i], run->out);
    assert_string_equal(run->err, "");
    assert_string_equal(short_form->out, run->out);
    assert_int_equal(version->result, OPTIONS_EXIT_OK);
    assert_true(str_starts_with(version->out, "prog "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_hold_where_nothing_is_given),
        cmocka_unit_test(flags_are_read),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(a_list_is_that_of_the_nearest_source),
        cmocka_unit_test(wrong_flags_are_explained),
        cmocka_unit_test(operands_end_the_options_where_asked),
        cmocka_unit_test(the_nearest_source_wins),
        cmocka_unit_test(the_environment_is_checked_too),
        cmocka_unit_test(every_way_leads_to_the_file),
        cmocka_unit_test(a_table_without_config_reads_no_file),
        cmocka_unit_test(keys_of_the_file_are_read),
        cmocka_unit_test(wrong_files_are_explained),
        cmocka_unit_test(a_file_has_a_largest_size),
        cmocka_unit_test(help_shows_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
