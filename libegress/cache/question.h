#ifndef EGRESS_CACHE_QUESTION_H
#define EGRESS_CACHE_QUESTION_H

#include "cache/cache.h"

/*
 * Questions to the embedder: a stream's client asked for a name that the group's snapshot has not. A question is open
 * until it is answered, by a snapshot with that name or by egress_cache_absent, or its time is over. It is of a group:
 * whoever of that asks for the same name meanwhile waits for the same answer. Thread: the cache's.
 */

enum {
  EGRESS__QUESTIONS_MAX = 16384 /* open at once, of all groups: at 4.5 KiB at most, 74 MB; clients make them */
};

/** 1 when the embedder answers questions at all. */
int egress__question_is_possible(const egress__watch *watch);

/**
 * Asks for a name, in normal form, that the stream does not know.
 *
 * Returns 1: the embedder is to be told; 0: he was, by somebody else; EGRESS_ELIMIT: he is asked too much already, and
 * is not to be told; EGRESS_ENOMEM.
 */
int egress__question_ask(const egress__watch *watch, const char *type_url, const char *name, uint64_t now_ms);

/** When a question's time is over; 0: it is not open. */
uint64_t egress__question_until(const egress__watch *watch, const char *type_url, const char *name, uint64_t now_ms);

/** It was answered by a snapshot; one that is not open is allowed. */
void egress__question_close(const egress__watch *watch, const char *type_url, const char *name);

/** All are gone, with the cache. */
void egress__questions_dispose(egress_cache *cache);

#endif
