//! The SQL of reading scores.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::domain::Model;
use super::store::{Kept, KeptRow};
use crate::error::Error;

/// Where a model comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Why it was made.
    pub comment: String,
    /// When; `None` for the initial one.
    pub created_at: Option<OffsetDateTime>,
    /// By whom.
    pub created_by: String,
}

type ModelRow = (i64, Json<Model>, String, OffsetDateTime, String);

fn model_of(row: ModelRow) -> (Origin, i64, Model) {
    (Origin { comment: row.2, created_at: Some(row.3), created_by: row.4 }, row.0, row.1.0)
}

fn initial_model() -> (Origin, i64, Model) {
    (Origin { comment: "initial".to_owned(), ..Origin::default() }, 1, Model::initial())
}

/// The present model; the initial one, version 1, until another was put.
pub(crate) async fn current_model(conn: &mut PgConnection) -> Result<(Origin, i64, Model), Error> {
    let row: Option<ModelRow> = sqlx::query_as(
        "-- current_score_model
        select version, model, comment, created_at, created_by from score_model order by version desc limit 1",
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map_or_else(initial_model, model_of))
}

/// A version of the model.
pub(crate) async fn model(conn: &mut PgConnection, version: i64) -> Result<Option<(Origin, i64, Model)>, Error> {
    if version == 1 {
        return Ok(Some(initial_model()));
    }
    let row: Option<ModelRow> = sqlx::query_as(
        "-- score_model_by_version
        select version, model, comment, created_at, created_by from score_model where version = $1",
    )
    .bind(version)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(model_of))
}

/// Figures and score of a customer.
pub(crate) async fn kept(conn: &mut PgConnection, customer_id: Uuid) -> Result<Option<Kept>, Error> {
    let row: Option<KeptRow> = sqlx::query_as(
        "-- customer_figures_by_id
        select customer_id, version, region, placed_orders, orders, successful_orders, shipped_orders,
            not_collected_orders, other_currency_orders, summed_orders, returns, defect_returns, failed_shipments,
            gross_sum, discount_sum, ordered_sum, returned_sum, margin_sum, first_order_at, last_order_at, score,
            grade, model_version, scored_as_of, parameters, categories, recorded_score, recorded_grade
        from customer_figures where customer_id = $1",
    )
    .bind(customer_id)
    .fetch_optional(conn)
    .await?;
    Ok(row.map(Kept::from))
}

/// The next customers.
pub(crate) async fn customers_after(conn: &mut PgConnection, after: Uuid, limit: i64) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "-- customers_after
        select customer_id from customer_figures where customer_id > $1 order by customer_id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// The next customers with the moment and the model of their score.
pub(crate) async fn scored_after(
    conn: &mut PgConnection,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, Option<OffsetDateTime>, i64)>, Error> {
    Ok(sqlx::query_as(
        "-- scored_customers_after
        select customer_id, scored_as_of, model_version from customer_figures
        where customer_id > $1 order by customer_id limit $2",
    )
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// A row of the history.
#[derive(sqlx::FromRow)]
pub(crate) struct ChangeRow {
    pub change_id: i64,
    pub scored_at: OffsetDateTime,
    pub total: Decimal,
    pub previous_total: Option<Decimal>,
    pub grade: String,
    pub previous_grade: String,
    pub cause: String,
    pub cause_id: String,
    pub model_version: i64,
    pub parameter_scores: Vec<Decimal>,
}

/// The changes of a customer's score, the newest first.
pub(crate) async fn history(
    conn: &mut PgConnection,
    customer_id: Uuid,
    before: Option<i64>,
    limit: i64,
) -> Result<Vec<ChangeRow>, Error> {
    Ok(sqlx::query_as(
        "-- score_history_of_customer
        select change_id, scored_at, total, previous_total, grade, previous_grade, cause, cause_id, model_version,
            parameter_scores
        from score_history
        where customer_id = $1 and ($2::int8 is null or change_id < $2)
        order by change_id desc
        limit $3",
    )
    .bind(customer_id)
    .bind(before)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
