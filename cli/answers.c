/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of answers into an output; see answers.h. */
#include "cli/answers.h"

#include <string.h>

#define BLOCK_ROWS 4096

struct GasketCliAnswers {
    GasketResultWriter *writer;
    GasketCliAnswerShape shape;
    const GasketIds *subjects, *objects;
    size_t n; /* rows of the block that fills up */
    uint32_t subject[BLOCK_ROWS], rank[BLOCK_ROWS], object[BLOCK_ROWS];
    double number[BLOCK_ROWS];
    int64_t integer[BLOCK_ROWS]; /* ids of the subjects, where they are integers, */
    uint64_t begin[BLOCK_ROWS + 1];
    GString *text; /* or text */
};

GasketCliAnswers *
gasket_cli_answers_new(const char *output, const GasketCliAnswerShape *shape,
                       const GasketIds *subjects, const GasketIds *objects, bool no_header,
                       const char *table, GError **error)
{
    const GasketResultColumn columns[] = {
        {.name = "rank", .type = GASKET_UINT32},
        {.name = shape->object, .type = GASKET_VERTEX},
        {.name = shape->number, .type = GASKET_DOUBLE},
    };
    const unsigned skipped = shape->ranked ? 0 : 1;
    const GasketResultOptions options = {.no_header = no_header,
                                         .table = table,
                                         .id_name = shape->subject,
                                         .n_keys = 1};
    GasketResultWriter *writer =
        gasket_result_writer_new(output, columns + skipped, 3 - skipped, &options, error);
    if (writer == NULL)
        return NULL;
    GasketCliAnswers *answers = g_new0(GasketCliAnswers, 1);
    answers->writer = writer;
    answers->shape = *shape;
    answers->subjects = subjects;
    answers->objects = objects;
    answers->text = g_string_new(NULL);
    return answers;
}

static bool
flush(GasketCliAnswers *answers, GError **error)
{
    const unsigned skipped = answers->shape.ranked ? 0 : 1;
    const void *const columns[] = {answers->rank, answers->object, answers->number};
    const bool integers = answers->subjects->integer != NULL;
    GasketIds ids = {.n = (uint32_t)answers->n};

    g_string_truncate(answers->text, 0);
    for (size_t i = 0; i < answers->n; i++) {
        if (integers) {
            answers->integer[i] = answers->subjects->integer[answers->subject[i]];
        } else {
            gasket_ids_append(answers->subjects, answers->subject[i], answers->text);
            answers->begin[i + 1] = answers->text->len;
        }
    }
    if (integers)
        ids.integer = answers->integer;
    else
        ids.text_begin = answers->begin, ids.text = answers->text->str;
    const GasketResultBlock block = {.n = answers->n,
                                     .ids = &ids,
                                     .columns = columns + skipped,
                                     .directory = answers->objects};
    answers->n = 0;
    return block.n == 0 || gasket_result_writer_write(answers->writer, &block, error);
}

bool
gasket_cli_answers_add(GasketCliAnswers *answers, uint32_t subject, uint32_t rank, uint32_t object,
                       double number, GError **error)
{
    const size_t i = answers->n++;
    answers->subject[i] = subject;
    answers->rank[i] = rank;
    answers->object[i] = object;
    answers->number[i] = number;
    return answers->n < BLOCK_ROWS || flush(answers, error);
}

bool
gasket_cli_answers_finish(GasketCliAnswers *answers, GError **error)
{
    return flush(answers, error) && gasket_result_writer_finish(answers->writer, error);
}

void
gasket_cli_answers_free(GasketCliAnswers *answers)
{
    if (answers == NULL)
        return;
    gasket_result_writer_free(answers->writer);
    g_string_free(answers->text, TRUE);
    g_free(answers);
}
