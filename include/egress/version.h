#ifndef EGRESS_VERSION_H
#define EGRESS_VERSION_H

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** Version of these headers. */
#define EGRESS_VERSION "0.1.0"

/** Version of the library that is running; static text. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_version(void);

EGRESS_END_DECLS

#endif
