/*
 *            set                 the share has accepted          soak_ms have passed
 *   any ------------> STAGED --------------------------> SOAKING --------------------+
 *    |                  |                                   |                        |
 *    | set, and it is   | refused                           | refused                v
 *    | for all at once  |                                   |                      OPEN
 *    +------------------|-----------------------------------|--------------------> |  |
 *                       v                                   v        refused       |  | good_percent
 *                    REFUSED <-----------------------------------------------------+  | have accepted
 *                       ^                                                             v
 *                       +------------- refused by one that had accepted it -------- GOOD
 *
 *   NONE: no snapshot, or nothing is tried. REFUSED is left by the next set only.
 *
 * Two snapshots are kept: the group's and the last good one before it. A snapshot becomes that when it is GOOD and
 * replaced; so a client that asked for routes only after it had accepted listeners may still refuse it.
 *
 * What is refused is content: only what the group's snapshot has, and the last good one has not, makes it REFUSED. So
 * an answer to what was replaced since changes nothing, and neither does a client that refuses what all others took
 * long ago. Without a good one before there is nothing to go back to: STAGED, SOAKING and REFUSED do not come up.
 *
 * A stream that is not given the snapshot keeps what it has; it is not led back to the last good one. New streams
 * start with that.
 *
 * Not handled: a client that dies of a snapshot, instead of refusing it, is not waited for.
 */
#include "cache/trial.h"

#include <assert.h>
#include <string.h>

#include "cache/culprit.h"

static const egress__trial_settings off = {EGRESS_ON_NACK_NOTHING, 100, 100, 0};

static const egress__trial_settings *settings_of(const egress__group *group) {
  if (group->cache->settings_count == 0)
    return &off;
  if (group->has_settings)
    return &group->settings;
  const egress__group *every = egress__group_every(group->cache);
  return every != NULL && every->has_settings ? &every->settings : &off;
}

/* Is it still open whether the snapshot is any good? */
static int is_under_way(const egress__group *group) {
  switch (group->trial.state) {
  case EGRESS_TRIAL_STAGED:
  case EGRESS_TRIAL_SOAKING:
  case EGRESS_TRIAL_OPEN:
    return 1;
  case EGRESS_TRIAL_NONE:
  case EGRESS_TRIAL_GOOD:
  case EGRESS_TRIAL_REFUSED:
    return 0;
  }
  assert(0 && "trial state out of range");
  return 0;
}

/* Is the stream to have the group's snapshot? */
static int is_given(const egress__group *group, const egress__watch *watch) {
  switch (group->trial.state) {
  case EGRESS_TRIAL_STAGED:
  case EGRESS_TRIAL_SOAKING:
    return watch->bucket < group->trial.limit;
  case EGRESS_TRIAL_REFUSED:
    return settings_of(group)->on_nack == EGRESS_ON_NACK_HOLD && watch->stage != EGRESS__STAGE_NEW;
  case EGRESS_TRIAL_NONE:
  case EGRESS_TRIAL_OPEN:
  case EGRESS_TRIAL_GOOD:
    return 1;
  }
  assert(0 && "trial state out of range");
  return 1;
}

/* ---- telling ---- */

static void tell(const egress__group *group, egress_event_kind kind) {
  egress_event event = {.group = group->name, .kind = (int32_t)kind};
  event.node_id = event.peer = event.type_url = event.version = event.message = event.resource = "";
  for (egress__observer *observer = group->cache->observers; observer != NULL; observer = observer->next)
    observer->on_event(observer, &event);
}

static void notify(egress__watch *watch) {
  watch->changed = 1;
  watch->on_change(watch);
}

static void notify_any(egress__group *group, egress__watch *watch) {
  (void)group;
  notify(watch);
}

/* Those that are to have the snapshot, and have not. */
static void notify_new(egress__group *group, egress__watch *watch) {
  if (watch->stage == EGRESS__STAGE_NEW && !watch->adrift && is_given(group, watch))
    notify(watch);
}

/* ---- counting ---- */

int egress__trial_counts(const egress__group *group, const egress__watch *watch) {
  return is_under_way(group) && !watch->adrift && is_given(group, watch);
}

static void count(egress__group *group, egress__watch *watch) {
  if (!egress__trial_counts(group, watch))
    return;
  group->trial.waited++;
  group->trial.accepted += watch->stage == EGRESS__STAGE_ACCEPTED;
}

static void recount(egress__group *group) {
  group->trial.waited = group->trial.accepted = 0;
  egress__group_visit(group, count);
}

static void reach(egress__group *group, egress__watch *watch) {
  if (!watch->adrift && watch->bucket + 1U < group->trial.limit)
    group->trial.limit = watch->bucket + 1U;
}

/* A share in which there is nobody becomes one for the next stream there is. */
static void fill_share(egress__group *group) {
  egress__trial *trial = &group->trial;
  if (trial->state != EGRESS_TRIAL_STAGED || trial->waited > 0)
    return;
  uint32_t before = trial->limit;
  trial->limit = UINT32_MAX;
  egress__group_visit(group, reach);
  if (trial->limit == UINT32_MAX)
    trial->limit = before;
  recount(group);
  egress__group_visit(group, notify_new);
}

/* ---- steps ---- */

static int is_accepted(const egress__group *group) {
  const egress__trial *trial = &group->trial;
  return trial->accepted > 0 &&
         trial->accepted * UINT64_C(100) >= trial->waited * (uint64_t)settings_of(group)->good_percent;
}

static void advance(egress__group *group);

static void open_to_all(egress__group *group) {
  group->trial.state = EGRESS_TRIAL_OPEN;
  recount(group);
  tell(group, EGRESS_EVENT_ROLLOUT_OPEN);
  egress__group_visit(group, notify_new);
  advance(group); /* the share may have been everybody */
}

static void soak(egress__group *group) {
  if (settings_of(group)->soak_ms == 0) {
    open_to_all(group);
    return;
  }
  group->trial.state = EGRESS_TRIAL_SOAKING;
  group->trial.until_ms = 0;
  tell(group, EGRESS_EVENT_ROLLOUT_SOAKING);
  egress__cache_ask_for_tick(group->cache);
}

/* Takes the next step if enough streams have accepted. */
static void advance(egress__group *group) {
  if (!is_accepted(group))
    return;
  switch (group->trial.state) {
  case EGRESS_TRIAL_STAGED:
    soak(group);
    return;
  case EGRESS_TRIAL_OPEN:
    group->trial.state = EGRESS_TRIAL_GOOD;
    tell(group, EGRESS_EVENT_PROVEN);
    return;
  case EGRESS_TRIAL_SOAKING:
  case EGRESS_TRIAL_NONE:
  case EGRESS_TRIAL_GOOD:
  case EGRESS_TRIAL_REFUSED:
    return;
  }
  assert(0 && "trial state out of range");
}

uint64_t egress__trial_tick(egress__group *group, uint64_t now_ms) {
  egress__trial *trial = &group->trial;
  if (trial->state != EGRESS_TRIAL_SOAKING)
    return UINT64_MAX;
  if (trial->until_ms == 0)
    trial->until_ms = now_ms + settings_of(group)->soak_ms;
  if (now_ms < trial->until_ms)
    return trial->until_ms - now_ms;
  open_to_all(group);
  return UINT64_MAX;
}

/* ---- a new snapshot ---- */

static void renew(egress__group *group, egress__watch *watch) {
  watch->adrift = 0;
  watch->stage = EGRESS__STAGE_NEW;
  count(group, watch);
}

static void renew_and_notify(egress__group *group, egress__watch *watch) {
  renew(group, watch);
  notify(watch);
}

static void stage(egress__group *group) {
  group->trial.state = EGRESS_TRIAL_STAGED;
  tell(group, EGRESS_EVENT_ROLLOUT_STAGED);
  egress__group_visit(group, renew);
  if (group->trial.waited > 0)
    egress__group_visit(group, notify_new);
  else
    fill_share(group);
}

static void drop_good(egress__group *group) {
  if (group->trial.good == NULL)
    return;
  egress__group_forget(group, group->trial.good);
  group->trial.good = NULL;
}

void egress__trial_begin(egress__group *group, egress_snapshot *replaced) {
  const egress__trial_settings *settings = settings_of(group);
  egress__trial *trial = &group->trial;
  if (settings->on_nack == EGRESS_ON_NACK_NOTHING) {
    drop_good(group);
  } else if (trial->state == EGRESS_TRIAL_GOOD && replaced != NULL) {
    drop_good(group);
    trial->good = replaced;
    replaced = NULL;
  }
  egress__group_forget(group, replaced);
  trial->limit = settings->rollout_percent;
  trial->waited = trial->accepted = 0;
  if (trial->good != NULL && settings->rollout_percent < 100) {
    stage(group);
    return;
  }
  trial->state = settings->on_nack == EGRESS_ON_NACK_NOTHING ? EGRESS_TRIAL_NONE : EGRESS_TRIAL_OPEN;
  egress__group_visit(group, renew_and_notify);
}

void egress__trial_adjust(egress__group *group) {
  int is_off = settings_of(group)->on_nack == EGRESS_ON_NACK_NOTHING;
  if (group->snap != NULL && group->trial.state != (is_off ? EGRESS_TRIAL_NONE : EGRESS_TRIAL_GOOD))
    egress__trial_begin(group, NULL);
}

/* What the stream has not taken yet is not to be taken any more. */
static void set_adrift(egress__group *group, egress__watch *watch) {
  (void)group;
  watch->changed = 0;
  watch->adrift = 1;
  watch->judged = 0;
  watch->stage = EGRESS__STAGE_NEW;
}

void egress__trial_end(egress__group *group) {
  drop_good(group);
  group->trial = (egress__trial){.state = EGRESS_TRIAL_NONE};
  egress__group_visit(group, set_adrift);
}

/* ---- streams come and go ---- */

void egress__trial_joined(egress__group *group, egress__watch *watch) {
  count(group, watch);
  fill_share(group);
}

void egress__trial_left(egress__group *group, int accepted) {
  group->trial.waited--;
  group->trial.accepted -= accepted != 0;
  fill_share(group);
  advance(group);
}

void egress__trial_lost(egress__group *group) {
  recount(group);
  fill_share(group);
  advance(group);
}

/* ---- what streams take, and say ---- */

egress_snapshot *egress__watch_snapshot(const egress__watch *watch) {
  const egress__group *group = egress__group_serving(watch->group);
  if (group == NULL)
    return NULL;
  return group->trial.good == NULL || is_given(group, watch) ? group->snap : group->trial.good;
}

void egress__watch_take(egress__watch *watch, const egress_snapshot *snap) {
  egress__group *group = egress__group_serving(watch->group);
  watch->changed = 0;
  if (group == NULL || snap != group->snap) {
    watch->stage = EGRESS__STAGE_NEW;
    watch->judged = 0;
    return;
  }
  if (watch->adrift) {
    watch->adrift = 0;
    count(group, watch);
  }
  if (watch->stage == EGRESS__STAGE_NEW) {
    watch->stage = EGRESS__STAGE_TAKEN;
    watch->judged = (uint8_t)is_under_way(group);
  }
}

void egress__watch_accept(egress__watch *watch) {
  egress__group *group = egress__group_serving(watch->group);
  watch->judged = 0;
  if (group == NULL || watch->stage != EGRESS__STAGE_TAKEN || !egress__trial_counts(group, watch))
    return;
  watch->stage = EGRESS__STAGE_ACCEPTED;
  group->trial.accepted++;
  advance(group);
}

int egress__watch_tries(const egress__watch *watch, const char *type_url) {
  const egress__group *group = egress__group_serving(watch->group);
  if (group == NULL)
    return 0;
  return !egress__type_set_is_same(egress__snapshot_type(group->trial.good, type_url),
                                   egress__snapshot_type(group->snap, type_url));
}

/* Does it make a difference that the stream refuses this? */
static int is_concerned(const egress__group *group, const egress__watch *watch, const egress__type_set *refused,
                        const char *type_url) {
  int is_asked =
      is_under_way(group) || (group->trial.state == EGRESS_TRIAL_GOOD && watch->stage == EGRESS__STAGE_ACCEPTED);
  return is_asked && group->trial.good != NULL && egress__watch_tries(watch, type_url) &&
         egress__type_set_is_same(refused, egress__snapshot_type(group->snap, type_url));
}

int egress__watch_refuse(egress_event *out, egress__watch *watch, const egress__type_set *refused) {
  egress__group *group = egress__group_serving(watch->group);
  watch->judged = 0;
  if (group == NULL || !is_concerned(group, watch, refused, out->type_url))
    return 0;
  const egress__type_set *good = egress__snapshot_type(group->trial.good, out->type_url);
  out->group = group->name;
  out->resource = egress__culprit_find(&group->cache->steps, good, refused, out->message);
  group->trial.state = EGRESS_TRIAL_REFUSED;
  if (settings_of(group)->on_nack == EGRESS_ON_NACK_HOLD) {
    out->kind = EGRESS_EVENT_HELD;
    return 1;
  }
  out->kind = EGRESS_EVENT_ROLLED_BACK;
  egress__group_visit(group, notify_any);
  return 1;
}
