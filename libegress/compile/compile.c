#include <egress/compile.h>

#include <string.h>

#include <egress/error.h>

#include "base/diag.h"
#include "base/options.h"
#include "base/protowire.h"
#include "compile/common.h"
#include "compile/explicit.h"
#include "compile/history.h"
#include "compile/lineage.h"
#include "compile/routes.h"
#include "compile/sni.h"
#include "compile/support.h"
#include "snapshot/snapshot.h"

/*
 * policy -> classes of names -> SNI listener, routes; plan -> explicit listener, cluster. Each becomes one resource.
 */

enum { DEFAULT_SNI_PORT = 443 };

static int take_address(egress__endpoint *out, const char *text, const char *option, egress_diag *diag) {
  if (text == NULL)
    return 0;
  if (egress__endpoint_parse(out, text) != 0 || out->port == 0)
    return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0},
                              "%s \"%s\" is not ADDRESS:PORT, such as 127.0.0.1:3128 or [::1]:3128", option, text);
  return 0;
}

static int mistake(egress_diag *diag, const char *what) {
  return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0}, "%s", what);
}

static int check_plan(const egress__compile_plan *plan, egress_diag *diag) {
  egress__span log = {(const uint8_t *)plan->access_log, strlen(plan->access_log)};
  if (log.size == 0 || !egress__span_is_text(log))
    return mistake(diag, "access_log is empty or not UTF-8; name a file");
  if (plan->explicit_address.port == 0 && plan->sni_address.port == 0)
    return mistake(diag, "no listener: give explicit_address, sni_address or both");
  if (memcmp(&plan->explicit_address.addr, &plan->sni_address.addr, sizeof(egress__addr)) == 0 &&
      plan->explicit_address.port == plan->sni_address.port)
    return mistake(diag, "explicit_address and sni_address are the same; Envoy would open only one of the listeners");
  return 0;
}

static int make_plan(egress__compile_plan *plan, const egress_compile_options *options, egress_diag *diag) {
  const uint32_t known = EGRESS_COMPILE_NAME_RULES | EGRESS_COMPILE_SKIP_UNSUPPORTED;
  if ((options->flags & ~known) != 0 || options->reserved != 0)
    return EGRESS_EABI;
  *plan = (egress__compile_plan){
      .access_log = options->access_log != NULL ? options->access_log : "/dev/stdout",
      .sni_port = options->sni_port != 0 ? options->sni_port : DEFAULT_SNI_PORT,
      .name_rules = (options->flags & EGRESS_COMPILE_NAME_RULES) != 0,
  };
  int rv = take_address(&plan->explicit_address, options->explicit_address, "explicit_address", diag);
  if (rv == 0)
    rv = take_address(&plan->sni_address, options->sni_address, "sni_address", diag);
  if (rv == 0)
    rv = take_address(&plan->dns_resolver, options->dns_resolver, "dns_resolver", diag);
  return rv == 0 ? check_plan(plan, diag) : rv;
}

static int put(egress_snapshot_builder *to, egress__build *b, const char *type_url, const char *name,
               const egress__message *message) {
  if (b->rv != 0)
    return b->rv;
  egress_resource *resource;
  int rv = egress__resource_pack(&resource, type_url, name, message, b->arena.alloc);
  if (rv != 0)
    return rv;
  rv = egress_snapshot_builder_put(to, resource);
  egress_resource_unref(resource);
  return rv;
}

static int put_all(egress_snapshot_builder *to, egress__build *b, const egress__compile_plan *plan,
                   const egress__lineage *lineage) {
  const egress_policy *policy = lineage->policy;
  egress__classes classes;
  int rv = egress__classes_make(&classes, policy, &b->arena);
  if (rv == 0)
    rv = put(to, b, EGRESS_TYPE_CLUSTER, EGRESS_CLUSTER_FORWARD, egress__forward_cluster(b, plan));
  if (rv == 0 && plan->sni_address.port != 0) {
    rv = put(to, b, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_SNI, egress__sni_listener(b, plan, lineage, &classes));
    if (rv == 0)
      rv = put(to, b, EGRESS__TYPE_EXTENSION, EGRESS__GUARD_NAME, egress__sni_guard(b, policy));
  }
  if (rv == 0 && plan->explicit_address.port != 0) {
    rv = put(to, b, EGRESS_TYPE_LISTENER, EGRESS_LISTENER_EXPLICIT, egress__explicit_listener(b, plan));
    if (rv == 0)
      rv = put(to, b, EGRESS_TYPE_ROUTE, EGRESS_ROUTE_HTTP, egress__routes(b, policy, &classes));
  }
  return rv;
}

static int build(egress_snapshot **out, const egress__compile_plan *plan, egress__lineage *lineage) {
  egress__build b;
  egress__build_init(&b, lineage->alloc);
  egress_snapshot_builder *builder = NULL;
  egress_snapshot *snap = NULL;
  int rv = egress_snapshot_builder_new(&builder, NULL, lineage->alloc);
  if (rv == 0)
    rv = put_all(builder, &b, plan, lineage);
  if (rv == 0)
    rv = egress_snapshot_builder_build(&snap, builder);
  egress_snapshot_builder_free(builder);
  egress__build_dispose(&b);
  if (rv == 0)
    rv = egress__lineage_set_step(lineage, egress_snapshot_type_version(snap, EGRESS_TYPE_LISTENER));
  if (rv == 0)
    *out = snap;
  else
    egress_snapshot_unref(snap);
  return rv;
}

/* Names the chains after what was in force: a snapshot, or a text of an earlier process; neither: nothing is known. */
static int follow(egress__lineage *lineage, const egress_compile_options *options, uint16_t sni_port,
                  egress_diag *diag) {
  if (options->previous != NULL && egress__snapshot_attachment(options->previous) == NULL)
    return egress__diag_error(diag, EGRESS_EINVAL, (egress__place){0},
                              "previous was not made by egress_compile: what became narrower cannot be told; give the "
                              "snapshot that was, or its history");
  if (options->previous != NULL || options->history == NULL)
    return egress__lineage_follow(lineage, egress__snapshot_attachment(options->previous), sni_port);
  egress__lineage *before;
  int rv = egress__history_read(&before, options->history, lineage->alloc, diag);
  if (rv != 0)
    return rv;
  rv = egress__lineage_follow(lineage, before, sni_port);
  egress__lineage_free(before);
  return rv;
}

static int run(egress_snapshot **out, const egress__compile_plan *plan, egress_policy *policy,
               const egress_compile_options *options, egress_diag *diag) {
  egress__lineage *lineage;
  egress_snapshot *snap = NULL;
  int rv = egress__lineage_new(&lineage, policy, egress__alloc_or_default(options->alloc));
  if (rv != 0)
    return rv;
  rv = follow(lineage, options, plan->sni_port, diag);
  if (rv == 0)
    rv = build(&snap, plan, lineage);
  if (rv != 0) {
    egress__lineage_free(lineage);
    return rv;
  }
  egress__snapshot_attach(snap, lineage, egress__lineage_free);
  *out = snap;
  return 0;
}

int egress_compile(egress_snapshot **out, egress_policy *policy, const egress_compile_options *options,
                   egress_diag *diag) {
  egress_compile_options own = EGRESS_COMPILE_OPTIONS_INIT;
  if (out == NULL || policy == NULL || options == NULL)
    return EGRESS_EINVAL;
  int rv = egress__options_take(&own, sizeof own, options, sizeof own);
  if (rv != 0)
    return rv;
  egress__compile_plan plan;
  rv = make_plan(&plan, &own, diag);
  if (rv == 0)
    rv = egress__check_support(&plan, policy, (own.flags & EGRESS_COMPILE_SKIP_UNSUPPORTED) != 0, diag);
  if (rv == 0)
    rv = run(out, &plan, policy, &own, diag);
  if (rv == EGRESS_ELIMIT)
    egress__diag_error(
        diag, rv, (egress__place){policy->file, 0, 0},
        "the policy makes more configuration than an Envoy can be given: hosts multiply with the ports, sources and "
        "wildcards that speak of them; use fewer, wider ones");
  return rv;
}
