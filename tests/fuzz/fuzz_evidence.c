/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence of a model of a few variables. See fuzz_model.h. */
#include "tests/fuzz/fuzz_model.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorGraph) model = gasket_factor_graph_new();
    const uint32_t cardinality[] = {2, 3, 10, 1};
    if (!gasket_factor_graph_add_variables(model, 4, cardinality, NULL))
        abort();
    if (!gasket_evidence_load_memory(model, "input", data, size, &error) &&
        !g_str_has_prefix(error->message, "input:"))
        abort();
    return 0;
}
