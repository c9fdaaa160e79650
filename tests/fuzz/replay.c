/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target, without a fuzzer, on nothing and on every file of its corpus.
 *
 *   fuzz_NAME_replay tests/fuzz/corpus/NAME
 */
#include <glib.h>

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
    static const uint8_t nothing[1];
    g_autoptr(GDir) folder = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
    unsigned n = 0;
    if (folder == NULL)
        return EXIT_FAILURE;
    (void)LLVMFuzzerTestOneInput(nothing, 0);
    for (const char *name = g_dir_read_name(folder); name; name = g_dir_read_name(folder), n++) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autofree char *bytes = NULL;
        gsize size;
        if (!g_file_get_contents(path, &bytes, &size, NULL))
            return EXIT_FAILURE;
        (void)LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
    }
    return n > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
