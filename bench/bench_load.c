/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a text edge list, from the file to a finished graph, against one thread that only parses
 * the same file, mapped: it reads two numbers a line and adds them up.
 *
 *   bench_load [--quick] [--rounds N] [--json FILE] [dense | sparse]...
 *
 * The file is a Kronecker graph of scale 20, edge factor 16, each edge in both directions, written
 * to the temporary folder and removed at the end. dense: ids 0 .. 2^20 - 1. sparse: the same ids
 * spread over 63 bits. Both contenders run in turn, after one run that fills the page cache; the
 * fastest of each counts.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench/common.h"
#include "engine/graph.h"
#include "loaders/generate.h"
#include "loaders/load.h"

typedef struct {
    FILE *file;
    bool sparse;
    uint64_t n_lines;
} Writer;

/* One to one: an odd factor, then 63 bits. */
static uint64_t
id_of(const Writer *writer, uint64_t x)
{
    return writer->sparse ? (x + 1) * UINT64_C(0x9e3779b97f4a7c15) & INT64_MAX : x;
}

/* Writes a number and a character; returns where the next goes. */
static char *
put(char *at, uint64_t x, char end)
{
    char digits[20];
    unsigned n = 0;

    do
        digits[n++] = (char)('0' + x % 10);
    while ((x /= 10) > 0);
    while (n > 0)
        *at++ = digits[--n];
    *at++ = end;
    return at;
}

static bool
write_edges(void *data, size_t n, const uint64_t *source, const uint64_t *target,
            const float *weight, GError **error)
{
    Writer *writer = data;
    (void)weight;

    for (size_t i = 0; i < n; i++) {
        char line[48];
        char *end = put(line, id_of(writer, source[i]), '\t');
        end = put(end, id_of(writer, target[i]), '\n');
        if (fwrite(line, 1, (size_t)(end - line), writer->file) == 0) {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_FAILED, "the file cannot be written");
            return false;
        }
    }
    writer->n_lines += n;
    return true;
}

/* Writes the file; its path is to be unlinked and freed. */
static char *
make_file(unsigned scale, bool sparse, uint64_t *ret_lines)
{
    GError *error = NULL;
    char *path = g_build_filename(g_get_tmp_dir(), "gasket-bench-XXXXXX", NULL);
    int descriptor = g_mkstemp(path);
    bench_check(descriptor >= 0, NULL);
    Writer writer = {.file = fdopen(descriptor, "w"), .sparse = sparse};
    GasketGenerateOptions options = {
        .kind = GASKET_GENERATE_KRONECKER, .scale = scale, .both = true, .seed = 1, .threads = 2};

    bench_check(gasket_generate(&options, write_edges, &writer, &error), error);
    bench_check(fclose(writer.file) == 0, NULL);
    *ret_lines = writer.n_lines;
    return path;
}

static const char *
parse_number(const char *at, uint64_t *ret_x)
{
    uint64_t x = 0;
    while ((unsigned char)(*at - '0') < 10)
        x = 10 * x + (uint64_t)(*at++ - '0');
    *ret_x = x;
    return at + 1;
}

/* The plain loop; returns its seconds. */
static double
parse_plain(const char *text, size_t size, uint64_t n_lines)
{
    double began = bench_now();
    uint64_t lines = 0, sum = 0;

    for (const char *at = text; at < text + size; lines++) {
        uint64_t source, target;
        at = parse_number(at, &source);
        at = parse_number(at, &target);
        sum += source ^ target;
    }
    double seconds = bench_now() - began;
    bench_check(lines == n_lines && sum != 0, NULL);
    return seconds;
}

/* Loads the file and builds the graph; ret_load: the part before ids are merged. */
static double
load(const char *path, uint64_t n_lines, double *ret_load)
{
    GError *error = NULL;
    const char *const inputs[] = {path};
    GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .threads = 2};
    GasketGraphRules rules = {.threads = 2};

    double began = bench_now();
    GasketGraphBuilder *builder = gasket_graph_builder_new();
    bench_check(gasket_load(builder, &options, NULL, &error), error);
    *ret_load = bench_now() - began;
    GasketGraph *graph = gasket_graph_builder_finish_take(&builder, &rules, &error);
    double seconds = bench_now() - began;
    bench_check(graph != NULL && graph->relations[0].n_edges == n_lines, error);
    gasket_graph_free(graph);
    return seconds;
}

static void
run(const char *name, unsigned scale, unsigned rounds, double limit, BenchReport *report)
{
    double best = INFINITY, best_load = INFINITY, best_plain = INFINITY, loaded;
    uint64_t n_lines;
    g_autofree char *path = make_file(scale, strcmp(name, "sparse") == 0, &n_lines);
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = lseek(descriptor, 0, SEEK_END);
    const char *text = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, descriptor, 0);

    bench_check(text != MAP_FAILED, NULL);
    printf("%s: %.0f MB, %" G_GUINT64_FORMAT " lines\n", name, (double)size / 1e6, n_lines);
    fflush(stdout);
    (void)parse_plain(text, (size_t)size, n_lines);
    for (unsigned round = 0; round < rounds; round++) {
        best_plain = MIN(best_plain, parse_plain(text, (size_t)size, n_lines));
        best = MIN(best, load(path, n_lines, &loaded));
        best_load = MIN(best_load, loaded);
    }
    munmap((void *)text, (size_t)size);
    close(descriptor);
    unlink(path);
    bench_report_add(report, name, "plain parse [s]", best_plain, BENCH_FIGURE, 0);
    bench_report_add(report, name, "parse and collect, 2 threads [s]", best_load, BENCH_FIGURE, 0);
    bench_report_add(report, name, "whole load, 2 threads [s]", best, BENCH_FIGURE, 0);
    bench_report_add(report, name, "whole load / plain parse", best / best_plain, BENCH_AT_MOST,
                     limit);
}

int
main(int argc, char **argv)
{
    BenchOptions options = bench_options(argc, argv, "dense sparse");
    BenchReport report = {0};
    unsigned scale = options.quick ? 10 : 20;
    unsigned rounds = options.quick ? 2 : options.rounds;

    bench_print_machine();
    if (bench_wants(&options, "dense"))
        run("dense", scale, rounds, 3, &report);
    if (bench_wants(&options, "sparse"))
        run("sparse", scale, rounds, 6, &report);
    bench_report_end(&report, &options);
    return EXIT_SUCCESS;
}
