//! The SQL of reading cards.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::Error;
use crate::scoring::store::{Kept, KeptRow};

/// Who a customer is.
#[derive(sqlx::FromRow)]
pub(crate) struct Identity {
    pub customer_id: Uuid,
    pub name: String,
    pub source: String,
    pub created_at: OffsetDateTime,
    pub revision: i64,
    pub erased_at: Option<OffsetDateTime>,
    pub tags: Vec<String>,
}

/// A contact of a customer.
#[derive(sqlx::FromRow)]
pub(crate) struct ContactView {
    pub customer_id: Uuid,
    pub contact_id: Uuid,
    pub kind: String,
    pub value: String,
    pub added_at: OffsetDateTime,
}

/// A card. Of the score it has total and grade, not the parameters.
pub(crate) struct Card {
    pub identity: Identity,
    pub kept: Kept,
    /// `None` when not asked for.
    pub contacts: Option<Vec<ContactView>>,
}

/// Makes sure that there is such a customer.
pub(crate) async fn require(conn: &mut PgConnection, customer_id: Uuid) -> Result<(), Error> {
    let found: Option<i32> = sqlx::query_scalar("-- customer_exists\nselect 1 from customer where customer_id = $1")
        .bind(customer_id)
        .fetch_optional(conn)
        .await?;
    found.map(|_| ()).ok_or(Error::CustomerUnknown(customer_id))
}

/// A row of a card.
#[derive(sqlx::FromRow)]
struct CardRow {
    #[sqlx(flatten)]
    identity: Identity,
    #[sqlx(flatten)]
    kept: KeptRow,
}

/// The card of one customer.
pub(crate) async fn card(conn: &mut PgConnection, customer_id: Uuid, contacts: bool) -> Result<Card, Error> {
    cards(conn, &[customer_id], contacts).await?.pop().ok_or(Error::CustomerUnknown(customer_id))
}

/// Cards in the order of the ids; unknown ones are left out.
pub(crate) async fn cards(conn: &mut PgConnection, ids: &[Uuid], contacts: bool) -> Result<Vec<Card>, Error> {
    let rows: Vec<CardRow> = sqlx::query_as(
        "-- customers_by_id
        select c.customer_id, c.name, c.source, c.created_at, c.revision, c.erased_at,
            array(select t.tag from customer_tag t where t.customer_id = c.customer_id order by t.tag) as tags,
            f.version, f.region, f.placed_orders, f.orders, f.successful_orders, f.shipped_orders,
            f.not_collected_orders, f.other_currency_orders, f.summed_orders, f.returns, f.defect_returns,
            f.failed_shipments, f.gross_sum, f.discount_sum, f.ordered_sum, f.returned_sum, f.margin_sum,
            f.first_order_at, f.last_order_at, f.score, f.grade, f.model_version, f.scored_as_of,
            '[]'::json as parameters, '[]'::json as categories, f.recorded_score, f.recorded_grade
        from customer c join customer_figures f on f.customer_id = c.customer_id
        where c.customer_id = any($1)",
    )
    .bind(ids)
    .fetch_all(&mut *conn)
    .await?;
    let mut lists: HashMap<Uuid, Vec<ContactView>> = HashMap::new();
    if contacts {
        for contact in contacts_of(conn, ids).await? {
            lists.entry(contact.customer_id).or_default().push(contact);
        }
    }
    let mut found: HashMap<Uuid, CardRow> = rows.into_iter().map(|row| (row.identity.customer_id, row)).collect();
    let card = |id: &Uuid| {
        let contacts = contacts.then(|| lists.remove(id).unwrap_or_default());
        let row = found.remove(id)?;
        Some(Card { identity: row.identity, kept: row.kept.into(), contacts })
    };
    Ok(ids.iter().filter_map(card).collect())
}

async fn contacts_of(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<ContactView>, Error> {
    Ok(sqlx::query_as(
        "-- contacts_of_customers
        select customer_id, contact_id, kind, value, added_at from customer_contact
        where customer_id = any($1) order by customer_id, added_at, contact_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?)
}

/// Which customers are listed; empty texts do not matter.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub tag: String,
    pub region: String,
    pub grade: String,
}

/// Ids of customers, the newest first. The rarest condition given leads: tag, then grade, then region.
pub(crate) async fn list(
    conn: &mut PgConnection,
    filter: &Filter,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Uuid>, Error> {
    let query = if !filter.tag.is_empty() {
        sqlx::query_scalar(
            "-- customers_by_tag
            select t.customer_id from customer_tag t join customer_figures f using (customer_id)
            where t.tag = $1 and ($2 = '' or f.grade = $2) and ($3 = '' or f.region = $3)
              and ($4::uuid is null or t.customer_id < $4)
            order by t.customer_id desc limit $5",
        )
    } else if !filter.grade.is_empty() {
        sqlx::query_scalar(
            "-- customers_by_grade
            select customer_id from customer_figures
            where $1 = '' and grade = $2 and ($3 = '' or region = $3) and ($4::uuid is null or customer_id < $4)
            order by customer_id desc limit $5",
        )
    } else if !filter.region.is_empty() {
        sqlx::query_scalar(
            "-- customers_by_region
            select customer_id from customer_figures
            where $1 = '' and $2 = '' and region = $3 and ($4::uuid is null or customer_id < $4)
            order by customer_id desc limit $5",
        )
    } else {
        sqlx::query_scalar(
            "-- customers_newest
            select customer_id from customer_figures
            where $1 = '' and $2 = '' and $3 = '' and ($4::uuid is null or customer_id < $4)
            order by customer_id desc limit $5",
        )
    };
    Ok(query
        .bind(&filter.tag)
        .bind(&filter.grade)
        .bind(&filter.region)
        .bind(before)
        .bind(limit)
        .fetch_all(conn)
        .await?)
}

/// Who has this contact.
pub(crate) async fn by_contact(conn: &mut PgConnection, kind: &str, value: &str) -> Result<Vec<Uuid>, Error> {
    Ok(sqlx::query_scalar(
        "-- customers_by_contact
        select customer_id from customer_contact
        where kind = $1 and value = $2 and kind in ('phone', 'email', 'messenger', 'account')",
    )
    .bind(kind)
    .bind(value)
    .fetch_all(conn)
    .await?)
}

/// Customers whose name begins with, contains or resembles a text, the best match first; of a name that thousands share,
/// the best of some thousands. Sets how much alike words must be for the rest of the transaction: one wrong letter in a
/// word of nine is forgiven.
pub(crate) async fn by_name(conn: &mut PgConnection, text: &str, limit: i64) -> Result<Vec<Uuid>, Error> {
    sqlx::query("-- forgive_slips\nselect set_config('pg_trgm.word_similarity_threshold', '0.45', true)")
        .execute(&mut *conn)
        .await?;
    Ok(sqlx::query_scalar(
        r"-- customers_by_name
        with alike as (
            (select customer_id, name_search from customer
            where name_search like '%' || replace(replace(replace($1, '\', '\\'), '%', '\%'), '_', '\_') || '%'
            limit 5000)
            union
            (select customer_id, name_search from customer where $1 <% name_search limit 5000))
        select customer_id from alike
        order by starts_with(name_search, $1) desc, word_similarity($1, name_search) desc, customer_id
        limit $2",
    )
    .bind(text)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// A merge candidate.
#[derive(sqlx::FromRow)]
pub(crate) struct CandidateRow {
    pub older_customer_id: Uuid,
    pub newer_customer_id: Uuid,
    pub reason: String,
    pub order_id: Uuid,
    pub found_at: OffsetDateTime,
}

/// Merge candidates, the newest first.
pub(crate) async fn merge_candidates(
    conn: &mut PgConnection,
    before: Option<(OffsetDateTime, Uuid, Uuid)>,
    limit: i64,
) -> Result<Vec<CandidateRow>, Error> {
    let (at, older, newer) = before.map_or((None, None, None), |(at, a, b)| (Some(at), Some(a), Some(b)));
    Ok(sqlx::query_as(
        "-- merge_candidates_newest
        select older_customer_id, newer_customer_id, reason, order_id, found_at from merge_candidate
        where $1::timestamptz is null
           or (found_at, older_customer_id, newer_customer_id) < ($1, $2::uuid, $3::uuid)
        order by found_at desc, older_customer_id desc, newer_customer_id desc
        limit $4",
    )
    .bind(at)
    .bind(older)
    .bind(newer)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
