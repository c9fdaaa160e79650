/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader knows of the report, over a stream to rank 0. */
#ifndef GASKET_ENGINE_REPORT_WIRE_H
#define GASKET_ENGINE_REPORT_WIRE_H

#include "engine/report.h"
#include "engine/stream.h"

bool gasket_report_send_input(const GasketReport *report, GasketStream *stream, GError **error);
bool gasket_report_receive_input(GasketReport *report, GasketStream *stream, GError **error);

#endif
