/* SPDX-License-Identifier: Apache-2.0 */
/* The version, which the build passes in. */
#ifndef GASKET_CLI_VERSION_H
#define GASKET_CLI_VERSION_H

#ifndef GASKET_VERSION
#error "GASKET_VERSION must be defined by the build"
#endif

#endif
