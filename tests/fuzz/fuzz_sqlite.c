/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite databases, through a file in memory. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz_load.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    const char *const inputs[] = {path};
    GasketLoadOptions options = {.inputs = inputs,
                                 .n_inputs = 1,
                                 .format = "sqlite",
                                 .want_weights = true};
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    g_autoptr(GError) error = NULL;
    bool good = gasket_load(builder, &options, NULL, &error);
    if (good != (error == NULL))
        abort();
    close(fd);
    return 0;
}
