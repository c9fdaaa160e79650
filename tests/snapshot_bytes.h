/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A snapshot of one rank in memory, on a disk of its own: whatever bytes its file has, their sum in
 * the manifest is right, so that what is behind it is reached.
 *
 *   g_autofree char *text = snapshot_bytes_manifest(&manifest, bytes, n);
 *   SnapshotBytes files = {.manifest = text, .rank = bytes, .n_rank = n};
 *   const GasketDisk disk = snapshot_bytes_disk(&files);
 *   const GasketSnapshotPlan plan = {.resume = "step", .disk = &disk};
 */
#ifndef GASKET_TESTS_SNAPSHOT_BYTES_H
#define GASKET_TESTS_SNAPSHOT_BYTES_H

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/disk.h"
#include "engine/snapshot_manifest.h"

typedef struct {
    char *manifest; /* text */
    const uint8_t *rank;
    size_t n_rank;
} SnapshotBytes;

static inline int
snapshot_bytes_open(const GasketDisk *disk, const char *path)
{
    const SnapshotBytes *files = disk->data;
    bool is_manifest = g_str_has_suffix(path, "/manifest");
    const void *bytes = is_manifest ? (const void *)files->manifest : files->rank;
    size_t n = is_manifest ? strlen(files->manifest) : files->n_rank;
    int fd = memfd_create("file", MFD_CLOEXEC);
    bool ok = fd >= 0 && write(fd, bytes, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0;
    g_assert(ok);
    return fd;
}

static inline ssize_t
snapshot_bytes_read(const GasketDisk *disk, int fd, void *bytes, size_t n)
{
    (void)disk;
    return read(fd, bytes, n);
}

static inline GasketDisk
snapshot_bytes_disk(SnapshotBytes *files)
{
    return (GasketDisk){.open = snapshot_bytes_open, .read = snapshot_bytes_read, .data = files};
}

/* The text of a manifest that says so many bytes of that sum; g_free. */
static inline char *
snapshot_bytes_manifest(const GasketSnapshotManifest *good, const uint8_t *bytes, uint64_t n)
{
    GasketSnapshotFile sum = {.bytes = n, .sum = gasket_sum128(bytes, n)};
    GasketSnapshotManifest manifest = *good;
    manifest.files = &sum;
    return gasket_snapshot_manifest_text(&manifest);
}

#endif
