/* SPDX-License-Identifier: Apache-2.0 */
/* The graphs of the benchmarks. See graphs.h. */
#include "bench/graphs.h"

#include <stdlib.h>

#include "bench/common.h"
#include "engine/number.h"
#include "loaders/generate.h"
#include "loaders/load.h"

static const GasketGraphRules rules = {.multi_edges = GASKET_MULTI_DROP,
                                       .drop_self_loops = true,
                                       .threads = 2};

char *
bench_graph_path(const BenchGraph *graph)
{
    const char *folder = getenv("GASKET_DATA");
    char *path = g_build_filename(folder != NULL ? folder : "../shared/data", graph->file, NULL);

    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR))
        g_clear_pointer(&path, g_free);
    return path;
}

GasketGraphBuilder *
bench_graph_builder(const BenchGraph *graph)
{
    GError *error = NULL;
    GasketGraphBuilder *builder = gasket_graph_builder_new();

    if (graph->file != NULL) {
        g_autofree char *path = bench_graph_path(graph);
        const char *const inputs[] = {path};
        GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .threads = 2};
        bench_check(gasket_load(builder, &options, NULL, &error), error);
        return builder;
    }
    GasketGenerateOptions options = {.kind = GASKET_GENERATE_KRONECKER, .seed = 1, .threads = 2};
    options.scale = graph->scale;
    if (graph->side > 0) {
        options.kind = GASKET_GENERATE_GRID;
        options.rows = options.columns = graph->side;
    }
    bench_check(gasket_generate_into(builder, &options, /* symmetric= */ true, &error), error);
    return builder;
}

double
bench_graph_number(const GasketGraphBuilder *builder, unsigned threads)
{
    GError *error = NULL;
    GasketGraph *shell = g_new0(GasketGraph, 1);
    GasketGraphRules own = rules;

    own.threads = threads;
    shell->n_kinds = builder->n_kinds;
    shell->kinds = g_new0(GasketGraphKind, builder->n_kinds);
    double began = bench_now();
    GasketNumbers *numbers = gasket_numbers_new(builder, &own, shell, &error);
    double seconds = bench_now() - began;
    bench_check(numbers != NULL, error);
    gasket_numbers_free(numbers);
    gasket_graph_free(shell);
    return seconds;
}

GasketGraph *
bench_graph_finish(GasketGraphBuilder **builder)
{
    GError *error = NULL;
    GasketGraph *graph = gasket_graph_builder_finish_take(builder, &rules, &error);

    bench_check(graph != NULL, error);
    return graph;
}
