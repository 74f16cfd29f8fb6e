#ifndef EGRESS_EGRESS_H
#define EGRESS_EGRESS_H

/**
 * All of libegress: policies for what may leave a network, and the control plane that keeps Envoys to them.
 *
 * The way of the data: text -> ``egress_policy`` -> ``egress_compile`` -> ``egress_snapshot`` -> ``egress_cache`` ->
 * ``egress_server`` -> Envoy.
 */
#include <egress/access.h>
#include <egress/alloc.h>
#include <egress/bootstrap.h>
#include <egress/cache.h>
#include <egress/compile.h>
#include <egress/diag.h>
#include <egress/document.h>
#include <egress/error.h>
#include <egress/event.h>
#include <egress/export.h>
#include <egress/fetch.h>
#include <egress/load.h>
#include <egress/log.h>
#include <egress/message.h>
#include <egress/peer.h>
#include <egress/policy.h>
#include <egress/resource.h>
#include <egress/server.h>
#include <egress/snapshot.h>
#include <egress/status.h>
#include <egress/text.h>
#include <egress/version.h>

#endif
