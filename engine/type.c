/* SPDX-License-Identifier: Apache-2.0 */
/* The size of each type of column element. */
#include <gasket/types.h>

size_t
gasket_type_size(GasketType type)
{
    switch (type) {
    case GASKET_UINT8:
        return 1;
    case GASKET_INT32:
    case GASKET_UINT32:
    case GASKET_FLOAT:
    case GASKET_VERTEX:
        return 4;
    case GASKET_INT64:
    case GASKET_DOUBLE:
        return 8;
    }
    g_assert_not_reached();
}
