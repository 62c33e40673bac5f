/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_AGENT_RECORDS_FILE_H
#define KOUPLELESS_AGENT_RECORDS_FILE_H

/* The file of the records, on the disk. A simulated agent has another one. */

/** records_file_read() - its text, owned; NULL where it can't be read. */
char *records_file_read(const char *path);

/** records_file_write() - a new file takes the place of the old one: a reader finds the one or the other. On the worker. */
void records_file_write(const char *path, const char *text);

#endif
