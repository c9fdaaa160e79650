/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model answers: rows of a user (or an item), another vertex and a number, into an output of
 * any format of results.
 *
 *   user  rank  item  score          user  item  prediction
 *   42    1     318   4.61           42    50    4.2
 *
 * Rows are handed over in blocks of a few thousand; the output appears whole or not at all.
 */
#ifndef GASKET_CLI_ANSWERS_H
#define GASKET_CLI_ANSWERS_H

#include "loaders/result_writer.h"

typedef struct {
    const char *subject; /* heading of the first column */
    bool ranked;         /* there is a column "rank": 1 for a subject's first row */
    const char *object;  /* headings */
    const char *number;
} GasketCliAnswerShape;

typedef struct GasketCliAnswers GasketCliAnswers;

/* subjects and objects: whose ordinals rows name; both live as long as this. no_header, table: as
 * the options of their names. Errors: ARGUMENT, IO. */
GasketCliAnswers *gasket_cli_answers_new(const char *output, const GasketCliAnswerShape *shape,
                                         const GasketIds *subjects, const GasketIds *objects,
                                         bool no_header, const char *table, GError **error);

/* Appends a row; of one subject by ascending rank. Error: IO. */
bool gasket_cli_answers_add(GasketCliAnswers *answers, uint32_t subject, uint32_t rank,
                            uint32_t object, double number, GError **error);

/* Makes the output appear. Error: IO. */
bool gasket_cli_answers_finish(GasketCliAnswers *answers, GError **error);

/* NULL is allowed. */
void gasket_cli_answers_free(GasketCliAnswers *answers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketCliAnswers, gasket_cli_answers_free)

#endif
