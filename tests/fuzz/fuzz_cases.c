/* SPDX-License-Identifier: Apache-2.0 */
/* Files of cases for a network of two variables, through a file in memory. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/graph.h"
#include "loaders/cases.h"
#include "loaders/model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char network[] = "BAYES 2 2 3 2 1 0 2 0 1 2 0.5 0.5 6 0.5 0.25 0.25 0.5 0.25 0.25";
    const GasketModelOptions options = {.path = "network"};
    int fd = memfd_create("fuzz", 0);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    g_autofree char *path = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autoptr(GError) error = NULL;
    uint32_t n;
    GasketFactorGraph *model = gasket_model_load_memory(network, strlen(network), &options, NULL);
    g_autoptr(GasketFactorGraph) copies = gasket_cases_load(&model, path, NULL, &n, &error);
    close(fd);
    if ((copies == NULL) != (error != NULL))
        abort();
    if (copies == NULL)
        return 0;
    g_autoptr(GasketGraph) graph = gasket_factor_graph_finish_take(&copies, NULL, &error);
    if (graph == NULL || !gasket_cases_mark(graph, n, &error) || !gasket_graph_check(graph, NULL))
        abort();
    return 0;
}
