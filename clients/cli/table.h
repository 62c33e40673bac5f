/* SPDX-License-Identifier: Apache-2.0 */
#ifndef KOUPLELESS_CLI_TABLE_H
#define KOUPLELESS_CLI_TABLE_H

#include "lib/base/str.h"
#include "lib/base/vec.h"

/*
 * Rows of text in aligned columns, as kubectl prints them: three blanks between columns, none at the
 * end of a line. Zeroed is empty. Pure.
 */
struct table_line {
    VEC(char *) cells;
};

struct table {
    VEC(struct table_line) rows;
    VEC(size_t) widths; /* only grow: rows that are printed later line up with the earlier ones */
};

/** table_row() - begins a row. */
void table_row(struct table *table);

/** table_cell() - the next cell of the row; NULL and "" are shown as "-", control characters as blanks. */
void table_cell(struct table *table, const char *text);

/** table_write() - appends all rows to @out, each with @indent before it, and forgets them; the widths stay. */
void table_write(struct table *table, const char *indent, struct str *out);

/** table_print() - the same on stdout, without indent. */
void table_print(struct table *table);

void table_done(struct table *table);

/** text_width() - columns that @text takes on a terminal: code points of UTF-8. */
size_t text_width(const char *text);

#define AUTO_TABLE AUTO(table_done)

#endif
