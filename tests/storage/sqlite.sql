-- checksum 0d0c2cb5c23d430b90e73ce1d515b5e6569ea7f43ffa31c043d4b8757714ee3a
CREATE TABLE "crossloyalty_schema_version" (
  "version" INTEGER NOT NULL,
  "checksum" TEXT COLLATE BINARY NOT NULL,
  "complete" INTEGER NOT NULL,
  PRIMARY KEY ("version")
) STRICT;
CREATE TABLE "crossloyalty_buyers" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "scope" TEXT COLLATE BINARY NOT NULL,
  "buyer_id" TEXT COLLATE BINARY NOT NULL,
  "version" INTEGER NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "bound_at" INTEGER,
  "evidence" TEXT NOT NULL,
  "blocked_reason" TEXT NOT NULL,
  "blocked_until" INTEGER,
  "binding_no" INTEGER NOT NULL,
  "last_member_id" TEXT NOT NULL,
  "free_at" INTEGER,
  "ciphertext" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "scope", "buyer_id")
) STRICT;
CREATE INDEX "crossloyalty_buyers_by_member" ON "crossloyalty_buyers" ("program_id", "member_id", "family", "scope", "buyer_id");
CREATE TABLE "crossloyalty_orders" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT COLLATE BINARY NOT NULL,
  "version" INTEGER NOT NULL,
  "next_due_at" INTEGER,
  "platform" TEXT NOT NULL,
  "shop_id" TEXT NOT NULL,
  "buyer_scope" TEXT COLLATE BINARY NOT NULL,
  "buyer_id" TEXT COLLATE BINARY NOT NULL,
  "owner_id" TEXT COLLATE BINARY NOT NULL,
  "effective_at" INTEGER NOT NULL,
  "status" TEXT NOT NULL,
  "paid_fen" INTEGER NOT NULL,
  "coming_at" INTEGER,
  "facts" TEXT NOT NULL,
  "attempts" TEXT NOT NULL,
  "phone_index" TEXT COLLATE BINARY,
  PRIMARY KEY ("program_id", "family", "order_no")
) STRICT;
CREATE INDEX "crossloyalty_orders_by_due" ON "crossloyalty_orders" ("program_id", "next_due_at", "family", "order_no") WHERE "next_due_at" IS NOT NULL;
CREATE INDEX "crossloyalty_orders_by_owner" ON "crossloyalty_orders" ("program_id", "owner_id", "effective_at", "family", "order_no") WHERE "owner_id" <> '';
CREATE INDEX "crossloyalty_orders_by_coming" ON "crossloyalty_orders" ("program_id", "owner_id", "coming_at", "family", "order_no") WHERE "coming_at" IS NOT NULL AND "owner_id" <> '';
CREATE INDEX "crossloyalty_orders_by_buyer" ON "crossloyalty_orders" ("program_id", "family", "buyer_scope", "buyer_id", "effective_at", "order_no") WHERE "buyer_id" <> '';
CREATE INDEX "crossloyalty_orders_by_phone" ON "crossloyalty_orders" ("program_id", "phone_index", "effective_at", "family", "order_no") WHERE "phone_index" IS NOT NULL;
CREATE TABLE "crossloyalty_members" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "version" INTEGER NOT NULL,
  "next_due_at" INTEGER,
  "created_at" INTEGER,
  "last_at" INTEGER NOT NULL,
  "entry_seq" INTEGER NOT NULL,
  "entry_hash" TEXT NOT NULL,
  "event_seq" INTEGER NOT NULL,
  "event_hash" TEXT NOT NULL,
  "tier" TEXT NOT NULL,
  "tier_on" TEXT NOT NULL,
  "qualifications" TEXT NOT NULL,
  "blocked_reason" TEXT NOT NULL,
  "blocked_until" INTEGER,
  "attempts" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "member_id")
) STRICT;
CREATE INDEX "crossloyalty_members_by_due" ON "crossloyalty_members" ("program_id", "next_due_at", "member_id") WHERE "next_due_at" IS NOT NULL;
CREATE TABLE "crossloyalty_limits" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "limit_id" TEXT COLLATE BINARY NOT NULL,
  "version" INTEGER NOT NULL,
  "used" INTEGER NOT NULL,
  "attempts" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "limit_id")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_programs" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "revision" INTEGER NOT NULL,
  "digest" TEXT NOT NULL,
  "content" TEXT NOT NULL,
  "published_at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "revision")
) STRICT;
CREATE TABLE "crossloyalty_aliases" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "alias_no" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "alias_no")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_bindings" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "scope" TEXT COLLATE BINARY NOT NULL,
  "buyer_id" TEXT COLLATE BINARY NOT NULL,
  "binding_no" INTEGER NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "via" TEXT NOT NULL,
  "evidence" TEXT NOT NULL,
  "bound_at" INTEGER NOT NULL,
  "ended_at" INTEGER,
  "ended_why" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "scope", "buyer_id", "binding_no")
) STRICT;
CREATE INDEX "crossloyalty_bindings_by_member" ON "crossloyalty_bindings" ("program_id", "member_id", "bound_at", "family", "scope", "buyer_id", "binding_no");
CREATE INDEX "crossloyalty_bindings_by_state" ON "crossloyalty_bindings" ("program_id", "state", "bound_at", "family", "scope", "buyer_id", "binding_no");
CREATE TABLE "crossloyalty_enrolments" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "side" TEXT COLLATE BINARY NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "attempt_no" INTEGER NOT NULL,
  "asked_at" INTEGER NOT NULL,
  "decided_at" INTEGER NOT NULL,
  "external_id" TEXT NOT NULL,
  "detail" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "side")
) STRICT;
CREATE INDEX "crossloyalty_enrolments_by_state" ON "crossloyalty_enrolments" ("program_id", "side", "state", "asked_at", "member_id");
CREATE TABLE "crossloyalty_tickets" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "reason" TEXT NOT NULL,
  "via" TEXT NOT NULL,
  "proof" TEXT NOT NULL,
  "requested_at" INTEGER NOT NULL,
  "decided_at" INTEGER NOT NULL,
  "expires_at" INTEGER NOT NULL,
  "touch" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no", "member_id")
) STRICT;
CREATE INDEX "crossloyalty_tickets_by_member" ON "crossloyalty_tickets" ("program_id", "member_id", "requested_at", "family", "order_no");
CREATE INDEX "crossloyalty_tickets_by_state" ON "crossloyalty_tickets" ("program_id", "state", "requested_at", "family", "order_no", "member_id");
CREATE TABLE "crossloyalty_claims" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "holder_no" INTEGER NOT NULL,
  "state" TEXT NOT NULL,
  "via" TEXT NOT NULL,
  "revision" INTEGER NOT NULL,
  "calc" INTEGER NOT NULL,
  "requested_at" INTEGER NOT NULL,
  "claimed_at" INTEGER NOT NULL,
  "effective_at" INTEGER NOT NULL,
  "platform" TEXT NOT NULL,
  "spend_day" TEXT NOT NULL,
  "net_fen" INTEGER NOT NULL,
  "gross_fen" INTEGER NOT NULL,
  "tier_before" TEXT NOT NULL,
  "touch" TEXT NOT NULL,
  "grants" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no")
) STRICT;
CREATE INDEX "crossloyalty_claims_by_member" ON "crossloyalty_claims" ("program_id", "member_id", "effective_at", "family", "order_no");
CREATE TABLE "crossloyalty_entries" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "seq" INTEGER NOT NULL,
  "asset" TEXT NOT NULL,
  "book" TEXT NOT NULL,
  "account" TEXT NOT NULL,
  "account_seq" INTEGER NOT NULL,
  "amount" INTEGER NOT NULL,
  "balance_after" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "lot_no" INTEGER NOT NULL,
  "family" TEXT NOT NULL,
  "order_no" TEXT NOT NULL,
  "holder_no" INTEGER NOT NULL,
  "rule_id" TEXT NOT NULL,
  "request_key" TEXT NOT NULL,
  "at" INTEGER NOT NULL,
  "hash" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "seq")
) STRICT;
CREATE TABLE "crossloyalty_accounts" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "asset" TEXT COLLATE BINARY NOT NULL,
  "account" TEXT COLLATE BINARY NOT NULL,
  "book" TEXT NOT NULL,
  "balance" INTEGER NOT NULL,
  "seq" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "asset", "account")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_lots" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "lot_no" INTEGER NOT NULL,
  "asset" TEXT COLLATE BINARY NOT NULL,
  "book" TEXT NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "granted" INTEGER NOT NULL,
  "remaining" INTEGER NOT NULL,
  "held" INTEGER NOT NULL,
  "expired" INTEGER NOT NULL,
  "blocked" INTEGER NOT NULL,
  "issue_at" INTEGER NOT NULL,
  "expires_at" INTEGER,
  "due_at" INTEGER,
  "family" TEXT NOT NULL,
  "order_no" TEXT NOT NULL,
  "holder_no" INTEGER NOT NULL,
  "rule_id" TEXT NOT NULL,
  "activated" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "lot_no")
) STRICT;
CREATE INDEX "crossloyalty_lots_by_due" ON "crossloyalty_lots" ("program_id", "member_id", "due_at", "lot_no") WHERE "due_at" IS NOT NULL;
CREATE INDEX "crossloyalty_lots_by_asset" ON "crossloyalty_lots" ("program_id", "member_id", "asset", "state", "due_at", "lot_no") WHERE "due_at" IS NOT NULL;
CREATE TABLE "crossloyalty_spend_days" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "day" TEXT COLLATE BINARY NOT NULL,
  "spend_fen" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "day")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_tags" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "tag" TEXT COLLATE BINARY NOT NULL,
  "claims" INTEGER NOT NULL,
  "net_fen" INTEGER NOT NULL,
  "first_at" INTEGER NOT NULL,
  "last_at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "tag")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_member_grants" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "rule_id" TEXT COLLATE BINARY NOT NULL,
  "claims" INTEGER NOT NULL,
  "grant" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "rule_id")
) STRICT, WITHOUT ROWID;
CREATE TABLE "crossloyalty_deliveries" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "seq" INTEGER NOT NULL,
  "gateway" TEXT NOT NULL,
  "lane" INTEGER NOT NULL,
  "kind" TEXT NOT NULL,
  "delivery_key" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "attempt_no" INTEGER NOT NULL,
  "next_due_at" INTEGER,
  "created_at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "member_id", "seq")
) STRICT;
CREATE INDEX "crossloyalty_deliveries_by_state" ON "crossloyalty_deliveries" ("program_id", "state", "lane", "member_id", "seq");
CREATE TABLE "crossloyalty_events" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "member_id" TEXT COLLATE BINARY NOT NULL,
  "seq" INTEGER NOT NULL,
  "size" INTEGER NOT NULL,
  "at" INTEGER NOT NULL,
  "content" TEXT NOT NULL,
  "hash" TEXT NOT NULL,
  "pending" INTEGER NOT NULL,
  "acked" INTEGER NOT NULL,
  "published_no" INTEGER,
  PRIMARY KEY ("program_id", "member_id", "seq")
) STRICT;
CREATE INDEX "crossloyalty_events_by_pending" ON "crossloyalty_events" ("program_id", "pending", "at", "member_id", "seq");
CREATE TABLE "crossloyalty_requests" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "request_key" TEXT COLLATE BINARY NOT NULL,
  "digest" TEXT NOT NULL,
  "outcome" TEXT NOT NULL,
  "at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "request_key")
) STRICT;
CREATE TABLE "crossloyalty_sources" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "platform" TEXT COLLATE BINARY NOT NULL,
  "shop_id" TEXT COLLATE BINARY NOT NULL,
  "feed" TEXT COLLATE BINARY NOT NULL,
  "version" INTEGER NOT NULL,
  "read_to_at" INTEGER NOT NULL,
  "window_from_at" INTEGER NOT NULL,
  "window_to_at" INTEGER NOT NULL,
  "page" TEXT NOT NULL,
  "lease_id" TEXT NOT NULL,
  "lease_ends_at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "feed")
) STRICT;
CREATE TABLE "crossloyalty_messages" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "platform" TEXT COLLATE BINARY NOT NULL,
  "shop_id" TEXT COLLATE BINARY NOT NULL,
  "message_id" TEXT COLLATE BINARY NOT NULL,
  "state" TEXT COLLATE BINARY NOT NULL,
  "received_at" INTEGER NOT NULL,
  "sent_at" INTEGER,
  "topic" TEXT NOT NULL,
  "order_no" TEXT NOT NULL,
  "refund_id" TEXT NOT NULL,
  "tries" INTEGER NOT NULL,
  "error" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "message_id")
) STRICT;
CREATE INDEX "crossloyalty_messages_by_state" ON "crossloyalty_messages" ("program_id", "state", "platform", "shop_id", "received_at", "message_id");
CREATE TABLE "crossloyalty_doubts" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "family" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT COLLATE BINARY NOT NULL,
  "subject" TEXT COLLATE BINARY NOT NULL,
  "last_at" INTEGER NOT NULL,
  "first_at" INTEGER NOT NULL,
  "platform" TEXT NOT NULL,
  "shop_id" TEXT NOT NULL,
  "code" TEXT NOT NULL,
  "detail" TEXT NOT NULL,
  "payload" TEXT NOT NULL,
  PRIMARY KEY ("program_id", "family", "order_no", "subject")
) STRICT;
CREATE INDEX "crossloyalty_doubts_by_last" ON "crossloyalty_doubts" ("program_id", "last_at", "family", "order_no", "subject");
CREATE TABLE "crossloyalty_watches" (
  "program_id" TEXT COLLATE BINARY NOT NULL,
  "platform" TEXT COLLATE BINARY NOT NULL,
  "shop_id" TEXT COLLATE BINARY NOT NULL,
  "order_no" TEXT COLLATE BINARY NOT NULL,
  "next_at" INTEGER NOT NULL,
  "ends_at" INTEGER NOT NULL,
  PRIMARY KEY ("program_id", "platform", "shop_id", "order_no")
) STRICT;
CREATE INDEX "crossloyalty_watches_by_next" ON "crossloyalty_watches" ("program_id", "platform", "shop_id", "next_at", "order_no");
-- buyers
SELECT "program_id", "family", "scope", "buyer_id", "version", "member_id", "bound_at", "evidence", "blocked_reason", "blocked_until", "binding_no", "last_member_id", "free_at", "ciphertext" FROM "crossloyalty_buyers" WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ?;
INSERT INTO "crossloyalty_buyers" ("program_id", "family", "scope", "buyer_id", "version", "member_id", "bound_at", "evidence", "blocked_reason", "blocked_until", "binding_no", "last_member_id", "free_at", "ciphertext") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_buyers" SET "version" = "version" + 1, "member_id" = ?, "bound_at" = ?, "evidence" = ?, "blocked_reason" = ?, "blocked_until" = ?, "binding_no" = ?, "last_member_id" = ?, "free_at" = ?, "ciphertext" = ? WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ? AND "version" = ?;
UPDATE "crossloyalty_buyers" SET "version" = "version" + 1 WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ? AND "version" = ?;
DELETE FROM "crossloyalty_buyers" WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ?;
-- orders
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ?;
INSERT INTO "crossloyalty_orders" ("program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_orders" SET "version" = "version" + 1, "next_due_at" = ?, "platform" = ?, "shop_id" = ?, "buyer_scope" = ?, "buyer_id" = ?, "owner_id" = ?, "effective_at" = ?, "status" = ?, "paid_fen" = ?, "coming_at" = ?, "facts" = ?, "attempts" = ?, "phone_index" = ? WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "version" = ?;
UPDATE "crossloyalty_orders" SET "version" = "version" + 1 WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "version" = ?;
DELETE FROM "crossloyalty_orders" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ?;
-- members
SELECT "program_id", "member_id", "version", "next_due_at", "created_at", "last_at", "entry_seq", "entry_hash", "event_seq", "event_hash", "tier", "tier_on", "qualifications", "blocked_reason", "blocked_until", "attempts" FROM "crossloyalty_members" WHERE "program_id" = ? AND "member_id" = ?;
INSERT INTO "crossloyalty_members" ("program_id", "member_id", "version", "next_due_at", "created_at", "last_at", "entry_seq", "entry_hash", "event_seq", "event_hash", "tier", "tier_on", "qualifications", "blocked_reason", "blocked_until", "attempts") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_members" SET "version" = "version" + 1, "next_due_at" = ?, "created_at" = ?, "last_at" = ?, "entry_seq" = ?, "entry_hash" = ?, "event_seq" = ?, "event_hash" = ?, "tier" = ?, "tier_on" = ?, "qualifications" = ?, "blocked_reason" = ?, "blocked_until" = ?, "attempts" = ? WHERE "program_id" = ? AND "member_id" = ? AND "version" = ?;
UPDATE "crossloyalty_members" SET "version" = "version" + 1 WHERE "program_id" = ? AND "member_id" = ? AND "version" = ?;
DELETE FROM "crossloyalty_members" WHERE "program_id" = ? AND "member_id" = ?;
-- limits
SELECT "program_id", "limit_id", "version", "used", "attempts" FROM "crossloyalty_limits" WHERE "program_id" = ? AND "limit_id" = ?;
INSERT INTO "crossloyalty_limits" ("program_id", "limit_id", "version", "used", "attempts") VALUES (?, ?, ?, ?, ?);
UPDATE "crossloyalty_limits" SET "version" = "version" + 1, "used" = ?, "attempts" = ? WHERE "program_id" = ? AND "limit_id" = ? AND "version" = ?;
UPDATE "crossloyalty_limits" SET "version" = "version" + 1 WHERE "program_id" = ? AND "limit_id" = ? AND "version" = ?;
DELETE FROM "crossloyalty_limits" WHERE "program_id" = ? AND "limit_id" = ?;
-- programs
SELECT "program_id", "revision", "digest", "content", "published_at" FROM "crossloyalty_programs" WHERE "program_id" = ? AND "revision" = ?;
INSERT INTO "crossloyalty_programs" ("program_id", "revision", "digest", "content", "published_at") VALUES (?, ?, ?, ?, ?);
UPDATE "crossloyalty_programs" SET "digest" = ?, "content" = ?, "published_at" = ? WHERE "program_id" = ? AND "revision" = ?;
DELETE FROM "crossloyalty_programs" WHERE "program_id" = ? AND "revision" = ?;
-- aliases
SELECT "program_id", "family", "alias_no", "order_no" FROM "crossloyalty_aliases" WHERE "program_id" = ? AND "family" = ? AND "alias_no" = ?;
INSERT INTO "crossloyalty_aliases" ("program_id", "family", "alias_no", "order_no") VALUES (?, ?, ?, ?);
UPDATE "crossloyalty_aliases" SET "order_no" = ? WHERE "program_id" = ? AND "family" = ? AND "alias_no" = ?;
DELETE FROM "crossloyalty_aliases" WHERE "program_id" = ? AND "family" = ? AND "alias_no" = ?;
-- bindings
SELECT "program_id", "family", "scope", "buyer_id", "binding_no", "member_id", "state", "via", "evidence", "bound_at", "ended_at", "ended_why" FROM "crossloyalty_bindings" WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ? AND "binding_no" = ?;
INSERT INTO "crossloyalty_bindings" ("program_id", "family", "scope", "buyer_id", "binding_no", "member_id", "state", "via", "evidence", "bound_at", "ended_at", "ended_why") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_bindings" SET "member_id" = ?, "state" = ?, "via" = ?, "evidence" = ?, "bound_at" = ?, "ended_at" = ?, "ended_why" = ? WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ? AND "binding_no" = ?;
DELETE FROM "crossloyalty_bindings" WHERE "program_id" = ? AND "family" = ? AND "scope" = ? AND "buyer_id" = ? AND "binding_no" = ?;
-- enrolments
SELECT "program_id", "member_id", "side", "state", "attempt_no", "asked_at", "decided_at", "external_id", "detail" FROM "crossloyalty_enrolments" WHERE "program_id" = ? AND "member_id" = ? AND "side" = ?;
INSERT INTO "crossloyalty_enrolments" ("program_id", "member_id", "side", "state", "attempt_no", "asked_at", "decided_at", "external_id", "detail") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_enrolments" SET "state" = ?, "attempt_no" = ?, "asked_at" = ?, "decided_at" = ?, "external_id" = ?, "detail" = ? WHERE "program_id" = ? AND "member_id" = ? AND "side" = ?;
DELETE FROM "crossloyalty_enrolments" WHERE "program_id" = ? AND "member_id" = ? AND "side" = ?;
-- tickets
SELECT "program_id", "family", "order_no", "member_id", "state", "reason", "via", "proof", "requested_at", "decided_at", "expires_at", "touch" FROM "crossloyalty_tickets" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "member_id" = ?;
INSERT INTO "crossloyalty_tickets" ("program_id", "family", "order_no", "member_id", "state", "reason", "via", "proof", "requested_at", "decided_at", "expires_at", "touch") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_tickets" SET "state" = ?, "reason" = ?, "via" = ?, "proof" = ?, "requested_at" = ?, "decided_at" = ?, "expires_at" = ?, "touch" = ? WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "member_id" = ?;
DELETE FROM "crossloyalty_tickets" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "member_id" = ?;
-- claims
SELECT "program_id", "family", "order_no", "member_id", "holder_no", "state", "via", "revision", "calc", "requested_at", "claimed_at", "effective_at", "platform", "spend_day", "net_fen", "gross_fen", "tier_before", "touch", "grants" FROM "crossloyalty_claims" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ?;
INSERT INTO "crossloyalty_claims" ("program_id", "family", "order_no", "member_id", "holder_no", "state", "via", "revision", "calc", "requested_at", "claimed_at", "effective_at", "platform", "spend_day", "net_fen", "gross_fen", "tier_before", "touch", "grants") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_claims" SET "member_id" = ?, "holder_no" = ?, "state" = ?, "via" = ?, "revision" = ?, "calc" = ?, "requested_at" = ?, "claimed_at" = ?, "effective_at" = ?, "platform" = ?, "spend_day" = ?, "net_fen" = ?, "gross_fen" = ?, "tier_before" = ?, "touch" = ?, "grants" = ? WHERE "program_id" = ? AND "family" = ? AND "order_no" = ?;
DELETE FROM "crossloyalty_claims" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ?;
-- entries
SELECT "program_id", "member_id", "seq", "asset", "book", "account", "account_seq", "amount", "balance_after", "kind", "lot_no", "family", "order_no", "holder_no", "rule_id", "request_key", "at", "hash" FROM "crossloyalty_entries" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
INSERT INTO "crossloyalty_entries" ("program_id", "member_id", "seq", "asset", "book", "account", "account_seq", "amount", "balance_after", "kind", "lot_no", "family", "order_no", "holder_no", "rule_id", "request_key", "at", "hash") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_entries" SET "asset" = ?, "book" = ?, "account" = ?, "account_seq" = ?, "amount" = ?, "balance_after" = ?, "kind" = ?, "lot_no" = ?, "family" = ?, "order_no" = ?, "holder_no" = ?, "rule_id" = ?, "request_key" = ?, "at" = ?, "hash" = ? WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
DELETE FROM "crossloyalty_entries" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
-- accounts
SELECT "program_id", "member_id", "asset", "account", "book", "balance", "seq" FROM "crossloyalty_accounts" WHERE "program_id" = ? AND "member_id" = ? AND "asset" = ? AND "account" = ?;
INSERT INTO "crossloyalty_accounts" ("program_id", "member_id", "asset", "account", "book", "balance", "seq") VALUES (?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_accounts" SET "book" = ?, "balance" = ?, "seq" = ? WHERE "program_id" = ? AND "member_id" = ? AND "asset" = ? AND "account" = ?;
DELETE FROM "crossloyalty_accounts" WHERE "program_id" = ? AND "member_id" = ? AND "asset" = ? AND "account" = ?;
-- lots
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = ? AND "member_id" = ? AND "lot_no" = ?;
INSERT INTO "crossloyalty_lots" ("program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_lots" SET "asset" = ?, "book" = ?, "state" = ?, "granted" = ?, "remaining" = ?, "held" = ?, "expired" = ?, "blocked" = ?, "issue_at" = ?, "expires_at" = ?, "due_at" = ?, "family" = ?, "order_no" = ?, "holder_no" = ?, "rule_id" = ?, "activated" = ? WHERE "program_id" = ? AND "member_id" = ? AND "lot_no" = ?;
DELETE FROM "crossloyalty_lots" WHERE "program_id" = ? AND "member_id" = ? AND "lot_no" = ?;
-- spend_days
SELECT "program_id", "member_id", "day", "spend_fen" FROM "crossloyalty_spend_days" WHERE "program_id" = ? AND "member_id" = ? AND "day" = ?;
INSERT INTO "crossloyalty_spend_days" ("program_id", "member_id", "day", "spend_fen") VALUES (?, ?, ?, ?);
UPDATE "crossloyalty_spend_days" SET "spend_fen" = ? WHERE "program_id" = ? AND "member_id" = ? AND "day" = ?;
DELETE FROM "crossloyalty_spend_days" WHERE "program_id" = ? AND "member_id" = ? AND "day" = ?;
-- tags
SELECT "program_id", "member_id", "tag", "claims", "net_fen", "first_at", "last_at" FROM "crossloyalty_tags" WHERE "program_id" = ? AND "member_id" = ? AND "tag" = ?;
INSERT INTO "crossloyalty_tags" ("program_id", "member_id", "tag", "claims", "net_fen", "first_at", "last_at") VALUES (?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_tags" SET "claims" = ?, "net_fen" = ?, "first_at" = ?, "last_at" = ? WHERE "program_id" = ? AND "member_id" = ? AND "tag" = ?;
DELETE FROM "crossloyalty_tags" WHERE "program_id" = ? AND "member_id" = ? AND "tag" = ?;
-- member_grants
SELECT "program_id", "member_id", "rule_id", "claims", "grant" FROM "crossloyalty_member_grants" WHERE "program_id" = ? AND "member_id" = ? AND "rule_id" = ?;
INSERT INTO "crossloyalty_member_grants" ("program_id", "member_id", "rule_id", "claims", "grant") VALUES (?, ?, ?, ?, ?);
UPDATE "crossloyalty_member_grants" SET "claims" = ?, "grant" = ? WHERE "program_id" = ? AND "member_id" = ? AND "rule_id" = ?;
DELETE FROM "crossloyalty_member_grants" WHERE "program_id" = ? AND "member_id" = ? AND "rule_id" = ?;
-- deliveries
SELECT "program_id", "member_id", "seq", "gateway", "lane", "kind", "delivery_key", "payload", "state", "attempt_no", "next_due_at", "created_at" FROM "crossloyalty_deliveries" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
INSERT INTO "crossloyalty_deliveries" ("program_id", "member_id", "seq", "gateway", "lane", "kind", "delivery_key", "payload", "state", "attempt_no", "next_due_at", "created_at") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_deliveries" SET "gateway" = ?, "lane" = ?, "kind" = ?, "delivery_key" = ?, "payload" = ?, "state" = ?, "attempt_no" = ?, "next_due_at" = ?, "created_at" = ? WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
DELETE FROM "crossloyalty_deliveries" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
-- events
SELECT "program_id", "member_id", "seq", "size", "at", "content", "hash", "pending", "acked", "published_no" FROM "crossloyalty_events" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
INSERT INTO "crossloyalty_events" ("program_id", "member_id", "seq", "size", "at", "content", "hash", "pending", "acked", "published_no") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_events" SET "size" = ?, "at" = ?, "content" = ?, "hash" = ?, "pending" = ?, "acked" = ?, "published_no" = ? WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
DELETE FROM "crossloyalty_events" WHERE "program_id" = ? AND "member_id" = ? AND "seq" = ?;
-- requests
SELECT "program_id", "request_key", "digest", "outcome", "at" FROM "crossloyalty_requests" WHERE "program_id" = ? AND "request_key" = ?;
INSERT INTO "crossloyalty_requests" ("program_id", "request_key", "digest", "outcome", "at") VALUES (?, ?, ?, ?, ?);
UPDATE "crossloyalty_requests" SET "digest" = ?, "outcome" = ?, "at" = ? WHERE "program_id" = ? AND "request_key" = ?;
DELETE FROM "crossloyalty_requests" WHERE "program_id" = ? AND "request_key" = ?;
-- sources
SELECT "program_id", "platform", "shop_id", "feed", "version", "read_to_at", "window_from_at", "window_to_at", "page", "lease_id", "lease_ends_at" FROM "crossloyalty_sources" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "feed" = ?;
INSERT INTO "crossloyalty_sources" ("program_id", "platform", "shop_id", "feed", "version", "read_to_at", "window_from_at", "window_to_at", "page", "lease_id", "lease_ends_at") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_sources" SET "version" = "version" + 1, "read_to_at" = ?, "window_from_at" = ?, "window_to_at" = ?, "page" = ?, "lease_id" = ?, "lease_ends_at" = ? WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "feed" = ? AND "version" = ?;
UPDATE "crossloyalty_sources" SET "version" = "version" + 1 WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "feed" = ? AND "version" = ?;
DELETE FROM "crossloyalty_sources" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "feed" = ?;
-- messages
SELECT "program_id", "platform", "shop_id", "message_id", "state", "received_at", "sent_at", "topic", "order_no", "refund_id", "tries", "error" FROM "crossloyalty_messages" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "message_id" = ?;
INSERT INTO "crossloyalty_messages" ("program_id", "platform", "shop_id", "message_id", "state", "received_at", "sent_at", "topic", "order_no", "refund_id", "tries", "error") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_messages" SET "state" = ?, "received_at" = ?, "sent_at" = ?, "topic" = ?, "order_no" = ?, "refund_id" = ?, "tries" = ?, "error" = ? WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "message_id" = ?;
DELETE FROM "crossloyalty_messages" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "message_id" = ?;
-- doubts
SELECT "program_id", "family", "order_no", "subject", "last_at", "first_at", "platform", "shop_id", "code", "detail", "payload" FROM "crossloyalty_doubts" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "subject" = ?;
INSERT INTO "crossloyalty_doubts" ("program_id", "family", "order_no", "subject", "last_at", "first_at", "platform", "shop_id", "code", "detail", "payload") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_doubts" SET "last_at" = ?, "first_at" = ?, "platform" = ?, "shop_id" = ?, "code" = ?, "detail" = ?, "payload" = ? WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "subject" = ?;
DELETE FROM "crossloyalty_doubts" WHERE "program_id" = ? AND "family" = ? AND "order_no" = ? AND "subject" = ?;
-- watches
SELECT "program_id", "platform", "shop_id", "order_no", "next_at", "ends_at" FROM "crossloyalty_watches" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "order_no" = ?;
INSERT INTO "crossloyalty_watches" ("program_id", "platform", "shop_id", "order_no", "next_at", "ends_at") VALUES (?, ?, ?, ?, ?, ?);
UPDATE "crossloyalty_watches" SET "next_at" = ?, "ends_at" = ? WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "order_no" = ?;
DELETE FROM "crossloyalty_watches" WHERE "program_id" = ? AND "platform" = ? AND "shop_id" = ? AND "order_no" = ?;
-- a root of which two fields changed, additions, scans
UPDATE "crossloyalty_members" SET "version" = "version" + 1, "last_at" = ?, "tier" = ? WHERE "program_id" = ? AND "member_id" = ? AND "version" = ?;
UPDATE "crossloyalty_limits" SET "used" = "used" + ? WHERE "program_id" = ? AND "limit_id" = ? AND "used" BETWEEN ? AND ?;
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = ? AND "member_id" = ? ORDER BY "lot_no";
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = ? AND "member_id" = ? AND "due_at" >= ? AND "due_at" <= ? AND "due_at" IS NOT NULL ORDER BY "due_at", "lot_no";
SELECT "program_id", "member_id", "lot_no", "asset", "book", "state", "granted", "remaining", "held", "expired", "blocked", "issue_at", "expires_at", "due_at", "family", "order_no", "holder_no", "rule_id", "activated" FROM "crossloyalty_lots" WHERE "program_id" = ? AND "member_id" = ? AND "due_at" IS NOT NULL AND ("due_at", "lot_no") < (?, ?) ORDER BY "due_at" DESC, "lot_no" DESC LIMIT ?;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = ? AND "next_due_at" <= ? AND "next_due_at" IS NOT NULL AND ("next_due_at", "family", "order_no") > (?, ?, ?) ORDER BY "next_due_at", "family", "order_no" LIMIT ?;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" WHERE "program_id" = ? AND "family" = ? AND "order_no" < ? ORDER BY "order_no" DESC;
SELECT "program_id", "family", "order_no", "version", "next_due_at", "platform", "shop_id", "buyer_scope", "buyer_id", "owner_id", "effective_at", "status", "paid_fen", "coming_at", "facts", "attempts", "phone_index" FROM "crossloyalty_orders" ORDER BY "program_id", "family", "order_no";
