/* SPDX-License-Identifier: Apache-2.0 */
/* Files by POSIX calls; see disk.h. */
#include "engine/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/array.h"

static int
real_create(const GasketDisk *disk G_GNUC_UNUSED, const char *path)
{
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static int
real_open(const GasketDisk *disk G_GNUC_UNUSED, const char *path)
{
    return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t
real_write(const GasketDisk *disk G_GNUC_UNUSED, int fd, const void *bytes, size_t n)
{
    return write(fd, bytes, n);
}

static ssize_t
real_read(const GasketDisk *disk G_GNUC_UNUSED, int fd, void *bytes, size_t n)
{
    return read(fd, bytes, n);
}

static int
real_sync(const GasketDisk *disk G_GNUC_UNUSED, int fd)
{
    return fsync(fd);
}

static int
real_rename(const GasketDisk *disk G_GNUC_UNUSED, const char *from, const char *to)
{
    return rename(from, to);
}

static int
real_make_folder(const GasketDisk *disk G_GNUC_UNUSED, const char *path)
{
    return mkdir(path, 0700);
}

static int
real_sync_folder(const GasketDisk *disk G_GNUC_UNUSED, const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    int result = fsync(fd), reason = errno;
    close(fd);
    errno = reason;
    return result;
}

const GasketDisk gasket_disk_real = {
    .create = real_create,
    .open = real_open,
    .write = real_write,
    .read = real_read,
    .sync = real_sync,
    .rename = real_rename,
    .make_folder = real_make_folder,
    .sync_folder = real_sync_folder,
};

bool
gasket_disk_error(const char *path, const char *what, GError **error)
{
    int reason = errno;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "%s: %s: %s", path, what, g_strerror(reason));
    return false;
}

bool
gasket_disk_write(const GasketDisk *disk, int fd, const char *path, const void *bytes, size_t n,
                  GError **error)
{
    const uint8_t *from = bytes;

    while (n > 0) {
        ssize_t written = disk->write(disk, fd, from, n);
        if (written < 0 && errno == EINTR)
            continue;
        if (written == 0)
            errno = ENOSPC;
        if (written <= 0)
            return gasket_disk_error(path, "cannot be written", error);
        from += written;
        n -= (size_t)written;
    }
    return true;
}

/* Reads until the end or until the room is full; -1 and errno on failure. */
static int64_t
read_all(const GasketDisk *disk, int fd, uint8_t *bytes, uint64_t room)
{
    uint64_t n = 0;

    while (n < room) {
        ssize_t got = disk->read(disk, fd, bytes + n, (size_t)MIN(room - n, 1u << 30));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (uint64_t)got;
    }
    return (int64_t)n;
}

uint8_t *
gasket_disk_read_file(const GasketDisk *disk, const char *path, uint64_t most, uint64_t *ret_n,
                      GError **error)
{
    struct stat status;
    uint8_t *bytes = NULL;
    int fd = disk->open(disk, path);

    if (fd < 0 || fstat(fd, &status) != 0) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "%s: cannot be opened: %s", path,
                    g_strerror(errno));
    } else if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > most) {
        g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT,
                    "%s: expected a file of at most %" G_GUINT64_FORMAT " bytes", path, most);
    } else if ((bytes = gasket_array_new((uint64_t)status.st_size + 1, 1, error)) != NULL) {
        int64_t n = read_all(disk, fd, bytes, (uint64_t)status.st_size);
        if (n == status.st_size) {
            *ret_n = (uint64_t)n;
        } else {
            g_set_error(error, GASKET_ERROR, GASKET_ERROR_INPUT, "%s: cannot be read: %s", path,
                        n < 0 ? g_strerror(errno) : "it became shorter");
            gasket_array_free(bytes);
            bytes = NULL;
        }
    }
    if (fd >= 0)
        close(fd);
    return bytes;
}
