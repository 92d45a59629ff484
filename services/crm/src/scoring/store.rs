//! The SQL of figures and scores.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::commands::{Cause, NewModel};
use super::domain::{Categories, Parameter};
use crate::error::Error;
use crate::orders::domain::Figures;

/// Figures and score of a customer.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The customer.
    pub customer_id: Uuid,
    /// Version of the aggregate.
    pub version: i64,
    /// Region code.
    pub region: String,
    /// Sums over the orders.
    pub figures: Figures,
    /// When the first order that counts was placed.
    pub first_order_at: Option<OffsetDateTime>,
    /// When the last order that counts was placed.
    pub last_order_at: Option<OffsetDateTime>,
    /// Total score; `None` before the first order.
    pub score: Option<Decimal>,
    /// Grade; empty before the first order.
    pub grade: String,
    /// Version of the model that gave it.
    pub model_version: i64,
    /// The moment it is for.
    pub scored_as_of: Option<OffsetDateTime>,
    /// The parameters.
    pub parameters: Vec<Parameter>,
    /// The categories bought most.
    pub categories: Categories,
    /// Score last recorded.
    pub recorded_score: Option<Decimal>,
    /// Grade last recorded.
    pub recorded_grade: String,
}

/// A row of `customer_figures`.
#[derive(sqlx::FromRow)]
pub(crate) struct KeptRow {
    customer_id: Uuid,
    version: i64,
    region: String,
    placed_orders: i64,
    orders: i64,
    successful_orders: i64,
    shipped_orders: i64,
    not_collected_orders: i64,
    other_currency_orders: i64,
    summed_orders: i64,
    returns: i64,
    defect_returns: i64,
    failed_shipments: i64,
    gross_sum: Decimal,
    discount_sum: Decimal,
    ordered_sum: Decimal,
    returned_sum: Decimal,
    margin_sum: Decimal,
    first_order_at: Option<OffsetDateTime>,
    last_order_at: Option<OffsetDateTime>,
    score: Option<Decimal>,
    grade: String,
    model_version: i64,
    scored_as_of: Option<OffsetDateTime>,
    parameters: Json<Vec<StoredParameter>>,
    categories: Json<Categories>,
    recorded_score: Option<Decimal>,
    recorded_grade: String,
}

/// A parameter as stored, without the names of its fields: number, value, score, weight, figures of the explanation.
type StoredParameter = (u8, Option<Decimal>, Decimal, Decimal, Vec<String>);

fn parameter((number, value, score, weight, figures): StoredParameter) -> Parameter {
    Parameter { number, value, score, weight, figures }
}

fn stored_parameters(parameters: &[Parameter]) -> serde_json::Result<String> {
    let stored = |it: &Parameter| (it.number, it.value, it.score, it.weight, it.figures.clone());
    serde_json::to_string::<Vec<StoredParameter>>(&parameters.iter().map(stored).collect())
}

impl From<KeptRow> for Kept {
    fn from(row: KeptRow) -> Self {
        Self {
            customer_id: row.customer_id,
            version: row.version,
            region: row.region,
            figures: Figures {
                placed_orders: row.placed_orders,
                orders: row.orders,
                successful_orders: row.successful_orders,
                shipped_orders: row.shipped_orders,
                not_collected_orders: row.not_collected_orders,
                other_currency_orders: row.other_currency_orders,
                summed_orders: row.summed_orders,
                returns: row.returns,
                defect_returns: row.defect_returns,
                failed_shipments: row.failed_shipments,
                gross_sum: row.gross_sum,
                discount_sum: row.discount_sum,
                ordered_sum: row.ordered_sum,
                returned_sum: row.returned_sum,
                margin_sum: row.margin_sum,
            },
            first_order_at: row.first_order_at,
            last_order_at: row.last_order_at,
            score: row.score,
            grade: row.grade,
            model_version: row.model_version,
            scored_as_of: row.scored_as_of,
            parameters: row.parameters.0.into_iter().map(parameter).collect(),
            categories: row.categories.0,
            recorded_score: row.recorded_score,
            recorded_grade: row.recorded_grade,
        }
    }
}

/// Locks the rows of customers in order of customer id.
pub(crate) async fn lock_figures(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Kept>, Error> {
    let rows: Vec<KeptRow> = sqlx::query_as(
        "-- lock_customer_figures
        select customer_id, version, region, placed_orders, orders, successful_orders, shipped_orders,
            not_collected_orders, other_currency_orders, summed_orders, returns, defect_returns, failed_shipments,
            gross_sum, discount_sum, ordered_sum, returned_sum, margin_sum, first_order_at, last_order_at, score,
            grade, model_version, scored_as_of, parameters, categories, recorded_score, recorded_grade
        from customer_figures where customer_id = any($1) order by customer_id for update",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Kept::from).collect())
}

/// One column of a batch.
fn column<'a, T>(rows: &'a [Kept], field: impl Fn(&'a Kept) -> T) -> Vec<T> {
    rows.iter().map(field).collect()
}

/// Writes rows, new ones and those that were locked before.
pub(crate) async fn write_figures(conn: &mut PgConnection, rows: &[Kept]) -> Result<(), Error> {
    sqlx::query(
        "-- write_customer_figures
        insert into customer_figures (customer_id, placed_orders, orders, successful_orders, shipped_orders,
            not_collected_orders, other_currency_orders, summed_orders, returns, defect_returns, failed_shipments,
            gross_sum, discount_sum, ordered_sum, returned_sum, margin_sum, version, region, first_order_at,
            last_order_at, score, grade, model_version, scored_as_of, parameters, categories, recorded_score,
            recorded_grade)
        select customer_id, placed_orders, orders, successful_orders, shipped_orders, not_collected_orders,
            other_currency_orders, summed_orders, returns, defect_returns, failed_shipments, gross_sum, discount_sum,
            ordered_sum, returned_sum, margin_sum, version, region, first_order_at, last_order_at, score, grade,
            model_version, scored_as_of, parameters::json, categories::json, recorded_score, recorded_grade
        from unnest($1::uuid[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[],
            $9::int8[], $10::int8[], $11::int8[], $12::numeric[], $13::numeric[], $14::numeric[], $15::numeric[],
            $16::numeric[], $17::int8[], $18::text[], $19::timestamptz[], $20::timestamptz[], $21::numeric[],
            $22::text[], $23::int8[], $24::timestamptz[], $25::text[], $26::text[], $27::numeric[], $28::text[])
            as r(customer_id, placed_orders, orders, successful_orders, shipped_orders, not_collected_orders,
                other_currency_orders, summed_orders, returns, defect_returns, failed_shipments, gross_sum,
                discount_sum, ordered_sum, returned_sum, margin_sum, version, region, first_order_at, last_order_at,
                score, grade, model_version, scored_as_of, parameters, categories, recorded_score, recorded_grade)
        on conflict (customer_id) do update set
            placed_orders = excluded.placed_orders, orders = excluded.orders,
            successful_orders = excluded.successful_orders, shipped_orders = excluded.shipped_orders,
            not_collected_orders = excluded.not_collected_orders,
            other_currency_orders = excluded.other_currency_orders, summed_orders = excluded.summed_orders,
            returns = excluded.returns, defect_returns = excluded.defect_returns,
            failed_shipments = excluded.failed_shipments, gross_sum = excluded.gross_sum,
            discount_sum = excluded.discount_sum, ordered_sum = excluded.ordered_sum,
            returned_sum = excluded.returned_sum, margin_sum = excluded.margin_sum, version = excluded.version,
            region = excluded.region, first_order_at = excluded.first_order_at,
            last_order_at = excluded.last_order_at, score = excluded.score, grade = excluded.grade,
            model_version = excluded.model_version, scored_as_of = excluded.scored_as_of,
            parameters = excluded.parameters, categories = excluded.categories,
            recorded_score = excluded.recorded_score, recorded_grade = excluded.recorded_grade",
    )
    .bind(column(rows, |row| row.customer_id))
    .bind(column(rows, |row| row.figures.placed_orders))
    .bind(column(rows, |row| row.figures.orders))
    .bind(column(rows, |row| row.figures.successful_orders))
    .bind(column(rows, |row| row.figures.shipped_orders))
    .bind(column(rows, |row| row.figures.not_collected_orders))
    .bind(column(rows, |row| row.figures.other_currency_orders))
    .bind(column(rows, |row| row.figures.summed_orders))
    .bind(column(rows, |row| row.figures.returns))
    .bind(column(rows, |row| row.figures.defect_returns))
    .bind(column(rows, |row| row.figures.failed_shipments))
    .bind(column(rows, |row| row.figures.gross_sum))
    .bind(column(rows, |row| row.figures.discount_sum))
    .bind(column(rows, |row| row.figures.ordered_sum))
    .bind(column(rows, |row| row.figures.returned_sum))
    .bind(column(rows, |row| row.figures.margin_sum))
    .bind(column(rows, |row| row.version))
    .bind(column(rows, |row| row.region.as_str()))
    .bind(column(rows, |row| row.first_order_at))
    .bind(column(rows, |row| row.last_order_at))
    .bind(column(rows, |row| row.score))
    .bind(column(rows, |row| row.grade.as_str()))
    .bind(column(rows, |row| row.model_version))
    .bind(column(rows, |row| row.scored_as_of))
    .bind(rows.iter().map(|row| stored_parameters(&row.parameters)).collect::<Result<Vec<_>, _>>()?)
    .bind(rows.iter().map(|row| serde_json::to_string(&row.categories)).collect::<Result<Vec<_>, _>>()?)
    .bind(column(rows, |row| row.recorded_score))
    .bind(column(rows, |row| row.recorded_grade.as_str()))
    .execute(conn)
    .await?;
    Ok(())
}

/// A change for the history.
pub(crate) struct ScoreChange {
    pub customer_id: Uuid,
    pub scored_at: OffsetDateTime,
    pub total: Decimal,
    pub previous_total: Option<Decimal>,
    pub grade: String,
    pub previous_grade: String,
    pub cause: Cause,
    pub model_version: i64,
    pub parameter_scores: Vec<Decimal>,
}

/// Adds to the history. The parameter scores travel as one text a row, because arrays of arrays must be rectangular.
pub(crate) async fn insert_changes(conn: &mut PgConnection, changes: &[ScoreChange]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let scores = |change: &ScoreChange| {
        let scores: Vec<String> = change.parameter_scores.iter().map(Decimal::to_string).collect();
        scores.join(",")
    };
    sqlx::query(
        "-- insert_score_changes
        insert into score_history (customer_id, scored_at, total, previous_total, grade, previous_grade, cause,
            cause_id, model_version, parameter_scores)
        select r.customer_id, r.scored_at, r.total, r.previous_total, r.grade, r.previous_grade, r.cause, r.cause_id,
            r.model_version, string_to_array(r.scores, ',')::numeric[]
        from unnest($1::uuid[], $2::timestamptz[], $3::numeric[], $4::numeric[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::int8[], $10::text[])
            as r(customer_id, scored_at, total, previous_total, grade, previous_grade, cause, cause_id,
                model_version, scores)",
    )
    .bind(changes.iter().map(|change| change.customer_id).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.scored_at).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.total).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.previous_total).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.grade.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.previous_grade.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.cause.kind.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.cause.id.as_str()).collect::<Vec<_>>())
    .bind(changes.iter().map(|change| change.model_version).collect::<Vec<_>>())
    .bind(changes.iter().map(scores).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Complaints and other inbound contacts of each customer that had any within a span.
pub(crate) async fn contact_loads(
    conn: &mut PgConnection,
    ids: &[Uuid],
    after: OffsetDateTime,
    until: OffsetDateTime,
) -> Result<Vec<(Uuid, i64, i64)>, Error> {
    Ok(sqlx::query_as(
        "-- contact_loads
        select customer_id, count(*) filter (where kind = 'complaint'),
            count(*) filter (where kind <> 'complaint' and direction = 'inbound')
        from contact_record
        where customer_id = any($1) and happened_at > $2 and happened_at <= $3
        group by customer_id",
    )
    .bind(ids)
    .bind(after)
    .bind(until)
    .fetch_all(conn)
    .await?)
}

/// Where the sweep is and when it goes on; locked.
pub(crate) async fn lock_sweep(conn: &mut PgConnection) -> Result<(Uuid, OffsetDateTime), Error> {
    Ok(sqlx::query_as("-- lock_score_sweep\nselect after_customer_id, resumes_at from score_sweep for update")
        .fetch_one(conn)
        .await?)
}

/// Moves the sweep.
pub(crate) async fn move_sweep(conn: &mut PgConnection, after: Uuid, resumes_at: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("-- move_score_sweep\nupdate score_sweep set after_customer_id = $1, resumes_at = $2")
        .bind(after)
        .bind(resumes_at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Stores a model.
pub(crate) async fn insert_model(
    conn: &mut PgConnection,
    version: i64,
    new: &NewModel,
    now: OffsetDateTime,
) -> Result<(), Error> {
    sqlx::query(
        "-- insert_score_model
        insert into score_model (version, model, comment, created_at, created_by) values ($1, $2, $3, $4, $5)",
    )
    .bind(version)
    .bind(Json(&new.model))
    .bind(&new.comment)
    .bind(now)
    .bind(&new.author)
    .execute(conn)
    .await?;
    Ok(())
}
