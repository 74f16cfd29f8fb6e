#include <criterion/criterion.h>

#include "support/xds.h"

#include "cache/step.h"

enum { SETS = 6 };

static egress__steps steps;
static egress_snapshot *snaps[SETS];

static void begin(void) {
  egress__steps_init(&steps, egress__alloc_or_default(NULL));
}
static void end(void) {
  egress__steps_dispose(&steps);
  for (int i = 0; i < SETS; i++)
    egress_snapshot_unref(snaps[i]);
}
TestSuite(step, .init = begin, .fini = end);

static const egress__type_set *set(int i, const char *text) {
  egress_snapshot_unref(snaps[i]);
  cr_assert_eq(xds_snapshot_new(&snaps[i], text, NULL), 0);
  return egress__snapshot_type(snaps[i], EGRESS_TYPE_CLUSTER);
}

static egress__step *get(egress__bases from, const egress__type_set *to) {
  egress__step *step;
  cr_assert_eq(egress__steps_get(&step, &steps, &from, to), 0);
  return step;
}

/* "a c -b": names put and removed. */
static const char *names(const egress__step *step) {
  static char out[XDS_TEXT];
  size_t used = 0;
  out[0] = '\0';
  egress__puts puts = egress__step_puts(step);
  for (const egress_resource *put; (put = egress__puts_next(&puts)) != NULL;) {
    cr_assert_eq(put, egress__type_set_find(step->to, egress_resource_name(put)));
    used += (size_t)snprintf(out + used, sizeof out - used, "%s ", egress_resource_name(put));
  }
  for (size_t i = 0; i < step->removed_count; i++)
    used += (size_t)snprintf(out + used, sizeof out - used, "-%s ", step->removed[i]);
  return out;
}

#define FROM(...) \
  ((egress__bases){.sets = {__VA_ARGS__}, .count = sizeof((const void *[]){__VA_ARGS__}) / sizeof(void *)})

Test(step, from_nothing) {
  const egress__type_set *a = set(0, "C: a=1 b=1");
  cr_assert_str_eq(names(get((egress__bases){.nothing = 1}, a)), "a b ");
  cr_assert_str_eq(names(get(FROM(NULL), a)), "a b ");
  cr_assert_str_eq(names(get((egress__bases){.nothing = 1}, NULL)), "");
}

Test(step, from_one_set) {
  const egress__type_set *a = set(0, "C: a=1 b=1 c=1 e=1"), *b = set(1, "C: b=2 c=1 d=1 f=1");
  cr_assert_str_eq(names(get(FROM(a), b)), "b d f -a -e ");
  cr_assert_str_eq(names(get(FROM(b), a)), "a b e -d -f ");
  cr_assert_str_eq(names(get(FROM(a), NULL)), "-a -b -c -e ");
  cr_assert_str_eq(names(get(FROM(a), a)), "");
}

Test(step, equal_content_of_other_making_is_no_change) {
  const egress__type_set *a = set(0, "C: a=1 b=1"), *b = set(1, "C: a=1 b=1");
  cr_assert_neq(a, b);
  cr_assert_str_eq(names(get(FROM(a), b)), "");
}

Test(step, from_several_sets) {
  const egress__type_set *a = set(0, "C: a=1 b=1 c=1 d=1"), *b = set(1, "C: a=1 b=2 c=2 e=1"),
                         *to = set(2, "C: a=1 b=1 c=3 f=1");
  cr_assert_str_eq(names(get(FROM(a, b), to)), "b c f -d -e ");
  cr_assert_str_eq(names(get(FROM(a, NULL), to)), "a b c f -d ");
  egress__bases from = FROM(a, b);
  from.nothing = 1;
  cr_assert_str_eq(names(get(from, to)), "a b c f -d -e ");
}

Test(step, every_pair_of_small_sets) {
  /* name i is absent, version 1 or version 2: all 27 x 27 pairs of three names */
  for (int from = 0; from < 27; from++)
    for (int to = 0; to < 27; to++) {
      char text[2][XDS_WORD] = {"C:", "C:"}, puts[XDS_WORD] = "", removed[XDS_WORD] = "";
      for (int name = 0, f = from, t = to; name < 3; name++, f /= 3, t /= 3) {
        for (int side = 0; side < 2; side++) {
          int version = side == 0 ? f % 3 : t % 3;
          if (version != 0)
            sprintf(text[side] + strlen(text[side]), " %c=%d", 'a' + name, version);
        }
        if (t % 3 != 0 && t % 3 != f % 3)
          sprintf(puts + strlen(puts), "%c ", 'a' + name);
        if (t % 3 == 0 && f % 3 != 0)
          sprintf(removed + strlen(removed), "-%c ", 'a' + name);
      }
      const egress__type_set *a = set(0, text[0]), *b = set(1, text[1]);
      cr_assert_str_eq(names(get(FROM(a), b)), strcat(puts, removed));
      egress__steps_dispose(&steps);
    }
}

Test(step, is_made_once) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2"), *c = set(2, "C: a=3");
  egress__step *first = get(FROM(a), b);
  cr_assert_neq(get(FROM(a), c), first);
  cr_assert_neq(get(FROM(c), b), first);
  cr_assert_neq(get(FROM(a, c), b), first);
  cr_assert_eq(get(FROM(a), b), first);
  cr_assert_eq(steps.count, 4);
  egress__blob *body = egress__step_body(first, EGRESS__FORM_DELTA);
  cr_assert_eq(egress__step_body(first, EGRESS__FORM_DELTA), body);
  egress__blob_unref(body);
  egress__blob_unref(body);
}

/* ---- what is packed ---- */

static int asked;

static void on_packed(egress__steps *of) {
  cr_assert_eq(of, &steps);
  asked++;
}

Test(step, forms_are_kept_while_they_are_sent_and_a_moment_longer) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2");
  steps.on_packed = on_packed;
  cr_assert_eq(egress__steps_tick(&steps, 1), UINT64_MAX);
  egress__blob *all = egress__step_whole(get(FROM(a), b), EGRESS__FORM_SOTW);
  cr_assert_eq(asked, 1);
  cr_assert_eq(egress__steps_tick(&steps, 10), EGRESS__STEPS_KEPT_MS); /* time begins with the first tick */
  cr_assert_eq(egress__steps_tick(&steps, 10 + EGRESS__STEPS_KEPT_MS - 1), 1);
  egress__blob *body = egress__step_body(get(FROM(a), b), EGRESS__FORM_DELTA);
  cr_assert_eq(asked, 1);
  egress__blob_unref(body);
  cr_assert_eq(steps.packed, 2);
  cr_assert_eq(egress__steps_tick(&steps, 10 + EGRESS__STEPS_KEPT_MS), EGRESS__STEPS_KEPT_MS);
  cr_assert_eq(steps.packed, 1);
  egress__blob *same = egress__step_whole(get(FROM(a), b), EGRESS__FORM_SOTW);
  cr_assert_eq(same, all);
  egress__blob_unref(same);
  egress__blob_unref(all);
  cr_assert_eq(egress__steps_tick(&steps, 10 + 2 * EGRESS__STEPS_KEPT_MS), UINT64_MAX);
  cr_assert_eq(steps.packed, 0);
  cr_assert_eq(steps.count, 1); /* what has changed is still known */
}

Test(step, forms_that_were_let_go_are_packed_again) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2");
  uint8_t before[512];
  steps.on_packed = on_packed;
  egress__blob *body = egress__step_body(get(FROM(a), b), EGRESS__FORM_DELTA);
  size_t size = body->size;
  cr_assert(size > 0 && size <= sizeof before);
  memcpy(before, body->bytes, size);
  egress__blob_unref(body);
  egress__steps_tick(&steps, 0);
  cr_assert_eq(egress__steps_tick(&steps, EGRESS__STEPS_KEPT_MS), UINT64_MAX);
  body = egress__step_body(get(FROM(a), b), EGRESS__FORM_DELTA);
  cr_assert_eq(body->size, size);
  cr_assert_arr_eq(body->bytes, before, size);
  egress__blob_unref(body);
  cr_assert_eq(asked, 2);
  cr_assert_eq(egress__steps_tick(&steps, 5000), EGRESS__STEPS_KEPT_MS); /* it is kept from now on, not from then */
}

Test(step, forms_go_with_their_step) {
  const egress__type_set *a = set(0, "C: a=1"), *b = set(1, "C: a=2");
  egress__blob *body = egress__step_body(get(FROM(a), b), EGRESS__FORM_DELTA);
  egress__steps_replaced(&steps, snaps[1], NULL);
  cr_assert_eq(steps.packed, 0);
  cr_assert_eq(egress__steps_tick(&steps, 1), UINT64_MAX);
  cr_assert(!egress__blob_is_shared(body));
  egress__blob_unref(body);
}

Test(step, goes_with_the_set_that_it_leads_to) {
  const egress__type_set *a = set(0, "C: a=1 b=1"), *b = set(1, "C: a=2");
  get(FROM(a), b);
  get(FROM(b), a);
  get((egress__bases){.nothing = 1}, a);
  get(FROM(b), NULL);
  egress__steps_replaced(&steps, NULL, snaps[0]);
  cr_assert_eq(steps.count, 3); /* the one to the empty set goes each time */
  egress__steps_replaced(&steps, snaps[1], snaps[1]);
  cr_assert_eq(steps.count, 3);
  egress__steps_replaced(&steps, snaps[1], snaps[0]);
  cr_assert_eq(steps.count, 2);
  egress__steps_replaced(&steps, snaps[0], NULL);
  cr_assert_eq(steps.count, 0);
}

Test(step, count_is_bounded_and_the_oldest_goes) {
  egress_snapshot *many[EGRESS__STEPS_MAX + 1];
  for (int i = 0; i <= EGRESS__STEPS_MAX; i++) {
    char text[XDS_WORD];
    snprintf(text, sizeof text, "C: a=%d", i);
    cr_assert_eq(xds_snapshot_new(&many[i], text, NULL), 0);
    const egress__type_set *to = egress__snapshot_type(many[i], EGRESS_TYPE_CLUSTER);
    get((egress__bases){.nothing = 1}, to);
    get((egress__bases){.nothing = 1}, egress__snapshot_type(many[0], EGRESS_TYPE_CLUSTER)); /* used all the time */
  }
  cr_assert_eq(steps.count, EGRESS__STEPS_MAX);
  int kept = 0;
  for (const egress__step *step = steps.first; step != NULL; step = step->next)
    kept += step->to == egress__snapshot_type(many[0], EGRESS_TYPE_CLUSTER);
  cr_assert_eq(kept, 1);
  for (const egress__step *step = steps.first; step != NULL; step = step->next)
    cr_assert_neq(step->to, egress__snapshot_type(many[1], EGRESS_TYPE_CLUSTER));
  for (int i = 0; i <= EGRESS__STEPS_MAX; i++)
    egress_snapshot_unref(many[i]);
}

/* ---- Sets of many chunks. ---- */

enum { MANY = 1500 };

/* `base` with up to `most` names put, of a random revision, or removed. */
static egress_snapshot *drift(egress_snapshot *base, unsigned *seed, int most) {
  egress_snapshot_builder *builder;
  cr_assert_eq(egress_snapshot_builder_new(&builder, base, NULL), 0);
  for (int i = 0; i < most; i++) {
    char name[XDS_WORD], value[XDS_WORD];
    *seed = *seed * 1664525 + 1013904223;
    snprintf(name, sizeof name, "n%04u", (*seed >> 8) % MANY);
    snprintf(value, sizeof value, "%u", *seed >> 30);
    egress_resource *resource;
    cr_assert_eq(xds_resource(&resource, 'C', name, value, NULL), 0);
    if ((*seed >> 20) % 3 == 0)
      egress_snapshot_builder_remove(builder, EGRESS_TYPE_CLUSTER, name); /* there or not */
    else
      cr_assert_eq(egress_snapshot_builder_put(builder, resource), 0);
    egress_resource_unref(resource);
  }
  egress_snapshot *snap;
  cr_assert_eq(egress_snapshot_builder_build(&snap, builder), 0);
  egress_snapshot_builder_free(builder);
  return snap;
}

/* The step's puts and removed names are what looking up each name in each set says. */
static void check_step(const egress__step *step) {
  egress__puts puts = egress__step_puts(step);
  size_t removed = 0;
  cr_assert(!step->all || step->puts == NULL);
  for (unsigned i = 0; i < MANY; i++) {
    char name[XDS_WORD];
    snprintf(name, sizeof name, "n%04u", i);
    const egress_resource *to = egress__type_set_find(step->to, name);
    int differs = step->from.nothing, known = 0;
    for (size_t j = 0; j < step->from.count; j++) {
      const egress_resource *base = egress__type_set_find(step->from.sets[j], name);
      known |= base != NULL;
      differs |= strcmp(egress_resource_version(base), egress_resource_version(to)) != 0;
    }
    if (to != NULL && differs)
      cr_assert_eq(egress__puts_next(&puts), to, "put %s", name);
    if (to == NULL && known) {
      cr_assert_lt(removed, step->removed_count);
      cr_assert_str_eq(step->removed[removed++], name);
    }
  }
  cr_assert_eq(egress__puts_next(&puts), NULL);
  cr_assert_eq(removed, step->removed_count);
}

Test(step, of_sets_that_share_chunks) {
  for (unsigned seed = 1, round = 0; round < 60; round++) {
    snaps[0] = drift(NULL, &seed, 2 * MANY);
    snaps[1] = drift(snaps[0], &seed, 1);
    snaps[2] = drift(snaps[1], &seed, round % 3 == 0 ? 400 : 2);
    snaps[3] = drift(snaps[2], &seed, 2);
    const egress__type_set *sets[4];
    for (int i = 0; i < 4; i++)
      sets[i] = egress__snapshot_type(snaps[i], EGRESS_TYPE_CLUSTER);
    check_step(get(FROM(sets[0]), sets[1]));
    check_step(get(FROM(sets[0]), sets[3]));
    check_step(get(FROM(sets[3]), sets[0]));
    check_step(get(FROM(sets[2], sets[0], sets[1]), sets[3])); /* shares more with the first than with all */
    check_step(get(FROM(sets[0], NULL), sets[3]));
    egress__bases from = FROM(sets[0], sets[1]);
    from.nothing = 1;
    check_step(get(from, sets[3]));
    egress__steps_dispose(&steps);
    for (int i = 0; i < 4; i++) {
      egress_snapshot_unref(snaps[i]);
      snaps[i] = NULL;
    }
  }
}

/* All of a set is packed from the set: no list of it is kept, in either variant. */
Test(step, from_nothing_keeps_no_list) {
  unsigned seed = 1;
  snaps[0] = drift(NULL, &seed, 2 * MANY);
  const egress__type_set *to = egress__snapshot_type(snaps[0], EGRESS_TYPE_CLUSTER);
  egress__step *step = get((egress__bases){.nothing = 1}, to);
  cr_assert_eq(step->puts, NULL);
  cr_assert_eq(step->removed, NULL);
  egress__blob *sotw = egress__step_body(step, EGRESS__FORM_SOTW), *delta = egress__step_body(step, EGRESS__FORM_DELTA);
  uint8_t *in_sotw = sotw->bytes, *in_delta = delta->bytes, entry[XDS_TEXT];
  for (size_t i = 0; i < to->count; i++) {
    const egress_resource *resource = egress__type_set_at(to, i);
    size_t size = (size_t)(egress__resource_put(entry, resource, EGRESS__FORM_SOTW) - entry);
    cr_assert_arr_eq(in_sotw, entry, size);
    in_sotw += size;
    size = (size_t)(egress__resource_put(entry, resource, EGRESS__FORM_DELTA) - entry);
    cr_assert_arr_eq(in_delta, entry, size);
    in_delta += size;
  }
  cr_assert_eq((size_t)(in_sotw - sotw->bytes), sotw->size);
  cr_assert_eq((size_t)(in_delta - delta->bytes), delta->size);
  egress__blob_unref(sotw);
  egress__blob_unref(delta);
}
