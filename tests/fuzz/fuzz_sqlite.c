/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite databases, through a file in memory. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loaders/model.h"
#include "tests/fuzz/fuzz_load.h"

/* The same bytes as a model. */
static void
read_model(const char *path)
{
    const GasketModelOptions options = {.path = path, .format = "sqlite", .max_states = 10000};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketFactorGraph) model = gasket_model_load(&options, NULL, &error);
    if ((model == NULL) != (error != NULL))
        abort();
}

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
    read_model(path);
    close(fd);
    return 0;
}
