/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_RECORDS_FILE_H
#define KOUPLELESS_AGENT_RECORDS_FILE_H

#include <stdbool.h>

/* The file of the records, on the disk. A simulated agent has another one. */

/** records_file_read() - its text, owned; NULL where it can't be read. */
char *records_file_read(const char *path);

/* On the worker. Return: false where it is not there, or not all of it. */

/**
 * records_file_append() - behind what is there
 *
 * Next to nothing, while a file that takes the place of another one is written to the disk at once by some systems: it may
 * take as long as that.
 */
bool records_file_append(const char *path, const char *text);

/** records_file_replace() - a new file takes the place of the old one: a reader finds the one or the other. */
bool records_file_replace(const char *path, const char *text);

#endif
