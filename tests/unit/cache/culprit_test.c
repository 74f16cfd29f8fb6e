#include "cache/culprit.h"

#include <criterion/criterion.h>

#include "support/xds.h"

static egress__steps steps;

/* Of two snapshots' clusters. */
static const char *find(const char *good, const char *refused, const char *text) {
  static egress_snapshot *from, *to; /* what is found lives as long as they do */
  egress_snapshot_unref(from);
  egress_snapshot_unref(to);
  cr_assert_eq(xds_snapshot_new(&from, good, NULL), 0);
  cr_assert_eq(xds_snapshot_new(&to, refused, NULL), 0);
  egress__steps_dispose(&steps);
  egress__steps_init(&steps, egress__alloc_or_default(NULL));
  return egress__culprit_find(&steps, egress__snapshot_type(from, EGRESS_TYPE_CLUSTER),
                              egress__snapshot_type(to, EGRESS_TYPE_CLUSTER), text);
}

Test(culprit, only_change_is_it_whatever_the_text) {
  cr_assert_str_eq(find("C: a=1 b=1", "C: a=1 b=2", ""), "b");
  cr_assert_str_eq(find("C: a=1 b=1", "C: a=1 b=2", "a is bad"), "b");
  cr_assert_str_eq(find("", "C: a=1", "no"), "a");
}

Test(culprit, of_several_the_text_names_it) {
  static const char good[] = "C: a=1", refused[] = "C: a=1 bad=1 fine=1 bad.better=1";
  cr_assert_str_eq(find(good, refused, "Error adding/updating cluster(s) bad: no such type"), "bad");
  cr_assert_str_eq(find(good, refused, "cluster 'fine'."), "fine");
  cr_assert_str_eq(find(good, refused, "fine"), "fine");
  cr_assert_str_eq(find(good, refused, "bad.better and bad"), "bad.better", "the longest");
  cr_assert_str_eq(find(good, refused, "bad.better and fine"), "bad.better", "the longest");
  cr_assert_str_eq(find(good, refused, "it is bad."), "bad", "the end of a sentence");
}

Test(culprit, a_part_of_another_word_is_no_name) {
  static const char refused[] = "C: bad=1 fine=1";
  cr_assert_str_eq(find("", refused, "bad-cluster, worse_bad, badly, finest, bad.x, x/bad"), "");
  cr_assert_str_eq(find("", refused, "badly bad"), "bad", "the second time it is one");
}

Test(culprit, without_a_name_it_cannot_be_told) {
  cr_assert_str_eq(find("C: a=1 b=1", "C: a=2 b=2", "c is bad"), "");
  cr_assert_str_eq(find("C: a=1 b=1", "C: a=2 b=2", ""), "");
  cr_assert_str_eq(find("C: a=1 b=1", "C: a=1", "b"), "", "what is gone is not refused");
  cr_assert_str_eq(find("C: a=1", "C: a=1 b=1", "a"), "b", "what is as before is not refused");
}
