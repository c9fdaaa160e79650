/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of the loaders share: bytes are loaded as a file of one name, in one block
 * and in small blocks, which for one input in eight are parsed on two threads (starting one takes
 * longer than all else). Nothing may crash, and both ways must agree on the graph or on the error.
 *
 *   clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_mtx.c
 */
#ifndef GASKET_TESTS_FUZZ_LOAD_H
#define GASKET_TESTS_FUZZ_LOAD_H

#include <stdlib.h>
#include <string.h>

#include "engine/graph.h"
#include "loaders/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The graph's size, or the error's message. */
static inline char *
fuzz_outcome(const char *name, const void *data, size_t size, GasketLoadOptions options)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    if (!gasket_load_memory(builder, name, data, size, &options, NULL, &error))
        return g_strdup(error->message);
    g_autoptr(GasketGraph) graph = gasket_graph_builder_finish_take(&builder, NULL, &error);
    if (graph == NULL)
        return g_strdup(error->message);
    if (!gasket_graph_check(graph, NULL))
        abort();
    return g_strdup_printf("%u vertices, %" G_GUINT64_FORMAT " edges",
                           gasket_graph_n_vertices(graph, 0), gasket_graph_n_edges(graph, 0));
}

static inline void
fuzz_load(const char *name, const uint8_t *data, size_t size, GasketLoadOptions options)
{
    options.max_vertices = 1000;
    options.block_size = size + 1;
    g_autofree char *whole = fuzz_outcome(name, data, size, options);
    options.block_size = 16;
    options.threads = size % 8 == 7 ? 2 : 1;
    g_autofree char *blocks = fuzz_outcome(name, data, size, options);
    if (strcmp(whole, blocks) != 0)
        abort();
}

#endif
