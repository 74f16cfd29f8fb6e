#ifndef EGRESS_LOG_H
#define EGRESS_LOG_H

#include <stdint.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** How much a log line matters. */
typedef enum egress_log_level {
  /** For whoever is looking for a fault in the library. */
  EGRESS_LOG_DEBUG = 0,
  /** Normal, worth knowing. */
  EGRESS_LOG_INFO = 1,
  /** Something was refused or retried; the server goes on. */
  EGRESS_LOG_WARN = 2,
  /** Something that an operator has to act on. */
  EGRESS_LOG_ERROR = 3
} egress_log_level;

/**
 * Takes one log line. The library never prints; without such a function nothing is formatted at all.
 *
 * :param level: an ``egress_log_level``.
 * :param category: static text, the part that speaks, such as ``"wire"``.
 * :param text: one line without a newline, valid during the call.
 * :param user: what was given with the function.
 *
 * Thread: the loop's.
 */
typedef void (*egress_log_fn)(int32_t level, const char *category, const char *text, void *user);

EGRESS_END_DECLS

#endif
