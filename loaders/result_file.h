/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that appears whole or not at all.
 *
 *   g_autoptr(GasketResultFile) file = gasket_result_file_new("ranks.tsv", &error);
 *   if (file == NULL || !gasket_result_file_write(file, text, length, &error) ||
 *       !gasket_result_file_sync(file, &error) || !gasket_result_file_publish(file, &error))
 *       return false;
 *
 *   new ──write──> filling ──sync──> on disk ──publish──> stands at its path
 *                     └────────────────┴─────free──────> nothing was ever there
 *
 * Until it is published the file has no name at all (O_TMPFILE), so that even a process that is
 * killed leaves nothing; where the file system has no such files it has a name `PATH.N.tmp` beside
 * the path, and freeing removes it. Publishing replaces what stood at the path in one rename and
 * then makes the folder durable. A symbolic link is followed: the file that it names is replaced.
 *
 * "-" is standard output, and a path that names a device or a pipe is written as it comes.
 *
 * Cost: 1 MiB of buffer; a sync of file and folder.
 */
#ifndef GASKET_LOADERS_RESULT_FILE_H
#define GASKET_LOADERS_RESULT_FILE_H

#include <gasket/error.h>
#include <gasket/types.h>

typedef struct GasketResultFile GasketResultFile;

/* Error: IO. */
GasketResultFile *gasket_result_file_new(const char *path, GError **error);

/* Appends length bytes. Error: IO. */
bool gasket_result_file_write(GasketResultFile *file, const void *data, size_t length,
                              GError **error);

/* Writes over the first length bytes, which must have been written before. Not for standard
 * output, devices and pipes. Error: IO. */
bool gasket_result_file_rewrite_start(GasketResultFile *file, const void *data, size_t length,
                                      GError **error);

/* Whether rewriting is possible: not on standard output, a device or a pipe. */
bool gasket_result_file_can_rewrite(const GasketResultFile *file);

/* The file itself, open for reading and writing, for a writer of its own kind (a database) that
 * never mixes with gasket_result_file_write. Not for standard output, devices and pipes. */
int gasket_result_file_descriptor(const GasketResultFile *file);

/* Hands everything to the disk and waits until it is there. Error: IO. */
bool gasket_result_file_sync(GasketResultFile *file, GError **error);

/* Gives it its name; after sync. Error: IO. */
bool gasket_result_file_publish(GasketResultFile *file, GError **error);

/* NULL is allowed. Drops what was not published. */
void gasket_result_file_free(GasketResultFile *file);

/* Whether a file could be made at path: its folder is there and may be written to. For a word of
 * warning before hours of work. Error: IO. */
bool gasket_result_file_check(const char *path, GError **error);

/* Makes the name of a path durable. Error: IO. */
bool gasket_result_file_sync_folder(const char *path, GError **error);

/* The file that path stands for, symbolic links followed; free with g_free. */
char *gasket_result_file_target(const char *path);

/* A name beside target that is not taken: `target.N.tmp`; free with g_free. */
char *gasket_result_file_spare_name(const char *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(GasketResultFile, gasket_result_file_free)

#endif
