#ifndef EGRESS_DOCUMENT_H
#define EGRESS_DOCUMENT_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/diag.h>
#include <egress/export.h>

EGRESS_BEGIN_DECLS

/**
 * A text in JSON or YAML as a tree of values, for embedders whose resources stand inside a text of their own: see
 * ``egress_resource_from_value``. It never changes, so any thread may read it.
 */
typedef struct egress_document egress_document;

/** A value of a document and where it stands; lives as long as the document. */
typedef struct egress__node egress_value;

/** What a value is. */
typedef enum egress_value_type {
  /** Nothing: ``null``; in YAML also ``~`` and an empty place. */
  EGRESS_VALUE_NULL = 0,
  /** ``true`` or ``false``. */
  EGRESS_VALUE_BOOL = 1,
  /** A number as JSON writes it. */
  EGRESS_VALUE_NUMBER = 2,
  /** Text, UTF-8. */
  EGRESS_VALUE_TEXT = 3,
  /** A list. */
  EGRESS_VALUE_LIST = 4,
  /** Members with keys; no key stands twice. */
  EGRESS_VALUE_OBJECT = 5
} egress_value_type;

/**
 * Reads JSON (RFC 8259). Duplicate keys are errors.
 *
 * :param out: set on success only; the caller owns it.
 * :param text: UTF-8, ``size`` bytes, borrowed during the call; at most 64 MiB, 2^21 values (keys included), lists and
 *   objects nested at most 136 levels.
 * :param name: how diagnostics call the text, usually its path; NULL means ``"document"``.
 * :param alloc: borrowed for the document's life; NULL means malloc.
 * :param diag: says what is wrong and where.
 * :return: 0; EGRESS_ESYNTAX: not JSON, or a key stands twice; EGRESS_ELIMIT; EGRESS_ENOMEM; EGRESS_EINVAL.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_document_from_json(egress_document **out, const char *text, size_t size, const char *name,
                                         const egress_alloc *alloc, egress_diag *diag);

/**
 * Reads one YAML document as ``egress_document_from_json`` does, with the types of YAML's core schema. Anchors,
 * aliases, tags and keys that are no text are errors, and so is a text that holds nothing.
 *
 * :return: as ``egress_document_from_json``.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_document_from_yaml(egress_document **out, const char *text, size_t size, const char *name,
                                         const egress_alloc *alloc, egress_diag *diag);

/** Frees ``document`` and all its values; NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API void egress_document_free(egress_document *document);

/** The outermost value; NULL for NULL. Thread: any. Since: 0.1. */
EGRESS_API const egress_value *egress_document_root(const egress_document *document);

/** An ``egress_value_type``; ``EGRESS_VALUE_NULL`` for NULL. Thread: any. Since: 0.1. */
EGRESS_API int32_t egress_value_type_of(const egress_value *value);

/** Bytes of a text, a number or a bool as written, with a NUL behind them; ``""`` for others. Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_value_text(const egress_value *value);

/** Number of bytes of ``egress_value_text``; text may hold NULs. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_value_size(const egress_value *value);

/** The member ``key`` of an object; NULL: there is none, or ``object`` is no object. Thread: any. Since: 0.1. */
EGRESS_API const egress_value *egress_value_member(const egress_value *object, const char *key);

/** The first value in a list or object; NULL: there is none. Thread: any. Since: 0.1. */
EGRESS_API const egress_value *egress_value_first(const egress_value *value);

/** The value behind ``value`` in its list or object; NULL: it is the last. Thread: any. Since: 0.1. */
EGRESS_API const egress_value *egress_value_next(const egress_value *value);

/** The key of a member, itself a text; NULL for what is no member. Thread: any. Since: 0.1. */
EGRESS_API const egress_value *egress_value_key(const egress_value *value);

/** Line of the value in the text, from 1; 0 for NULL. Thread: any. Since: 0.1. */
EGRESS_API uint32_t egress_value_line(const egress_value *value);

/** Column of the value in the text, in characters from 1; 0 for NULL. Thread: any. Since: 0.1. */
EGRESS_API uint32_t egress_value_column(const egress_value *value);

EGRESS_END_DECLS

#endif
