-- checksum d7fa0d7f81bba88614139e273cd01971646956109b92bf2c6b9c6ce141e641cd
CREATE TABLE `crossloyalty_schema_version` (
  `version` bigint NOT NULL,
  `checksum` varbinary(512) NOT NULL,
  `complete` bigint NOT NULL,
  PRIMARY KEY (`version`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_buyers` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `scope` varbinary(512) NOT NULL,
  `buyer_id` varbinary(512) NOT NULL,
  `version` bigint NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `bound_at` bigint,
  `evidence` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `blocked_reason` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `blocked_until` bigint,
  `binding_no` bigint NOT NULL,
  `last_member_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `free_at` bigint,
  `ciphertext` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `scope`, `buyer_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_buyers_by_member` ON `crossloyalty_buyers` (`program_id`, `member_id`, `family`, `scope`, `buyer_id`);
CREATE TABLE `crossloyalty_orders` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `order_no` varbinary(512) NOT NULL,
  `version` bigint NOT NULL,
  `next_due_at` bigint,
  `platform` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `shop_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `buyer_scope` varbinary(512) NOT NULL,
  `buyer_id` varbinary(512) NOT NULL,
  `owner_id` varbinary(512) NOT NULL,
  `effective_at` bigint NOT NULL,
  `status` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `paid_fen` bigint NOT NULL,
  `coming_at` bigint,
  `facts` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `attempts` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `phone_index` varbinary(512),
  PRIMARY KEY (`program_id`, `family`, `order_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_orders_by_due` ON `crossloyalty_orders` (`program_id`, `next_due_at`, `family`, `order_no`);
CREATE INDEX `crossloyalty_orders_by_owner` ON `crossloyalty_orders` (`program_id`, `owner_id`, `effective_at`, `family`, `order_no`);
CREATE INDEX `crossloyalty_orders_by_coming` ON `crossloyalty_orders` (`program_id`, `owner_id`, `coming_at`, `family`, `order_no`);
CREATE INDEX `crossloyalty_orders_by_buyer` ON `crossloyalty_orders` (`program_id`, `family`, `buyer_scope`, `buyer_id`, `effective_at`, `order_no`);
CREATE INDEX `crossloyalty_orders_by_phone` ON `crossloyalty_orders` (`program_id`, `phone_index`, `effective_at`, `family`, `order_no`);
CREATE TABLE `crossloyalty_members` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `version` bigint NOT NULL,
  `next_due_at` bigint,
  `created_at` bigint,
  `last_at` bigint NOT NULL,
  `entry_seq` bigint NOT NULL,
  `entry_hash` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `event_seq` bigint NOT NULL,
  `event_hash` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `tier` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `tier_on` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `qualifications` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `blocked_reason` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `blocked_until` bigint,
  `attempts` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_members_by_due` ON `crossloyalty_members` (`program_id`, `next_due_at`, `member_id`);
CREATE TABLE `crossloyalty_limits` (
  `program_id` varbinary(512) NOT NULL,
  `limit_id` varbinary(512) NOT NULL,
  `version` bigint NOT NULL,
  `used` bigint NOT NULL,
  `attempts` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `limit_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_programs` (
  `program_id` varbinary(512) NOT NULL,
  `revision` bigint NOT NULL,
  `digest` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `content` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `published_at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `revision`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_aliases` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `alias_no` varbinary(512) NOT NULL,
  `order_no` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `alias_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_bindings` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `scope` varbinary(512) NOT NULL,
  `buyer_id` varbinary(512) NOT NULL,
  `binding_no` bigint NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `via` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `evidence` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `bound_at` bigint NOT NULL,
  `ended_at` bigint,
  `ended_why` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `scope`, `buyer_id`, `binding_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_bindings_by_member` ON `crossloyalty_bindings` (`program_id`, `member_id`, `bound_at`, `family`, `scope`, `buyer_id`, `binding_no`);
CREATE INDEX `crossloyalty_bindings_by_state` ON `crossloyalty_bindings` (`program_id`, `state`, `bound_at`, `family`, `scope`, `buyer_id`, `binding_no`);
CREATE TABLE `crossloyalty_enrolments` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `side` varbinary(512) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `attempt_no` bigint NOT NULL,
  `asked_at` bigint NOT NULL,
  `decided_at` bigint NOT NULL,
  `external_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `detail` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `side`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_enrolments_by_state` ON `crossloyalty_enrolments` (`program_id`, `side`, `state`, `asked_at`, `member_id`);
CREATE TABLE `crossloyalty_tickets` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `order_no` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `reason` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `via` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `proof` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `requested_at` bigint NOT NULL,
  `decided_at` bigint NOT NULL,
  `expires_at` bigint NOT NULL,
  `touch` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `order_no`, `member_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_tickets_by_member` ON `crossloyalty_tickets` (`program_id`, `member_id`, `requested_at`, `family`, `order_no`);
CREATE INDEX `crossloyalty_tickets_by_state` ON `crossloyalty_tickets` (`program_id`, `state`, `requested_at`, `family`, `order_no`, `member_id`);
CREATE TABLE `crossloyalty_claims` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `order_no` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `holder_no` bigint NOT NULL,
  `state` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `via` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `revision` bigint NOT NULL,
  `calc` bigint NOT NULL,
  `requested_at` bigint NOT NULL,
  `claimed_at` bigint NOT NULL,
  `effective_at` bigint NOT NULL,
  `platform` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `spend_day` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `net_fen` bigint NOT NULL,
  `gross_fen` bigint NOT NULL,
  `tier_before` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `touch` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `grants` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `order_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_claims_by_member` ON `crossloyalty_claims` (`program_id`, `member_id`, `effective_at`, `family`, `order_no`);
CREATE TABLE `crossloyalty_entries` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `seq` bigint NOT NULL,
  `asset` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `book` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `account` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `account_seq` bigint NOT NULL,
  `amount` bigint NOT NULL,
  `balance_after` bigint NOT NULL,
  `kind` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `lot_no` bigint NOT NULL,
  `family` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `order_no` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `holder_no` bigint NOT NULL,
  `rule_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `request_key` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `at` bigint NOT NULL,
  `hash` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `seq`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_accounts` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `asset` varbinary(512) NOT NULL,
  `account` varbinary(512) NOT NULL,
  `book` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `balance` bigint NOT NULL,
  `seq` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `asset`, `account`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_lots` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `lot_no` bigint NOT NULL,
  `asset` varbinary(512) NOT NULL,
  `book` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `state` varbinary(512) NOT NULL,
  `granted` bigint NOT NULL,
  `remaining` bigint NOT NULL,
  `held` bigint NOT NULL,
  `expired` bigint NOT NULL,
  `blocked` bigint NOT NULL,
  `issue_at` bigint NOT NULL,
  `expires_at` bigint,
  `due_at` bigint,
  `family` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `order_no` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `holder_no` bigint NOT NULL,
  `rule_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `activated` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `lot_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_lots_by_due` ON `crossloyalty_lots` (`program_id`, `member_id`, `due_at`, `lot_no`);
CREATE INDEX `crossloyalty_lots_by_asset` ON `crossloyalty_lots` (`program_id`, `member_id`, `asset`, `state`, `due_at`, `lot_no`);
CREATE TABLE `crossloyalty_spend_days` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `day` varbinary(512) NOT NULL,
  `spend_fen` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `day`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_tags` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `tag` varbinary(512) NOT NULL,
  `claims` bigint NOT NULL,
  `net_fen` bigint NOT NULL,
  `first_at` bigint NOT NULL,
  `last_at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `tag`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_member_grants` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `rule_id` varbinary(512) NOT NULL,
  `claims` bigint NOT NULL,
  `grant` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `rule_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_deliveries` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `seq` bigint NOT NULL,
  `gateway` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `lane` bigint NOT NULL,
  `kind` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `delivery_key` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `payload` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `state` varbinary(512) NOT NULL,
  `attempt_no` bigint NOT NULL,
  `next_due_at` bigint,
  `created_at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `member_id`, `seq`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_deliveries_by_state` ON `crossloyalty_deliveries` (`program_id`, `state`, `lane`, `member_id`, `seq`);
CREATE TABLE `crossloyalty_events` (
  `program_id` varbinary(512) NOT NULL,
  `member_id` varbinary(512) NOT NULL,
  `seq` bigint NOT NULL,
  `size` bigint NOT NULL,
  `at` bigint NOT NULL,
  `content` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `hash` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `pending` bigint NOT NULL,
  `acked` bigint NOT NULL,
  `published_no` bigint,
  PRIMARY KEY (`program_id`, `member_id`, `seq`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_events_by_pending` ON `crossloyalty_events` (`program_id`, `pending`, `at`, `member_id`, `seq`);
CREATE TABLE `crossloyalty_requests` (
  `program_id` varbinary(512) NOT NULL,
  `request_key` varbinary(512) NOT NULL,
  `digest` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `outcome` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `request_key`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_sources` (
  `program_id` varbinary(512) NOT NULL,
  `platform` varbinary(512) NOT NULL,
  `shop_id` varbinary(512) NOT NULL,
  `feed` varbinary(512) NOT NULL,
  `version` bigint NOT NULL,
  `read_to_at` bigint NOT NULL,
  `window_from_at` bigint NOT NULL,
  `window_to_at` bigint NOT NULL,
  `page` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `lease_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `lease_ends_at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `platform`, `shop_id`, `feed`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE TABLE `crossloyalty_messages` (
  `program_id` varbinary(512) NOT NULL,
  `platform` varbinary(512) NOT NULL,
  `shop_id` varbinary(512) NOT NULL,
  `message_id` varbinary(512) NOT NULL,
  `state` varbinary(512) NOT NULL,
  `received_at` bigint NOT NULL,
  `sent_at` bigint,
  `topic` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `order_no` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `refund_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `tries` bigint NOT NULL,
  `error` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `platform`, `shop_id`, `message_id`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_messages_by_state` ON `crossloyalty_messages` (`program_id`, `state`, `platform`, `shop_id`, `received_at`, `message_id`);
CREATE TABLE `crossloyalty_doubts` (
  `program_id` varbinary(512) NOT NULL,
  `family` varbinary(512) NOT NULL,
  `order_no` varbinary(512) NOT NULL,
  `subject` varbinary(512) NOT NULL,
  `last_at` bigint NOT NULL,
  `first_at` bigint NOT NULL,
  `platform` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `shop_id` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `code` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `detail` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `payload` mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  PRIMARY KEY (`program_id`, `family`, `order_no`, `subject`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_doubts_by_last` ON `crossloyalty_doubts` (`program_id`, `last_at`, `family`, `order_no`, `subject`);
CREATE TABLE `crossloyalty_watches` (
  `program_id` varbinary(512) NOT NULL,
  `platform` varbinary(512) NOT NULL,
  `shop_id` varbinary(512) NOT NULL,
  `order_no` varbinary(512) NOT NULL,
  `next_at` bigint NOT NULL,
  `ends_at` bigint NOT NULL,
  PRIMARY KEY (`program_id`, `platform`, `shop_id`, `order_no`)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE INDEX `crossloyalty_watches_by_next` ON `crossloyalty_watches` (`program_id`, `platform`, `shop_id`, `next_at`, `order_no`);
-- buyers
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), `version`, CONVERT(`member_id` USING utf8mb4), `bound_at`, `evidence`, `blocked_reason`, `blocked_until`, `binding_no`, `last_member_id`, `free_at`, `ciphertext`) FROM `crossloyalty_buyers` WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s;
INSERT INTO `crossloyalty_buyers` (`program_id`, `family`, `scope`, `buyer_id`, `version`, `member_id`, `bound_at`, `evidence`, `blocked_reason`, `blocked_until`, `binding_no`, `last_member_id`, `free_at`, `ciphertext`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_buyers` SET `version` = `version` + 1, `member_id` = %s, `bound_at` = %s, `evidence` = %s, `blocked_reason` = %s, `blocked_until` = %s, `binding_no` = %s, `last_member_id` = %s, `free_at` = %s, `ciphertext` = %s WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s AND `version` = %s;
UPDATE `crossloyalty_buyers` SET `version` = `version` + 1 WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s AND `version` = %s;
DELETE FROM `crossloyalty_buyers` WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s;
-- orders
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), `version`, `next_due_at`, `platform`, `shop_id`, CONVERT(`buyer_scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), CONVERT(`owner_id` USING utf8mb4), `effective_at`, `status`, `paid_fen`, `coming_at`, `facts`, `attempts`, CONVERT(`phone_index` USING utf8mb4)) FROM `crossloyalty_orders` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s;
INSERT INTO `crossloyalty_orders` (`program_id`, `family`, `order_no`, `version`, `next_due_at`, `platform`, `shop_id`, `buyer_scope`, `buyer_id`, `owner_id`, `effective_at`, `status`, `paid_fen`, `coming_at`, `facts`, `attempts`, `phone_index`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_orders` SET `version` = `version` + 1, `next_due_at` = %s, `platform` = %s, `shop_id` = %s, `buyer_scope` = %s, `buyer_id` = %s, `owner_id` = %s, `effective_at` = %s, `status` = %s, `paid_fen` = %s, `coming_at` = %s, `facts` = %s, `attempts` = %s, `phone_index` = %s WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `version` = %s;
UPDATE `crossloyalty_orders` SET `version` = `version` + 1 WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `version` = %s;
DELETE FROM `crossloyalty_orders` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s;
-- members
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `version`, `next_due_at`, `created_at`, `last_at`, `entry_seq`, `entry_hash`, `event_seq`, `event_hash`, `tier`, `tier_on`, `qualifications`, `blocked_reason`, `blocked_until`, `attempts`) FROM `crossloyalty_members` WHERE `program_id` = %s AND `member_id` = %s;
INSERT INTO `crossloyalty_members` (`program_id`, `member_id`, `version`, `next_due_at`, `created_at`, `last_at`, `entry_seq`, `entry_hash`, `event_seq`, `event_hash`, `tier`, `tier_on`, `qualifications`, `blocked_reason`, `blocked_until`, `attempts`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_members` SET `version` = `version` + 1, `next_due_at` = %s, `created_at` = %s, `last_at` = %s, `entry_seq` = %s, `entry_hash` = %s, `event_seq` = %s, `event_hash` = %s, `tier` = %s, `tier_on` = %s, `qualifications` = %s, `blocked_reason` = %s, `blocked_until` = %s, `attempts` = %s WHERE `program_id` = %s AND `member_id` = %s AND `version` = %s;
UPDATE `crossloyalty_members` SET `version` = `version` + 1 WHERE `program_id` = %s AND `member_id` = %s AND `version` = %s;
DELETE FROM `crossloyalty_members` WHERE `program_id` = %s AND `member_id` = %s;
-- limits
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`limit_id` USING utf8mb4), `version`, `used`, `attempts`) FROM `crossloyalty_limits` WHERE `program_id` = %s AND `limit_id` = %s;
INSERT INTO `crossloyalty_limits` (`program_id`, `limit_id`, `version`, `used`, `attempts`) VALUES (%s, %s, %s, %s, %s);
UPDATE `crossloyalty_limits` SET `version` = `version` + 1, `used` = %s, `attempts` = %s WHERE `program_id` = %s AND `limit_id` = %s AND `version` = %s;
UPDATE `crossloyalty_limits` SET `version` = `version` + 1 WHERE `program_id` = %s AND `limit_id` = %s AND `version` = %s;
DELETE FROM `crossloyalty_limits` WHERE `program_id` = %s AND `limit_id` = %s;
-- programs
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), `revision`, `digest`, `content`, `published_at`) FROM `crossloyalty_programs` WHERE `program_id` = %s AND `revision` = %s;
INSERT INTO `crossloyalty_programs` (`program_id`, `revision`, `digest`, `content`, `published_at`) VALUES (%s, %s, %s, %s, %s);
UPDATE `crossloyalty_programs` SET `digest` = %s, `content` = %s, `published_at` = %s WHERE `program_id` = %s AND `revision` = %s;
DELETE FROM `crossloyalty_programs` WHERE `program_id` = %s AND `revision` = %s;
-- aliases
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`alias_no` USING utf8mb4), `order_no`) FROM `crossloyalty_aliases` WHERE `program_id` = %s AND `family` = %s AND `alias_no` = %s;
INSERT INTO `crossloyalty_aliases` (`program_id`, `family`, `alias_no`, `order_no`) VALUES (%s, %s, %s, %s);
UPDATE `crossloyalty_aliases` SET `order_no` = %s WHERE `program_id` = %s AND `family` = %s AND `alias_no` = %s;
DELETE FROM `crossloyalty_aliases` WHERE `program_id` = %s AND `family` = %s AND `alias_no` = %s;
-- bindings
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), `binding_no`, CONVERT(`member_id` USING utf8mb4), CONVERT(`state` USING utf8mb4), `via`, `evidence`, `bound_at`, `ended_at`, `ended_why`) FROM `crossloyalty_bindings` WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s AND `binding_no` = %s;
INSERT INTO `crossloyalty_bindings` (`program_id`, `family`, `scope`, `buyer_id`, `binding_no`, `member_id`, `state`, `via`, `evidence`, `bound_at`, `ended_at`, `ended_why`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_bindings` SET `member_id` = %s, `state` = %s, `via` = %s, `evidence` = %s, `bound_at` = %s, `ended_at` = %s, `ended_why` = %s WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s AND `binding_no` = %s;
DELETE FROM `crossloyalty_bindings` WHERE `program_id` = %s AND `family` = %s AND `scope` = %s AND `buyer_id` = %s AND `binding_no` = %s;
-- enrolments
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`side` USING utf8mb4), CONVERT(`state` USING utf8mb4), `attempt_no`, `asked_at`, `decided_at`, `external_id`, `detail`) FROM `crossloyalty_enrolments` WHERE `program_id` = %s AND `member_id` = %s AND `side` = %s;
INSERT INTO `crossloyalty_enrolments` (`program_id`, `member_id`, `side`, `state`, `attempt_no`, `asked_at`, `decided_at`, `external_id`, `detail`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_enrolments` SET `state` = %s, `attempt_no` = %s, `asked_at` = %s, `decided_at` = %s, `external_id` = %s, `detail` = %s WHERE `program_id` = %s AND `member_id` = %s AND `side` = %s;
DELETE FROM `crossloyalty_enrolments` WHERE `program_id` = %s AND `member_id` = %s AND `side` = %s;
-- tickets
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`state` USING utf8mb4), `reason`, `via`, `proof`, `requested_at`, `decided_at`, `expires_at`, `touch`) FROM `crossloyalty_tickets` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `member_id` = %s;
INSERT INTO `crossloyalty_tickets` (`program_id`, `family`, `order_no`, `member_id`, `state`, `reason`, `via`, `proof`, `requested_at`, `decided_at`, `expires_at`, `touch`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_tickets` SET `state` = %s, `reason` = %s, `via` = %s, `proof` = %s, `requested_at` = %s, `decided_at` = %s, `expires_at` = %s, `touch` = %s WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `member_id` = %s;
DELETE FROM `crossloyalty_tickets` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `member_id` = %s;
-- claims
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `holder_no`, `state`, `via`, `revision`, `calc`, `requested_at`, `claimed_at`, `effective_at`, `platform`, `spend_day`, `net_fen`, `gross_fen`, `tier_before`, `touch`, `grants`) FROM `crossloyalty_claims` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s;
INSERT INTO `crossloyalty_claims` (`program_id`, `family`, `order_no`, `member_id`, `holder_no`, `state`, `via`, `revision`, `calc`, `requested_at`, `claimed_at`, `effective_at`, `platform`, `spend_day`, `net_fen`, `gross_fen`, `tier_before`, `touch`, `grants`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_claims` SET `member_id` = %s, `holder_no` = %s, `state` = %s, `via` = %s, `revision` = %s, `calc` = %s, `requested_at` = %s, `claimed_at` = %s, `effective_at` = %s, `platform` = %s, `spend_day` = %s, `net_fen` = %s, `gross_fen` = %s, `tier_before` = %s, `touch` = %s, `grants` = %s WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s;
DELETE FROM `crossloyalty_claims` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s;
-- entries
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `seq`, `asset`, `book`, `account`, `account_seq`, `amount`, `balance_after`, `kind`, `lot_no`, `family`, `order_no`, `holder_no`, `rule_id`, `request_key`, `at`, `hash`) FROM `crossloyalty_entries` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
INSERT INTO `crossloyalty_entries` (`program_id`, `member_id`, `seq`, `asset`, `book`, `account`, `account_seq`, `amount`, `balance_after`, `kind`, `lot_no`, `family`, `order_no`, `holder_no`, `rule_id`, `request_key`, `at`, `hash`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_entries` SET `asset` = %s, `book` = %s, `account` = %s, `account_seq` = %s, `amount` = %s, `balance_after` = %s, `kind` = %s, `lot_no` = %s, `family` = %s, `order_no` = %s, `holder_no` = %s, `rule_id` = %s, `request_key` = %s, `at` = %s, `hash` = %s WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
DELETE FROM `crossloyalty_entries` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
-- accounts
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`asset` USING utf8mb4), CONVERT(`account` USING utf8mb4), `book`, `balance`, `seq`) FROM `crossloyalty_accounts` WHERE `program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s;
INSERT INTO `crossloyalty_accounts` (`program_id`, `member_id`, `asset`, `account`, `book`, `balance`, `seq`) VALUES (%s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_accounts` SET `book` = %s, `balance` = %s, `seq` = %s WHERE `program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s;
DELETE FROM `crossloyalty_accounts` WHERE `program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s;
-- lots
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `lot_no`, CONVERT(`asset` USING utf8mb4), `book`, CONVERT(`state` USING utf8mb4), `granted`, `remaining`, `held`, `expired`, `blocked`, `issue_at`, `expires_at`, `due_at`, `family`, `order_no`, `holder_no`, `rule_id`, `activated`) FROM `crossloyalty_lots` WHERE `program_id` = %s AND `member_id` = %s AND `lot_no` = %s;
INSERT INTO `crossloyalty_lots` (`program_id`, `member_id`, `lot_no`, `asset`, `book`, `state`, `granted`, `remaining`, `held`, `expired`, `blocked`, `issue_at`, `expires_at`, `due_at`, `family`, `order_no`, `holder_no`, `rule_id`, `activated`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_lots` SET `asset` = %s, `book` = %s, `state` = %s, `granted` = %s, `remaining` = %s, `held` = %s, `expired` = %s, `blocked` = %s, `issue_at` = %s, `expires_at` = %s, `due_at` = %s, `family` = %s, `order_no` = %s, `holder_no` = %s, `rule_id` = %s, `activated` = %s WHERE `program_id` = %s AND `member_id` = %s AND `lot_no` = %s;
DELETE FROM `crossloyalty_lots` WHERE `program_id` = %s AND `member_id` = %s AND `lot_no` = %s;
-- spend_days
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`day` USING utf8mb4), `spend_fen`) FROM `crossloyalty_spend_days` WHERE `program_id` = %s AND `member_id` = %s AND `day` = %s;
INSERT INTO `crossloyalty_spend_days` (`program_id`, `member_id`, `day`, `spend_fen`) VALUES (%s, %s, %s, %s);
UPDATE `crossloyalty_spend_days` SET `spend_fen` = %s WHERE `program_id` = %s AND `member_id` = %s AND `day` = %s;
DELETE FROM `crossloyalty_spend_days` WHERE `program_id` = %s AND `member_id` = %s AND `day` = %s;
-- tags
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`tag` USING utf8mb4), `claims`, `net_fen`, `first_at`, `last_at`) FROM `crossloyalty_tags` WHERE `program_id` = %s AND `member_id` = %s AND `tag` = %s;
INSERT INTO `crossloyalty_tags` (`program_id`, `member_id`, `tag`, `claims`, `net_fen`, `first_at`, `last_at`) VALUES (%s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_tags` SET `claims` = %s, `net_fen` = %s, `first_at` = %s, `last_at` = %s WHERE `program_id` = %s AND `member_id` = %s AND `tag` = %s;
DELETE FROM `crossloyalty_tags` WHERE `program_id` = %s AND `member_id` = %s AND `tag` = %s;
-- member_grants
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`rule_id` USING utf8mb4), `claims`, `grant`) FROM `crossloyalty_member_grants` WHERE `program_id` = %s AND `member_id` = %s AND `rule_id` = %s;
INSERT INTO `crossloyalty_member_grants` (`program_id`, `member_id`, `rule_id`, `claims`, `grant`) VALUES (%s, %s, %s, %s, %s);
UPDATE `crossloyalty_member_grants` SET `claims` = %s, `grant` = %s WHERE `program_id` = %s AND `member_id` = %s AND `rule_id` = %s;
DELETE FROM `crossloyalty_member_grants` WHERE `program_id` = %s AND `member_id` = %s AND `rule_id` = %s;
-- deliveries
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `seq`, `gateway`, `lane`, `kind`, `delivery_key`, `payload`, CONVERT(`state` USING utf8mb4), `attempt_no`, `next_due_at`, `created_at`) FROM `crossloyalty_deliveries` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
INSERT INTO `crossloyalty_deliveries` (`program_id`, `member_id`, `seq`, `gateway`, `lane`, `kind`, `delivery_key`, `payload`, `state`, `attempt_no`, `next_due_at`, `created_at`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_deliveries` SET `gateway` = %s, `lane` = %s, `kind` = %s, `delivery_key` = %s, `payload` = %s, `state` = %s, `attempt_no` = %s, `next_due_at` = %s, `created_at` = %s WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
DELETE FROM `crossloyalty_deliveries` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
-- events
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `seq`, `size`, `at`, `content`, `hash`, `pending`, `acked`, `published_no`) FROM `crossloyalty_events` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
INSERT INTO `crossloyalty_events` (`program_id`, `member_id`, `seq`, `size`, `at`, `content`, `hash`, `pending`, `acked`, `published_no`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_events` SET `size` = %s, `at` = %s, `content` = %s, `hash` = %s, `pending` = %s, `acked` = %s, `published_no` = %s WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
DELETE FROM `crossloyalty_events` WHERE `program_id` = %s AND `member_id` = %s AND `seq` = %s;
-- requests
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`request_key` USING utf8mb4), `digest`, `outcome`, `at`) FROM `crossloyalty_requests` WHERE `program_id` = %s AND `request_key` = %s;
INSERT INTO `crossloyalty_requests` (`program_id`, `request_key`, `digest`, `outcome`, `at`) VALUES (%s, %s, %s, %s, %s);
UPDATE `crossloyalty_requests` SET `digest` = %s, `outcome` = %s, `at` = %s WHERE `program_id` = %s AND `request_key` = %s;
DELETE FROM `crossloyalty_requests` WHERE `program_id` = %s AND `request_key` = %s;
-- sources
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`platform` USING utf8mb4), CONVERT(`shop_id` USING utf8mb4), CONVERT(`feed` USING utf8mb4), `version`, `read_to_at`, `window_from_at`, `window_to_at`, `page`, `lease_id`, `lease_ends_at`) FROM `crossloyalty_sources` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `feed` = %s;
INSERT INTO `crossloyalty_sources` (`program_id`, `platform`, `shop_id`, `feed`, `version`, `read_to_at`, `window_from_at`, `window_to_at`, `page`, `lease_id`, `lease_ends_at`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_sources` SET `version` = `version` + 1, `read_to_at` = %s, `window_from_at` = %s, `window_to_at` = %s, `page` = %s, `lease_id` = %s, `lease_ends_at` = %s WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `feed` = %s AND `version` = %s;
UPDATE `crossloyalty_sources` SET `version` = `version` + 1 WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `feed` = %s AND `version` = %s;
DELETE FROM `crossloyalty_sources` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `feed` = %s;
-- messages
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`platform` USING utf8mb4), CONVERT(`shop_id` USING utf8mb4), CONVERT(`message_id` USING utf8mb4), CONVERT(`state` USING utf8mb4), `received_at`, `sent_at`, `topic`, `order_no`, `refund_id`, `tries`, `error`) FROM `crossloyalty_messages` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `message_id` = %s;
INSERT INTO `crossloyalty_messages` (`program_id`, `platform`, `shop_id`, `message_id`, `state`, `received_at`, `sent_at`, `topic`, `order_no`, `refund_id`, `tries`, `error`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_messages` SET `state` = %s, `received_at` = %s, `sent_at` = %s, `topic` = %s, `order_no` = %s, `refund_id` = %s, `tries` = %s, `error` = %s WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `message_id` = %s;
DELETE FROM `crossloyalty_messages` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `message_id` = %s;
-- doubts
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), CONVERT(`subject` USING utf8mb4), `last_at`, `first_at`, `platform`, `shop_id`, `code`, `detail`, `payload`) FROM `crossloyalty_doubts` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `subject` = %s;
INSERT INTO `crossloyalty_doubts` (`program_id`, `family`, `order_no`, `subject`, `last_at`, `first_at`, `platform`, `shop_id`, `code`, `detail`, `payload`) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_doubts` SET `last_at` = %s, `first_at` = %s, `platform` = %s, `shop_id` = %s, `code` = %s, `detail` = %s, `payload` = %s WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `subject` = %s;
DELETE FROM `crossloyalty_doubts` WHERE `program_id` = %s AND `family` = %s AND `order_no` = %s AND `subject` = %s;
-- watches
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`platform` USING utf8mb4), CONVERT(`shop_id` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), `next_at`, `ends_at`) FROM `crossloyalty_watches` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `order_no` = %s;
INSERT INTO `crossloyalty_watches` (`program_id`, `platform`, `shop_id`, `order_no`, `next_at`, `ends_at`) VALUES (%s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_watches` SET `next_at` = %s, `ends_at` = %s WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `order_no` = %s;
DELETE FROM `crossloyalty_watches` WHERE `program_id` = %s AND `platform` = %s AND `shop_id` = %s AND `order_no` = %s;
-- a root of which two fields changed, additions, scans
UPDATE `crossloyalty_members` SET `version` = `version` + 1, `last_at` = %s, `tier` = %s WHERE `program_id` = %s AND `member_id` = %s AND `version` = %s;
UPDATE `crossloyalty_limits` SET `used` = `used` + %s WHERE `program_id` = %s AND `limit_id` = %s AND `used` BETWEEN %s AND %s;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `lot_no`, CONVERT(`asset` USING utf8mb4), `book`, CONVERT(`state` USING utf8mb4), `granted`, `remaining`, `held`, `expired`, `blocked`, `issue_at`, `expires_at`, `due_at`, `family`, `order_no`, `holder_no`, `rule_id`, `activated`) FROM `crossloyalty_lots` WHERE `program_id` = %s AND `member_id` = %s ORDER BY `lot_no`;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `lot_no`, CONVERT(`asset` USING utf8mb4), `book`, CONVERT(`state` USING utf8mb4), `granted`, `remaining`, `held`, `expired`, `blocked`, `issue_at`, `expires_at`, `due_at`, `family`, `order_no`, `holder_no`, `rule_id`, `activated`) FROM `crossloyalty_lots` WHERE `program_id` = %s AND `member_id` = %s AND `due_at` >= %s AND `due_at` <= %s AND `due_at` IS NOT NULL ORDER BY `due_at`, `lot_no`;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `lot_no`, CONVERT(`asset` USING utf8mb4), `book`, CONVERT(`state` USING utf8mb4), `granted`, `remaining`, `held`, `expired`, `blocked`, `issue_at`, `expires_at`, `due_at`, `family`, `order_no`, `holder_no`, `rule_id`, `activated`) FROM `crossloyalty_lots` WHERE `program_id` = %s AND `member_id` = %s AND `due_at` IS NOT NULL AND (`due_at`, `lot_no`) < (%s, %s) ORDER BY `due_at` DESC, `lot_no` DESC LIMIT %s;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), `version`, `next_due_at`, `platform`, `shop_id`, CONVERT(`buyer_scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), CONVERT(`owner_id` USING utf8mb4), `effective_at`, `status`, `paid_fen`, `coming_at`, `facts`, `attempts`, CONVERT(`phone_index` USING utf8mb4)) FROM `crossloyalty_orders` WHERE `program_id` = %s AND `next_due_at` <= %s AND `next_due_at` IS NOT NULL AND (`next_due_at`, `family`, `order_no`) > (%s, %s, %s) ORDER BY `next_due_at`, `family`, `order_no` LIMIT %s;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), `version`, `next_due_at`, `platform`, `shop_id`, CONVERT(`buyer_scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), CONVERT(`owner_id` USING utf8mb4), `effective_at`, `status`, `paid_fen`, `coming_at`, `facts`, `attempts`, CONVERT(`phone_index` USING utf8mb4)) FROM `crossloyalty_orders` WHERE `program_id` = %s AND `family` = %s AND `order_no` < %s ORDER BY `order_no` DESC;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`family` USING utf8mb4), CONVERT(`order_no` USING utf8mb4), `version`, `next_due_at`, `platform`, `shop_id`, CONVERT(`buyer_scope` USING utf8mb4), CONVERT(`buyer_id` USING utf8mb4), CONVERT(`owner_id` USING utf8mb4), `effective_at`, `status`, `paid_fen`, `coming_at`, `facts`, `attempts`, CONVERT(`phone_index` USING utf8mb4)) FROM `crossloyalty_orders` ORDER BY `program_id`, `family`, `order_no`;
-- many rows at once
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`asset` USING utf8mb4), CONVERT(`account` USING utf8mb4), `book`, `balance`, `seq`) FROM `crossloyalty_accounts` WHERE (`program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s) OR (`program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s);
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), `version`, `next_due_at`, `created_at`, `last_at`, `entry_seq`, `entry_hash`, `event_seq`, `event_hash`, `tier`, `tier_on`, `qualifications`, `blocked_reason`, `blocked_until`, `attempts`) FROM `crossloyalty_members` WHERE `program_id` = %s AND `member_id` IN (%s, %s) ORDER BY `program_id`, `member_id` FOR UPDATE;
SELECT JSON_ARRAY(CONVERT(`program_id` USING utf8mb4), CONVERT(`member_id` USING utf8mb4), CONVERT(`day` USING utf8mb4), `spend_fen`) FROM `crossloyalty_spend_days` WHERE `program_id` = %s AND `member_id` = %s AND `day` >= %s ORDER BY `day`;
INSERT INTO `crossloyalty_accounts` (`program_id`, `member_id`, `asset`, `account`, `book`, `balance`, `seq`) VALUES (%s, %s, %s, %s, %s, %s, %s), (%s, %s, %s, %s, %s, %s, %s);
UPDATE `crossloyalty_accounts` SET `book` = %s, `balance` = %s, `seq` = %s WHERE `program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s;
INSERT INTO `crossloyalty_accounts` (`book`, `balance`, `seq`, `program_id`, `member_id`, `asset`, `account`) VALUES (%s, %s, %s, %s, %s, %s, %s), (%s, %s, %s, %s, %s, %s, %s) ON DUPLICATE KEY UPDATE `book` = VALUES(`book`), `balance` = VALUES(`balance`), `seq` = VALUES(`seq`);
DELETE FROM `crossloyalty_accounts` WHERE `program_id` = %s AND `member_id` = %s AND `asset` = %s AND `account` = %s;
UPDATE `crossloyalty_members` SET `version` = `version` + 1 WHERE `program_id` = %s AND `member_id` = %s AND `version` = %s;
