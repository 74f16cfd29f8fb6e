#ifndef EGRESS_TEXT_H
#define EGRESS_TEXT_H

#include <stddef.h>

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/** Bytes that a call made for its caller: JSON, an explanation, a bootstrap. Owned by who asked for it. */
typedef struct egress_text egress_text;

/** The bytes, followed by a NUL; they live as long as ``text``. ``""`` for NULL. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_text_data(const egress_text *text);

/** Number of bytes without the NUL; 0 for NULL. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_text_size(const egress_text *text);

/** Frees ``text``; NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API void egress_text_free(egress_text *text);

EGRESS_END_DECLS

#endif
