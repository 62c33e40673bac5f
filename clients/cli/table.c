/* SPDX-License-Identifier: Apache-2.0 */
#include "clients/cli/table.h"

#include <stdio.h>

#include "lib/base/limits.h"

#define GAP 3
#define OUTPUT_MAX LIMIT_MIB(256)

size_t text_width(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

void table_row(struct table *table)
{
    VEC_PUSH(&table->rows, (struct table_line){.cells = {0}});
}

void table_cell(struct table *table, const char *text)
{
    struct table_line *row = &table->rows.items[table->rows.len - 1];
    char *cell = mem_strdup(str_empty(text) ? "-" : text);
    for (char *p = cell; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7F)
            *p = ' ';
    VEC_PUSH(&row->cells, cell);
    if (row->cells.len > table->widths.len)
        VEC_PUSH(&table->widths, 0);
    size_t *width = &table->widths.items[row->cells.len - 1], needed = text_width(cell);
    if (*width < needed)
        *width = needed;
}

static void write_row(const struct table *table, const struct table_line *row, const char *indent,
                      struct str *out)
{
    str_add(out, indent);
    for (size_t i = 0; i < row->cells.len; i++) {
        const char *cell = row->cells.items[i];
        str_add(out, cell);
        if (i + 1 < row->cells.len)
            str_printf(out, "%*s", (int)(table->widths.items[i] - text_width(cell) + GAP), "");
    }
    str_add_char(out, '\n');
}

static void clear(struct table *table)
{
    for (size_t i = 0; i < table->rows.len; i++) {
        struct table_line *row = &table->rows.items[i];
        for (size_t k = 0; k < row->cells.len; k++)
            mem_free(row->cells.items[k]);
        VEC_DONE(&row->cells);
    }
    table->rows.len = 0;
}

void table_write(struct table *table, const char *indent, struct str *out)
{
    for (size_t i = 0; i < table->rows.len; i++)
        write_row(table, &table->rows.items[i], indent, out);
    clear(table);
}

void table_print(struct table *table)
{
    AUTO_STR struct str out = STR_INIT(OUTPUT_MAX);
    table_write(table, "", &out);
    fputs(str_text(&out), stdout);
}

void table_done(struct table *table)
{
    clear(table);
    VEC_DONE(&table->rows);
    VEC_DONE(&table->widths);
}
