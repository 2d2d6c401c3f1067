-- The whole claim as one statement, as a specialist would write it for one merchant on PostgreSQL; it leaves the very
-- rows the package leaves. An eligible net is at least 100 fen here, so points, growth and stored value are never 0.
-- Texts that become JSON are ASCII or escaped by hand, because the hash chains are over their bytes.

-- Shanghai has been at UTC+8 all the year round since 1992.
CREATE FUNCTION handwritten_midnight(day date) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (day - date '1970-01-01')::bigint * 86400000000 - 28800000000
$$;

CREATE FUNCTION handwritten_day(instant bigint) RETURNS date LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date '1970-01-01' + ((instant + 28800000000) / 86400000000)::integer
$$;

CREATE FUNCTION handwritten_sha256(hashed text) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT encode(sha256(convert_to(hashed, 'UTF8')), 'hex')
$$;

CREATE FUNCTION handwritten_line(tier text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE tier WHEN '黄金' THEN 500000 WHEN '白银' THEN 200000 ELSE 0 END::bigint
$$;

CREATE FUNCTION handwritten_json(tier text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE tier WHEN '黄金' THEN '"\u9ec4\u91d1"' WHEN '白银' THEN '"\u767d\u94f6"' ELSE '"\u666e\u901a"' END
$$;

CREATE FUNCTION handwritten_claim(
    who text, the_family text, the_order_no text, proof_fen bigint, proof_day date, now_us bigint, lane bigint,
    OUT state text, OUT granted text, OUT tier_now text
) LANGUAGE plpgsql AS $$
DECLARE
    program CONSTANT text := 'brand-a';
    never CONSTANT bigint := 9007199254740991;
    o record;
    m record;
    kept_tier record;
    snapshots jsonb;
    fields jsonb;
    goods bigint;
    net bigint;
    amount bigint;
    finished bigint;
    finished_day date;
    at_us bigint;
    today date;
    is_new boolean;
    due bigint;
    issue_us bigint;
    expires_us bigint;
    points_account text;
    held record;
    first_coupon boolean;
    inserted boolean;
    entry_no bigint;
    coupon_seq bigint;
    stored_seq bigint;
    hash1 text;
    hash2 text;
    hash3 text;
    hash4 text;
    about text;
    kinds text[];
    bodies text[];
    chain text;
    events_before bigint;
    tag_claims bigint;
    spent bigint;
    kept text;
    held_line bigint := 0;
    held_name text := '普通';
    first_day text;
    on_day text;
BEGIN
    -- The order, and whether it may be claimed.
    SELECT owner_id, buyer_id, next_due_at, facts::jsonb AS facts INTO o FROM crossloyalty_orders
        WHERE program_id = program AND family = the_family AND order_no = the_order_no FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'PENDING_SYNC';
    END IF;
    IF o.owner_id <> '' OR o.buyer_id <> '' OR o.next_due_at IS NOT NULL THEN
        RAISE EXCEPTION 'ALREADY_CLAIMED';
    END IF;
    snapshots := o.facts -> 'snapshots';
    SELECT value -> 'fields' INTO fields FROM jsonb_each(snapshots);
    IF o.facts -> 'refunds' <> '{}' OR (SELECT count(*) FROM jsonb_object_keys(snapshots)) <> 1
        OR coalesce(fields -> 'refunded_fen', '0') <> '0' OR coalesce(fields -> 'own_value_fen', '0') <> '0'
        OR coalesce(fields -> 'refund_open', 'false') <> 'false'
    THEN
        RAISE EXCEPTION 'not in this workload';
    END IF;
    IF fields ->> 'status' <> 'FINISHED' THEN
        RAISE EXCEPTION 'NOT_FINISHED';
    END IF;
    IF coalesce(fields ->> 'kind', 'NORMAL') <> 'NORMAL' OR coalesce(fields ->> 'currency', 'CNY') <> 'CNY' THEN
        RAISE EXCEPTION 'KIND_EXCLUDED';
    END IF;
    SELECT sum((line -> 'paid_fen')::bigint),
        coalesce(sum((line -> 'paid_fen')::bigint) FILTER (
            WHERE coalesce(line -> 'is_free_gift', 'false') = 'false'
            AND coalesce(line ->> 'status', '') NOT IN ('CLOSED_UNPAID', 'CLOSED_REFUNDED')), 0)
        INTO goods, net FROM jsonb_array_elements(fields -> 'lines') AS line;
    finished := (fields -> 'finished_at')::bigint;
    finished_day := handwritten_day(finished);
    IF (fields -> 'paid_fen')::bigint <> goods + coalesce((fields -> 'shipping_fen')::bigint, 0)
        OR (fields -> 'paid_fen')::bigint <> proof_fen OR handwritten_day((fields -> 'paid_at')::bigint) <> proof_day
    THEN
        RAISE EXCEPTION 'AMOUNT_MISMATCH';
    END IF;
    IF finished > now_us + 600000000 OR now_us >= handwritten_midnight(finished_day + 91) THEN
        RAISE EXCEPTION 'TOO_OLD';
    END IF;
    IF net < 100 THEN
        RAISE EXCEPTION 'BELOW_MINIMUM';
    END IF;

    -- The member.
    SELECT * INTO m FROM crossloyalty_members WHERE program_id = program AND member_id = who FOR UPDATE;
    is_new := NOT FOUND;
    IF is_new THEN
        at_us := now_us;
        entry_no := 0;
        events_before := 0;
        chain := '';
        hash4 := '';
        kept := '';
        tier_now := '';
    ELSE
        at_us := greatest(now_us, m.last_at);
        entry_no := m.entry_seq;
        hash4 := m.entry_hash;
        events_before := m.event_seq;
        chain := m.event_hash;
        kept := m.qualifications;
        tier_now := m.tier;
        due := m.next_due_at;
        IF m.blocked_reason <> '' AND (m.blocked_until IS NULL OR m.blocked_until > at_us) THEN
            RAISE EXCEPTION 'MEMBER_BLOCKED';
        END IF;
    END IF;
    today := handwritten_day(at_us);
    SELECT max(balance) FILTER (WHERE asset = 'points' AND account = 'pending') AS pending,
        max(a.seq) FILTER (WHERE asset = 'points' AND account = 'pending') AS pending_seq,
        max(balance) FILTER (WHERE asset = 'points' AND account = 'balance') AS points,
        max(a.seq) FILTER (WHERE asset = 'points' AND account = 'balance') AS points_seq,
        max(balance) FILTER (WHERE asset = 'growth' AND account = 'balance') AS growth,
        max(a.seq) FILTER (WHERE asset = 'growth' AND account = 'balance') AS growth_seq,
        max(balance) FILTER (WHERE asset = 'stored_value' AND account = 'balance') AS stored,
        max(a.seq) FILTER (WHERE asset = 'stored_value' AND account = 'balance') AS stored_seq,
        count(*) FILTER (WHERE account = 'debt') AS debts
        INTO held FROM crossloyalty_accounts a WHERE program_id = program AND member_id = who;
    IF held.debts > 0 THEN
        RAISE EXCEPTION 'not in this workload';
    END IF;

    -- What is granted: entries, lots, accounts, the delivery of a coupon, each with its event.
    amount := net / 100;
    issue_us := greatest(at_us, handwritten_midnight(finished_day + 15));
    expires_us := handwritten_midnight((handwritten_day(issue_us) + interval '1 year')::date + 1);
    INSERT INTO crossloyalty_member_grants AS g (program_id, member_id, rule_id, claims, "grant")
        VALUES (program, who, 'coupon:WELCOME20', 1,
            format('{"rule":"coupon:WELCOME20","granted":1,"lot_no":%s}', entry_no + 3))
        ON CONFLICT (program_id, member_id, rule_id) DO UPDATE SET claims = g.claims + 1
        RETURNING claims = 1, xmax = 0 INTO first_coupon, inserted;
    IF first_coupon <> inserted THEN
        RAISE EXCEPTION 'not in this workload';
    END IF;
    coupon_seq := entry_no + 3;
    stored_seq := entry_no + 3 + first_coupon::int;
    IF issue_us > at_us THEN
        state := 'PENDING_ISSUE';
        points_account := 'pending';
        held.points := held.pending;
        held.points_seq := held.pending_seq;
        due := least(due, issue_us);
    ELSE
        state := 'GRANTED';
        points_account := 'balance';
        due := least(due, expires_us);
    END IF;
    held.points := coalesce(held.points, 0) + amount;
    held.growth := coalesce(held.growth, 0) + amount;
    held.stored := coalesce(held.stored, 0) + amount;
    held.points_seq := coalesce(held.points_seq, 0) + 1;
    held.growth_seq := coalesce(held.growth_seq, 0) + 1;
    held.stored_seq := coalesce(held.stored_seq, 0) + 1;
    about := concat_ws(E'\x1f', the_family, the_order_no, '1');
    hash1 := handwritten_sha256(concat_ws(E'\x1f', hash4, program, who, entry_no + 1, 'points', 'own', points_account,
        held.points_seq, amount, held.points, 'grant', entry_no + 1, about, 'points', '', at_us));
    hash2 := handwritten_sha256(concat_ws(E'\x1f', hash1, program, who, entry_no + 2, 'growth', 'own', 'balance',
        held.growth_seq, amount, held.growth, 'grant', entry_no + 2, about, 'growth', '', at_us));
    hash3 := hash2;
    IF first_coupon THEN
        hash3 := handwritten_sha256(concat_ws(E'\x1f', hash2, program, who, coupon_seq, 'coupon:WELCOME20', 'own',
            'balance', 1, 1, 1, 'grant', coupon_seq, about, 'coupon:WELCOME20', '', at_us));
        INSERT INTO crossloyalty_entries VALUES (program, who, coupon_seq, 'coupon:WELCOME20', 'own', 'balance', 1,
            1, 1, 'grant', coupon_seq, the_family, the_order_no, 1, 'coupon:WELCOME20', '', at_us, hash3);
        INSERT INTO crossloyalty_lots VALUES (program, who, coupon_seq, 'coupon:WELCOME20', 'own', 'ACTIVE', 1, 1, 0,
            0, 0, at_us, NULL, never, the_family, the_order_no, 1, 'coupon:WELCOME20', 1);
        INSERT INTO crossloyalty_deliveries VALUES (program, who, coupon_seq, 'default', lane, 'coupon.issue',
            concat_ws('/', program, who, coupon_seq), format('{"code":"WELCOME20","lot_no":%s}', coupon_seq),
            'PENDING', 0, at_us, at_us);
        INSERT INTO crossloyalty_accounts VALUES (program, who, 'coupon:WELCOME20', 'balance', 'own', 1, 1);
    END IF;
    hash4 := handwritten_sha256(concat_ws(E'\x1f', hash3, program, who, stored_seq, 'stored_value', 'own', 'balance',
        held.stored_seq, amount, held.stored, 'grant', stored_seq, about, 'stored_value', '', at_us));
    INSERT INTO crossloyalty_entries VALUES
        (program, who, entry_no + 1, 'points', 'own', points_account, held.points_seq, amount, held.points, 'grant',
            entry_no + 1, the_family, the_order_no, 1, 'points', '', at_us, hash1),
        (program, who, entry_no + 2, 'growth', 'own', 'balance', held.growth_seq, amount, held.growth, 'grant',
            entry_no + 2, the_family, the_order_no, 1, 'growth', '', at_us, hash2),
        (program, who, stored_seq, 'stored_value', 'own', 'balance', held.stored_seq, amount, held.stored, 'grant',
            stored_seq, the_family, the_order_no, 1, 'stored_value', '', at_us, hash4);
    INSERT INTO crossloyalty_lots VALUES
        (program, who, entry_no + 1, 'points', 'own', CASE WHEN issue_us > at_us THEN 'PENDING' ELSE 'ACTIVE' END,
            amount, amount, 0, 0, 0, issue_us, expires_us, CASE WHEN issue_us > at_us THEN issue_us ELSE expires_us END,
            the_family, the_order_no, 1, 'points', (issue_us <= at_us)::int),
        (program, who, entry_no + 2, 'growth', 'own', 'ACTIVE', amount, amount, 0, 0, 0, at_us, NULL, never,
            the_family, the_order_no, 1, 'growth', 1),
        (program, who, stored_seq, 'stored_value', 'own', 'ACTIVE', amount, amount, 0, 0, 0, at_us, NULL, never,
            the_family, the_order_no, 1, 'stored_value', 1);
    INSERT INTO crossloyalty_accounts VALUES
        (program, who, 'points', points_account, 'own', held.points, held.points_seq),
        (program, who, 'growth', 'balance', 'own', held.growth, held.growth_seq),
        (program, who, 'stored_value', 'balance', 'own', held.stored, held.stored_seq)
        ON CONFLICT (program_id, member_id, asset, account)
        DO UPDATE SET balance = excluded.balance, seq = excluded.seq;
    about := format('"family":"%s","order_no":"%s"', the_family, the_order_no);
    kinds := ARRAY[CASE WHEN issue_us > at_us THEN 'points.pending' ELSE 'points.issued' END, 'growth.changed'];
    bodies := ARRAY[
        format('{"asset":"points","amount":%s,"lot_no":%s,%s', amount, entry_no + 1, about)
            || CASE WHEN issue_us > at_us THEN format(',"issue_at":%s}', issue_us) ELSE '}' END,
        format('{"asset":"growth","amount":%s,"lot_no":%s,%s}', amount, entry_no + 2, about)];
    IF first_coupon THEN
        kinds := kinds || 'coupon.issued'::text;
        bodies := bodies || format('{"asset":"coupon:WELCOME20","amount":1,"lot_no":%s,%s}', coupon_seq, about);
    END IF;
    kinds := kinds || 'stored_value.issued'::text;
    bodies := bodies || format('{"asset":"stored_value","amount":%s,"lot_no":%s,%s}', amount, stored_seq, about);

    -- Source, spend and tier.
    INSERT INTO crossloyalty_tags AS t VALUES (program, who, fields ->> 'platform', 1, net, finished, finished)
        ON CONFLICT (program_id, member_id, tag) DO UPDATE SET claims = t.claims + 1, net_fen = t.net_fen + net,
            first_at = least(t.first_at, finished), last_at = greatest(t.last_at, finished)
        RETURNING claims, xmax = 0 INTO tag_claims, inserted;
    IF (tag_claims = 1) <> inserted THEN
        RAISE EXCEPTION 'not in this workload';
    END IF;
    IF inserted THEN
        kinds := kinds || 'tag.added'::text;
        bodies := bodies || format('{"tag":"source:%s"}', fields ->> 'platform');
    END IF;
    SELECT coalesce(sum(spend_fen), 0) INTO spent FROM crossloyalty_spend_days
        WHERE program_id = program AND member_id = who AND day BETWEEN (today - 364)::text AND today::text;
    IF today - finished_day < 365 THEN
        spent := spent + net;
    END IF;
    INSERT INTO crossloyalty_spend_days AS d VALUES (program, who, finished_day::text, net)
        ON CONFLICT (program_id, member_id, day) DO UPDATE SET spend_fen = d.spend_fen + net;
    IF kept <> '' THEN
        FOR kept_tier IN SELECT value ->> 0 AS name, value ->> 2 AS holds FROM jsonb_array_elements(kept::jsonb) LOOP
            IF kept_tier.holds <> 'true' THEN
                RAISE EXCEPTION 'not in this workload';
            END IF;
            IF handwritten_line(kept_tier.name) > held_line THEN
                held_line := handwritten_line(kept_tier.name);
                held_name := kept_tier.name;
            END IF;
        END LOOP;
    END IF;
    IF spent >= 200000 AND held_line < 200000 THEN
        held_name := '白银';
        kept := CASE kept WHEN '' THEN '[' ELSE left(kept, -1) || ',' END
            || format('[%s,"%s",true]]', handwritten_json(held_name), today);
    END IF;
    IF spent >= 500000 AND held_line < 500000 THEN
        held_name := '黄金';
        kept := CASE kept WHEN '' THEN '[' ELSE left(kept, -1) || ',' END
            || format('[%s,"%s",true]]', handwritten_json(held_name), today);
    END IF;
    on_day := '';
    IF kept <> '' THEN
        SELECT min(value ->> 1), max(value ->> 1) FILTER (WHERE value ->> 0 = held_name)
            INTO first_day, on_day FROM jsonb_array_elements(kept::jsonb);
        due := least(due, handwritten_midnight(first_day::date + 365));
    END IF;
    IF held_name <> tier_now THEN
        IF tier_now <> '' OR held_name <> '普通' THEN
            kinds := kinds || 'tier.upgraded'::text;
            bodies := bodies || format('{"from":%s,"to":%s,"on":"%s"}', handwritten_json(tier_now),
                handwritten_json(held_name), today);
        END IF;
        tier_now := held_name;
    END IF;

    -- The claim itself, the events and the heads of the chains.
    granted := format('[{"rule":"points","granted":%1$s,"lot_no":%2$s},{"rule":"growth","granted":%1$s,"lot_no":%3$s},'
        '{"rule":"coupon:WELCOME20","granted":1%5$s},{"rule":"stored_value","granted":%1$s,"lot_no":%4$s}]',
        amount, entry_no + 1, entry_no + 2, stored_seq, CASE WHEN first_coupon THEN ',"gave":true' ELSE '' END);
    INSERT INTO crossloyalty_claims VALUES (program, the_family, the_order_no, who, 1, state, 'proof', 1, 2, now_us,
        at_us, finished, fields ->> 'platform', finished_day::text, net, net, coalesce(m.tier, ''), '', granted);
    UPDATE crossloyalty_orders SET version = version + 1, owner_id = who
        WHERE program_id = program AND family = the_family AND order_no = the_order_no;
    kinds := kinds || 'claim.granted'::text;
    bodies := bodies || format('{%s,"state":"%s","net_fen":%s,"via":"proof","posted":{"points":%s,"growth":%s,'
        '"coupon:WELCOME20":%s,"stored_value":%s}}', about, state, net, amount, amount, first_coupon::int, amount);
    SELECT '[' || string_agg(format('["%s",%s]', e.kind, e.body), ',' ORDER BY e.place) || ']' INTO about
        FROM unnest(kinds, bodies) WITH ORDINALITY AS e (kind, body, place);
    chain := handwritten_sha256(concat_ws(E'\x1f', chain, program, who, events_before + 1, cardinality(kinds),
        at_us, about));
    INSERT INTO crossloyalty_events VALUES
        (program, who, events_before + 1, cardinality(kinds), at_us, about, chain, 1, 0, NULL);
    events_before := events_before + cardinality(kinds);
    IF is_new THEN
        INSERT INTO crossloyalty_members VALUES (program, who, 1, due, at_us, at_us, stored_seq, hash4, events_before,
            chain, tier_now, on_day, kept, '', NULL, '');
    ELSE
        UPDATE crossloyalty_members SET version = version + 1, next_due_at = due,
            created_at = coalesce(created_at, at_us), last_at = at_us, entry_seq = stored_seq, entry_hash = hash4,
            event_seq = events_before, event_hash = chain, tier = tier_now,
            tier_on = on_day, qualifications = kept
            WHERE program_id = program AND member_id = who;
    END IF;
END
$$;
