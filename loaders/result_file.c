/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file that appears whole or not at all; see result_file.h.
 *
 * Invariants:
 *   1. `temporary` is a name to remove, or NULL: the file has no name, or is published, or direct.
 *   2. A direct file (standard output, a device, a pipe) has no target and needs no sync.
 *   3. n_buffered bytes follow those that the descriptor holds.
 */
#include "loaders/result_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER_BYTES ((size_t)1 << 20)

struct GasketResultFile {
    int fd;
    bool direct;
    bool owns_fd;    /* false for standard output */
    char *path;      /* as given, for messages */
    char *target;    /* where it will stand; NULL if direct */
    char *temporary; /* name that it has until then, or NULL */
    char *buffer;    /* [BUFFER_BYTES] */
    size_t n_buffered;
};

static bool
fail(const char *path, const char *what, int code, GError **error)
{
    const char *name = strcmp(path, "-") == 0 ? "standard output" : path;
    g_set_error(error, GASKET_ERROR, GASKET_ERROR_IO, "cannot %s %s: %s", what, name,
                g_strerror(code));
    return false;
}

char *
gasket_result_file_target(const char *path)
{
    char *resolved = realpath(path, NULL);
    if (resolved == NULL)
        return g_strdup(path);
    char *target = g_strdup(resolved);
    free(resolved);
    return target;
}

char *
gasket_result_file_spare_name(const char *target)
{
    for (unsigned i = 0;; i++) {
        char *name = g_strdup_printf("%s.%u.tmp", target, (unsigned)getpid() + i);
        if (access(name, F_OK) != 0)
            return name;
        g_free(name);
    }
}

/* Opens a file without a name in the target's folder, or with a spare one. -1 on failure. */
static int
open_unpublished(const char *target, mode_t mode, char **ret_temporary)
{
    g_autofree char *folder = g_path_get_dirname(target);
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
    if (fd >= 0) {
        /* It gets its name through /proc; where that is missing it needs one from the start. */
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
        if (access(link, F_OK) == 0)
            return fd;
        (void)close(fd); /* nothing was written to it */
    }
    for (int attempt = 0; attempt < 100; attempt++) {
        g_autofree char *name = gasket_result_file_spare_name(target);
        fd = open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, mode);
        if (fd >= 0) {
            *ret_temporary = g_steal_pointer(&name);
            return fd;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

GasketResultFile *
gasket_result_file_new(const char *path, GError **error)
{
    g_autoptr(GasketResultFile) file = g_new0(GasketResultFile, 1);
    file->fd = -1;
    file->path = g_strdup(path);
    file->buffer = g_malloc(BUFFER_BYTES);

    struct stat status;
    bool exists = false;
    if (strcmp(path, "-") == 0) {
        file->fd = STDOUT_FILENO;
        file->direct = true;
        return g_steal_pointer(&file);
    }
    exists = stat(path, &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) {
        fail(path, "write", EISDIR, error);
        return NULL;
    }
    file->owns_fd = true;
    if (exists && !S_ISREG(status.st_mode)) {
        file->direct = true;
        file->fd = open(path, O_WRONLY | O_CLOEXEC);
    } else {
        file->target = gasket_result_file_target(path);
        file->fd = open_unpublished(file->target, 0666, &file->temporary);
    }
    if (file->fd < 0) {
        fail(path, "write", errno, error);
        return NULL;
    }
    /* A file that is replaced keeps its permissions; not being able to is no reason to fail. */
    if (exists && !file->direct)
        (void)!fchmod(file->fd, status.st_mode & 07777);
    return g_steal_pointer(&file);
}

static bool
write_all(GasketResultFile *file, const char *data, size_t length, GError **error)
{
    while (length > 0) {
        ssize_t written = write(file->fd, data, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(file->path, "write", errno, error);
        data += written;
        length -= (size_t)written;
    }
    return true;
}

static bool
flush(GasketResultFile *file, GError **error)
{
    if (!write_all(file, file->buffer, file->n_buffered, error))
        return false;
    file->n_buffered = 0;
    return true;
}

bool
gasket_result_file_write(GasketResultFile *file, const void *data, size_t length, GError **error)
{
    if (length > BUFFER_BYTES - file->n_buffered && !flush(file, error))
        return false;
    if (length > BUFFER_BYTES)
        return write_all(file, data, length, error);
    memcpy(file->buffer + file->n_buffered, data, length);
    file->n_buffered += length;
    return true;
}

bool
gasket_result_file_rewrite_start(GasketResultFile *file, const void *data, size_t length,
                                 GError **error)
{
    g_assert(!file->direct);
    if (!flush(file, error))
        return false;
    for (size_t done = 0; done < length;) {
        ssize_t written = pwrite(file->fd, (const char *)data + done, length - done, (off_t)done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return fail(file->path, "write", errno, error);
        done += (size_t)written;
    }
    return true;
}

bool
gasket_result_file_can_rewrite(const GasketResultFile *file)
{
    return !file->direct;
}

int
gasket_result_file_descriptor(const GasketResultFile *file)
{
    g_assert(!file->direct);
    return file->fd;
}

bool
gasket_result_file_sync(GasketResultFile *file, GError **error)
{
    if (!flush(file, error))
        return false;
    if (!file->direct && fsync(file->fd) != 0)
        return fail(file->path, "write", errno, error);
    return true;
}

bool
gasket_result_file_sync_folder(const char *path, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(path);
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail(folder, "open", errno, error);
    /* Some file systems cannot sync a folder, which is not this file's failure. */
    int code = fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
    (void)close(fd); /* only read */
    return code == 0 || fail(folder, "sync", code, error);
}

bool
gasket_result_file_publish(GasketResultFile *file, GError **error)
{
    g_assert(file->n_buffered == 0);
    if (file->direct)
        return true;
    if (file->temporary == NULL) {
        g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", file->fd);
        if (linkat(AT_FDCWD, link, AT_FDCWD, file->target, AT_SYMLINK_FOLLOW) == 0)
            return gasket_result_file_sync_folder(file->target, error);
        /* Something stands there: it is replaced by a rename, which needs a name to begin with. */
        g_autofree char *name = gasket_result_file_spare_name(file->target);
        if (linkat(AT_FDCWD, link, AT_FDCWD, name, AT_SYMLINK_FOLLOW) != 0)
            return fail(file->path, "write", errno, error);
        file->temporary = g_steal_pointer(&name);
    }
    if (rename(file->temporary, file->target) != 0)
        return fail(file->path, "write", errno, error);
    g_clear_pointer(&file->temporary, g_free);
    return gasket_result_file_sync_folder(file->target, error);
}

void
gasket_result_file_free(GasketResultFile *file)
{
    if (file == NULL)
        return;
    if (file->temporary != NULL)
        (void)unlink(file->temporary); /* nothing better to do if it has gone already */
    if (file->owns_fd && file->fd >= 0)
        (void)close(file->fd); /* synced before, or to be dropped */
    g_free(file->path);
    g_free(file->target);
    g_free(file->temporary);
    g_free(file->buffer);
    g_free(file);
}

bool
gasket_result_file_check(const char *path, GError **error)
{
    if (strcmp(path, "-") == 0)
        return true;
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        if (S_ISDIR(status.st_mode))
            return fail(path, "write", EISDIR, error);
        return access(path, W_OK) == 0 || fail(path, "write", errno, error);
    }
    g_autofree char *target = gasket_result_file_target(path);
    g_autofree char *folder = g_path_get_dirname(target);
    return access(folder, W_OK | X_OK) == 0 || fail(path, "write", errno, error);
}
