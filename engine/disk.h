/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The disk behind a small interface: what snapshots are written to and read from. The real one is
 * POSIX; tests put one in its place that fails, or writes less than it was given, at the n-th call.
 *
 * Every function returns what the system call of its name does: -1 and errno on failure.
 */
#ifndef GASKET_ENGINE_DISK_H
#define GASKET_ENGINE_DISK_H

#include <sys/types.h>

#include <gasket/error.h>
#include <gasket/types.h>

typedef struct GasketDisk GasketDisk;

struct GasketDisk {
    int (*create)(const GasketDisk *disk, const char *path); /* for writing, emptied */
    int (*open)(const GasketDisk *disk, const char *path);   /* for reading */
    ssize_t (*write)(const GasketDisk *disk, int fd, const void *bytes, size_t n);
    ssize_t (*read)(const GasketDisk *disk, int fd, void *bytes, size_t n);
    int (*sync)(const GasketDisk *disk, int fd);
    int (*rename)(const GasketDisk *disk, const char *from, const char *to);
    int (*make_folder)(const GasketDisk *disk, const char *path);
    int (*sync_folder)(const GasketDisk *disk, const char *path);
    void *data;
};

extern const GasketDisk gasket_disk_real;

/* Writes all n bytes, however many calls it takes. Error: IO, with the path. */
bool gasket_disk_write(const GasketDisk *disk, int fd, const char *path, const void *bytes,
                       size_t n, GError **error);

/* A whole file of at most `most` bytes as a gasket_array of *ret_n bytes; NULL on failure.
 * Errors: INPUT (cannot be opened or read, too long), MEMORY. */
uint8_t *gasket_disk_read_file(const GasketDisk *disk, const char *path, uint64_t most,
                               uint64_t *ret_n, GError **error);

/* "PATH: what: why" from errno, as an IO error; returns false. */
bool gasket_disk_error(const char *path, const char *what, GError **error);

#endif
