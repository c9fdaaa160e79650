/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of fields: which delimiter, which columns, whether a header stands above.
 *
 *   blanks   `10 20  0.5`         one or more blanks between fields
 *   , ; tab  `"a, b",20,0.5`      blanks around a field are dropped; quotes doubled inside quotes
 *   ::       `1::1193::5::978300760`
 *
 * The first line (not counting comments) is a header if
 *   - columns are asked for by name, or
 *   - it names a source and a target column in common words (source, from, user, ...), or
 *   - its ids are not integers, but those of the next line are, or its weight is not a number and
 *     that of the next line is.
 * Columns are those asked for, else those that a header names in common words, else 1, 2 and 3.
 */
#ifndef GASKET_LOADERS_DIALECT_H
#define GASKET_LOADERS_DIALECT_H

#include "loaders/format.h"

#define GASKET_NO_COLUMN UINT32_MAX

typedef struct {
    char delimiter;                  /* ' ' blanks, ':' two colons, or the character itself */
    bool quotes;                     /* a field may stand in double quotes */
    bool comments;                   /* lines that start with # or % are comments */
    bool header;                     /* a header stands above the data */
    uint32_t source, target, weight; /* columns, from 0; GASKET_NO_COLUMN */
    uint32_t time;                   /* of ratings; GASKET_NO_COLUMN elsewhere */
    bool only_two; /* weights are wanted and the first line has none: nor may any other */
} GasketDialect;

typedef struct {
    const char *text;
    size_t size;
} GasketField;

#define GASKET_FIELDS_MAX 256

/* Whether a line has no data: blank or a comment. */
bool gasket_dialect_skips(const GasketDialect *dialect, const char *line, size_t size);

/* Cuts a line into at most GASKET_FIELDS_MAX fields; what stands behind those is not kept. Quoted
 * fields are unquoted in place. Error: a quote that is not closed on its line. */
bool gasket_dialect_cut(const GasketDialect *dialect, char *line, size_t size, GasketField *fields,
                        size_t *ret_n, GError **error);

/* Decides header and columns of input from its first lines, takes the header, and sets whether
 * there are weights. dialect comes with delimiter, quotes and comments. */
bool gasket_dialect_prepare(GasketDialect *dialect, GasketInput *input,
                            const GasketLoadOptions *options, GasketWeights *ret_weights,
                            GError **error);

/* Chooses columns: those that the options ask for ("source,target[,weight[,time]]"), else those
 * that the header names in common words (ret_common), else 1, 2 and 3, and 4 of ratings. where
 * stands in messages. */
bool gasket_dialect_columns(GasketDialect *dialect, const GasketLoadOptions *options,
                            const GasketField *header, size_t n, const char *where,
                            bool *ret_common, GError **error);

/* For a list of ids in the first column: takes a header if there is one. */
bool gasket_dialect_prepare_list(GasketDialect *dialect, GasketInput *input, GError **error);

/* The first line of input with data (not taken); NULL if there is none nearby. g_free. */
char *gasket_first_line(GasketInput *input, bool comments, GError **error);

#endif
