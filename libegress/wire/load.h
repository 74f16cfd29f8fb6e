#ifndef EGRESS_WIRE_LOAD_H
#define EGRESS_WIRE_LOAD_H

#include <egress/load.h>

#include "wire/service.h"

/** The load reporting service: what clients report becomes events. Without `load_report_ms` there is none. */
extern const egress__service egress__load_service;

#endif
