-- checksum f5c6a34017e0847aea96a324e16335f95446c8cf19682f8e10a2c0e61b399070
CREATE TABLE "crossloyalty_schema_version" (
  "version" bigint NOT NULL,
  "checksum" text COLLATE "C" NOT NULL,
  "complete" bigint NOT NULL,
  PRIMARY KEY ("version")
);
CREATE TABLE "crossloyalty_buyers" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "scope" text COLLATE "C" NOT NULL,
  "buyer_id" text COLLATE "C" NOT NULL,
  "version" bigint NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "bound_at" bigint,
  "evidence" text NOT NULL,
  "blocked_reason" text NOT NULL,
  "blocked_until" bigint,
  "binding_no" bigint NOT NULL,
  "last_member_id" text NOT NULL,
  "free_at" bigint,
  "ciphertext" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "scope", "buyer_id")
);
CREATE INDEX "crossloyalty_buyers_by_member" ON "crossloyalty_buyers" ("program_id", "member_id", "family", "scope", "buyer_id");
CREATE TABLE "crossloyalty_orders" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "order_no" text COLLATE "C" NOT NULL,
  "version" bigint NOT NULL,
  "next_due_at" bigint,
  "platform" text NOT NULL,
  "shop_id" text NOT NULL,
  "buyer_scope" text COLLATE "C" NOT NULL,
  "buyer_id" text COLLATE "C" NOT NULL,
  "owner_id" text COLLATE "C" NOT NULL,
  "effective_at" bigint NOT NULL,
  "status" text NOT NULL,
  "paid_fen" bigint NOT NULL,
  "coming_at" bigint,
  "facts" text NOT NULL,
  "attempts" text NOT NULL,
  "phone_index" text COLLATE "C",
  PRIMARY KEY ("program_id", "family", "order_no")
);
CREATE INDEX "crossloyalty_orders_by_due" ON "crossloyalty_orders" ("program_id", "next_due_at", "family", "order_no") WHERE "next_due_at" IS NOT NULL;
CREATE INDEX "crossloyalty_orders_by_owner" ON "crossloyalty_orders" ("program_id", "owner_id", "effective_at", "family", "order_no") WHERE "owner_id" <> '';
CREATE INDEX "crossloyalty_orders_by_coming" ON "crossloyalty_orders" ("program_id", "owner_id", "coming_at", "family", "order_no") WHERE "coming_at" IS NOT NULL AND "owner_id" <> '';
CREATE INDEX "crossloyalty_orders_by_buyer" ON "crossloyalty_orders" ("program_id", "family", "buyer_scope", "buyer_id", "effective_at", "order_no") WHERE "buyer_id" <> '';
CREATE INDEX "crossloyalty_orders_by_phone" ON "crossloyalty_orders" ("program_id", "phone_index", "effective_at", "family", "order_no") WHERE "phone_index" IS NOT NULL;
CREATE TABLE "crossloyalty_members" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "version" bigint NOT NULL,
  "next_due_at" bigint,
  "created_at" bigint,
  "last_at" bigint NOT NULL,
  "entry_seq" bigint NOT NULL,
  "entry_hash" text NOT NULL,
  "event_seq" bigint NOT NULL,
  "event_hash" text NOT NULL,
  "tier" text NOT NULL,
  "tier_on" text NOT NULL,
  "qualifications" text NOT NULL,
  "blocked_reason" text NOT NULL,
  "blocked_until" bigint,
  "attempts" text NOT NULL,
  PRIMARY KEY ("program_id", "member_id")
);
CREATE INDEX "crossloyalty_members_by_due" ON "crossloyalty_members" ("program_id", "next_due_at", "member_id") WHERE "next_due_at" IS NOT NULL;
CREATE TABLE "crossloyalty_limits" (
  "program_id" text COLLATE "C" NOT NULL,
  "limit_id" text COLLATE "C" NOT NULL,
  "version" bigint NOT NULL,
  "used" bigint NOT NULL,
  "attempts" text NOT NULL,
  PRIMARY KEY ("program_id", "limit_id")
);
CREATE TABLE "crossloyalty_programs" (
  "program_id" text COLLATE "C" NOT NULL,
  "revision" bigint NOT NULL,
  "digest" text NOT NULL,
  "content" text NOT NULL,
  "published_at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "revision")
);
CREATE TABLE "crossloyalty_aliases" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "alias_no" text COLLATE "C" NOT NULL,
  "order_no" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "alias_no")
);
CREATE TABLE "crossloyalty_bindings" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "scope" text COLLATE "C" NOT NULL,
  "buyer_id" text COLLATE "C" NOT NULL,
  "binding_no" bigint NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "via" text NOT NULL,
  "evidence" text NOT NULL,
  "bound_at" bigint NOT NULL,
  "ended_at" bigint,
  "ended_why" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "scope", "buyer_id", "binding_no")
);
CREATE INDEX "crossloyalty_bindings_by_member" ON "crossloyalty_bindings" ("program_id", "member_id", "bound_at", "family", "scope", "buyer_id", "binding_no");
CREATE INDEX "crossloyalty_bindings_by_state" ON "crossloyalty_bindings" ("program_id", "state", "bound_at", "family", "scope", "buyer_id", "binding_no");
CREATE TABLE "crossloyalty_enrolments" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "side" text COLLATE "C" NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "attempt_no" bigint NOT NULL,
  "asked_at" bigint NOT NULL,
  "decided_at" bigint NOT NULL,
  "external_id" text NOT NULL,
  "detail" text NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "side")
);
CREATE INDEX "crossloyalty_enrolments_by_state" ON "crossloyalty_enrolments" ("program_id", "side", "state", "asked_at", "member_id");
CREATE TABLE "crossloyalty_tickets" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "order_no" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "reason" text NOT NULL,
  "via" text NOT NULL,
  "proof" text NOT NULL,
  "requested_at" bigint NOT NULL,
  "decided_at" bigint NOT NULL,
  "expires_at" bigint NOT NULL,
  "touch" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no", "member_id")
);
CREATE INDEX "crossloyalty_tickets_by_member" ON "crossloyalty_tickets" ("program_id", "member_id", "requested_at", "family", "order_no");
CREATE INDEX "crossloyalty_tickets_by_state" ON "crossloyalty_tickets" ("program_id", "state", "requested_at", "family", "order_no", "member_id");
CREATE TABLE "crossloyalty_claims" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "order_no" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "holder_no" bigint NOT NULL,
  "state" text NOT NULL,
  "via" text NOT NULL,
  "revision" bigint NOT NULL,
  "calc" bigint NOT NULL,
  "requested_at" bigint NOT NULL,
  "claimed_at" bigint NOT NULL,
  "effective_at" bigint NOT NULL,
  "platform" text NOT NULL,
  "spend_day" text NOT NULL,
  "net_fen" bigint NOT NULL,
  "gross_fen" bigint NOT NULL,
  "tier_before" text NOT NULL,
  "touch" text NOT NULL,
  "grants" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no")
);
CREATE INDEX "crossloyalty_claims_by_member" ON "crossloyalty_claims" ("program_id", "member_id", "effective_at", "family", "order_no");
CREATE TABLE "crossloyalty_entries" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "seq" bigint NOT NULL,
  "asset" text NOT NULL,
  "book" text NOT NULL,
  "account" text NOT NULL,
  "account_seq" bigint NOT NULL,
  "amount" bigint NOT NULL,
  "balance_after" bigint NOT NULL,
  "kind" text NOT NULL,
  "lot_no" bigint NOT NULL,
  "family" text NOT NULL,
  "order_no" text NOT NULL,
  "holder_no" bigint NOT NULL,
  "rule_id" text NOT NULL,
  "request_key" text NOT NULL,
  "at" bigint NOT NULL,
  "hash" text NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "seq")
);
CREATE TABLE "crossloyalty_accounts" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "asset" text COLLATE "C" NOT NULL,
  "account" text COLLATE "C" NOT NULL,
  "book" text NOT NULL,
  "balance" bigint NOT NULL,
  "seq" bigint NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "asset", "account")
);
CREATE TABLE "crossloyalty_lots" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "lot_no" bigint NOT NULL,
  "asset" text COLLATE "C" NOT NULL,
  "book" text NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "granted" bigint NOT NULL,
  "remaining" bigint NOT NULL,
  "held" bigint NOT NULL,
  "expired" bigint NOT NULL,
  "blocked" bigint NOT NULL,
  "issue_at" bigint NOT NULL,
  "expires_at" bigint,
  "due_at" bigint,
  "family" text NOT NULL,
  "order_no" text NOT NULL,
  "holder_no" bigint NOT NULL,
  "rule_id" text NOT NULL,
  "activated" bigint NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "lot_no")
);
CREATE INDEX "crossloyalty_lots_by_due" ON "crossloyalty_lots" ("program_id", "member_id", "due_at", "lot_no") WHERE "due_at" IS NOT NULL;
CREATE INDEX "crossloyalty_lots_by_asset" ON "crossloyalty_lots" ("program_id", "member_id", "asset", "state", "due_at", "lot_no") WHERE "due_at" IS NOT NULL;
CREATE TABLE "crossloyalty_spend_days" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "day" text COLLATE "C" NOT NULL,
  "spend_fen" bigint NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "day")
);
CREATE TABLE "crossloyalty_tags" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "tag" text COLLATE "C" NOT NULL,
  "claims" bigint NOT NULL,
  "net_fen" bigint NOT NULL,
  "first_at" bigint NOT NULL,
  "last_at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "tag")
);
CREATE TABLE "crossloyalty_member_grants" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "rule_id" text COLLATE "C" NOT NULL,
  "claims" bigint NOT NULL,
  "grant" text NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "rule_id")
);
CREATE TABLE "crossloyalty_deliveries" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "seq" bigint NOT NULL,
  "gateway" text NOT NULL,
  "lane" bigint NOT NULL,
  "kind" text NOT NULL,
  "delivery_key" text NOT NULL,
  "payload" text NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "attempt_no" bigint NOT NULL,
  "next_due_at" bigint,
  "created_at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "seq")
);
CREATE INDEX "crossloyalty_deliveries_by_state" ON "crossloyalty_deliveries" ("program_id", "state", "lane", "member_id", "seq");
CREATE TABLE "crossloyalty_events" (
  "program_id" text COLLATE "C" NOT NULL,
  "member_id" text COLLATE "C" NOT NULL,
  "seq" bigint NOT NULL,
  "size" bigint NOT NULL,
  "at" bigint NOT NULL,
  "content" text NOT NULL,
  "hash" text NOT NULL,
  "pending" bigint NOT NULL,
  "acked" bigint NOT NULL,
  "published_no" bigint,
  PRIMARY KEY ("program_id", "member_id", "seq")
);
CREATE INDEX "crossloyalty_events_by_pending" ON "crossloyalty_events" ("program_id", "pending", "at", "member_id", "seq");
CREATE TABLE "crossloyalty_requests" (
  "program_id" text COLLATE "C" NOT NULL,
  "request_key" text COLLATE "C" NOT NULL,
  "digest" text NOT NULL,
  "outcome" text NOT NULL,
  "at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "request_key")
);
CREATE TABLE "crossloyalty_sources" (
  "program_id" text COLLATE "C" NOT NULL,
  "platform" text COLLATE "C" NOT NULL,
  "shop_id" text COLLATE "C" NOT NULL,
  "feed" text COLLATE "C" NOT NULL,
  "version" bigint NOT NULL,
  "read_to_at" bigint NOT NULL,
  "window_from_at" bigint NOT NULL,
  "window_to_at" bigint NOT NULL,
  "page" text NOT NULL,
  "lease_id" text NOT NULL,
  "lease_ends_at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "feed")
);
CREATE TABLE "crossloyalty_messages" (
  "program_id" text COLLATE "C" NOT NULL,
  "platform" text COLLATE "C" NOT NULL,
  "shop_id" text COLLATE "C" NOT NULL,
  "message_id" text COLLATE "C" NOT NULL,
  "state" text COLLATE "C" NOT NULL,
  "received_at" bigint NOT NULL,
  "sent_at" bigint,
  "topic" text NOT NULL,
  "order_no" text NOT NULL,
  "refund_id" text NOT NULL,
  "tries" bigint NOT NULL,
  "error" text NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "message_id")
);
CREATE INDEX "crossloyalty_messages_by_state" ON "crossloyalty_messages" ("program_id", "state", "platform", "shop_id", "received_at", "message_id");
CREATE TABLE "crossloyalty_doubts" (
  "program_id" text COLLATE "C" NOT NULL,
  "family" text COLLATE "C" NOT NULL,
  "order_no" text COLLATE "C" NOT NULL,
  "subject" text COLLATE "C" NOT NULL,
  "last_at" bigint NOT NULL,
  "first_at" bigint NOT NULL,
  "platform" text NOT NULL,
  "shop_id" text NOT NULL,
  "code" text NOT NULL,
  "detail" text NOT NULL,
  "payload" text NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no", "subject")
);
CREATE INDEX "crossloyalty_doubts_by_last" ON "crossloyalty_doubts" ("program_id", "last_at", "family", "order_no", "subject");
CREATE TABLE "crossloyalty_watches" (
  "program_id" text COLLATE "C" NOT NULL,
  "platform" text COLLATE "C" NOT NULL,
  "shop_id" text COLLATE "C" NOT NULL,
  "order_no" text COLLATE "C" NOT NULL,
  "next_at" bigint NOT NULL,
  "ends_at" bigint NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "order_no")
);
CREATE INDEX "crossloyalty_watches_by_next" ON "crossloyalty_watches" ("program_id", "platform", "shop_id", "next_at", "order_no");
-- buyers
SELECT "program_id", "family", "scope", "buyer_id", "version", "member_id", "bound_at", "evidence", "blocked_reason", "blocked_until", "binding_no", "last_member_id", "free_at", "ciphertext" FROM "crossloyalty_buyers" WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s;
INSERT INTO "crossloyalty_buyers" ("program_id", "family", "scope", "buyer_id", "version", "member_id", "bound_at", "evidence", "blocked_reason", "blocked_until", "binding_no", "last_member_id", "free_at", "ciphertext") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_buyers" SET "version" = "version" + 1, "member_id" = %s, "bound_at" = %s, "evidence" = %s, "blocked_reason" = %s, "blocked_until" = %s, "binding_no" = %s, "last_member_id" = %s, "free_at" = %s, "ciphertext" = %s WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s AND "version" = %s;
UPDATE "crossloyalty_buyers" SET "version" = "version" + 1 WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s AND "version" = %s;
DELETE FROM "crossloyalty_buyers" WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s;
-- orders
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s;
INSERT INTO "crossloyalty_orders" ("program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_orders" SET "version" = "version" + 1, "next_due_at" = %s, "platform" = %s, "shop_id" = %s, "buyer_scope" = %s, "buyer_id" = %s, "owner_id" = %s, "effective_at" = %s, "status" = %s, "paid_fen" = %s, "coming_at" = %s, "facts" = %s, "attempts" = %s, "phone_index" = %s WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "version" = %s;
UPDATE "crossloyalty_orders" SET "version" = "version" + 1 WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "version" = %s;
DELETE FROM "crossloyalty_orders" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s;
-- members
SELECT "program_id", "member_id", "version", "next_due_at", "created_at", "last_at", "entry_seq", "entry_hash", "event_seq", "event_hash", "tier", "tier_on", "qualifications", "blocked_reason", "blocked_until", "attempts" FROM "crossloyalty_members" WHERE "program_id" = %s AND "member_id" = %s;
INSERT INTO "crossloyalty_members" ("program_id", "member_id", "version", "next_due_at", "created_at", "last_at", "entry_seq", "entry_hash", "event_seq", "event_hash", "tier", "tier_on", "qualifications", "blocked_reason", "blocked_until", "attempts") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_members" SET "version" = "version" + 1, "next_due_at" = %s, "created_at" = %s, "last_at" = %s, "entry_seq" = %s, "entry_hash" = %s, "event_seq" = %s, "event_hash" = %s, "tier" = %s, "tier_on" = %s, "qualifications" = %s, "blocked_reason" = %s, "blocked_until" = %s, "attempts" = %s WHERE "program_id" = %s AND "member_id" = %s AND "version" = %s;
UPDATE "crossloyalty_members" SET "version" = "version" + 1 WHERE "program_id" = %s AND "member_id" = %s AND "version" = %s;
DELETE FROM "crossloyalty_members" WHERE "program_id" = %s AND "member_id" = %s;
-- limits
SELECT "program_id", "limit_id", "version", "used", "attempts" FROM "crossloyalty_limits" WHERE "program_id" = %s AND "limit_id" = %s;
INSERT INTO "crossloyalty_limits" ("program_id", "limit_id", "version", "used", "attempts") VALUES (%s, %s, %s, %s, %s);
UPDATE "crossloyalty_limits" SET "version" = "version" + 1, "used" = %s, "attempts" = %s WHERE "program_id" = %s AND "limit_id" = %s AND "version" = %s;
UPDATE "crossloyalty_limits" SET "version" = "version" + 1 WHERE "program_id" = %s AND "limit_id" = %s AND "version" = %s;
DELETE FROM "crossloyalty_limits" WHERE "program_id" = %s AND "limit_id" = %s;
-- programs
SELECT "program_id", "revision", "digest", "content", "published_at" FROM "crossloyalty_programs" WHERE "program_id" = %s AND "revision" = %s;
INSERT INTO "crossloyalty_programs" ("program_id", "revision", "digest", "content", "published_at") VALUES (%s, %s, %s, %s, %s);
UPDATE "crossloyalty_programs" SET "digest" = %s, "content" = %s, "published_at" = %s WHERE "program_id" = %s AND "revision" = %s;
DELETE FROM "crossloyalty_programs" WHERE "program_id" = %s AND "revision" = %s;
-- aliases
SELECT "program_id", "family", "alias_no", "order_no" FROM "crossloyalty_aliases" WHERE "program_id" = %s AND "family" = %s AND "alias_no" = %s;
INSERT INTO "crossloyalty_aliases" ("program_id", "family", "alias_no", "order_no") VALUES (%s, %s, %s, %s);
UPDATE "crossloyalty_aliases" SET "order_no" = %s WHERE "program_id" = %s AND "family" = %s AND "alias_no" = %s;
DELETE FROM "crossloyalty_aliases" WHERE "program_id" = %s AND "family" = %s AND "alias_no" = %s;
-- bindings
SELECT "program_id", "family", "scope", "buyer_id", "binding_no", "member_id", "state", "via", "evidence", "bound_at", "ended_at", "ended_why" FROM "crossloyalty_bindings" WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s AND "binding_no" = %s;
INSERT INTO "crossloyalty_bindings" ("program_id", "family", "scope", "buyer_id", "binding_no", "member_id", "state", "via", "evidence", "bound_at", "ended_at", "ended_why") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_bindings" SET "member_id" = %s, "state" = %s, "via" = %s, "evidence" = %s, "bound_at" = %s, "ended_at" = %s, "ended_why" = %s WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s AND "binding_no" = %s;
DELETE FROM "crossloyalty_bindings" WHERE "program_id" = %s AND "family" = %s AND "scope" = %s AND "buyer_id" = %s AND "binding_no" = %s;
-- enrolments
SELECT "program_id", "member_id", "side", "state", "attempt_no", "asked_at", "decided_at", "external_id", "detail" FROM "crossloyalty_enrolments" WHERE "program_id" = %s AND "member_id" = %s AND "side" = %s;
INSERT INTO "crossloyalty_enrolments" ("program_id", "member_id", "side", "state", "attempt_no", "asked_at", "decided_at", "external_id", "detail") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_enrolments" SET "state" = %s, "attempt_no" = %s, "asked_at" = %s, "decided_at" = %s, "external_id" = %s, "detail" = %s WHERE "program_id" = %s AND "member_id" = %s AND "side" = %s;
DELETE FROM "crossloyalty_enrolments" WHERE "program_id" = %s AND "member_id" = %s AND "side" = %s;
-- tickets
SELECT "program_id", "family", "order_no", "member_id", "state", "reason", "via", "proof", "requested_at", "decided_at", "expires_at", "touch" FROM "crossloyalty_tickets" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "member_id" = %s;
INSERT INTO "crossloyalty_tickets" ("program_id", "family", "order_no", "member_id", "state", "reason", "via", "proof", "requested_at", "decided_at", "expires_at", "touch") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_tickets" SET "state" = %s, "reason" = %s, "via" = %s, "proof" = %s, "requested_at" = %s, "decided_at" = %s, "expires_at" = %s, "touch" = %s WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "member_id" = %s;
DELETE FROM "crossloyalty_tickets" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "member_id" = %s;
-- claims
SELECT "program_id", "family", "order_no", "member_id", "holder_no", "state", "via", "revision", "calc", "requested_at", "claimed_at", "effective_at", "platform", "spend_day", "net_fen", "gross_fen", "tier_before", "touch", "grants" FROM "crossloyalty_claims" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s;
INSERT INTO "crossloyalty_claims" ("program_id", "family", "order_no", "member_id", "holder_no", "state", "via", "revision", "calc", "requested_at", "claimed_at", "effective_at", "platform", "spend_day", "net_fen", "gross_fen", "tier_before", "touch", "grants") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_claims" SET "member_id" = %s, "holder_no" = %s, "state" = %s, "via" = %s, "revision" = %s, "calc" = %s, "requested_at" = %s, "claimed_at" = %s, "effective_at" = %s, "platform" = %s, "spend_day" = %s, "net_fen" = %s, "gross_fen" = %s, "tier_before" = %s, "touch" = %s, "grants" = %s WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s;
DELETE FROM "crossloyalty_claims" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s;
-- entries
SELECT "program_id", "member_id", "seq", "asset", "book", "account", "account_seq", "amount", "balance_after", "kind", "lot_no", "family", "order_no", "holder_no", "rule_id", "request_key", "at", "hash" FROM "crossloyalty_entries" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
INSERT INTO "crossloyalty_entries" ("program_id", "member_id", "seq", "asset", "book", "account", "account_seq", "amount", "balance_after", "kind", "lot_no", "family", "order_no", "holder_no", "rule_id", "request_key", "at", "hash") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_entries" SET "asset" = %s, "book" = %s, "account" = %s, "account_seq" = %s, "amount" = %s, "balance_after" = %s, "kind" = %s, "lot_no" = %s, "family" = %s, "order_no" = %s, "holder_no" = %s, "rule_id" = %s, "request_key" = %s, "at" = %s, "hash" = %s WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
DELETE FROM "crossloyalty_entries" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
-- accounts
SELECT "program_id", "member_id", "asset", "account", "book", "balance", "seq" FROM "crossloyalty_accounts" WHERE "program_id" = %s AND "member_id" = %s AND "asset" = %s AND "account" = %s;
INSERT INTO "crossloyalty_accounts" ("program_id", "member_id", "asset", "account", "book", "balance", "seq") VALUES (%s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_accounts" SET "book" = %s, "balance" = %s, "seq" = %s WHERE "program_id" = %s AND "member_id" = %s AND "asset" = %s AND "account" = %s;
DELETE FROM "crossloyalty_accounts" WHERE "program_id" = %s AND "member_id" = %s AND "asset" = %s AND "account" = %s;
-- lots
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = %s AND "member_id" = %s AND "lot_no" = %s;
INSERT INTO "crossloyalty_lots" ("program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_lots" SET "asset" = %s, "book" = %s, "state" = %s, "granted" = %s, "remaining" = %s, "held" = %s, "expired" = %s, "blocked" = %s, "issue_at" = %s, "expires_at" = %s, "due_at" = %s, "family" = %s, "order_no" = %s, "holder_no" = %s, "rule_id" = %s, "activated" = %s WHERE "program_id" = %s AND "member_id" = %s AND "lot_no" = %s;
DELETE FROM "crossloyalty_lots" WHERE "program_id" = %s AND "member_id" = %s AND "lot_no" = %s;
-- spend_days
SELECT "program_id", "member_id", "day", "spend_fen" FROM "crossloyalty_spend_days" WHERE "program_id" = %s AND "member_id" = %s AND "day" = %s;
INSERT INTO "crossloyalty_spend_days" ("program_id", "member_id", "day", "spend_fen") VALUES (%s, %s, %s, %s);
UPDATE "crossloyalty_spend_days" SET "spend_fen" = %s WHERE "program_id" = %s AND "member_id" = %s AND "day" = %s;
DELETE FROM "crossloyalty_spend_days" WHERE "program_id" = %s AND "member_id" = %s AND "day" = %s;
-- tags
SELECT "program_id", "member_id", "tag", "claims", "net_fen", "first_at", "last_at" FROM "crossloyalty_tags" WHERE "program_id" = %s AND "member_id" = %s AND "tag" = %s;
INSERT INTO "crossloyalty_tags" ("program_id", "member_id", "tag", "claims", "net_fen", "first_at", "last_at") VALUES (%s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_tags" SET "claims" = %s, "net_fen" = %s, "first_at" = %s, "last_at" = %s WHERE "program_id" = %s AND "member_id" = %s AND "tag" = %s;
DELETE FROM "crossloyalty_tags" WHERE "program_id" = %s AND "member_id" = %s AND "tag" = %s;
-- member_grants
SELECT "program_id", "member_id", "rule_id", "claims", "grant" FROM "crossloyalty_member_grants" WHERE "program_id" = %s AND "member_id" = %s AND "rule_id" = %s;
INSERT INTO "crossloyalty_member_grants" ("program_id", "member_id", "rule_id", "claims", "grant") VALUES (%s, %s, %s, %s, %s);
UPDATE "crossloyalty_member_grants" SET "claims" = %s, "grant" = %s WHERE "program_id" = %s AND "member_id" = %s AND "rule_id" = %s;
DELETE FROM "crossloyalty_member_grants" WHERE "program_id" = %s AND "member_id" = %s AND "rule_id" = %s;
-- deliveries
SELECT "program_id", "member_id", "seq", "gateway", "lane", "kind", "delivery_key", "payload", "state", "attempt_no", "next_due_at", "created_at" FROM "crossloyalty_deliveries" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
INSERT INTO "crossloyalty_deliveries" ("program_id", "member_id", "seq", "gateway", "lane", "kind", "delivery_key", "payload", "state", "attempt_no", "next_due_at", "created_at") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_deliveries" SET "gateway" = %s, "lane" = %s, "kind" = %s, "delivery_key" = %s, "payload" = %s, "state" = %s, "attempt_no" = %s, "next_due_at" = %s, "created_at" = %s WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
DELETE FROM "crossloyalty_deliveries" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
-- events
SELECT "program_id", "member_id", "seq", "size", "at", "content", "hash", "pending", "acked", "published_no" FROM "crossloyalty_events" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
INSERT INTO "crossloyalty_events" ("program_id", "member_id", "seq", "size", "at", "content", "hash", "pending", "acked", "published_no") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_events" SET "size" = %s, "at" = %s, "content" = %s, "hash" = %s, "pending" = %s, "acked" = %s, "published_no" = %s WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
DELETE FROM "crossloyalty_events" WHERE "program_id" = %s AND "member_id" = %s AND "seq" = %s;
-- requests
SELECT "program_id", "request_key", "digest", "outcome", "at" FROM "crossloyalty_requests" WHERE "program_id" = %s AND "request_key" = %s;
INSERT INTO "crossloyalty_requests" ("program_id", "request_key", "digest", "outcome", "at") VALUES (%s, %s, %s, %s, %s);
UPDATE "crossloyalty_requests" SET "digest" = %s, "outcome" = %s, "at" = %s WHERE "program_id" = %s AND "request_key" = %s;
DELETE FROM "crossloyalty_requests" WHERE "program_id" = %s AND "request_key" = %s;
-- sources
SELECT "program_id", "platform", "shop_id", "feed", "version", "read_to_at", "window_from_at", "window_to_at", "page", "lease_id", "lease_ends_at" FROM "crossloyalty_sources" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "feed" = %s;
INSERT INTO "crossloyalty_sources" ("program_id", "platform", "shop_id", "feed", "version", "read_to_at", "window_from_at", "window_to_at", "page", "lease_id", "lease_ends_at") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_sources" SET "version" = "version" + 1, "read_to_at" = %s, "window_from_at" = %s, "window_to_at" = %s, "page" = %s, "lease_id" = %s, "lease_ends_at" = %s WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "feed" = %s AND "version" = %s;
UPDATE "crossloyalty_sources" SET "version" = "version" + 1 WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "feed" = %s AND "version" = %s;
DELETE FROM "crossloyalty_sources" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "feed" = %s;
-- messages
SELECT "program_id", "platform", "shop_id", "message_id", "state", "received_at", "sent_at", "topic", "order_no", "refund_id", "tries", "error" FROM "crossloyalty_messages" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "message_id" = %s;
INSERT INTO "crossloyalty_messages" ("program_id", "platform", "shop_id", "message_id", "state", "received_at", "sent_at", "topic", "order_no", "refund_id", "tries", "error") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_messages" SET "state" = %s, "received_at" = %s, "sent_at" = %s, "topic" = %s, "order_no" = %s, "refund_id" = %s, "tries" = %s, "error" = %s WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "message_id" = %s;
DELETE FROM "crossloyalty_messages" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "message_id" = %s;
-- doubts
SELECT "program_id", "family", "order_no", "subject", "last_at", "first_at", "platform", "shop_id", "code", "detail", "payload" FROM "crossloyalty_doubts" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "subject" = %s;
INSERT INTO "crossloyalty_doubts" ("program_id", "family", "order_no", "subject", "last_at", "first_at", "platform", "shop_id", "code", "detail", "payload") VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_doubts" SET "last_at" = %s, "first_at" = %s, "platform" = %s, "shop_id" = %s, "code" = %s, "detail" = %s, "payload" = %s WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "subject" = %s;
DELETE FROM "crossloyalty_doubts" WHERE "program_id" = %s AND "family" = %s AND "order_no" = %s AND "subject" = %s;
-- watches
SELECT "program_id", "platform", "shop_id", "order_no", "next_at", "ends_at" FROM "crossloyalty_watches" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "order_no" = %s;
INSERT INTO "crossloyalty_watches" ("program_id", "platform", "shop_id", "order_no", "next_at", "ends_at") VALUES (%s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_watches" SET "next_at" = %s, "ends_at" = %s WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "order_no" = %s;
DELETE FROM "crossloyalty_watches" WHERE "program_id" = %s AND "platform" = %s AND "shop_id" = %s AND "order_no" = %s;
-- a root of which two fields changed, additions, scans
UPDATE "crossloyalty_members" SET "version" = "version" + 1, "last_at" = %s, "tier" = %s WHERE "program_id" = %s AND "member_id" = %s AND "version" = %s;
UPDATE "crossloyalty_limits" SET "used" = "used" + %s WHERE "program_id" = %s AND "limit_id" = %s AND "used" BETWEEN %s AND %s;
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = %s AND "member_id" = %s ORDER BY "lot_no";
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = %s AND "member_id" = %s AND "due_at" >= %s AND "due_at" <= %s AND "due_at" IS NOT NULL ORDER BY "due_at", "lot_no";
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = %s AND "member_id" = %s AND "due_at" IS NOT NULL AND ("due_at", "lot_no") < (%s, %s) ORDER BY "due_at" DESC, "lot_no" DESC LIMIT %s;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = %s AND "next_due_at" <= %s AND "next_due_at" IS NOT NULL AND ("next_due_at", "family", "order_no") > (%s, %s, %s) ORDER BY "next_due_at", "family", "order_no" LIMIT %s;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = %s AND "family" = %s AND "order_no" < %s ORDER BY "order_no" DESC;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" ORDER BY "program_id", "family", "order_no";
-- many rows at once
SELECT t.* FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[]) AS v ("program_id", "member_id", "asset", "account") CROSS JOIN LATERAL (SELECT x."program_id", x."member_id", x."asset", x."account", x."book", x."balance", x."seq" FROM "crossloyalty_accounts" x WHERE x."program_id" = v."program_id" AND x."member_id" = v."member_id" AND x."asset" = v."asset" AND x."account" = v."account" OFFSET 0) t;
SELECT t.* FROM unnest(%s::text[], %s::text[]) AS v ("program_id", "member_id") CROSS JOIN LATERAL (SELECT x."program_id", x."member_id", x."version", x."next_due_at", x."created_at", x."last_at", x."entry_seq", x."entry_hash", x."event_seq", x."event_hash", x."tier", x."tier_on", x."qualifications", x."blocked_reason", x."blocked_until", x."attempts" FROM "crossloyalty_members" x WHERE x."program_id" = v."program_id" AND x."member_id" = v."member_id" FOR UPDATE OFFSET 0) t;
SELECT t.* FROM unnest(%s::text[], %s::text[]) AS v ("program_id", "member_id") CROSS JOIN LATERAL (SELECT x."program_id", x."member_id", x."day", x."spend_fen" FROM "crossloyalty_spend_days" x WHERE x."program_id" = v."program_id" AND x."member_id" = v."member_id" AND x."day" >= %s ORDER BY x."day" OFFSET 0) t;
INSERT INTO "crossloyalty_accounts" ("program_id", "member_id", "asset", "account", "book", "balance", "seq") VALUES (%s, %s, %s, %s, %s, %s, %s), (%s, %s, %s, %s, %s, %s, %s);
UPDATE "crossloyalty_accounts" SET "book" = %s, "balance" = %s, "seq" = %s WHERE "program_id" = %s AND "member_id" = %s AND "asset" = %s AND "account" = %s;
INSERT INTO "crossloyalty_accounts" ("book", "balance", "seq", "program_id", "member_id", "asset", "account") VALUES (%s, %s, %s, %s, %s, %s, %s), (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT ("program_id", "member_id", "asset", "account") DO UPDATE SET "book" = excluded."book", "balance" = excluded."balance", "seq" = excluded."seq";
DELETE FROM "crossloyalty_accounts" WHERE "program_id" = %s AND "member_id" = %s AND "asset" = %s AND "account" = %s;
UPDATE "crossloyalty_members" SET "version" = "version" + 1 WHERE "program_id" = %s AND "member_id" = %s AND "version" = %s;
