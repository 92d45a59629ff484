//! That every order acknowledged was stored once, reserved once, and counted once, and that nothing was oversold. By SQL,
//! past the services: they are not asked about themselves.

use std::collections::HashSet;

use load::orders::{Number, Orders};
use suite::services::Name;

use crate::Bench;

/// What services made of the orders, by database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only orders has run.
    Stored,
    /// Erp too.
    Reserved,
    /// Everybody.
    Everywhere,
}

impl Bench {
    /// Compares what was acknowledged with what is there; what does not fit goes to the report. Returns how many orders
    /// are stored.
    pub(crate) async fn exact(
        &mut self,
        figure: &str,
        orders: &Orders,
        acknowledged: &[Number],
        unknown: &[Number],
        reach: Reach,
    ) -> anyhow::Result<i64> {
        let mut faults = Vec::new();
        let mut conn = self.company.database(Name::Orders).await?;
        let stored: Vec<(String, String)> =
            sqlx::query_as("-- all_orders\nselect external_id, state from orders").fetch_all(&mut conn).await?;
        let numbers: HashSet<u64> = stored.iter().filter_map(|(id, _)| Some(orders.number(id)?.0)).collect();
        let lost = acknowledged.iter().filter(|number| !numbers.contains(&number.0)).count();
        if lost > 0 {
            faults.push(format!("{lost} orders were acknowledged and are not stored"));
        }
        let known: HashSet<u64> = acknowledged.iter().chain(unknown).map(|number| number.0).collect();
        let strange = numbers.iter().filter(|number| !known.contains(number)).count();
        if strange > 0 {
            faults.push(format!("{strange} orders are stored that nobody was told of"));
        }
        let held = stored.iter().filter(|(_, state)| state != "confirmed").count();
        if held > 0 {
            faults.push(format!("{held} orders were not confirmed"));
        }
        let all = stored.len() as i64;
        if reach != Reach::Stored {
            self.reserved(all, &mut faults).await?;
        }
        if reach == Reach::Everywhere {
            self.counted(all, &mut faults).await?;
        }
        self.report.faults.extend(faults.into_iter().map(|fault| format!("{figure}: {fault}")));
        Ok(all)
    }

    /// Every order reserved in full and once; no more reserved than is there; what items, balances and reservations say
    /// agrees.
    async fn reserved(&self, orders: i64, faults: &mut Vec<String>) -> anyhow::Result<()> {
        let mut conn = self.company.database(Name::Erp).await?;
        let (demands, lines, short): (i64, i64, i64) = sqlx::query_as(
            "-- demands
            select (select count(*) from demand), count(*), count(*) filter (where reserved <> ordered) from demand_line",
        )
        .fetch_one(&mut conn)
        .await?;
        if (demands, short) != (orders, 0) {
            faults
                .push(format!("{orders} orders are stored, erp has {demands}; {short} of {lines} lines not reserved"));
        }
        let wrong: i64 = sqlx::query_scalar(
            "-- oversold
            select count(*) from stock_item i
            left join (select sku, sum(quantity) q from reservation where state = 'active' group by sku) r using (sku)
            left join (select sku, sum(reserved) q, sum(on_hand) h from stock_balance group by sku) b using (sku)
            where i.reserved > i.on_hand or i.reserved <> coalesce(r.q, 0) or i.reserved <> coalesce(b.q, 0)
               or i.on_hand <> coalesce(b.h, 0)",
        )
        .fetch_one(&mut conn)
        .await?;
        if wrong > 0 {
            faults.push(format!("{wrong} goods are oversold or counted differently in two places"));
        }
        Ok(())
    }

    async fn counted(&self, orders: i64, faults: &mut Vec<String>) -> anyhow::Result<()> {
        let places = [
            (
                Name::Crm,
                "-- crm_orders\nselect count(*) from order_fact where placed_at is not null and customer_id is not null",
            ),
            (
                Name::Kpi,
                "-- kpi_orders\nselect count(*) from order_fact where placed_at is not null and customer_id is not null",
            ),
            (Name::Tasks, "-- tasks_causes\nselect count(*) from task"),
            (Name::Orders, "-- orders_reserved\nselect count(*) from orders where fulfilment_state = 'reserved'"),
        ];
        for (name, sql) in places {
            let mut conn = self.company.database(name).await?;
            let count: i64 = sqlx::query_scalar(sql).fetch_one(&mut conn).await?;
            if count != orders {
                faults.push(format!("{orders} orders are stored, {} has {count} of them", name.word()));
            }
        }
        Ok(())
    }

    /// Deadlocks in all databases so far.
    pub(crate) async fn deadlocks(&self) -> anyhow::Result<i64> {
        let mut conn = self.company.database(Name::Erp).await?;
        let count = sqlx::query_scalar("-- deadlocks\nselect sum(deadlocks)::bigint from pg_stat_database");
        Ok(count.fetch_one(&mut conn).await?)
    }
}
