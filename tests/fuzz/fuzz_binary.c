/* SPDX-License-Identifier: Apache-2.0 */
/* Binary edge lists. See fuzz_load.h. */
#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    GasketLoadOptions options = {.format = "binary-weighted", .want_weights = true};
    fuzz_load("input.wbin", data, size, options);
    return 0;
}
