#include "wire/slot.h"

#include <criterion/criterion.h>

#include "support/grpc_client.h"
#include "support/serving.h"

static serving s;
static client *one;
static int status;

static void begin(void) {
  serving_begin(&s, NULL);
}

static void end(void) {
  serving_end(&s);
}

TestSuite(slot, .init = begin, .fini = end);

static void come_and_go(void *user) {
  (void)user;
  one = client_open(s.address, NULL);
  client_finish(one);
  status = client_status(one);
  client_close(one);
}

/* The server frees a gate that nothing waits at any more. */
static int is_gone(void *user) {
  for (const egress__gate *at = s.server->gates; at != NULL; at = at->next)
    if (at == user)
      return 0;
  return 1;
}

Test(slot, one_takes_client_after_client) {
  for (int i = 0; i < 2 * EGRESS__GATE_SLOTS; i++) {
    status = -1;
    serving_while(&s, come_and_go, NULL);
    cr_assert_eq(status, GRPC_STATUS_OK);
  }
  cr_assert_geq(s.server->gates->call_count, EGRESS__GATE_SLOTS);
}

Test(slot, it_waits_until_the_gate_shuts_down) {
  egress__gate *gate = egress__gate_new(s.server);
  egress__gate_start(gate);
  cr_assert_eq(gate->call_count, EGRESS__GATE_SLOTS);
  for (size_t i = 0; i < EGRESS__GATE_SLOTS; i++)
    cr_assert_eq(gate->slots[i].gate, gate);
  egress__gate_shutdown(gate);
  serving_until(&s, is_gone, gate);
}
