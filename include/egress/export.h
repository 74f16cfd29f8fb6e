#ifndef EGRESS_EXPORT_H
#define EGRESS_EXPORT_H

/** Marks what the shared library exports; everything else is hidden. */
#if defined(__GNUC__)
#define EGRESS_API __attribute__((visibility("default")))
#else
#define EGRESS_API
#endif

#ifdef __cplusplus
#define EGRESS_BEGIN_DECLS extern "C" {
#define EGRESS_END_DECLS }
#else
#define EGRESS_BEGIN_DECLS
#define EGRESS_END_DECLS
#endif

#endif
