#include "xds/load.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>

#include "support/counted.h"
#include "xds/request.h"

/* A message that is put together. */
typedef struct message {
  size_t size;
  uint8_t bytes[2048];
} message;

static egress__stream_fault fault;
static egress__span node;

static message *put(message *m, uint32_t number, const void *bytes, size_t size) {
  uint8_t *end = egress__put_bytes(m->bytes + m->size, number, bytes, size);
  m->size = (size_t)(end - m->bytes);
  return m;
}

static message *text(message *m, uint32_t number, const char *text) {
  return put(m, number, text, strlen(text));
}

static message *nest(message *m, uint32_t number, const message *inner) {
  return put(m, number, inner->bytes, inner->size);
}

static message *number(message *m, uint32_t field, uint64_t value) {
  uint8_t *end = egress__put_varint(m->bytes + m->size, (uint64_t)field << 3);
  m->size = (size_t)(egress__put_varint(end, value) - m->bytes);
  return m;
}

static egress__load *read_bytes(const void *bytes, size_t size, int expected) {
  egress__load *load = NULL;
  fault = (egress__stream_fault){0};
  cr_assert_eq(egress__load_read(&load, &node, &counted, bytes, size, &fault), expected, "%s", fault.message);
  return load;
}

static egress__load *read_message(const message *m, int expected) {
  return read_bytes(m->bytes, m->size, expected);
}

/* A report of one cluster. */
static egress__load *read_cluster(const message *cluster, int expected) {
  message request = {0};
  return read_message(nest(&request, 2, cluster), expected);
}

static void end(void) {
  cr_assert_eq(counted_live, 0);
}

TestSuite(load, .fini = end);

/* ---- what is read ---- */

Test(load, c84_a_message_without_clusters_has_the_node_only) {
  message request = {0};
  cr_assert_null(read_message(text(&request, 1, "\x0a\x01n"), 0));
  cr_assert_eq(node.size, 3);
  cr_assert_null(read_bytes(NULL, 0, 0));
  cr_assert_eq(node.size, 0);
}

static void check_place(const egress_load_locality *locality) {
  cr_assert_str_eq(locality->region, "r");
  cr_assert_str_eq(locality->zone, "z");
  cr_assert_str_eq(locality->sub_zone, "s");
  cr_assert_eq(locality->priority, 2);
  cr_assert_eq(locality->succeeded, 300);
  cr_assert_eq(locality->in_progress, 4);
  cr_assert_eq(locality->failed, 5);
  cr_assert_eq(locality->issued, UINT64_MAX);
  cr_assert_eq(locality->metric_count, 2);
  cr_assert_str_eq(locality->metrics[0].name, "cpu");
  cr_assert_eq(locality->metrics[0].requests, 7);
  cr_assert_eq(locality->metrics[0].total, 0.5);
  cr_assert_str_eq(locality->metrics[1].name, "memory");
  cr_assert_eq(locality->metrics[1].total, 0);
}

Test(load, c84_all_numbers_of_a_cluster) {
  message cpu = {0}, memory = {0}, place = {0}, one = {0}, two = {0}, drops = {0}, time = {0}, cluster = {0};
  number(text(&cpu, 1, "cpu"), 2, 7);
  memcpy(cpu.bytes + cpu.size, "\x19\0\0\0\0\0\0\xe0\x3f", 9); /* 0.5 */
  cpu.size += 9;
  text(&memory, 1, "memory");
  text(text(text(&place, 1, "r"), 2, "z"), 3, "s");
  number(number(number(number(nest(&one, 1, &place), 2, 300), 3, 4), 4, 5), 8, UINT64_MAX);
  number(nest(nest(&one, 5, &cpu), 5, &memory), 6, 2);
  number(text(&drops, 1, "lb"), 2, 9);
  number(number(&time, 1, 10), 2, 500 * 1000 * 1000);
  text(text(&cluster, 1, "c"), 6, "service");
  nest(nest(number(nest(nest(&cluster, 2, &one), 2, &two), 3, 11), 4, &time), 5, &drops);
  egress__load *load = read_cluster(&cluster, 0);
  cr_assert_eq(load->report.cluster_count, 1);
  const egress_load_cluster *c = load->report.clusters;
  cr_assert_str_eq(c->name, "c");
  cr_assert_str_eq(c->service_name, "service");
  cr_assert_eq(c->interval_ms, 10500);
  cr_assert_eq(c->dropped, 11);
  cr_assert_eq(c->drop_count, 1);
  cr_assert_str_eq(c->drops[0].category, "lb");
  cr_assert_eq(c->drops[0].count, 9);
  cr_assert_eq(c->locality_count, 2);
  check_place(&c->localities[0]);
  cr_assert_str_eq(c->localities[1].zone, "", "text that is not there is empty");
  cr_assert_eq(c->localities[1].metric_count, 0);
  egress__load_unref(load);
}

Test(load, each_cluster_has_what_is_its_own) {
  message a = {0}, b = {0}, drops = {0}, locality = {0}, request = {0};
  text(&drops, 1, "x");
  number(&locality, 2, 1);
  nest(nest(nest(text(&a, 1, "a"), 5, &drops), 2, &locality), 5, &drops);
  nest(nest(text(&b, 1, "b"), 2, &locality), 2, &locality);
  egress__load *load = read_message(nest(nest(nest(&request, 2, &a), 2, &b), 2, &a), 0);
  const egress_load_cluster *c = load->report.clusters;
  cr_assert_eq(load->report.cluster_count, 3);
  cr_assert_str_eq(c[1].name, "b");
  cr_assert_eq(c[0].drop_count, 2);
  cr_assert_eq(c[1].drop_count, 0);
  cr_assert_eq(c[2].drop_count, 2);
  cr_assert_str_eq(c[2].drops[1].category, "x");
  cr_assert_eq(c[1].localities, c[0].localities + 1);
  cr_assert_eq(c[2].localities, c[1].localities + 2);
  egress__load_unref(load);
}

Test(load, it_lives_until_the_last_reference_is_gone) {
  message cluster = {0};
  egress__load *load = read_cluster(text(&cluster, 1, "c"), 0);
  cr_assert_eq(egress__load_ref(egress__load_of(&load->report)), load);
  egress__load_unref(load);
  cr_assert_str_eq(load->report.clusters[0].name, "c");
  egress__load_unref(load);
  egress__load_unref(NULL);
  cr_assert_null(egress__load_of(NULL));
}

static uint64_t interval(uint64_t seconds, uint64_t nanos) {
  message time = {0}, cluster = {0};
  egress__load *load = read_cluster(nest(&cluster, 4, number(number(&time, 1, seconds), 2, nanos)), 0);
  uint64_t ms = load->report.clusters[0].interval_ms;
  egress__load_unref(load);
  return ms;
}

Test(load, a_time_that_cannot_have_passed_is_none) {
  cr_assert_eq(interval(1, 999999999), 1999);
  cr_assert_eq(interval(1, 1000000000), 0);
  cr_assert_eq(interval((uint64_t)-1, 0), 0);
  cr_assert_eq(interval(0, (uint64_t)-1), 0);
  cr_assert_eq(interval(UINT32_MAX, 0), UINT32_MAX * UINT64_C(1000));
  cr_assert_eq(interval(UINT32_MAX + UINT64_C(1), 0), 0);
}

Test(load, fields_of_another_type_are_unknown) {
  message cluster = {0};
  egress__load *load = read_cluster(number(text(&cluster, 3, "eleven"), 1, 7), 0);
  cr_assert_str_eq(load->report.clusters[0].name, "");
  cr_assert_eq(load->report.clusters[0].dropped, 0);
  egress__load_unref(load);
}

/* ---- what is refused ---- */

Test(load, malformed_messages_are_refused_at_any_depth) {
  message broken = {.size = 1, .bytes = {0x0a}}, place = {0}, cluster = {0}, request = {0};
  read_message(&broken, EGRESS_EWIRE);
  cr_assert_eq(fault.status, 3);
  cr_assert_str_eq(fault.message, "the load report is not a well-formed protobuf message");
  read_cluster(&broken, EGRESS_EWIRE);
  read_message(nest(&request, 2, nest(&cluster, 2, nest(&place, 1, &broken))), EGRESS_EWIRE);
}

Test(load, text_is_utf_8_of_a_bounded_length) {
  static char name[EGRESS__NAME_MAX + 2];
  static uint8_t bytes[sizeof name + 16];
  message cluster = {0};
  read_cluster(text(&cluster, 1, "\xff"), EGRESS_EWIRE);
  cr_assert_str_eq(fault.message, "the name of a cluster of a load report is not UTF-8 text");
  memset(name, 'x', sizeof name - 1);
  for (size_t size = EGRESS__NAME_MAX; size <= EGRESS__NAME_MAX + 1; size++) {
    uint8_t *end = egress__put_bytes_head(bytes, 2, egress__bytes_field_size(1, size));
    end = egress__put_bytes(end, 1, name, size);
    egress__load_unref(read_bytes(bytes, (size_t)(end - bytes), size <= EGRESS__NAME_MAX ? 0 : EGRESS_ELIMIT));
  }
  cr_assert_eq(fault.status, 8);
  cr_assert_str_eq(fault.message, "the name of a cluster of a load report is longer than 4096 bytes");
}

/* `count` empty messages of a number, in a cluster or, without `in_cluster`, as clusters. */
static egress__load *read_many(uint8_t tag, size_t count, int in_cluster, int expected) {
  uint8_t *bytes = malloc(2 * count + 16), *end = bytes;
  if (in_cluster)
    end = egress__put_bytes_head(end, 2, 2 * count);
  for (size_t i = 0; i < count; i++) {
    *end++ = tag;
    *end++ = 0;
  }
  egress__load *load = read_bytes(bytes, (size_t)(end - bytes), expected);
  free(bytes);
  return load;
}

Test(load, the_number_of_entries_is_bounded) {
  egress__load *load = read_many(0x12, EGRESS__LOAD_CLUSTERS_MAX, 0, 0);
  cr_assert_eq(load->report.cluster_count, EGRESS__LOAD_CLUSTERS_MAX);
  cr_assert_leq(load->size, 15 << 20);
  egress__load_unref(load);
  read_many(0x12, EGRESS__LOAD_CLUSTERS_MAX + 1, 0, EGRESS_ELIMIT);
  cr_assert_str_eq(fault.message, "more than 65536 clusters in a load report");
  load = read_many(0x12, EGRESS__LOAD_ENTRIES_MAX, 1, 0);
  cr_assert_leq(load->size, 15 << 20);
  egress__load_unref(load);
  read_many(0x12, EGRESS__LOAD_ENTRIES_MAX + 1, 1, EGRESS_ELIMIT);
  cr_assert_str_eq(fault.message, "more than 131072 localities, drops and metrics in a load report");
  read_many(0x2a, EGRESS__LOAD_ENTRIES_MAX + 1, 1, EGRESS_ELIMIT);
}

Test(load, without_memory_it_is_refused) {
  message cluster = {0};
  counted_left = 0;
  read_cluster(text(&cluster, 1, "c"), EGRESS_ENOMEM);
  cr_assert_eq(fault.status, 8);
  counted_left = SIZE_MAX;
}

/* ---- the answer ---- */

Test(load, c84_the_answer_has_the_interval_and_who_is_asked) {
  uint8_t bytes[EGRESS__LOAD_ANSWER];
  /* load_reporting_interval {seconds: 1, nanos: 500000000}, send_all_clusters */
  static const uint8_t all[] = {0x12, 8, 0x08, 1, 0x10, 0x80, 0xca, 0xb5, 0xee, 0x01, 0x20, 1};
  cr_assert_eq(egress__load_answer(bytes, 1500, 1), sizeof all);
  cr_assert_arr_eq(bytes, all, sizeof all);
  cr_assert_eq(egress__load_answer(bytes, 1500, 0), sizeof all - 2);
  cr_assert_arr_eq(bytes, all, sizeof all - 2);
  cr_assert_leq(egress__load_answer(bytes, UINT32_MAX, 1), sizeof bytes);
}
