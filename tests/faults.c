/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that fail when they are told to; see faults.h. */
#include "tests/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/array.h"
#include "engine/transport.h"

static _Atomic uint64_t countdown; /* 0: no fault, or it is over */
static _Atomic int armed;

void
fault_arm(Fault fault, uint64_t nth)
{
    armed = fault;
    countdown = nth;
}

bool
fault_disarm(void)
{
    return atomic_exchange(&countdown, 0) == 0;
}

/* Whether this call, which a fault of that sort can hit, is the one. */
static bool
is_hit(Fault fault)
{
    uint64_t left = countdown;
    if (armed != (int)fault)
        return false;
    while (left > 0)
        if (atomic_compare_exchange_weak(&countdown, &left, left - 1))
            return left == 1;
    return false;
}

static bool
fails(void)
{
    if (!is_hit(FAULT_CALL))
        return false;
    errno = EIO;
    return true;
}

/* How much of n bytes a call may do; -1 and errno where it fails. */
static ssize_t
allowed(size_t n)
{
    if (fails())
        return -1;
    if (is_hit(FAULT_INTERRUPTED)) {
        errno = EINTR;
        return -1;
    }
    return (ssize_t)(is_hit(FAULT_SHORT) ? (n + 1) / 2 : n);
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *__real_gasket_array_new(uint64_t n, size_t size, GError **error);
void *__wrap_gasket_array_new(uint64_t n, size_t size, GError **error);
void *__real_gasket_array_resize(void *array, uint64_t n, size_t size, GError **error);
void *__wrap_gasket_array_resize(void *array, uint64_t n, size_t size, GError **error);
GasketFrame *__real_gasket_frame_new(uint32_t type, uint32_t length, GError **error);
GasketFrame *__wrap_gasket_frame_new(uint32_t type, uint32_t length, GError **error);

static void *
no_memory(GError **error)
{
    g_set_error_literal(error, GASKET_ERROR, GASKET_ERROR_MEMORY, "no memory, says the test");
    return NULL;
}

void *
__wrap_gasket_array_new(uint64_t n, size_t size, GError **error)
{
    return is_hit(FAULT_MEMORY) ? no_memory(error) : __real_gasket_array_new(n, size, error);
}

void *
__wrap_gasket_array_resize(void *array, uint64_t n, size_t size, GError **error)
{
    return is_hit(FAULT_MEMORY) ? no_memory(error)
                                : __real_gasket_array_resize(array, n, size, error);
}

GasketFrame *
__wrap_gasket_frame_new(uint32_t type, uint32_t length, GError **error)
{
    return is_hit(FAULT_MEMORY) ? no_memory(error) : __real_gasket_frame_new(type, length, error);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* The names with 64 are those that Linux has for files of more than 2 GiB. */
#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails() ? -1 : __real_##name arguments;                                             \
    }

#define WRAP_OPEN(name)                                                                            \
    int __real_##name(const char *path, int flags, mode_t mode);                                   \
    int __wrap_##name(const char *path, int flags, mode_t mode);                                   \
    int __wrap_##name(const char *path, int flags, mode_t mode)                                    \
    {                                                                                              \
        return fails() ? -1 : __real_##name(path, flags, mode);                                    \
    }

#define WRAP_BYTES(name, parameters, arguments)                                                    \
    ssize_t __real_##name parameters;                                                              \
    ssize_t __wrap_##name parameters;                                                              \
    ssize_t __wrap_##name parameters                                                               \
    {                                                                                              \
        ssize_t most = allowed(n);                                                                 \
        return most < 0 ? -1 : __real_##name arguments;                                            \
    }

WRAP_OPEN(open)
WRAP_OPEN(open64)
WRAP(int, fsync, (int fd), (fd))
WRAP(int, rename, (const char *from, const char *to), (from, to))
WRAP(int, mkdir, (const char *path, mode_t mode), (path, mode))
WRAP(int, linkat, (int a, const char *from, int b, const char *to, int flags),
     (a, from, b, to, flags))
WRAP(int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(int, ftruncate64, (int fd, off_t size), (fd, size))
WRAP_BYTES(read, (int fd, void *bytes, size_t n), (fd, bytes, (size_t)most))
WRAP_BYTES(write, (int fd, const void *bytes, size_t n), (fd, bytes, (size_t)most))
WRAP_BYTES(pread, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, (size_t)most, at))
WRAP_BYTES(pread64, (int fd, void *bytes, size_t n, off_t at), (fd, bytes, (size_t)most, at))
WRAP_BYTES(pwrite, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, (size_t)most, at))
WRAP_BYTES(pwrite64, (int fd, const void *bytes, size_t n, off_t at), (fd, bytes, (size_t)most, at))
