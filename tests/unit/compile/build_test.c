#include "compile/build.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <egress/error.h>
#include <envoy/config/core/v3/address.pb-c.h>
#include <envoy/config/core/v3/base.pb-c.h>
#include <envoy/config/core/v3/extension.pb-c.h>
#include <envoy/config/listener/v3/listener.pb-c.h>
#include <envoy/config/rbac/v3/rbac.pb-c.h>
#include <envoy/config/route/v3/route_components.pb-c.h>
#include <google/protobuf/any.pb-c.h>
#include <google/protobuf/struct.pb-c.h>
#include <google/protobuf/wrappers.pb-c.h>

static egress__build start(void) {
  egress__build b;
  egress__build_init(&b, egress__alloc_or_default(NULL));
  return b;
}

Test(build, sets_fields_of_every_kind) {
  egress__build b = start();
  egress__message *socket = EGRESS__MAKE(&b, envoy__config__core__v3__socket_address);
  egress__set_text(&b, socket, "address", "192.0.2.1");
  egress__set_number(&b, socket, "port_value", 65535);
  egress__set_number(&b, socket, "protocol", ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PROTOCOL__UDP);
  egress__set_number(&b, socket, "ipv4_compat", 1);
  const Envoy__Config__Core__V3__SocketAddress *got = (void *)socket;
  cr_assert_str_eq(got->address, "192.0.2.1");
  cr_assert_eq(got->port_specifier_case, ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PORT_SPECIFIER_PORT_VALUE);
  cr_assert_eq(got->port_value, 65535);
  cr_assert_eq(got->protocol, ENVOY__CONFIG__CORE__V3__SOCKET_ADDRESS__PROTOCOL__UDP);
  cr_assert_eq(got->ipv4_compat, 1);
  cr_assert_str_eq(got->resolver_name, "", "untouched fields have their default");

  egress__message *data = EGRESS__MAKE(&b, envoy__config__core__v3__data_source);
  egress__set_text(&b, data, "inline_bytes", "xyz");
  cr_assert_eq(((Envoy__Config__Core__V3__DataSource *)data)->inline_bytes.len, 3);

  egress__message *number = EGRESS__MAKE(&b, google__protobuf__int64_value);
  egress__set_number(&b, number, "value", INT64_MIN);
  cr_assert_eq(((Google__Protobuf__Int64Value *)number)->value, INT64_MIN);
  egress__build_dispose(&b);
}

Test(build, wraps_numbers_and_durations) {
  egress__build b = start();
  egress__message *listener = EGRESS__MAKE(&b, envoy__config__listener__v3__listener);
  egress__set_number(&b, listener, "per_connection_buffer_limit_bytes", 0);
  egress__set_duration(&b, listener, "listener_filters_timeout", 61005);
  const Envoy__Config__Listener__V3__Listener *got = (void *)listener;
  cr_assert_not_null(got->per_connection_buffer_limit_bytes, "0 in a wrapper is not the same as unset");
  cr_assert_eq(got->listener_filters_timeout->seconds, 61);
  cr_assert_eq(got->listener_filters_timeout->nanos, 5000000);
  egress__build_dispose(&b);
}

Test(build, one_of_a_oneof_replaces_the_others) {
  egress__build b = start();
  egress__message *permission = EGRESS__MAKE(&b, envoy__config__rbac__v3__permission);
  egress__set_number(&b, permission, "any", 1);
  egress__message *other = EGRESS__MAKE(&b, envoy__config__rbac__v3__permission);
  egress__set_message(&b, permission, "not_rule", other);
  const Envoy__Config__Rbac__V3__Permission *got = (void *)permission;
  cr_assert_eq(got->rule_case, ENVOY__CONFIG__RBAC__V3__PERMISSION__RULE_NOT_RULE);
  cr_assert_eq((void *)got->not_rule, (void *)other);
  egress__build_dispose(&b);
}

Test(build, repeated_fields_keep_their_order) {
  egress__build b = start();
  egress__message *host = EGRESS__MAKE(&b, envoy__config__route__v3__virtual_host);
  for (int i = 0; i < 100; i++)
    egress__set_text(&b, host, "domains", egress__build_printf(&b, "d%d.test", i));
  const Envoy__Config__Route__V3__VirtualHost *got = (void *)host;
  cr_assert_eq(got->n_domains, 100);
  for (int i = 0; i < 100; i++) {
    char expected[16];
    snprintf(expected, sizeof expected, "d%d.test", i);
    cr_assert_str_eq(got->domains[i], expected);
  }
  egress__build_dispose(&b);
}

Test(build, packs_into_any) {
  egress__build b = start();
  egress__message *extension = EGRESS__MAKE(&b, envoy__config__core__v3__typed_extension_config);
  egress__message *value = EGRESS__MAKE(&b, google__protobuf__string_value);
  egress__set_text(&b, value, "value", "chain");
  egress__set_message(&b, extension, "typed_config", value);
  const Google__Protobuf__Any *any = ((Envoy__Config__Core__V3__TypedExtensionConfig *)extension)->typed_config;
  cr_assert_str_eq(any->type_url, "type.googleapis.com/google.protobuf.StringValue");
  cr_assert_eq(any->value.len, 7);
  cr_assert_eq(memcmp(any->value.data,
                      "\x0a\x05"
                      "chain",
                      7),
               0, "field 1, five bytes");
  /* An Any that is one already goes in as it is. */
  egress__message *again = EGRESS__MAKE(&b, envoy__config__core__v3__typed_extension_config);
  egress__set_message(&b, again, "typed_config", (egress__message *)(uintptr_t)any);
  cr_assert_eq((const void *)((Envoy__Config__Core__V3__TypedExtensionConfig *)again)->typed_config, (const void *)any);
  egress__build_dispose(&b);
}

Test(build, adds_map_entries) {
  egress__build b = start();
  egress__message *fields = EGRESS__MAKE(&b, google__protobuf__struct);
  static const char *const keys[] = {"b", "a", "c"};
  for (size_t i = 0; i < 3; i++) {
    egress__message *value = EGRESS__MAKE(&b, google__protobuf__value);
    egress__set_number(&b, value, "bool_value", 1);
    egress__set_entry(&b, fields, "fields", keys[i], value);
  }
  const Google__Protobuf__Struct *got = (void *)fields;
  cr_assert_eq(got->n_fields, 3);
  for (size_t i = 0; i < 3; i++) {
    cr_assert_str_eq(got->fields[i]->key, keys[i]);
    cr_assert_eq(got->fields[i]->value->kind_case, GOOGLE__PROTOBUF__VALUE__KIND_BOOL_VALUE);
  }
  egress__build_dispose(&b);
}

Test(build, packs) {
  egress__build b = start();
  egress__message *value = EGRESS__MAKE(&b, google__protobuf__string_value);
  egress__set_text(&b, value, "value", "x");
  egress__span bytes = egress__build_pack(&b, value);
  cr_assert_eq(bytes.size, 3);
  cr_assert_eq(memcmp(bytes.data, "\x0a\x01x", 3), 0);
  cr_assert_eq(egress__build_pack(&b, EGRESS__MAKE(&b, google__protobuf__string_value)).size, 0);
  cr_assert_eq(b.rv, 0, "an empty message is no failure");
  egress__build_dispose(&b);
}

/* Memory for some calls, then none. */
static void *resize_some(void *ptr, size_t size, void *user) {
  int *left = user;
  return (*left)-- > 0 ? realloc(ptr, size) : NULL;
}

static void release(void *ptr, void *user) {
  (void)user;
  free(ptr);
}

Test(build, after_a_failure_nothing_happens) {
  int left = 1;
  egress_alloc alloc = {resize_some, release, &left};
  egress__build b;
  egress__build_init(&b, &alloc);
  egress__message *host = EGRESS__MAKE(&b, envoy__config__route__v3__virtual_host);
  cr_assert_not_null(host);
  for (int i = 0; i < 100000 && b.rv == 0; i++)
    egress__set_text(&b, host, "domains", "x.test");
  cr_assert_eq(b.rv, EGRESS_ENOMEM);
  left = 1000; /* memory is back, but what was built is not whole */
  cr_assert_null(EGRESS__MAKE(&b, google__protobuf__struct));
  cr_assert_str_eq(egress__build_printf(&b, "%d", 1), "");
  cr_assert_eq(egress__build_pack(&b, host).size, 0);
  egress__set_text(&b, NULL, "name", "x");
  egress__set_number(&b, NULL, "number", 1);
  egress__set_message(&b, NULL, "message", NULL);
  egress__set_entry(&b, NULL, "map", "key", NULL);
  egress__set_duration(&b, NULL, "duration", 1);
  cr_assert_eq(b.rv, EGRESS_ENOMEM);
  egress__build_dispose(&b);
}

Test(build, takes_no_more_than_its_limit) {
  egress__build b = start();
  cr_assert_eq(b.room, EGRESS__BUILD_MAX);
  b.room = 1000;
  egress__message *host = EGRESS__MAKE(&b, envoy__config__route__v3__virtual_host);
  for (int i = 0; i < 1000 && b.rv == 0; i++)
    egress__set_text(&b, host, "domains", "x.test");
  cr_assert_eq(b.rv, EGRESS_ELIMIT);
  cr_assert_null(EGRESS__MAKE(&b, google__protobuf__struct));
  cr_assert_eq(egress__build_pack(&b, host).size, 0);
  cr_assert_eq(b.rv, EGRESS_ELIMIT, "the first failure stays");
  egress__build_dispose(&b);
}

Test(build, prints_texts_of_any_length) {
  egress__build b = start();
  cr_assert_str_eq(egress__build_printf(&b, "%s:%u", "a", 443U), "a:443");
  const char *padded = egress__build_printf(&b, "%100000d", 7);
  cr_assert_eq(strlen(padded), 100000);
  cr_assert_eq(padded[99999], '7');
  egress__build_dispose(&b);
}
