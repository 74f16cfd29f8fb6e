/*
 * State of the world. A response for clusters, listeners or scoped routes holds all that the client wants of them: what
 * is absent is deleted. One for another type may hold just the changed ones: what is absent stays. "Does not exist" is
 * said by the absence from a whole response, which a client may take for the answer to an older request; and, of names
 * that the embedder was asked for in vain, by an error NOT_FOUND. Of other names that are not there nothing is said:
 * they may be about to come. Globs are of delta only: here they are names of nothing.
 */
#include <string.h>

#include <egress/error.h>

#include "xds/beat.h"

/* An empty list means everything only to clients that never said a name (and for some types); later it means none. */
static int is_everything(const egress__track *track, const egress__request *request) {
  return request->added == 0 && track->whole && !track->want.named;
}

int egress__sotw_subscribe(egress__track *track, const egress__request *request) {
  egress__subscription *want = &track->want;
  int wildcard = is_everything(track, request);
  want->request++;
  egress__span rest = request->bytes, name;
  egress__xdstp_room room;
  while (egress__request_name(request, EGRESS__NAMES_ADDED, &rest, &name)) {
    if (egress__span_is_star(name)) {
      wildcard = want->named = 1;
      continue;
    }
    int rv = egress__subscription_add(want, egress__xdstp_normal(&room, name));
    if (rv != 0)
      return rv;
  }
  egress__subscription_keep_listed(want);
  if (wildcard != want->wildcard || want->wildcard_forgotten)
    egress__subscription_set_wildcard(want, wildcard);
  return 0;
}

/* What is new in the list is not remembered, what it leaves out is not dropped: the client will say it all again. */
void egress__sotw_overtaken(egress__track *track, const egress__request *request) {
  egress__subscription *want = &track->want;
  int wildcard = is_everything(track, request);
  want->request++;
  egress__span rest = request->bytes, text;
  egress__xdstp_room room;
  while (egress__request_name(request, EGRESS__NAMES_ADDED, &rest, &text)) {
    want->named = 1; /* should the list that it sends again be empty, that means none */
    wildcard |= egress__span_is_star(text);
    text = egress__xdstp_normal(&room, text);
    egress__name *name = egress__subscription_find(want, (const char *)text.data, text.size);
    if (name != NULL)
      name->listed = want->request;
  }
  egress__subscription_forget_unlisted(want);
  want->wildcard_forgotten |= !wildcard;
}

/* Of what was collected, the errors: they are told once, when they are news. */
static void keep_errors(egress__answer *answer) {
  size_t count = 0;
  for (size_t i = 0; i < answer->puts.count; i++)
    if (egress_resource_error(answer->puts.items[i]) != 0)
      answer->puts.items[count++] = answer->puts.items[i];
  answer->puts.count = count;
}

/* Adds all there is. */
static int put_everything(egress__answer *answer, const egress__type_set *to) {
  egress__cursor at = {.set = to};
  int rv = 0;
  for (egress_resource *item; rv == 0 && (item = egress__cursor_next(&at)) != NULL;)
    rv = egress_resource_error(item) == 0 ? egress__answer_put(answer, item) : 0;
  return rv;
}

/* All that the client wants, in the place of what was collected, but errors. */
static int put_all_wanted(egress__answer *answer, const egress__track *track, const egress__type_set *to) {
  keep_errors(answer);
  if (track->want.wildcard)
    return put_everything(answer, to);
  size_t cursor = 0;
  for (const egress__map_entry *entry; (entry = egress__map_next(&track->want.names, &cursor)) != NULL;) {
    const egress__name *name = entry->value;
    egress_resource *resource = egress__type_set_find(to, name->text);
    if (name->wanted && resource != NULL && egress_resource_error(resource) == 0 &&
        egress__answer_put(answer, resource) != 0)
      return EGRESS_ENOMEM;
  }
  return 0;
}

/* Returns 1 when there is something to say, 0 or EGRESS_ENOMEM. */
static int collect(egress__answer *answer, egress__track *track, egress__steps *steps, const egress__type_set *to,
                   int step) {
  int again = step && track->relabelled; /* all that the client wants, under another label */
  egress__step *changes = NULL;
  int rv = step && !again ? egress__track_changes(&changes, track, steps, to) : 0;
  if (rv == 0)
    rv = egress__answer_changes(answer, track, changes);
  if (rv == 0)
    rv = egress__answer_owed(answer, track, to, step);
  if (rv != 0)
    return rv;
  if (!track->whole && !again)
    return answer->puts.count > 0;
  if (!again && answer->puts.count + answer->removed.count == 0)
    return 0;
  rv = put_all_wanted(answer, track, to);
  return rv != 0 ? rv : track->whole || answer->puts.count > 0;
}

/* Names that the embedder was asked for in vain: a client that knows errors need not wait until its time is over. */
static int put_not_found(egress__answer *answer, const egress__track *track, const egress__type_set *to, int step) {
  enum { NOT_FOUND = 5 /* google.rpc.Code */ };
  egress__owed_names names = egress__subscription_owed(&track->want, step);
  int rv = 0;
  for (const egress__name *name; rv == 0 && (name = egress__owed_next(&names)) != NULL;) {
    egress_resource *error = NULL;
    if (!name->wanted || !name->asked || egress__type_set_find(to, name->text) != NULL)
      continue;
    egress_resource_new_error(&error, track->type_url, name->text, NOT_FOUND, "there is none", answer->alloc);
    rv = egress__answer_put_own(answer, error);
  }
  return rv;
}

static egress__form form_of(const egress__track *track) {
  return track->told_ttl ? EGRESS__FORM_SOTW_TTL : EGRESS__FORM_SOTW;
}

/*
 * Everything, in the packed form that all such streams share. Where there are errors, which are told once, all that
 * come from the same share it.
 */
static int answer_everything(egress__blob **body, const egress__track *track, egress__steps *steps,
                             const egress__type_set *to) {
  int has_errors = to != NULL && to->error_count > 0;
  egress__bases from = has_errors ? egress__track_from(track) : (egress__bases){.nothing = 1};
  egress__step *step;
  int rv = egress__steps_get(&step, steps, &from, to);
  if (rv != 0)
    return rv;
  *body = has_errors ? egress__step_whole(step, form_of(track)) : egress__step_body(step, form_of(track));
  return *body == NULL ? EGRESS_ENOMEM : 1;
}

int egress__sotw_answer(egress__blob **body, egress__track *track, egress__steps *steps, const egress__type_set *to,
                        int step) {
  egress__answer answer = {.alloc = track->alloc};
  int rv = put_not_found(&answer, track, to, step);
  if (rv == 0 && track->want.wildcard && answer.puts.count == 0)
    return answer_everything(body, track, steps, to);
  if (rv == 0)
    rv = collect(&answer, track, steps, to, step);
  if (rv == 1) {
    *body = egress__pack(track->alloc, answer.puts.items, answer.puts.count, form_of(track));
    rv = *body == NULL ? EGRESS_ENOMEM : 1;
  }
  egress__answer_dispose(&answer);
  return rv;
}

/* Envoy 1.40 takes a Resource without message for no refreshment here, so the message is in it. Of types that
   are told whole the rest has to be there, too, which cannot be told while some of it is refused. */
int egress__sotw_beat(egress__blob **body, const egress__track *track, egress__steps *steps) {
  const egress__type_set *to = track->has.sets[track->has.count - 1];
  int is_sure = track->phase != EGRESS__PHASE_REFUSED && track->has.count == 1 && !track->has.nothing;
  if (track->whole && !is_sure)
    return 0;
  if (track->whole && track->want.wildcard)
    return answer_everything(body, track, steps, to);
  egress__answer answer = {.alloc = track->alloc};
  int rv = egress__beat_collect(&answer, track);
  if (rv == 0 && track->whole && answer.puts.count > 0)
    rv = put_all_wanted(&answer, track, to);
  if (rv == 0 && answer.puts.count > 0) {
    *body = egress__pack(track->alloc, answer.puts.items, answer.puts.count, EGRESS__FORM_SOTW_TTL);
    rv = *body == NULL ? EGRESS_ENOMEM : 1;
  }
  egress__answer_dispose(&answer);
  return rv;
}
