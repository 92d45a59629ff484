//! Writes of everything that is not an order or one of its lines: one statement a table, rows in key order.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::{
    domain::{CustomerChange, Movement, Part, Payment, Product, ShipmentChange, TaskChange, Versioned},
    store::column,
};

const UPSERT_TASKS: &str = "-- upsert_task_facts
insert into task_fact as known
    (task_id, task_type, rule, subject_kind, subject_id, opened_at, opened_day, closed_state, closed_by,
     closed_at, closed_day, closed_version, state, state_version)
select task_id, coalesce(task_type, ''), coalesce(rule, ''), coalesce(subject_kind, ''),
       coalesce(subject_id, ''), opened_at, opened_day, coalesce(closed_state, ''), coalesce(closed_by, ''),
       closed_at, closed_day, closed_version, state, state_version
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::date[],
            $8::text[], $9::text[], $10::timestamptz[], $11::date[], $12::bigint[], $13::text[],
            $14::bigint[])
    as change (task_id, task_type, rule, subject_kind, subject_id, opened_at, opened_day, closed_state,
               closed_by, closed_at, closed_day, closed_version, state, state_version)
order by task_id
on conflict (task_id) do update set
    task_type = case when excluded.opened_at is null then known.task_type else excluded.task_type end,
    rule = case when excluded.opened_at is null then known.rule else excluded.rule end,
    subject_kind = case when excluded.opened_at is null then known.subject_kind else excluded.subject_kind end,
    subject_id = case when excluded.opened_at is null then known.subject_id else excluded.subject_id end,
    opened_at = coalesce(excluded.opened_at, known.opened_at),
    opened_day = coalesce(excluded.opened_day, known.opened_day),
    closed_state = case when excluded.closed_version > known.closed_version
        then excluded.closed_state else known.closed_state end,
    closed_by = case when excluded.closed_version > known.closed_version
        then excluded.closed_by else known.closed_by end,
    closed_at = case when excluded.closed_version > known.closed_version
        then excluded.closed_at else known.closed_at end,
    closed_day = case when excluded.closed_version > known.closed_version
        then excluded.closed_day else known.closed_day end,
    closed_version = greatest(known.closed_version, excluded.closed_version),
    state = case when excluded.state_version > known.state_version then excluded.state else known.state end,
    state_version = greatest(known.state_version, excluded.state_version)";

pub(super) async fn upsert_shipments(
    conn: &mut PgConnection,
    shipments: &BTreeMap<Uuid, ShipmentChange>,
) -> sqlx::Result<()> {
    if shipments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- upsert_shipment_facts
        insert into shipment_fact as known
            (shipment_id, order_id, carrier, warehouse, shipped_at, shipped_day, delivered_at, failed_at, failed_reason)
        select shipment_id, order_id, coalesce(carrier, ''), coalesce(warehouse, ''), shipped_at, shipped_day,
               delivered_at, failed_at, coalesce(failed_reason, '')
        from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::timestamptz[], $6::date[], $7::timestamptz[],
                    $8::timestamptz[], $9::text[])
            as change (shipment_id, order_id, carrier, warehouse, shipped_at, shipped_day, delivered_at, failed_at,
                       failed_reason)
        order by shipment_id
        on conflict (shipment_id) do update set
            carrier = case when excluded.shipped_at is null then known.carrier else excluded.carrier end,
            warehouse = case when excluded.shipped_at is null then known.warehouse else excluded.warehouse end,
            shipped_at = coalesce(excluded.shipped_at, known.shipped_at),
            shipped_day = coalesce(excluded.shipped_day, known.shipped_day),
            delivered_at = coalesce(excluded.delivered_at, known.delivered_at),
            failed_at = coalesce(excluded.failed_at, known.failed_at),
            failed_reason = case when excluded.failed_at is null then known.failed_reason else excluded.failed_reason end",
    )
    .bind(shipments.keys().copied().collect::<Vec<_>>())
    .bind(column(shipments, |shipment| shipment.order_id))
    .bind(column(shipments, |shipment| shipment.shipped.as_ref().map(|shipped| shipped.carrier.as_str())))
    .bind(column(shipments, |shipment| shipment.shipped.as_ref().map(|shipped| shipped.warehouse.as_str())))
    .bind(column(shipments, |shipment| shipment.shipped.as_ref().map(|shipped| shipped.at)))
    .bind(column(shipments, |shipment| shipment.shipped.as_ref().map(|shipped| shipped.day)))
    .bind(column(shipments, |shipment| shipment.delivered_at))
    .bind(column(shipments, |shipment| shipment.failed.as_ref().map(|(at, _)| *at)))
    .bind(column(shipments, |shipment| shipment.failed.as_ref().map(|(_, reason)| reason.as_str())))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_payments(conn: &mut PgConnection, payments: &BTreeMap<Uuid, Payment>) -> sqlx::Result<()> {
    if payments.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_payment_facts
        insert into payment_fact (payment_id, order_id, method, currency, amount, paid_at, business_day)
        select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::timestamptz[],
                             $7::date[])
            as change (payment_id, order_id, method, currency, amount, paid_at, business_day)
        order by payment_id
        on conflict (payment_id) do nothing",
    )
    .bind(payments.keys().copied().collect::<Vec<_>>())
    .bind(column(payments, |payment| payment.order_id))
    .bind(column(payments, |payment| payment.method.as_str()))
    .bind(column(payments, |payment| payment.currency.as_str()))
    .bind(column(payments, |payment| payment.amount))
    .bind(column(payments, |payment| payment.at))
    .bind(column(payments, |payment| payment.day))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn add_stock(
    conn: &mut PgConnection,
    stock: &BTreeMap<(Date, String, Movement), Part>,
) -> sqlx::Result<()> {
    if stock.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- add_stock_day_facts
        insert into stock_day_fact as known (day, sku, kind, quantity, cost)
        select * from unnest($1::date[], $2::text[], $3::text[], $4::numeric[], $5::numeric[])
            as change (day, sku, kind, quantity, cost)
        order by day, sku collate \"C\", kind
        on conflict (day, sku, kind) do update set
            quantity = known.quantity + excluded.quantity,
            cost = known.cost + excluded.cost",
    )
    .bind(stock.keys().map(|(day, _, _)| *day).collect::<Vec<_>>())
    .bind(stock.keys().map(|(_, sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(stock.keys().map(|(_, _, movement)| movement.code()).collect::<Vec<_>>())
    .bind(column(stock, |part| part.quantity))
    .bind(column(stock, |part| part.amount))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn insert_crossings(
    conn: &mut PgConnection,
    crossings: &BTreeMap<(String, i64), (OffsetDateTime, bool)>,
) -> sqlx::Result<()> {
    if crossings.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- insert_stock_crossing_facts
        insert into stock_crossing_fact (sku, version, at, out)
        select * from unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::boolean[])
            as change (sku, version, at, out)
        order by sku collate \"C\", version
        on conflict (sku, version) do nothing",
    )
    .bind(crossings.keys().map(|(sku, _)| sku.as_str()).collect::<Vec<_>>())
    .bind(crossings.keys().map(|(_, version)| *version).collect::<Vec<_>>())
    .bind(column(crossings, |(at, _)| *at))
    .bind(column(crossings, |(_, out)| *out))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn upsert_tasks(conn: &mut PgConnection, tasks: &BTreeMap<Uuid, TaskChange>) -> sqlx::Result<()> {
    if tasks.is_empty() {
        return Ok(());
    }
    sqlx::query(UPSERT_TASKS)
        .bind(tasks.keys().copied().collect::<Vec<_>>())
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.task_type.as_str())))
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.rule.as_str())))
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.subject_kind.as_str())))
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.subject_id.as_str())))
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.at)))
        .bind(column(tasks, |task| task.opened.as_ref().map(|opened| opened.day)))
        .bind(column(tasks, |task| task.closed.value.as_ref().map(|closed| closed.state.as_str())))
        .bind(column(tasks, |task| task.closed.value.as_ref().map(|closed| closed.by.as_str())))
        .bind(column(tasks, |task| task.closed.value.as_ref().map(|closed| closed.at)))
        .bind(column(tasks, |task| task.closed.value.as_ref().map(|closed| closed.day)))
        .bind(column(tasks, |task| task.closed.version))
        .bind(column(tasks, |task| task.state.value.as_str()))
        .bind(column(tasks, |task| task.state.version))
        .execute(conn)
        .await?;
    Ok(())
}

pub(super) async fn upsert_customers(
    conn: &mut PgConnection,
    customers: &BTreeMap<Uuid, CustomerChange>,
) -> sqlx::Result<()> {
    if customers.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- upsert_customer_facts
        insert into customer_fact as known (customer_id, region, created_at, grade, total_score, score_version)
        select customer_id, coalesce(region, ''), created_at, grade, total_score, score_version
        from unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[], $5::numeric[], $6::bigint[])
            as change (customer_id, region, created_at, grade, total_score, score_version)
        order by customer_id
        on conflict (customer_id) do update set
            region = case when excluded.created_at is null then known.region else excluded.region end,
            created_at = coalesce(excluded.created_at, known.created_at),
            grade = case when excluded.score_version > known.score_version then excluded.grade else known.grade end,
            total_score = case when excluded.score_version > known.score_version
                then excluded.total_score else known.total_score end,
            score_version = greatest(known.score_version, excluded.score_version)",
    )
    .bind(customers.keys().copied().collect::<Vec<_>>())
    .bind(column(customers, |customer| customer.created.as_ref().map(|(region, _)| region.as_str())))
    .bind(column(customers, |customer| customer.created.as_ref().map(|(_, at)| *at)))
    .bind(column(customers, |customer| customer.score.value.0.as_str()))
    .bind(column(customers, |customer| (customer.score.version > 0).then_some(customer.score.value.1)))
    .bind(column(customers, |customer| customer.score.version))
    .execute(conn)
    .await?;
    Ok(())
}

pub(super) async fn upsert_products(
    conn: &mut PgConnection,
    products: &BTreeMap<String, Versioned<Product>>,
) -> sqlx::Result<()> {
    if products.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "-- upsert_products
        insert into product_dim as known (sku, product_id, name, category, brand, unit, status, version)
        select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                             $8::bigint[])
            as change (sku, product_id, name, category, brand, unit, status, version)
        order by sku collate \"C\"
        on conflict (sku) do update set
            product_id = excluded.product_id, name = excluded.name, category = excluded.category,
            brand = excluded.brand, unit = excluded.unit, status = excluded.status, version = excluded.version
        where excluded.version > known.version",
    )
    .bind(products.keys().map(String::as_str).collect::<Vec<_>>())
    .bind(column(products, |product| product.value.product_id))
    .bind(column(products, |product| product.value.name.as_str()))
    .bind(column(products, |product| product.value.category.as_str()))
    .bind(column(products, |product| product.value.brand.as_str()))
    .bind(column(products, |product| product.value.unit.as_str()))
    .bind(column(products, |product| product.value.status.as_str()))
    .bind(column(products, |product| product.version))
    .execute(conn)
    .await?;
    Ok(())
}
