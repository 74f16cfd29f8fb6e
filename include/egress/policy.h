#ifndef EGRESS_POLICY_H
#define EGRESS_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include <egress/alloc.h>
#include <egress/diag.h>
#include <egress/export.h>
#include <egress/text.h>

EGRESS_BEGIN_DECLS

/**
 * A policy that passed every check: which clients may connect to what. Immutable and reference-counted, so it may be
 * read and shared by any number of threads.
 */
typedef struct egress_policy egress_policy;

/** Options for reading a policy. */
typedef struct egress_policy_options {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Where the policy's memory comes from; must outlive it; NULL means malloc. */
  const egress_alloc *alloc;
} egress_policy_options;
#define EGRESS_POLICY_OPTIONS_INIT \
  { sizeof(egress_policy_options), NULL }

/**
 * Reads a policy from text (YAML, ``version: egress/v1``; ``docs/policy.md`` has the format).
 *
 * :param out: set on success only; the caller owns one reference.
 * :param text: UTF-8, ``size`` bytes, borrowed during the call; at most 16 MiB.
 * :param size: bytes of ``text``.
 * :param name: how diagnostics call the text, usually its path; copied; NULL means ``"policy"``.
 * :param options: NULL means the defaults.
 * :param diag: gets every fault found, not only the first, and warnings also on success.
 * :return: 0; EGRESS_ESYNTAX: not YAML; EGRESS_EPOLICY: not a valid policy; EGRESS_ELIMIT: larger than a limit of
 *   ``docs/policy.md``; EGRESS_ENOMEM; EGRESS_EINVAL: no ``out`` or ``text``; EGRESS_EABI.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_policy_parse(egress_policy **out, const char *text, size_t size, const char *name,
                                   const egress_policy_options *options, egress_diag *diag);

/**
 * Reads a policy from a plain file: as ``egress_policy_parse`` on its contents.
 *
 * :param path: NUL-terminated; also the name in diagnostics.
 * :return: as ``egress_policy_parse``, and EGRESS_EIO: the file cannot be read (``diag`` says why).
 *
 * Thread: any; blocks on the file. Since: 0.1.
 */
EGRESS_API int egress_policy_load(egress_policy **out, const char *path, const egress_policy_options *options,
                                  egress_diag *diag);

/** Takes one more reference; returns ``policy``. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API egress_policy *egress_policy_ref(egress_policy *policy);

/** Gives one reference back; the last frees the policy. NULL is allowed. Thread: any. Since: 0.1. */
EGRESS_API void egress_policy_unref(egress_policy *policy);

/** Number of rules: the ``deny`` entries in file order first, then the ``rules``. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_policy_rule_count(const egress_policy *policy);

/** Name of rule ``index``; lives as long as ``policy``; NULL past the end. Thread: any. Since: 0.1. */
EGRESS_API const char *egress_policy_rule_name(const egress_policy *policy, size_t index);

/** Number of host patterns and CIDRs in all rules, groups counted where they are used. Thread: any. Since: 0.1. */
EGRESS_API size_t egress_policy_destination_count(const egress_policy *policy);

/** What a client speaks to the proxy, as the proxy can see it. */
typedef enum egress_protocol {
  /** TLS with a server name, or an explicit CONNECT to a name. */
  EGRESS_PROTOCOL_TLS = 1,
  /** Plain HTTP. */
  EGRESS_PROTOCOL_HTTP = 2,
  /** A connection, or an explicit CONNECT, to an address. */
  EGRESS_PROTOCOL_TCP = 3
} egress_protocol;

/** One attempt to leave: who asks, for what. Everything is borrowed during the call. */
typedef struct egress_flow {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Address of the client, ``"10.4.0.7"`` or ``"2001:db8::7"``; required. */
  const char *source;
  /** Name asked for (server name, Host, authority without its port), any bytes; NULL: none was given. */
  const char *name;
  /** Bytes of ``name``; 0 means that it ends with a NUL. */
  size_t name_size;
  /** Address dialled or asked for, as ``source``; NULL: none. */
  const char *address;
  /** Addresses that ``name`` resolves to, where known; each must pass. NULL, or none: unknown. */
  const char *const *resolved;
  /** Number of ``resolved``. */
  size_t resolved_count;
  /** An ``egress_protocol``. */
  int32_t protocol;
  /** Destination port, 1 to 65535. */
  uint16_t port;
  /** 0; anything else is EGRESS_EABI. */
  uint16_t reserved;
} egress_flow;
#define EGRESS_FLOW_INIT \
  { sizeof(egress_flow), NULL, NULL, 0, NULL, NULL, 0, EGRESS_PROTOCOL_TLS, 443, 0 }

/** What happens to a flow. */
typedef enum egress_verdict {
  /** Refused. */
  EGRESS_DENY = 0,
  /** Let through. */
  EGRESS_ALLOW = 1,
  /** Let through if the addresses that the name resolves to pass the address guard; the flow did not say them. */
  EGRESS_ALLOW_IF_ADDRESS = 2
} egress_verdict;

/** Why a flow got its verdict. */
typedef enum egress_reason {
  /** An allow rule matched. */
  EGRESS_REASON_RULE = 0,
  /** A deny entry matched. */
  EGRESS_REASON_DENY_RULE = 1,
  /** No rule matched. */
  EGRESS_REASON_NO_MATCH = 2,
  /** The name is not a valid host name. */
  EGRESS_REASON_BAD_NAME = 3,
  /** TLS without a server name, and the policy says to deny that. */
  EGRESS_REASON_NO_SNI = 4,
  /** An allow rule matched, but the name resolves to a special-use address (the address guard). */
  EGRESS_REASON_GUARD = 5,
  /** An allow rule matched by name, but a deny entry, which ``rule`` names, covers an address it resolves to. */
  EGRESS_REASON_DENY_ADDRESS = 6
} egress_reason;

/** A verdict and what led to it. Text lives as long as the policy. */
typedef struct egress_decision {
  /** Set by the ``_INIT`` macro: how large the caller's compiler made this struct. */
  size_t size;
  /** Name of the rule that decided; NULL when none did. With ``EGRESS_REASON_GUARD``: the allow rule that matched. */
  const char *rule;
  /** The rule's ``owner``: who to ask; NULL when it names none. */
  const char *owner;
  /** The rule's ``reason`` as written in the policy; NULL when it has none. */
  const char *note;
  /** An ``egress_verdict``. */
  int32_t verdict;
  /** An ``egress_reason``. */
  int32_t reason;
  /** Line of the rule in the policy text, from 1; 0 when no rule decided. */
  uint32_t line;
  /** Column of the rule in the policy text, from 1; 0 when no rule decided. */
  uint32_t column;
} egress_decision;
#define EGRESS_DECISION_INIT \
  { sizeof(egress_decision), NULL, NULL, NULL, EGRESS_DENY, EGRESS_REASON_NO_MATCH, 0, 0 }

/**
 * Decides one flow: refused when a ``deny`` entry matches it, else allowed by the first of the ``rules`` that does,
 * else refused. Allocates nothing.
 *
 * A flow with a name and an address is denied by a deny entry for either, and allowed by name if any rule allows the
 * name (Envoy then dials what the name resolves to), else by address. An IPv4 address written as IPv6
 * (``::ffff:192.0.2.1``) is taken as the IPv4 address in ``source``; as ``address`` it is refused, since no rule can
 * name it.
 *
 * The verdict is that of an Envoy running what ``egress_compile`` made of the same policy.
 *
 * :param policy: borrowed. :param flow: borrowed. :param out: filled on success only.
 * :return: 0; EGRESS_EINVAL: an argument is NULL, ``source`` or another address cannot be read, the port is 0 or the
 *   protocol is none; EGRESS_EABI: ``reserved`` or a field unknown here is not 0.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_policy_decide(const egress_policy *policy, const egress_flow *flow, egress_decision *out);

/**
 * Says in a sentence how ``flow`` is decided and why, and for a refusal what comes nearest:
 * ``denied: no rule allows source 10.9.0.1 (nearest: shop-payments, policy.yaml:5, allows 10.20.0.0/16)``.
 *
 * :param out: set on success only; the caller owns it.
 * :return: as ``egress_policy_decide``, and EGRESS_ENOMEM.
 *
 * Thread: any. Since: 0.1.
 */
EGRESS_API int egress_policy_explain(egress_text **out, const egress_policy *policy, const egress_flow *flow);

EGRESS_END_DECLS

#endif
