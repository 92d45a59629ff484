//! SQL of rules and of what was found.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::domain::{Found, Lot, Rule, Slow, Step};

/// A rule as stored.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct RuleRow {
    code: String,
    name: String,
    enabled: bool,
    priority: i32,
    categories: Vec<String>,
    min_age_days: i32,
    min_cover_days: i32,
    min_value: Option<Decimal>,
    min_unit_cost: Option<Decimal>,
    max_unit_cost: Option<Decimal>,
    demand_days: i32,
    step_ages: Vec<i32>,
    step_covers: Vec<i32>,
    step_discounts: Vec<Decimal>,
    below_cost: bool,
    max_tasks: i32,
    version: i64,
    pub(super) updated_at: OffsetDateTime,
    pub(super) updated_by: String,
}

impl RuleRow {
    /// The rule itself.
    pub(super) fn rule(&self) -> Rule {
        let steps = self.step_ages.iter().zip(&self.step_covers).zip(&self.step_discounts);
        Rule {
            code: self.code.clone(),
            name: self.name.clone(),
            enabled: self.enabled,
            priority: self.priority,
            categories: self.categories.clone(),
            min_age_days: self.min_age_days,
            min_cover_days: self.min_cover_days,
            min_value: self.min_value,
            min_unit_cost: self.min_unit_cost,
            max_unit_cost: self.max_unit_cost,
            demand_days: self.demand_days,
            steps: steps
                .map(|((age, cover), discount)| Step {
                    min_age_days: *age,
                    min_cover_days: *cover,
                    discount: *discount,
                })
                .collect(),
            below_cost: self.below_cost,
            max_tasks: self.max_tasks,
            version: self.version,
        }
    }
}

/// All rules, those of higher priority first.
pub(super) async fn rules(conn: &mut PgConnection) -> sqlx::Result<Vec<RuleRow>> {
    sqlx::query_as(
        "-- slow_mover_rules
        select * from slow_mover_rule order by priority desc, code",
    )
    .fetch_all(conn)
    .await
}

/// Writes a rule, new or with the next version.
pub(super) async fn put_rule(conn: &mut PgConnection, rule: &Rule, now: OffsetDateTime, by: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- put_slow_mover_rule
        insert into slow_mover_rule (code, name, enabled, priority, categories, min_age_days, min_cover_days, min_value,
            min_unit_cost, max_unit_cost, demand_days, step_ages, step_covers, step_discounts, below_cost, max_tasks,
            version, updated_at, updated_by)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
        on conflict (code) do update set name = excluded.name, enabled = excluded.enabled, priority = excluded.priority,
            categories = excluded.categories, min_age_days = excluded.min_age_days,
            min_cover_days = excluded.min_cover_days, min_value = excluded.min_value,
            min_unit_cost = excluded.min_unit_cost, max_unit_cost = excluded.max_unit_cost,
            demand_days = excluded.demand_days, step_ages = excluded.step_ages, step_covers = excluded.step_covers,
            step_discounts = excluded.step_discounts, below_cost = excluded.below_cost,
            max_tasks = excluded.max_tasks, version = excluded.version, updated_at = excluded.updated_at,
            updated_by = excluded.updated_by",
    )
    .bind(&rule.code)
    .bind(&rule.name)
    .bind(rule.enabled)
    .bind(rule.priority)
    .bind(&rule.categories)
    .bind(rule.min_age_days)
    .bind(rule.min_cover_days)
    .bind(rule.min_value)
    .bind(rule.min_unit_cost)
    .bind(rule.max_unit_cost)
    .bind(rule.demand_days)
    .bind(rule.steps.iter().map(|step| step.min_age_days).collect::<Vec<_>>())
    .bind(rule.steps.iter().map(|step| step.min_cover_days).collect::<Vec<_>>())
    .bind(rule.steps.iter().map(|step| step.discount).collect::<Vec<_>>())
    .bind(rule.below_cost)
    .bind(rule.max_tasks)
    .bind(rule.version)
    .bind(now)
    .bind(by)
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes a rule.
pub(super) async fn delete_rule(conn: &mut PgConnection, code: &str) -> sqlx::Result<()> {
    sqlx::query(
        "-- delete_slow_mover_rule
        delete from slow_mover_rule where code = $1",
    )
    .bind(code)
    .execute(conn)
    .await?;
    Ok(())
}

/// The day of the last evaluation.
pub(super) async fn evaluated_at(conn: &mut PgConnection) -> sqlx::Result<Option<OffsetDateTime>> {
    sqlx::query_scalar(
        "-- slow_movers_evaluated_at
        select at from replenishment_mark where name = 'slow_movers'",
    )
    .fetch_optional(conn)
    .await
}

/// Notes when rules were evaluated.
pub(super) async fn set_evaluated_at(conn: &mut PgConnection, now: OffsetDateTime) -> sqlx::Result<()> {
    sqlx::query(
        "-- set_slow_movers_evaluated_at
        insert into replenishment_mark (name, at) values ('slow_movers', $1)
        on conflict (name) do update set at = excluded.at",
    )
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

#[derive(sqlx::FromRow)]
struct FoundRow {
    sku: String,
    rule: String,
    quantity: Decimal,
    value: Decimal,
    age_days: i32,
    cover_days: Option<Decimal>,
    daily_demand: Decimal,
    lots: Vec<String>,
    lot_quantities: Vec<Decimal>,
    lot_values: Vec<Decimal>,
    lot_ages: Vec<i32>,
}

impl From<FoundRow> for Found {
    fn from(row: FoundRow) -> Self {
        let figures = row.lot_quantities.into_iter().zip(row.lot_values).zip(row.lot_ages);
        let lots = row.lots.into_iter().zip(figures).map(|(number, ((quantity, value), age_days))| Lot {
            number,
            quantity,
            value,
            age_days,
        });
        Self {
            lots: lots.collect(),
            sku: row.sku,
            rule: row.rule,
            quantity: row.quantity,
            value: row.value,
            age_days: row.age_days,
            cover_days: row.cover_days,
            daily_demand: row.daily_demand,
        }
    }
}

const FIND: &str = "-- find_slow_movers
    with rule as materialized (
        select * from slow_mover_rule where enabled
    ), pool as materialized (
        select sku, warehouse_id, lot_id, sum(quantity) as quantity, sum(value) as value
        from cost_layer group by sku, warehouse_id, lot_id
    ), lots as materialized (
        -- A lot is worth its share of the pool it is valued in, which is of the lot or of all lots.
        select b.sku, b.lot_number as lot, sum(b.on_hand) as quantity,
            round(sum(p.value * b.on_hand / p.quantity), $3) as value,
            $1::date - (min(b.received_at) at time zone $2)::date as age
        from stock_balance b
        join pool p on p.sku = b.sku and p.warehouse_id = b.warehouse_id
            and p.lot_id in (b.lot_id, '00000000-0000-0000-0000-000000000000')
        where b.on_hand > 0
        group by b.sku, b.lot_number
    ), stocked as materialized (
        select l.sku, sum(l.quantity) as on_hand,
            (select (min(o.received_at) at time zone $2)::date from lot o where o.sku = l.sku) as first_day
        from lots l group by l.sku
    ), span as materialized (
        select distinct demand_days as days from rule
    ), wanted as materialized (
        select s.days, h.sku, sum(h.wanted) as wanted
        from span s join item_demand_day h on h.day >= $1::date - s.days and h.day < $1::date
        group by s.days, h.sku
    ), pace as materialized (
        -- As for safety stock, days without stock and without orders say nothing.
        select s.days, i.sku, i.on_hand, coalesce(w.wanted, 0) as wanted,
            greatest(1, least(s.days, $1::date - i.first_day) - x.excluded) as counted
        from span s cross join stocked i
        left join wanted w on w.days = s.days and w.sku = i.sku
        cross join lateral (
            select count(*)::int4 as excluded
            from days_without_stock(i.sku, '00000000-0000-0000-0000-000000000000',
                greatest($1::date - s.days, i.first_day), $1::date - 1, $2) o
            where not exists (
                select from item_demand_day h where h.sku = i.sku and h.day = o.day and h.wanted > 0)
        ) x
    ), found as (
        select l.sku, r.code as rule, r.priority, sum(l.quantity) as quantity, sum(l.value) as value,
            max(l.age) as age_days, round(p.on_hand * p.counted / nullif(p.wanted, 0), 6) as cover_days,
            round(p.wanted / p.counted, 6) as daily_demand,
            (array_agg(l.lot order by l.age desc, l.lot))[1:100] as lots,
            (array_agg(l.quantity order by l.age desc, l.lot))[1:100] as lot_quantities,
            (array_agg(l.value order by l.age desc, l.lot))[1:100] as lot_values,
            (array_agg(l.age order by l.age desc, l.lot))[1:100] as lot_ages
        from rule r
        join lots l on l.age >= r.min_age_days
        join pace p on p.sku = l.sku and p.days = r.demand_days
        join stock_item i on i.sku = l.sku and (cardinality(r.categories) = 0 or exists (
            select from unnest(r.categories) c where i.category = c or starts_with(i.category, c || '/')))
        where r.min_cover_days = 0 or p.on_hand * p.counted >= r.min_cover_days * p.wanted
        group by l.sku, r.code, r.priority, r.min_value, r.min_unit_cost, r.max_unit_cost, p.on_hand, p.counted,
            p.wanted
        having (r.min_value is null or sum(l.value) >= r.min_value)
            and (r.min_unit_cost is null or sum(l.value) >= r.min_unit_cost * sum(l.quantity))
            and (r.max_unit_cost is null or sum(l.value) <= r.max_unit_cost * sum(l.quantity))
    )
    select distinct on (sku) sku, rule, quantity, value, age_days, cover_days, daily_demand, lots, lot_quantities,
        lot_values, lot_ages
    from found order by sku, priority desc, rule";

/// All items a rule finds today, each with the first rule that does.
pub(super) async fn find(conn: &mut PgConnection, today: Date, zone: &str, digits: u32) -> sqlx::Result<Vec<Found>> {
    let rows = sqlx::query_as::<_, FoundRow>(FIND)
        .bind(today)
        .bind(zone)
        .bind(i32::try_from(digits).unwrap_or(2))
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(Found::from).collect())
}

#[derive(sqlx::FromRow)]
struct SlowRow {
    sku: String,
    rule: Option<String>,
    quantity: Decimal,
    value: Decimal,
    age_days: i32,
    cover_days: Option<Decimal>,
    daily_demand: Decimal,
    discount_percent: Option<Decimal>,
    floor_price: Option<Decimal>,
    with_task: bool,
    since: OffsetDateTime,
    version: i64,
}

/// Everything that is remembered.
pub(super) async fn all(conn: &mut PgConnection) -> sqlx::Result<BTreeMap<String, Slow>> {
    let rows = sqlx::query_as::<_, SlowRow>(
        "-- slow_items
        select * from slow_item",
    )
    .fetch_all(conn)
    .await?;
    let slow = |row: SlowRow| {
        let slow = Slow {
            rule: row.rule,
            quantity: row.quantity,
            value: row.value,
            age_days: row.age_days,
            cover_days: row.cover_days,
            daily_demand: row.daily_demand,
            discount: row.discount_percent,
            floor_price: row.floor_price,
            with_task: row.with_task,
            since: row.since,
            version: row.version,
        };
        (row.sku, slow)
    };
    Ok(rows.into_iter().map(slow).collect())
}

/// Writes what changed.
pub(super) async fn write(conn: &mut PgConnection, items: &BTreeMap<String, Slow>) -> sqlx::Result<()> {
    if items.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- write_slow_items
        insert into slow_item (sku, rule, quantity, value, age_days, cover_days, daily_demand, discount_percent,
            floor_price, with_task, since, version)
        select * from unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[], $5::int4[], $6::numeric[], $7::numeric[],
            $8::numeric[], $9::numeric[], $10::bool[], $11::timestamptz[], $12::int8[])
        on conflict (sku) do update set rule = excluded.rule, quantity = excluded.quantity, value = excluded.value,
            age_days = excluded.age_days, cover_days = excluded.cover_days, daily_demand = excluded.daily_demand,
            discount_percent = excluded.discount_percent, floor_price = excluded.floor_price,
            with_task = excluded.with_task, since = excluded.since, version = excluded.version",
    )
    .bind(items.keys().map(String::as_str).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.rule.as_deref()).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.quantity).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.value).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.age_days).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.cover_days).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.daily_demand).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.discount).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.floor_price).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.with_task).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.since).collect::<Vec<_>>())
    .bind(items.values().map(|slow| slow.version).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the lots of what was found in place of those of before.
pub(super) async fn write_lots(conn: &mut PgConnection, found: &[Found]) -> sqlx::Result<()> {
    sqlx::query(
        "-- delete_slow_lots
        delete from slow_lot",
    )
    .execute(&mut *conn)
    .await?;
    let lots: Vec<_> = found.iter().flat_map(|one| one.lots.iter().map(|lot| (one.sku.as_str(), lot))).collect();
    sqlx::query(
        "-- insert_slow_lots
        insert into slow_lot (sku, lot, quantity, value, age_days)
        select * from unnest($1::text[], $2::text[], $3::numeric[], $4::numeric[], $5::int4[])",
    )
    .bind(lots.iter().map(|(sku, _)| *sku).collect::<Vec<_>>())
    .bind(lots.iter().map(|(_, lot)| lot.number.as_str()).collect::<Vec<_>>())
    .bind(lots.iter().map(|(_, lot)| lot.quantity).collect::<Vec<_>>())
    .bind(lots.iter().map(|(_, lot)| lot.value).collect::<Vec<_>>())
    .bind(lots.iter().map(|(_, lot)| lot.age_days).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
