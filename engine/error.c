/* SPDX-License-Identifier: Apache-2.0 */
/* The error domain of every GError that Gasket sets. */
#include <gasket/error.h>

GQuark
gasket_error_quark(void)
{
    return g_quark_from_static_string("gasket-error-quark");
}
