/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors. Every function that can fail at run time returns false or NULL and takes a GError **;
 * on failure it has set one of the codes below and left its out-parameters untouched. A caller's
 * bug (a NULL where none may stand, an index out of range) is an assertion, never a GError.
 *
 * Messages are sentences without a final full stop. Those about input start with `FILE:LINE: `
 * and say what was found and what was expected.
 */
#ifndef GASKET_ERROR_H
#define GASKET_ERROR_H

#include <gasket/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define GASKET_ERROR (gasket_error_quark())

/* ORDER gasket_error_code: the order is the wire's (a failing worker reports its code). */
typedef enum {
    GASKET_ERROR_FAILED,   /* anything else; exit code 1 */
    GASKET_ERROR_ARGUMENT, /* an option or argument is wrong; exit code 2 */
    GASKET_ERROR_FORMAT,   /* input that does not follow its format; exit code 3 */
    GASKET_ERROR_IO,       /* a result cannot be written, a system call failed; exit code 1 */
    GASKET_ERROR_MEMORY,   /* an allocation whose size comes from data failed; exit code 1 */
    GASKET_ERROR_PEER,     /* a worker died, fell silent or left; exit code 4 */
    GASKET_ERROR_PROTOCOL, /* a peer sent what it must not; exit code 4 */
    GASKET_ERROR_INPUT,    /* an input file cannot be opened or read; exit code 3 */
} GasketErrorCode;

GASKET_API GQuark gasket_error_quark(void);

#ifdef __cplusplus
}
#endif

#endif
