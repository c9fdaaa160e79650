/* SPDX-License-Identifier: Apache-2.0 */
/* Where bytes come from: files, several of them, pipes, gzip and zstd, blocks on threads. */
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <zlib.h>
#include <zstd.h>

#include "tests/folder.h"
#include "tests/load_check.h"

static Folder folder;

static void
make_folder(void)
{
    folder = folder_new();
}

static void
drop_folder(void)
{
    folder_clear(&folder);
}

/* n lines `i i+1`, of which line wrong (from 1; 0: none) is broken. */
static GString *
make_lines(uint64_t n, uint64_t wrong)
{
    GString *text = g_string_new(NULL);
    for (uint64_t i = 1; i <= n; i++)
        if (i == wrong)
            g_string_append(text, "17\n");
        else
            g_string_append_printf(text, "%" G_GUINT64_FORMAT "\t%" G_GUINT64_FORMAT "\n", i,
                                   i * i % 1009);
    return text;
}

static void *
compress_gzip(const void *data, size_t size, size_t *ret_size)
{
    z_stream stream = {0};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    size_t room = deflateBound(&stream, size) + 64;
    void *out = g_malloc(room);
    stream.next_in = (Bytef *)data;
    stream.avail_in = (uInt)size;
    stream.next_out = out;
    stream.avail_out = (uInt)room;
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    *ret_size = stream.total_out;
    deflateEnd(&stream);
    return out;
}

static void *
compress_zstd(const void *data, size_t size, size_t *ret_size)
{
    size_t room = ZSTD_compressBound(size);
    void *out = g_malloc(room);
    *ret_size = ZSTD_compress(out, room, data, size, 3);
    ck_assert(!ZSTD_isError(*ret_size));
    return out;
}

typedef void *(*Compress)(const void *data, size_t size, size_t *ret_size);
static const Compress compressions[] = {compress_gzip, compress_zstd};

START_TEST(threads_and_blocks_never_change_the_graph)
{
    g_autoptr(GString) text = make_lines(5000, 0);
    GasketLoadOptions serial = {0};
    g_autofree char *expected = load_dump("a", text->str, text->len, &serial);
    for (unsigned threads = 1; threads <= 4; threads++)
        for (size_t block = 16; block <= 4096; block *= 16) {
            GasketLoadOptions options = {.threads = threads, .block_size = block};
            g_autofree char *found = load_dump("a", text->str, text->len, &options);
            ck_assert_str_eq(found, expected);
        }
}
END_TEST

START_TEST(the_first_error_in_file_order_is_reported_with_its_line)
{
    for (uint64_t wrong = 1; wrong <= 20000; wrong = wrong * 3 + 1) {
        g_autoptr(GString) text = make_lines(20000, wrong);
        g_string_append(text, "x\n"); /* another, later error */
        g_autofree char *expected =
            g_strdup_printf("a:%" G_GUINT64_FORMAT
                            ": found the end of the line, expected a target vertex",
                            wrong);
        for (size_t block = 16; block <= 65536; block *= 64) {
            GasketLoadOptions options = {.threads = 3, .block_size = block};
            g_autofree char *found = load_dump("a", text->str, text->len, &options);
            ck_assert_str_eq(found, expected);
        }
    }
}
END_TEST

START_TEST(compressed_inputs_are_read_by_content)
{
    g_autoptr(GString) text = make_lines(3000, 0);
    GasketLoadOptions options = {.threads = 2, .block_size = 100};
    g_autofree char *expected = load_dump("a", text->str, text->len, &options);
    for (size_t i = 0; i < G_N_ELEMENTS(compressions); i++) {
        size_t first = 0, second = 0, half = text->len / 2;
        g_autofree char *a = compressions[i](text->str, half, &first);
        g_autofree char *b = compressions[i](text->str + half, text->len - half, &second);
        g_autofree char *both = g_malloc(first + second + 1);
        memcpy(both, a, first);
        memcpy(both + first, b, second);
        g_autofree char *found = load_dump("any-name", both, first + second, &options);
        ck_assert_str_eq(found, expected);
    }
}
END_TEST

START_TEST(compressed_inputs_that_are_cut_or_damaged_are_errors)
{
    g_autoptr(GString) text = make_lines(300, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(compressions); i++) {
        size_t size = 0;
        g_autofree unsigned char *data = compressions[i](text->str, text->len, &size);
        GasketLoadOptions options = {.threads = 2};
        for (size_t cut = 4; cut < size; cut += 7) {
            g_autofree char *found = load_dump("a", data, cut, &options);
            ck_assert_msg(strstr(found, "(the file is cut short)") != NULL, "%zu: %s", cut, found);
            ck_assert(g_str_has_prefix(found, "a:"));
        }
        for (size_t at = 4; at < size; at += 11) {
            data[at] ^= 0x55;
            g_autofree char *found = load_dump("a", data, size, &options);
            ck_assert(strlen(found) > 0); /* whatever it is, nothing crashes */
            data[at] ^= 0x55;
        }
    }
    g_autofree char *cut = load_dump("a", "\x1f\x8b", 2, &(GasketLoadOptions){0});
    ck_assert_str_eq(cut, "a:1: found the end of the file inside gzip data, expected the rest of "
                          "it (the file is cut short)");
}
END_TEST

START_TEST(an_error_before_the_cut_of_a_compressed_file_comes_first)
{
    g_autoptr(GString) text = make_lines(3000, 7);
    size_t size = 0;
    g_autofree char *data = compress_gzip(text->str, text->len, &size);
    g_autofree char *found = load_dump("a", data, size - 9, &(GasketLoadOptions){.threads = 2});
    ck_assert_str_eq(found, "a:7: found the end of the line, expected a target vertex");
}
END_TEST

START_TEST(several_inputs_are_one_graph)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    for (int i = 0; i < 40; i++) { /* more than stay open */
        g_autofree char *name = g_strdup_printf("part-%d.txt", i);
        g_autofree char *text = g_strdup_printf("%d %d 0.5\n", i, i + 1);
        g_ptr_array_add(paths, put_file(folder.path, name, text, strlen(text)));
    }
    GasketLoadOptions options = {.inputs = (const char *const *)paths->pdata,
                                 .n_inputs = paths->len,
                                 .want_weights = true,
                                 .threads = 2};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load_graph(NULL, NULL, 0, &options, &error);
    ck_assert_no_error(error);
    ck_assert_uint_eq(gasket_graph_n_vertices(graph, 0), 41);
    ck_assert_uint_eq(gasket_graph_n_edges(graph, 0), 40);

    char *last = put_file(folder.path, "last.txt", "5 6\n", 4);
    g_ptr_array_add(paths, last);
    options.inputs = (const char *const *)paths->pdata;
    options.n_inputs = paths->len;
    ck_assert_ptr_null(load_graph(NULL, NULL, 0, &options, &error));
    ck_assert_msg(strstr(error->message, "found edges without weights, expected them with as in") !=
                      NULL,
                  "%s", error->message);
    g_ptr_array_unref(paths);
}
END_TEST

START_TEST(directed_and_undirected_inputs_mix_as_directed)
{
    g_autofree char *a = put_file(folder.path, "a.graph", "2 1\n2\n1\n", 8);
    g_autofree char *b = put_file(folder.path, "b.txt", "2 3\n", 4);
    static const char matrix[] = "%%MatrixMarket matrix coordinate pattern symmetric\n5 5 1\n5 4\n";
    g_autofree char *c = put_file(folder.path, "c.mtx", matrix, strlen(matrix));
    const char *const inputs[] = {a, b, c};
    GasketLoadOptions options = {.inputs = inputs, .n_inputs = 3};
    g_autofree char *found = load_dump(NULL, NULL, 0, &options);
    ck_assert_str_eq(found, "vertex: 1 2 3 4 5\nedges\n1 2\n2 1\n2 3\n4 5\n5 4\n");
}
END_TEST

START_TEST(lists_of_vertices_add_those_without_edges)
{
    g_autofree char *edges = put_file(folder.path, "a.txt", "1 2\n", 4);
    g_autofree char *list = put_file(folder.path, "v.txt", "# c\n2 blue\n3 red\n\n4\n", 20);
    g_autofree char *csv = put_file(folder.path, "v.csv", "id,colour\n9,\"a,b\"\n", 18);
    const char *const inputs[] = {edges};
    GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .vertices = list};
    g_autofree char *found = load_dump(NULL, NULL, 0, &options);
    ck_assert_str_eq(found, "vertex: 1 2 3 4\nedges\n1 2\n");
    options.vertices = csv;
    g_autofree char *other = load_dump(NULL, NULL, 0, &options);
    ck_assert_str_eq(other, "vertex: 1 2 9\nedges\n1 2\n");
}
END_TEST

/* Loads edges 1 -> 2 -> 3 with a column from text; the column by ascending id, or the message. */
static char *
load_column(const char *text)
{
    g_autofree char *edges = put_file(folder.path, "a.txt", "1 2\n2 3\n", 8);
    g_autofree char *file = put_file(folder.path, "c.txt", text, strlen(text));
    const char *const inputs[] = {edges};
    GasketLoadColumn column = {"personalize", file};
    GasketLoadOptions options = {.inputs = inputs,
                                 .n_inputs = 1,
                                 .vertex_columns = &column,
                                 .n_vertex_columns = 1};
    g_autoptr(GError) error = NULL;
    g_autoptr(GasketGraph) graph = load_graph(NULL, NULL, 0, &options, &error);
    ck_assert_no_error(error);
    if (!gasket_load_vertex_columns(graph, &options, &error))
        return g_strdup(strrchr(error->message, '/') + 1);
    const double *data = graph->kinds[0].columns[0].data;
    const uint32_t *ordinal = graph->kinds[0].ordinal;
    double x[3];
    for (uint32_t v = 0; v < 3; v++)
        x[ordinal != NULL ? ordinal[v] : v] = data[v];
    return g_strdup_printf("%g %g %g", x[0], x[1], x[2]);
}

START_TEST(vertex_columns_are_filled_once_ids_are_known)
{
    static const char *const cases[][2] = {
        {"3 0.25\n1\n", "1 0 0.25"},
        {"", "0 0 0"},
        {"id weight\n2 7\n", "0 7 0"},
        {"1\n4 2\n", "c.txt:2: found \"4\", expected a vertex of the graph"},
        {"1\n\n1\n", "c.txt:3: found \"1\", expected each vertex once"},
        {"1 x\n", "c.txt:1: found \"x\", expected a finite number"},
        {"1 nan\n", "c.txt:1: found \"nan\", expected a finite number"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *found = load_column(cases[i][0]);
        ck_assert_str_eq(found, cases[i][1]);
    }
}
END_TEST

typedef struct {
    int fd;
    const GString *text;
} Feeder;

static void *
feed_pipe(void *data)
{
    const Feeder *feeder = data;
    for (size_t done = 0; done < feeder->text->len;) {
        size_t size = MIN(feeder->text->len - done, 777);
        ssize_t written = write(feeder->fd, feeder->text->str + done, size);
        ck_assert_int_gt(written, 0);
        done += (size_t)written;
    }
    close(feeder->fd);
    return NULL;
}

START_TEST(stdin_is_read_from_a_pipe)
{
    g_autoptr(GString) text = make_lines(30000, 29999);
    int ends[2], saved = dup(STDIN_FILENO);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(dup2(ends[0], STDIN_FILENO), 0);
    close(ends[0]);
    Feeder feeder = {ends[1], text};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, feed_pipe, &feeder), 0);
    const char *const inputs[] = {"-"};
    GasketLoadOptions options = {.inputs = inputs, .n_inputs = 1, .threads = 2, .block_size = 5000};
    g_autofree char *found = load_dump(NULL, NULL, 0, &options);
    pthread_join(thread, NULL);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
    ck_assert_str_eq(found, "stdin:29999: found the end of the line, expected a target vertex");
}
END_TEST

typedef struct {
    uint64_t calls, bytes, total, edges;
} Progress;

static void
note_progress(void *data, uint64_t bytes_done, uint64_t bytes_total, uint64_t edges)
{
    Progress *progress = data;
    ck_assert_uint_ge(bytes_done, progress->bytes);
    ck_assert_uint_ge(edges, progress->edges);
    *progress = (Progress){progress->calls + 1, bytes_done, bytes_total, edges};
}

START_TEST(progress_ends_with_everything)
{
    g_autoptr(GString) text = make_lines(3000, 0);
    g_autofree char *path = put_file(folder.path, "a.txt", text->str, text->len);
    const char *const inputs[] = {path};
    Progress progress = {0};
    GasketLoadOptions options = {.inputs = inputs,
                                 .n_inputs = 1,
                                 .threads = 2,
                                 .block_size = 1000,
                                 .progress = note_progress,
                                 .progress_data = &progress};
    g_autoptr(GasketGraphBuilder) builder = gasket_graph_builder_new();
    g_auto(GasketLoadInfo) info = {0};
    ck_assert(gasket_load(builder, &options, &info, NULL));
    ck_assert_uint_gt(progress.calls, 10);
    ck_assert_uint_eq(progress.bytes, text->len);
    ck_assert_uint_eq(progress.total, text->len);
    ck_assert_uint_eq(progress.edges, 3000);
    ck_assert_uint_eq(info.bytes, text->len);
    ck_assert_uint_eq(info.lines, 3000);
    ck_assert_uint_eq(info.edges, 3000);
    ck_assert_str_eq(info.format, "edges");
    ck_assert_ptr_null(info.compression);
}
END_TEST

int
main(void)
{
    TCase *cases[] = {tcase_create("inputs")};
    tcase_add_checked_fixture(cases[0], make_folder, drop_folder);
    tcase_add_test(cases[0], threads_and_blocks_never_change_the_graph);
    tcase_add_test(cases[0], the_first_error_in_file_order_is_reported_with_its_line);
    tcase_add_test(cases[0], compressed_inputs_are_read_by_content);
    tcase_add_test(cases[0], compressed_inputs_that_are_cut_or_damaged_are_errors);
    tcase_add_test(cases[0], an_error_before_the_cut_of_a_compressed_file_comes_first);
    tcase_add_test(cases[0], several_inputs_are_one_graph);
    tcase_add_test(cases[0], directed_and_undirected_inputs_mix_as_directed);
    tcase_add_test(cases[0], lists_of_vertices_add_those_without_edges);
    tcase_add_test(cases[0], vertex_columns_are_filled_once_ids_are_known);
    tcase_add_test(cases[0], stdin_is_read_from_a_pipe);
    tcase_add_test(cases[0], progress_ends_with_everything);
    tcase_set_timeout(cases[0], 120);
    return check_run("load_inputs", cases, G_N_ELEMENTS(cases));
}
