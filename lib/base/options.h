/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_BASE_OPTIONS_H
#define KOUPLELESS_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "lib/base/err.h"

/*
 * Options of a program: one table feeds the command line (getopt_long), the environment
 * (KOUPLELESS_<NAME>, '-' as '_'), the keys of --config FILE.yaml and the text of --help.
 * What is nearer to the user wins: flag, then environment, then file, then default.
 * An unknown flag or key is an error that names the nearest known one.
 * The file and KOUPLELESS_CONFIG are read where the table has a row "config". A key without a value
 * counts as absent.
 */
enum option_type {
    OPTION_STRING,   /* char *, owned */
    OPTION_INT,      /* int64_t within [min, max] */
    OPTION_BOOL,     /* bool; --x, --x=false */
    OPTION_DURATION, /* int64_t, ms; "30s" */
    OPTION_BYTES,    /* int64_t; "2GiB" */
    OPTION_COUNT,    /* int64_t; how often the nearest source gives it; --x=N sets it */
    OPTION_LIST,     /* struct option_list; all that the nearest source gives, in order */
};

struct option_list {
    char **items; /* owned, as each of them */
    size_t len;
};

struct option_spec {
    const char *name; /* long name without dashes; NULL ends the table */
    char short_name;  /* 0 = none */
    enum option_type type;
    size_t offset;
    const char *fallback; /* default, as text; NULL = zero */
    const char *value;    /* placeholder in --help, "HOST:PORT" */
    const char *help;
    int64_t min, max; /* OPTION_INT; both 0 = any */
};

struct options_usage {
    const char *program;  /* "koupleless-agent" */
    const char *synopsis; /* one line after the name */
    const char *about;    /* paragraph below */
};

enum options_result { OPTIONS_RUN, OPTIONS_EXIT_OK, OPTIONS_EXIT_USAGE };

/**
 * options_parse() - fill the zeroed struct @out
 * @argc, @argv: of main; parsing stops at the first operand where @stop_at_operand
 * @ret_operands: index of the first operand in @argv (argv is not permuted past it)
 *
 * Prints --help and --version on stdout, usage errors (one line) on stderr.
 * Return: OPTIONS_RUN, or what main returns: OPTIONS_EXIT_OK -> 0, OPTIONS_EXIT_USAGE -> 2.
 */
enum options_result options_parse(const struct option_spec *specs,
                                  const struct options_usage *usage, int argc, char *argv[],
                                  bool stop_at_operand, void *out, int *ret_operands);

/** options_print() - the table as --help shows it. */
void options_print(const struct option_spec *specs, FILE *out);

/** options_done() - frees the strings and lists of @out. */
void options_done(const struct option_spec *specs, void *out);

#endif
