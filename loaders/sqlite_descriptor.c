/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual file system of SQLite's ("VFS") whose only files are descriptors, named by their
 * number in decimal. See sqlite_descriptor.h.
 */
#include "loaders/sqlite_descriptor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>
#include <sqlite3.h>

#define VFS_NAME    "gasket-descriptor"
#define SECTOR_SIZE 4096

typedef struct {
    sqlite3_file file;
    int fd;
} DescriptorFile;

static int
descriptor_fd(const sqlite3_file *file)
{
    return ((const DescriptorFile *)file)->fd;
}

/* ---- files ----------------------------------------------------------------------------------- */

static int
close_file(sqlite3_file *file)
{
    (void)file; /* the descriptor is its owner's */
    return SQLITE_OK;
}

static int
read_file(sqlite3_file *file, void *data, int size, sqlite3_int64 offset)
{
    int done = 0;
    while (done < size) {
        ssize_t got = pread(descriptor_fd(file), (char *)data + done, (size_t)(size - done),
                            (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return SQLITE_IOERR_READ;
        if (got == 0)
            break;
        done += (int)got;
    }
    memset((char *)data + done, 0, (size_t)(size - done)); /* as the interface asks */
    return done == size ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int
write_file(sqlite3_file *file, const void *data, int size, sqlite3_int64 offset)
{
    for (int done = 0; done < size;) {
        ssize_t written = pwrite(descriptor_fd(file), (const char *)data + done,
                                 (size_t)(size - done), (off_t)(offset + done));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
        done += (int)written;
    }
    return SQLITE_OK;
}

static int
truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    return ftruncate(descriptor_fd(file), (off_t)size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int
sync_file(sqlite3_file *file, int flags)
{
    (void)file, (void)flags; /* the owner syncs once, when all is there */
    return SQLITE_OK;
}

static int
size_of_file(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    struct stat status;
    if (fstat(descriptor_fd(file), &status) != 0)
        return SQLITE_IOERR_FSTAT;
    *ret_size = status.st_size;
    return SQLITE_OK;
}

static int
lock_file(sqlite3_file *file, int level)
{
    (void)file, (void)level; /* nobody else can open it */
    return SQLITE_OK;
}

static int
check_reserved(sqlite3_file *file, int *ret_reserved)
{
    (void)file;
    *ret_reserved = 0;
    return SQLITE_OK;
}

static int
control_file(sqlite3_file *file, int operation, void *argument)
{
    (void)file, (void)operation, (void)argument;
    return SQLITE_NOTFOUND;
}

static int
sector_size(sqlite3_file *file)
{
    (void)file;
    return SECTOR_SIZE;
}

static int
characteristics(sqlite3_file *file)
{
    (void)file;
    return SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN;
}

static const sqlite3_io_methods methods = {
    .iVersion = 1,
    .xClose = close_file,
    .xRead = read_file,
    .xWrite = write_file,
    .xTruncate = truncate_file,
    .xSync = sync_file,
    .xFileSize = size_of_file,
    .xLock = lock_file,
    .xUnlock = lock_file,
    .xCheckReservedLock = check_reserved,
    .xFileControl = control_file,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = characteristics,
};

/* ---- the file system ------------------------------------------------------------------------- */

static int
open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
    (void)vfs;
    file->pMethods = NULL; /* nothing to close */
    if (name == NULL || (flags & SQLITE_OPEN_MAIN_DB) == 0)
        return SQLITE_CANTOPEN;
    ((DescriptorFile *)file)->fd = atoi(name);
    file->pMethods = &methods;
    if (ret_flags != NULL)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int
delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    (void)vfs, (void)name, (void)sync;
    return SQLITE_OK;
}

/* There are no other files: no journal to roll back, no log. */
static int
find_file(sqlite3_vfs *vfs, const char *name, int flags, int *ret_found)
{
    (void)vfs, (void)name, (void)flags;
    *ret_found = 0;
    return SQLITE_OK;
}

static int
full_name(sqlite3_vfs *vfs, const char *name, int size, char *ret_name)
{
    (void)vfs;
    return g_strlcpy(ret_name, name, (gsize)size) < (gsize)size ? SQLITE_OK : SQLITE_CANTOPEN;
}

/* Randomness, clock and sleep are those of the system's own. What is registered stands until the
 * process ends; two threads that come first at once register one each, and either will do. */
static int
register_vfs(void)
{
    if (sqlite3_vfs_find(VFS_NAME) != NULL)
        return SQLITE_OK;
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (system == NULL)
        return SQLITE_ERROR;
    sqlite3_vfs *vfs = g_memdup2(system, sizeof *vfs);
    vfs->pNext = NULL;
    vfs->szOsFile = sizeof(DescriptorFile);
    vfs->zName = VFS_NAME;
    vfs->xOpen = open_file;
    vfs->xDelete = delete_file;
    vfs->xAccess = find_file;
    vfs->xFullPathname = full_name;
    return sqlite3_vfs_register(vfs, 0);
}

int
gasket_sqlite_open_descriptor(int fd, sqlite3 **ret_db)
{
    char name[16];
    *ret_db = NULL;
    int code = register_vfs();
    if (code != SQLITE_OK)
        return code;
    g_snprintf(name, sizeof name, "%d", fd);
    code = sqlite3_open_v2(name, ret_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, VFS_NAME);
    if (code == SQLITE_OK)
        code = sqlite3_exec(*ret_db,
                            "PRAGMA journal_mode = MEMORY; PRAGMA temp_store = MEMORY; "
                            "PRAGMA synchronous = OFF",
                            NULL, NULL, NULL);
    return code;
}
