#ifndef EGRESS_ERROR_H
#define EGRESS_ERROR_H

#include <egress/export.h>

EGRESS_BEGIN_DECLS

/**
 * What a call returns: 0, or one of these negative numbers. A number is never reused or renumbered.
 *
 * Programs go by the code; people by the sentence, with file, line and column, in an ``egress_diag``.
 */
typedef enum egress_code {
  /** It worked. */
  EGRESS_OK = 0,
  /** There was no memory to be had; the call changed nothing. */
  EGRESS_ENOMEM = -1,
  /** An argument that this call cannot take. */
  EGRESS_EINVAL = -2,
  /** An options struct sets a field that this build of the library does not know. */
  EGRESS_EABI = -3,
  /** Text that is not well-formed YAML or JSON. */
  EGRESS_ESYNTAX = -4,
  /** Well-formed text that is not a valid policy. */
  EGRESS_EPOLICY = -5,
  /** A file could not be read. */
  EGRESS_EIO = -6,
  /** A named limit was passed. */
  EGRESS_ELIMIT = -7,
  /** Bytes that are not the protobuf message they should be. */
  EGRESS_EWIRE = -8,
  /** A peer broke the xDS protocol. */
  EGRESS_EPROTO = -9,
  /** An address that cannot be understood, or that this process may not listen on. */
  EGRESS_EADDR = -10,
  /** The address is taken by another server. */
  EGRESS_EADDRINUSE = -11,
  /** A certificate or private key that TLS cannot use. */
  EGRESS_ETLS = -12,
  /** A policy says something that the chosen listener mode cannot express. */
  EGRESS_EUNSUPPORTED = -13,
  /** There is no such thing. */
  EGRESS_ENOENT = -14,
  /** Calls in the wrong order, such as listening on a closing server. */
  EGRESS_ESTATE = -15,
  /** Well-formed text that is not the message it should be. */
  EGRESS_ERESOURCE = -16,
  /** This client may not have that. */
  EGRESS_EDENIED = -17,
  /** Two resources of a type go by the same name or alias. */
  EGRESS_ECLASH = -18
} egress_code;

/**
 * Says in a few words what ``code`` means.
 *
 * :param code: an ``egress_code``, or any number.
 * :return: static English text without a full stop; never NULL, also for a code that this build does not know.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_strerror(int code);

/**
 * The name of ``code`` as it is written in C, such as ``"EGRESS_EPOLICY"``.
 *
 * :param code: an ``egress_code``, or any number.
 * :return: static text; ``"EGRESS_EUNKNOWN"`` for a number that is no code.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API const char *egress_code_name(int code);

EGRESS_END_DECLS

#endif
