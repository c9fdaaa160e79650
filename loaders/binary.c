/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Binary edge lists: little-endian records without a header.
 *
 *   binary            source uint32 │ target uint32
 *   binary-weighted   source uint32 │ target uint32 │ weight float32
 *
 * The file's size must divide. In messages records count as lines, from 1.
 */
#include <math.h>
#include <string.h>

#include "loaders/format.h"
#include "loaders/text.h"

#define PAIR   8
#define TRIPLE 12

typedef struct {
    GasketLoader *loader;
    size_t record; /* bytes */
} Binary;

static uint32_t
read_uint32(const char *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return GUINT32_FROM_LE(x);
}

static bool
parse_weight(const GasketBatch *batch, const char *p, double *ret_weight, GError **error)
{
    uint32_t bits = read_uint32(p);
    float weight;
    memcpy(&weight, &bits, sizeof weight);
    if (isfinite(weight) && (weight >= 0 || !batch->nonnegative)) {
        *ret_weight = weight;
        return true;
    }
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_ascii_dtostr(text, sizeof text, weight);
    gasket_text_error(error, text, strlen(text), "%s",
                      isfinite(weight) ? "a weight that is not negative"
                                       : "a weight (a finite number)");
    return false;
}

static bool
parse_block(void *data, unsigned thread, GasketBlock *block, GasketBlockResult *result,
            GError **error)
{
    const Binary *binary = data;
    GasketBatch *batch = binary->loader->batches[thread];
    const char *end = block->text + block->size;
    for (const char *p = block->text; p < end; p += binary->record) {
        double weight = 1;
        if ((binary->record == TRIPLE && batch->weighted &&
             !parse_weight(batch, p + 8, &weight, error)) ||
            !gasket_batch_add_ids(batch, read_uint32(p), read_uint32(p + 4), weight, error))
            return false;
        result->lines++;
        result->edges++;
    }
    return true;
}

static bool
prepare_record(GasketSource *source, size_t record)
{
    Binary *binary = g_new0(Binary, 1);
    source->state = binary;
    binary->record = record;
    source->weights = record == TRIPLE ? GASKET_WEIGHTS_THERE : GASKET_WEIGHTS_NONE;
    return true;
}

static bool
prepare_pairs(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    (void)options;
    (void)error;
    return prepare_record(source, PAIR);
}

static bool
prepare_triples(GasketSource *source, const GasketLoadOptions *options, GError **error)
{
    (void)options;
    (void)error;
    return prepare_record(source, TRIPLE);
}

static bool
load(GasketSource *source, GasketLoader *loader, GError **error)
{
    Binary *binary = source->state;
    binary->loader = loader;
    GasketChunkJob job = {.parse = parse_block,
                          .data = binary,
                          .record = binary->record,
                          .max_line = GASKET_LINE_MAX};
    uint64_t edges;
    return gasket_loader_parse(loader, source, &job, &edges, error);
}

const GasketFormat gasket_format_binary = {
    .name = "binary",
    .extensions = "bin",
    .prepare = prepare_pairs,
    .load = load,
    .free = g_free,
};

const GasketFormat gasket_format_binary_weighted = {
    .name = "binary-weighted",
    .extensions = "wbin",
    .prepare = prepare_triples,
    .load = load,
    .free = g_free,
};
