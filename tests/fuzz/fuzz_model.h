/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets of models share: bytes are read as a model of one format. Nothing may
 * crash; what is refused has a place, and what is read is a sound graph.
 */
#ifndef GASKET_TESTS_FUZZ_MODEL_H
#define GASKET_TESTS_FUZZ_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "engine/factor_graph.h"
#include "engine/graph.h"
#include "loaders/evidence.h"
#include "loaders/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
fuzz_model(const char *format, const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    const GasketModelOptions options = {.path = "input", .format = format, .max_states = 10000};
    g_autoptr(GasketFactorGraph) model = gasket_model_load_memory(data, size, &options, &error);
    if (model == NULL) {
        if (!g_str_has_prefix(error->message, "input:"))
            abort();
        return;
    }
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&model, NULL, &error);
    if (graph == NULL || !gasket_graph_check(graph, NULL))
        abort();
}

#endif
