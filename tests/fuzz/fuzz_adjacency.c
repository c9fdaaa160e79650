/* SPDX-License-Identifier: Apache-2.0 */
/* Adjacency lists. See fuzz_load.h. */
#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketLoadOptions options = {.format = "adjacency"};
    fuzz_load("input.adj", data, size, options);
    return 0;
}
