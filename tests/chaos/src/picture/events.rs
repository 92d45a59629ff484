//! Outboxes and inboxes by SQL, for looking only: that no event was lost can be seen nowhere else.

use anyhow::Context as _;
use load::company::Company;
use proto::messaging::v1::{GetStatusRequest, GetStatusResponse};
use suite::bulk::quiet::SERVICES;
use suite::client::api::Api;
use suite::services::Name;

use super::{Events, Published, Taken};

#[derive(sqlx::FromRow)]
struct OutboxRow {
    event_id: String,
    event_name: String,
    aggregate: String,
    version: i64,
    stream_seq: Option<i64>,
}

/// Reads all of them.
pub(crate) async fn read(company: &Company, staff: &Api) -> anyhow::Result<Events> {
    let mut events = Events::default();
    for name in Name::ALL.into_iter().filter(|name| name.has_database()) {
        let mut conn = company.database(name).await?;
        let rows: Vec<OutboxRow> = sqlx::query_as(
            "-- chaos_outbox
            with sent as (
                select s.outbox_id, max(s.seq) as stream_seq
                from outbox_batch, unnest(outbox_ids, stream_seqs) as s (outbox_id, seq) group by s.outbox_id
            )
            select event_id::text as event_id, event_name, aggregate_type || ' ' || aggregate_id as aggregate, version,
                stream_seq
            from outbox left join sent using (outbox_id) order by outbox_id",
        )
        .fetch_all(&mut conn)
        .await
        .with_context(|| format!("the outbox of {} cannot be read", name.word()))?;
        let published = rows.into_iter().map(|row| Published {
            event_id: row.event_id,
            name: row.event_name,
            aggregate: row.aggregate,
            version: row.version,
            seq: row.stream_seq,
        });
        events.outboxes.insert(name.word().to_owned(), published.collect());
        let taken: Vec<(String, String)> = sqlx::query_as(
            "-- chaos_inbox\nselect consumer, id::text from inbox, unnest(event_ids) as id order by 1, 2",
        )
        .fetch_all(&mut conn)
        .await?;
        if !SERVICES.contains(&name.word()) {
            continue;
        }
        let request = GetStatusRequest { service: name.word().to_owned() };
        let status: GetStatusResponse =
            staff.call("shopfloor.messaging.v1.MessagingService/GetStatus", &request).await?;
        for consumer in status.consumers {
            let own = taken.iter().filter(|(name, _)| *name == consumer.consumer);
            let event_ids = own.map(|(_, event_id)| event_id.clone()).collect();
            events.inboxes.push(Taken { consumer: consumer.consumer, source: consumer.source, event_ids });
        }
    }
    Ok(events)
}
