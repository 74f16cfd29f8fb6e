#include "wire/events.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xds/load.h"
#include "xds/request.h"

/* Memory that runs out after `left` more blocks. */
static int left;

static void *scarce_resize(void *ptr, size_t size, void *user) {
  (void)user;
  return left-- > 0 ? realloc(ptr, size) : NULL;
}

static void scarce_release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

static const egress_alloc scarce = {scarce_resize, scarce_release, NULL};

static void add(egress__events *events, uint64_t stream_id, const char *message) {
  egress__events_add(events, &(egress_event){.kind = EGRESS_EVENT_ACKED, .stream_id = stream_id, .message = message});
}

Test(events, come_out_in_order_with_their_own_text) {
  egress__events events;
  egress__events_init(&events, egress__alloc_or_default(NULL), 8);
  char text[] = "first";
  egress__events_add(&events, &(egress_event){.kind = EGRESS_EVENT_NACKED,
                                              .status = 3,
                                              .stream_id = 7,
                                              .node_id = text,
                                              .group = "group",
                                              .peer = "peer",
                                              .type_url = "type",
                                              .version = "version",
                                              .message = "message",
                                              .resource = "resource"});
  add(&events, 8, NULL);
  text[0] = 'F'; /* was copied */
  egress_event event;
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_NACKED);
  cr_assert_eq(event.status, 3);
  cr_assert_eq(event.stream_id, 7);
  cr_assert_str_eq(event.node_id, "first");
  cr_assert_str_eq(event.group, "group");
  cr_assert_str_eq(event.peer, "peer");
  cr_assert_str_eq(event.type_url, "type");
  cr_assert_str_eq(event.version, "version");
  cr_assert_str_eq(event.message, "message");
  cr_assert_str_eq(event.resource, "resource");
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.stream_id, 8);
  cr_assert_str_eq(event.resource, "");
  cr_assert_str_eq(event.node_id, "");
  cr_assert_str_eq(event.message, "");
  cr_assert_eq(egress__events_take(&events, &event), 0);
  add(&events, 9, "again");
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.stream_id, 9);
  cr_assert_eq(events.dropped, 0);
  egress__events_dispose(&events);
}

Test(events, the_oldest_are_dropped_and_counted) {
  egress__events events;
  egress__events_init(&events, egress__alloc_or_default(NULL), 3);
  for (uint64_t i = 1; i <= 10; i++)
    add(&events, i, "x");
  cr_assert_eq(events.count, 3);
  cr_assert_eq(events.dropped, 7);
  egress_event event;
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_LOST, "what is gone was before all that is left");
  cr_assert_eq(event.lost, 7);
  cr_assert_eq(event.stream_id, 0);
  cr_assert_str_eq(event.message, "");
  cr_assert_str_eq(event.resource, "");
  for (uint64_t i = 8; i <= 10; i++) {
    cr_assert_eq(egress__events_take(&events, &event), 1);
    cr_assert_eq(event.stream_id, i);
  }
  cr_assert_eq(egress__events_take(&events, &event), 0);
  for (uint64_t i = 1; i <= 4; i++)
    add(&events, i, "x");
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.lost, 1, "each is told once");
  cr_assert_eq(events.dropped, 8);
  egress__events_dispose(&events);
}

Test(events, one_that_finds_no_memory_is_counted_and_costs_no_other) {
  egress__events events;
  egress__events_init(&events, &scarce, 2);
  left = 2;
  add(&events, 1, "x");
  add(&events, 2, "x");
  add(&events, 3, "x"); /* no memory: the first two stay */
  cr_assert_eq(events.dropped, 1);
  egress_event event;
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_LOST);
  cr_assert_eq(event.lost, 1);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.stream_id, 1);
  egress__events_dispose(&events);
}

/* ---- load reports ---- */

/* One cluster, whose name has `size` bytes: a report that is a little larger. */
static egress__load *load_of(size_t size) {
  static uint8_t bytes[EGRESS__NAME_MAX + 16];
  uint8_t *end = egress__put_bytes_head(bytes, 2, egress__bytes_field_size(1, size));
  end = egress__put_bytes_head(end, 1, size);
  memset(end, 'x', size);
  egress__load *load = NULL;
  egress__span node;
  egress__stream_fault fault;
  cr_assert_eq(
      egress__load_read(&load, &node, egress__alloc_or_default(NULL), bytes, (size_t)(end - bytes) + size, &fault), 0);
  return load;
}

static void add_load(egress__events *events, egress__load *load) {
  egress__events_add(events, &(egress_event){.kind = EGRESS_EVENT_LOAD_REPORT, .load = &load->report});
}

Test(events, a_load_report_lives_as_long_as_its_event) {
  egress__events events;
  egress_event event;
  egress__events_init(&events, egress__alloc_or_default(NULL), 1);
  egress__load *load = load_of(3);
  add_load(&events, load);
  add_load(&events, load);
  cr_assert_eq(load->refs, 2, "the first was dropped");
  egress__load_unref(load);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_LOST);
  cr_assert_null(event.load);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_str_eq(event.load->clusters[0].name, "xxx");
  cr_assert_eq(egress__events_take(&events, &event), 0);
  load = load_of(1);
  add_load(&events, load);
  egress__load_unref(load);
  egress__events_dispose(&events);
}

Test(events, what_waits_has_a_bounded_size) {
  egress__events events;
  egress_event event;
  egress__events_init(&events, egress__alloc_or_default(NULL), 8);
  egress__load *load = load_of(1);
  size_t own = load->size;
  load->size = EGRESS__EVENTS_BYTES_MAX / 2;
  add(&events, 1, "small");
  add_load(&events, load);
  cr_assert_eq(events.dropped, 0);
  add_load(&events, load);
  cr_assert_eq(events.count, 1, "two do not fit, whatever else there is");
  cr_assert_eq(events.dropped, 2);
  load->size = own;
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.lost, 2);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  load->size = 2 * (size_t)EGRESS__EVENTS_BYTES_MAX;
  add_load(&events, load);
  cr_assert_eq(events.count, 1, "one may be larger");
  add(&events, 2, "small");
  cr_assert_eq(events.count, 1);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.lost, 1);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.stream_id, 2);
  cr_assert_eq(events.bytes, 0);
  egress__load_unref(load);
  egress__events_dispose(&events);
}

/* ---- the descriptor ---- */

static int is_readable(int fd) {
  struct pollfd look = {.fd = fd, .events = POLLIN};
  return poll(&look, 1, 0);
}

Test(events, the_descriptor_is_readable_while_some_wait) {
  egress__events events;
  egress_event event;
  egress__events_init(&events, egress__alloc_or_default(NULL), 2);
  add(&events, 1, "x");
  int fd = egress__events_fd(&events);
  cr_assert_geq(fd, 0);
  cr_assert_eq(egress__events_fd(&events), fd);
  cr_assert_eq(is_readable(fd), 1, "also for what came before it was asked for");
  add(&events, 2, "x");
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(is_readable(fd), 1);
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(is_readable(fd), 0);
  cr_assert_eq(egress__events_take(&events, &event), 0);
  cr_assert_eq(is_readable(fd), 0);
  for (uint64_t i = 0; i < 1000; i++)
    add(&events, i, "x"); /* nobody takes them: nothing blocks */
  cr_assert_eq(is_readable(fd), 1);
  for (int i = 0; i < 3; i++) {
    cr_assert_eq(is_readable(fd), 1);
    cr_assert_eq(egress__events_take(&events, &event), 1);
  }
  cr_assert_eq(is_readable(fd), 0, "998 lost, and two");
  egress__events_dispose(&events);
}

Test(events, the_descriptor_also_tells_of_what_found_no_memory) {
  egress__events events;
  egress__events_init(&events, &scarce, 2);
  int fd = egress__events_fd(&events);
  cr_assert_eq(is_readable(fd), 0);
  left = 0;
  add(&events, 1, "x");
  cr_assert_eq(is_readable(fd), 1);
  egress_event event;
  cr_assert_eq(egress__events_take(&events, &event), 1);
  cr_assert_eq(event.kind, EGRESS_EVENT_LOST);
  cr_assert_eq(is_readable(fd), 0);
  egress__events_dispose(&events);
}
