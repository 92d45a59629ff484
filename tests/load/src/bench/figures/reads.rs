//! Reads by id through the gateway, by staff.

use std::time::Duration;

use load::company::SUITE;
use load::drive;
use load::goods::Goods;
use load::scripts::{Read, door};
use suite::services::Name;

use crate::Bench;
use crate::floors::Floor;
use crate::report::Row;

/// Connections, as many as pgbench has clients.
const CONNECTIONS: usize = 32;

pub(super) async fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    if bench.company.process(SUITE, 0).is_err() || bench.loads == 0 {
        bench.fresh(SUITE, &Name::ALL).await?;
    }
    let ids = |name, sql| {
        let company = &bench.company;
        async move {
            let mut conn = company.database(name).await?;
            anyhow::Ok(sqlx::query_scalar::<_, String>(sql).fetch_all(&mut conn).await?)
        }
    };
    let mut orders = ids(Name::Orders, "-- some_orders\nselect id::text from orders limit 20000").await?;
    if orders.is_empty() {
        let (source, mut seen) = (bench.orders(), (Vec::new(), Vec::new()));
        super::intake::push_one(bench, &source, 16, &mut seen).await?;
        bench.company.quiet(Duration::from_secs(240)).await?;
        let mut conn = bench.company.database(Name::Orders).await?;
        orders =
            sqlx::query_scalar("-- some_orders\nselect id::text from orders limit 20000").fetch_all(&mut conn).await?;
    }
    let customers = {
        let mut conn = bench.company.database(Name::Crm).await?;
        sqlx::query_scalar::<_, String>("-- some_customers\nselect customer_id::text from customer limit 20000")
            .fetch_all(&mut conn)
            .await?
    };
    let path = |start: &str, ids: Vec<String>| ids.into_iter().map(|id| format!("{start}{id}")).collect::<Vec<_>>();
    let goods: Vec<_> = (0..bench.goods.count).map(Goods::sku).collect();
    let reads = [
        ("read an order", path("/v1/orders/", orders)),
        ("read a customer", path("/v1/customers/", customers)),
        ("read the stock of a good", path("/v1/erp/stock/", goods)),
    ];
    let floor = bench.floors.sample(Floor::S).await?;
    for (name, paths) in reads {
        anyhow::ensure!(!paths.is_empty(), "there is nothing to read for {name}");
        let authorization = format!("authorization: Bearer {}", bench.company.token()?);
        let scripts = Read::many(CONNECTIONS, &paths, &authorization);
        let shares = bench.shares().await?;
        let (outcome, _) =
            drive::closed(door(&bench.company)?, scripts, bench.plan.load.min(Duration::from_secs(8))).await?;
        let shares = shares.until(&bench.shares().await?, outcome.done);
        anyhow::ensure!(outcome.done > 0, "{name}: nothing was read: {:?} {:?}", outcome.statuses, outcome.errors);
        bench.report.note(format!("{name}, {}; {shares}", super::intake::words(CONNECTIONS, "reads", &outcome)))?;
        bench.report.row(Row::at_least(name, outcome.rate(), "reads/s", ("S", floor), 0.5))?;
    }
    Ok(())
}
