#include <criterion/criterion.h>
#include <string.h>

#include <egress/error.h>

#include "base/alloc.h"
#include "resource/fields.h"

static egress__fields fields;

static egress__range scan(const char *type, const void *bytes, size_t size) {
  fields = (egress__fields){.alloc = egress__alloc_or_default(NULL)};
  egress__range chunk, all;
  cr_assert_eq(egress__fields_push_message(&fields, (egress__span){bytes, size}, &chunk), 0);
  cr_assert_eq(egress__fields_scan(&fields, egress__schema_message_find(type, strlen(type)), chunk, &all), 0);
  cr_assert_eq(all.to, fields.stack.count);
  return all;
}

static void done(void) {
  EGRESS__VEC_FREE(fields.alloc, &fields.stack);
}

/* Value: null 1, number 2, string 3, bool 4, all of one oneof. Of the strings only the one behind the bool counts. */
Test(fields, oneof_forgets_what_came_before_another_member) {
  static const uint8_t bytes[] = {0x1a, 1, 'a', 0x20, 1, 0x1a, 1, 'b', 0x1a, 1, 'c'};
  egress__range all = scan("google.protobuf.Value", bytes, sizeof bytes);
  cr_assert_eq(all.to - all.from, 2);
  cr_assert_eq(fields.stack.items[all.from].wire.bytes.data[0], 'b');
  cr_assert_eq(fields.stack.items[all.from + 1].wire.bytes.data[0], 'c');
  cr_assert_eq(egress__fields_last(&fields, all, 3)->bytes.data[0], 'c');
  cr_assert_eq(egress__fields_last(&fields, all, 4), NULL);
  done();
}

/* RetryPolicy: retry_on 1, num_retries 2, retriable_status_codes 7. */
Test(fields, sorts_by_number_and_keeps_the_order_of_one_number) {
  static const uint8_t bytes[] = {0x38, 3, 0x0a, 1, 'x', 0x38, 1, 0x12, 0, 0x38, 2};
  egress__range all = scan("envoy.config.route.v3.RetryPolicy", bytes, sizeof bytes);
  const uint32_t numbers[] = {1, 2, 7, 7, 7}, values[] = {3, 1, 2};
  cr_assert_eq(all.to - all.from, 5);
  for (size_t i = 0; i < 5; i++)
    cr_assert_eq(fields.stack.items[all.from + i].wire.number, numbers[i]);
  egress__range codes = egress__fields_group(&fields, all.from + 2, all.to);
  cr_assert_eq(codes.to, all.to);
  for (size_t i = 0; i < 3; i++)
    cr_assert_eq(fields.stack.items[codes.from + i].wire.value, values[i]);
  cr_assert_eq(egress__fields_group(&fields, all.from, all.to).to, all.from + 1);
  egress__fields_pop(&fields, all.from);
  cr_assert_eq(fields.stack.count, all.from);
  done();
}

Test(fields, packed_values) {
  const egress__schema_field doubles = {.number = 1, .type = EGRESS__SCHEMA_DOUBLE};
  const egress__schema_field words = {.number = 1, .type = EGRESS__SCHEMA_FIXED32};
  static const uint8_t bytes[] = {1, 0, 0, 0, 2, 0, 0, 0x80, 3};
  egress__span rest = {bytes, 8};
  egress__field wire;
  cr_assert_eq(egress__packed_next(&words, &rest, &wire), 1);
  cr_assert_eq(wire.value, 1);
  cr_assert_eq(egress__packed_next(&words, &rest, &wire), 1);
  cr_assert_eq(wire.value, 0x80000002);
  cr_assert_eq(egress__packed_next(&words, &rest, &wire), 0);
  rest = (egress__span){bytes, 9};
  cr_assert_eq(egress__packed_next(&doubles, &rest, &wire), 1);
  cr_assert_eq(wire.value, 0x8000000200000001);
  cr_assert_eq(egress__packed_next(&doubles, &rest, &wire), EGRESS_EWIRE);
}
