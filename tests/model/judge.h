#ifndef TESTS_MODEL_JUDGE_H
#define TESTS_MODEL_JUDGE_H

#include "model/client.h"

/* What the server may send and what must have come of it; a number such as c37 is that of the rule of xDS. */

#define MUST(holds, ...) ((holds) ? (void)0 : judge_fail(__VA_ARGS__))

/* Says what is wrong and aborts. */
_Noreturn void judge_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * A response as it is made: may it be? Takes note of what it settles. `last_type` is that of the response made just
 * before, -1: none. Returns its type.
 */
int judge_response(client *c, const xds_response *response, int last_type);

/* All that is due now was sent: could the server be silent about the rest? */
void judge_silence(client *c);

/* All is sent and accepted: does the client hold what it wants of what there is, and nothing else? */
void judge_quiet(client *c);

#endif
