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
  for (size_t i = 0; i < step->put_count; i++) {
    cr_assert_eq(step->puts[i], egress__type_set_find(step->to, egress_resource_name(step->puts[i])));
    used += (size_t)snprintf(out + used, sizeof out - used, "%s ", egress_resource_name(step->puts[i]));
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
  egress__blob *body = egress__step_delta(first);
  cr_assert_eq(egress__step_delta(first), body);
  egress__blob_unref(body);
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
